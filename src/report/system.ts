/** What is said of systems: their instances as a table, and the document behind `--json`. */
import type { InstanceStatus } from '../contract/running-system.js'
import type { InstanceState } from '../result/run-event.js'
import type { Cell, Document, Section, Tone } from './document.js'

export interface SystemReport {
  readonly id: string
  readonly topology: { readonly name: string; readonly file: string; readonly digest: string }
  readonly purpose: 'up' | 'run' | 'demo'
  /** `lost`: its owner ended without undoing it. */
  readonly state: 'up' | 'starting' | 'lost'
  readonly entries: Readonly<Record<string, string>>
  readonly instances: readonly InstanceStatus[]
}

const tones: Readonly<Record<InstanceState, Tone>> = {
  ready: 'good',
  starting: 'dim',
  paused: 'bad',
  crashed: 'bad',
  stopped: 'bad',
}

const rowOf = (instance: InstanceStatus): readonly Cell[] => [
  instance.id,
  { text: instance.state, tone: tones[instance.state] },
  instance.addresses.join(' '),
  String(instance.restarts),
  instance.pids.join(' '),
]

const linesOf = (system: SystemReport): readonly Cell[] => {
  if (system.state === 'lost')
    return [{ text: 'its owner is gone (killed); plimsoll down removes what is left of it', tone: 'bad' }]
  if (system.state === 'starting') return [{ text: 'starting', tone: 'dim' }]
  return Object.entries(system.entries).map(([component, url]) => `requests enter at ${url} (${component})`)
}

const standingOf = ({ state, purpose }: SystemReport): string => {
  if (state === 'lost') return 'left behind'
  return purpose === 'up' ? 'up' : `started by ${purpose}`
}

const sectionOf = (system: SystemReport): Section => ({
  title: `${system.topology.name} (${system.id}, ${standingOf(system)})`,
  ...(system.instances.length === 0
    ? {}
    : {
        table: {
          columns: [
            { name: 'instance', align: 'left' },
            { name: 'state', align: 'left' },
            { name: 'listens on', align: 'left' },
            { name: 'restarts', align: 'right', optional: true },
            { name: 'pid', align: 'left', optional: true },
          ],
          rows: system.instances.map(rowOf),
        },
      }),
  lines: linesOf(system),
})

export const systemsDocument = (systems: readonly SystemReport[]): Document => ({
  title: systems.length === 0 ? 'nothing is up' : `${systems.length === 1 ? '1 system' : `${systems.length} systems`}`,
  sections: systems.map(sectionOf),
})
