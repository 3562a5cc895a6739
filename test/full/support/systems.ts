/** Systems that the built program runs in containers, in a work place. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { httpGet } from '../../../src/catalog/common/live-http.js'
import type { InstanceStatus } from '../../../src/contract/running-system.js'
import type { RunResult } from '../../../src/result/run-result.js'
import type { Workplace } from '../../live/support/cli.js'
import { leftBehind, nothing, snapshot } from '../../live/support/leftovers.js'
import { added, holdings, nothingAdded } from './docker.js'

export interface System {
  readonly id: string
  readonly entries: Readonly<Record<string, string>>
  readonly placement: RunResult['placement']
  readonly instances: readonly InstanceStatus[]
}

export const systemsIn = (place: Workplace) => {
  const had = holdings()
  const before = snapshot(place.base)
  return {
    /** What Docker had before. */
    had,
    up: async (topology = 'api/topology.yaml'): Promise<System & { readonly stderr: string }> => {
      const { code, stdout, stderr } = await place.run('up', topology, '--runtime', 'compose', '--json')
      expect(code, stderr).toBe(0)
      return { ...(JSON.parse(stdout) as System), stderr }
    },
    instances: async (): Promise<ReadonlyMap<string, InstanceStatus>> => {
      const { systems } = JSON.parse((await place.run('status', '--json')).stdout) as { systems: readonly System[] }
      return new Map(systems.flatMap((system) => system.instances.map((instance) => [instance.id, instance] as const)))
    },
    /** Processes that own the systems in the ledger. */
    owners: (): readonly number[] => {
      const ledger = join(place.folder, '.plimsoll', 'ledger')
      if (!existsSync(ledger)) return []
      return readdirSync(ledger)
        .filter((name) => name.endsWith('.json'))
        .flatMap(
          (name) =>
            (JSON.parse(readFileSync(join(ledger, name), 'utf8')) as { owner: { pid: number } | null }).owner?.pid ??
            [],
        )
    },
    /** `down` leaves no container, network, volume, process or folder. */
    expectNothing: async (): Promise<void> => {
      expect(await place.run('down')).toMatchObject({ code: 0 })
      expect(added(had)).toEqual(nothingAdded)
      expect(await leftBehind(before, place.base)).toEqual(nothing)
    },
  }
}

/** Status of the answer. */
export const get = async (url: string, path: string): Promise<number> => {
  const { hostname, port } = new URL(url)
  return (await httpGet(hostname, Number(port), path, 5)).status
}

export const sleep = (seconds: number): Promise<void> => new Promise((done) => setTimeout(done, seconds * 1000))
