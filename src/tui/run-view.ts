/**
 * What the dashboard knows of a run: a fold over its events, so that a simulation, a live run, its replay and a step back in
 * time are one and the same.
 */
import { eventLine } from '../report/progress.js'
import type { InstanceState, RunEvent, SecondEvent } from '../result/run-event.js'
import { type Moment, momentOf } from './moment.js'
import { recentSeconds } from './statistics.js'

type Started = Extract<RunEvent, { type: 'started' }>
type Ended = Extract<RunEvent, { type: 'ended' }>

export interface FaultMark {
  /** Index into the experiment's faults. */
  readonly fault: number
  /** `kill app/0`. */
  readonly what: string
  readonly injectedAt: number
  /** Undefined: in force. */
  readonly undoneAt: number | undefined
}

export interface LogLine {
  readonly text: string
  /** Something broke, or could not be done. */
  readonly isBad: boolean
}

export interface RunView {
  readonly started: Started | undefined
  /** Of the last event, in seconds of the run. */
  readonly at: number
  readonly phase: Extract<RunEvent, { type: 'phase' }>['phase'] | undefined
  readonly moments: readonly Moment[]
  /** The seconds that current values are taken of. */
  readonly recent: readonly SecondEvent[]
  readonly faults: readonly FaultMark[]
  /** Instances that are not ready, as far as was told. */
  readonly states: ReadonlyMap<string, InstanceState>
  /** Replicas that a component was scaled to. */
  readonly replicas: ReadonlyMap<string, number>
  /** By `component.pool`: requests that gave up waiting for a connection, from the start on. */
  readonly poolTimeouts: ReadonlyMap<string, number>
  readonly log: readonly LogLine[]
  readonly ended: Ended['status'] | undefined
  /** Why it was aborted. */
  readonly reason: string | undefined
}

export const emptyView: RunView = {
  started: undefined,
  at: 0,
  phase: undefined,
  moments: [],
  recent: [],
  faults: [],
  states: new Map(),
  replicas: new Map(),
  poolTimeouts: new Map(),
  log: [],
  ended: undefined,
  reason: undefined,
}

/** Lines of the log that are kept. */
const longestLog = 500

type Folding<T> = T extends readonly (infer Item)[]
  ? Item[]
  : T extends ReadonlyMap<infer Key, infer Value>
    ? Map<Key, Value>
    : T

/** A view that is being folded: its lists are its own. */
type Draft = { -readonly [K in keyof RunView]: Folding<RunView[K]> }

/** Copies once for all of `events`. */
export const advance = (view: RunView, events: readonly RunEvent[]): RunView => {
  if (events.length === 0) return view
  const draft = copyOf(view)
  for (const event of events) apply(draft, event)
  draft.log.splice(0, draft.log.length - longestLog)
  return draft
}

const copyOf = (view: RunView): Draft => ({
  ...view,
  moments: [...view.moments],
  recent: [...view.recent],
  faults: [...view.faults],
  states: new Map(view.states),
  replicas: new Map(view.replicas),
  poolTimeouts: new Map(view.poolTimeouts),
  log: [...view.log],
})

/** What no event tells: how the launch goes, what the user should know. */
export const withNote = (view: RunView, text: string, isBad = false): RunView => ({
  ...view,
  log: [...view.log, { text: oneLine(text), isBad }].slice(-longestLog),
})

const apply = (draft: Draft, event: RunEvent): void => {
  draft.at = Math.max(draft.at, event.at)
  note(draft, event)
  switch (event.type) {
    case 'started':
      // Of several runs, one after the other, the last is shown; what happened in the others is told still.
      if (draft.started !== undefined) Object.assign(draft, copyOf({ ...emptyView, log: draft.log }))
      draft.started = event
      return
    case 'phase':
      draft.phase = event.phase
      return
    case 'second':
      draft.moments.push(momentOf(event))
      draft.recent = [...recentSeconds([...draft.recent, event], event.at)]
      countTimeouts(draft, event)
      return
    case 'fault':
      mark(draft, event)
      return
    case 'instance':
      if (event.state === 'ready') draft.states.delete(event.instance)
      else draft.states.set(event.instance, event.state)
      return
    case 'scaled':
      draft.replicas.set(event.component, event.to)
      return
    case 'aborted':
      draft.reason = event.reason
      return
    case 'ended':
      draft.ended = event.status
  }
}

const mark = (draft: Draft, event: Extract<RunEvent, { type: 'fault' }>): void => {
  if (event.phase === 'injected') {
    const what = `${event.kind} ${event.target}`
    draft.faults.push({ fault: event.fault, what, injectedAt: event.at, undoneAt: undefined })
  }
  if (event.phase === 'undone')
    draft.faults = draft.faults.map((fault) =>
      fault.fault === event.fault && fault.undoneAt === undefined ? { ...fault, undoneAt: event.at } : fault,
    )
}

const countTimeouts = (draft: Draft, { components }: SecondEvent): void => {
  for (const [component, { pools = {} }] of Object.entries(components))
    for (const [pool, { timeouts = 0 }] of Object.entries(pools)) {
      const id = `${component}.${pool}`
      draft.poolTimeouts.set(id, (draft.poolTimeouts.get(id) ?? 0) + timeouts)
    }
}

const note = (draft: Draft, event: RunEvent): void => {
  const text = eventLine(event, draft.faults.findLast(({ undoneAt }) => undoneAt === undefined)?.injectedAt)
  if (text !== undefined) draft.log.push({ text: oneLine(text), isBad: isBad(event) })
}

const badStates: ReadonlySet<InstanceState> = new Set(['crashed', 'stopped', 'paused'])

const isBad = (event: RunEvent): boolean =>
  event.type === 'aborted' ||
  event.type === 'detected' ||
  (event.type === 'fault' && event.phase !== 'undone') ||
  (event.type === 'instance' && badStates.has(event.state))

/** Text from elsewhere must not move the cursor. */
const oneLine = (text: string): string => text.trimEnd().replace(/\p{Cc}+/gu, ' ')
