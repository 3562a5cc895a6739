/** All that a picture of the dashboard is made of, and what is to be read from it, measured and predicted. */
import { instancesOf } from '../result/capacity.js'
import type { SecondEvent } from '../result/run-event.js'
import type { RunResult } from '../result/run-result.js'
import type { Prediction } from './prediction.js'
import type { RunView } from './run-view.js'
import type { Selection } from './selection.js'
import {
  type ClassStatistics,
  type ComponentStatistics,
  classInAll,
  classOver,
  componentInAll,
  componentOver,
  hostOver,
} from './statistics.js'
import type { Style } from './style.js'

export type Mode =
  /** `owns`: it goes on, and leaving ends it; else it is over, or only watched. */
  | { readonly kind: 'live'; readonly owns: boolean }
  | { readonly kind: 'replay'; readonly isPlaying: boolean; readonly speed: number }

export interface Frame {
  readonly view: RunView
  readonly mode: Mode
  /** Of the run that is shown, once it is over and the picture is that of its end. */
  readonly result: RunResult | undefined
  readonly prediction: Prediction | undefined
  readonly selection: Selection
  /** What is going on beside the run: `undoing faults`. */
  readonly activity: string | undefined
  readonly style: Style
}

export interface Pair<T> {
  readonly measured: T | undefined
  readonly predicted: T | undefined
}

export type Resource =
  | { readonly kind: 'component' | 'host'; readonly id: string }
  | { readonly kind: 'generator'; readonly id: 'generator' }

const isWhole = ({ view, result }: Frame): boolean => result !== undefined && view.ended !== undefined

/** What values are of: `last 5 s`, or `whole run`. */
export const spanText = (frame: Frame): string => (isWhole(frame) ? 'whole run' : 'last 5 s')

/** `all` first, then the others as they came. */
export const classIds = ({ view, prediction }: Frame): readonly string[] => {
  const ids = Object.keys((view.moments.at(-1) ?? prediction?.moments[0])?.classes ?? {})
  return [...ids.filter((id) => id === 'all'), ...ids.filter((id) => id !== 'all')]
}

export const resources = ({ view }: Frame): readonly Resource[] => {
  const last = view.recent.at(-1)
  if (last === undefined) return []
  // A system that could not be sampled in the last second still has its components.
  const known = view.recent.findLast(({ components }) => Object.keys(components).length > 0) ?? last
  return [
    ...Object.keys(known.components).map((id) => ({ kind: 'component', id }) as const),
    ...Object.keys(known.hosts).map((id) => ({ kind: 'host', id }) as const),
    { kind: 'generator', id: 'generator' },
  ]
}

/** Until the list of seconds is another one, its statistics are the same. */
const remembered = <T>(compute: (seconds: readonly SecondEvent[], id: string) => T) => {
  const memory = new WeakMap<readonly SecondEvent[], Map<string, T>>()
  return (seconds: readonly SecondEvent[], id: string): T => {
    const ofSeconds = memory.get(seconds) ?? new Map<string, T>()
    memory.set(seconds, ofSeconds)
    const value = ofSeconds.get(id) ?? compute(seconds, id)
    ofSeconds.set(id, value)
    return value
  }
}

const classOverRemembered = remembered(classOver)
const componentOverRemembered = remembered(componentOver)

const predictedSeconds = ({ view, prediction }: Frame): readonly SecondEvent[] =>
  prediction?.recent(view.moments.at(-1)?.at ?? 0) ?? []

export const classPair = (frame: Frame, id: string): Pair<ClassStatistics> => {
  const { view, result, prediction } = frame
  if (isWhole(frame)) {
    const [measured, predicted] = [result?.requests[id], prediction?.result.requests[id]]
    return { measured: measured && classInAll(measured), predicted: predicted && classInAll(predicted) }
  }
  return {
    measured: classOverRemembered(view.recent, id),
    predicted: classOverRemembered(predictedSeconds(frame), id),
  }
}

export const componentPair = (frame: Frame, id: string): Pair<ComponentStatistics> => {
  const { view, result, prediction } = frame
  if (isWhole(frame)) {
    const [measured, predicted] = [result?.components[id], prediction?.result.components[id]]
    return { measured: measured && componentInAll(measured), predicted: predicted && componentInAll(predicted) }
  }
  return {
    measured: componentOverRemembered(view.recent, id),
    predicted: componentOverRemembered(predictedSeconds(frame), id),
  }
}

/** Utilization of its cores. */
export const hostPair = (frame: Frame, id: string): Pair<number> => {
  const { view, result, prediction } = frame
  if (isWhole(frame))
    return {
      measured: result?.hosts[id]?.utilization.cpu,
      predicted: prediction?.result.hosts[id]?.utilization.cpu,
    }
  return {
    measured: hostOver(view.recent, id) ?? undefined,
    predicted: hostOver(predictedSeconds(frame), id) ?? undefined,
  }
}

/** Ready ones of those that there should be. */
export const replicasOf = ({ view }: Frame, id: string): { readonly ready: number; readonly all: number } => {
  const placed = view.started === undefined ? [] : instancesOf(view.started.placement, id)
  const ready = view.recent.findLast(({ components }) => components[id] !== undefined)?.components[id]?.ready ?? 0
  return { ready, all: Math.max(ready, view.replicas.get(id) ?? placed.length) }
}

/** Requests that gave up waiting for a connection of a pool, from the start of the run on. */
export const poolTimeouts = (frame: Frame, component: string, pool: string): number =>
  (isWhole(frame) ? frame.result?.components[component]?.pools[pool]?.timeouts : undefined) ??
  frame.view.poolTimeouts.get(`${component}.${pool}`) ??
  0
