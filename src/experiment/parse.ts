/** YAML text → checked, frozen Experiment. Everything that is wrong is told at once. */
import { readDocument, type SourceDocument, type Told } from '../lib/document/document.js'
import { documentReader, type Fields, type Reader } from '../lib/document/read.js'
import type { Setting } from '../lib/document/settings.js'
import { PlimsollError, type Problem } from '../lib/errors.js'
import { exitCodes } from '../lib/exit-codes.js'
import { deepFreeze } from '../lib/freeze.js'
import { formatSeconds } from '../lib/units.js'
import { digestOf } from '../topology/digest.js'
import type { Topology } from '../topology/types.js'
import { parseCondition } from './condition.js'
import type { RawFault } from './fault-schema.js'
import { loadSeconds } from './load.js'
import { buildLoad, type LoadContext } from './load-fields.js'
import { buildPlacement } from './placement-fields.js'
import { type expectationShape, experimentShape, type Placed } from './schema.js'
import { resolveTarget } from './targets.js'
import type { Condition, Expectation, Experiment, Fault } from './types.js'

export interface ParseOptions {
  /** As it is named in messages. */
  readonly file: string
  readonly topology: Topology
  /** In place of what the text says. */
  readonly settings?: readonly Setting[]
  /** Text of a trace file by its path as written; undefined when it cannot be read. */
  readonly readTrace?: (file: string) => string | undefined
}

/** Throws PlimsollError with everything that is wrong, in the order of the text. */
export const parseExperiment = (text: string, options: ParseOptions): Experiment => {
  const document = readDocument(text, options.file, options.settings)
  const context = { reader: documentReader(document), topology: options.topology, readTrace: options.readTrace }
  const fields = readFields(context.reader)
  const built = fields && build(context, fields)
  failWith(document)
  if (built === undefined) throw new Error('an experiment without problems could not be built')
  const { name: _, topology: __, ...meaning } = built
  const digest = digestOf({ ...meaning, faults: meaning.faults.map(({ position: ___, ...fault }) => fault) })
  return deepFreeze({ ...built, digest, source: { file: options.file, text, locate: document.locate } })
}

/**
 * The path of the topology as written, to be resolved against the experiment's folder. Throws everything that is wrong with
 * the file in itself when it names none.
 */
export const experimentTopologyPath = (text: string, file: string): string => {
  const document = readDocument(text, file)
  const fields = readAlone(document)
  const path = fields?.get('topology')
  if (path !== undefined) return path
  failWith(document)
  throw new Error('an experiment without problems names no topology')
}

/**
 * What is wrong with an experiment whose topology cannot be had. `topology`: why not, told where the experiment names it;
 * undefined where its own problems tell.
 */
export const problemsWithoutTopology = (
  text: string,
  file: string,
  topology: Told | undefined,
  settings: readonly Setting[] = [],
): readonly Problem[] => {
  const document = readDocument(text, file, settings)
  readAlone(document)
  if (topology !== undefined) document.report(['topology'], topology)
  return inOrder(document)
}

const readAlone = (document: SourceDocument): RootFields | undefined => {
  const reader = documentReader(document)
  const fields = readFields(reader)
  if (fields !== undefined) build({ reader, topology: undefined, readTrace: undefined }, fields)
  return fields
}

const inOrder = (document: SourceDocument): readonly Problem[] =>
  [...document.problems].sort(
    (a, b) =>
      (a.position?.line ?? 0) - (b.position?.line ?? 0) || (a.position?.column ?? 0) - (b.position?.column ?? 0),
  )

const failWith = (document: SourceDocument): void => {
  if (document.problems.length > 0) throw new PlimsollError(exitCodes.invalidInput, inOrder(document))
}

type RootFields = Fields<typeof experimentShape>

const readFields = (reader: Reader): RootFields | undefined =>
  reader.fields(experimentShape, reader.document.root, [], { what: 'an experiment' })

type Context = LoadContext

const build = (context: Context, fields: RootFields): Omit<Experiment, 'digest' | 'source'> | undefined => {
  const { reader } = context
  const loadFields = fields.get('load')
  const load = loadFields && buildLoad(context, loadFields)
  // When a stage could not be read, nothing is said of what lies beyond the end.
  const isWhole =
    load !== undefined && loadFields?.get('stages')?.includes(undefined) !== true && load.stages.length > 0
  const endsAt = isWhole ? loadSeconds(load) : Number.POSITIVE_INFINITY
  const warmupSeconds = fields.get('warmup') ?? 0
  if (warmupSeconds >= endsAt)
    reader.tell(undefined, fields.path('warmup'), {
      message: `nothing is left to measure: the load ends after ${formatSeconds(endsAt)}`,
    })
  const steadyState = (fields.get('steadyState') ?? []).flatMap((entry) => expectationOf(context, entry))
  const faults = (fields.get('faults') ?? []).flatMap((raw) => (raw === undefined ? [] : faultOf(context, raw, endsAt)))
  const abortFields = fields.get('abort')
  const when = conditionOf(context, abortFields?.get('when'), 'abort')
  const placement = fields.get('placement')
  const built = {
    name: fields.get('name') ?? '',
    topology: fields.get('topology') ?? '',
    seed: fields.get('seed') ?? 1,
    steadyState,
    faults,
    abort: when && { when, forSeconds: abortFields?.get('for') ?? 1 },
    invariants: (fields.get('invariants') ?? []).flatMap((name) => name ?? []),
    placement: placement && buildPlacement(context, placement),
    warmupSeconds,
  }
  return load && { ...built, load }
}

const expectationOf = (context: Context, entry: Fields<typeof expectationShape> | undefined): Expectation[] => {
  const condition = conditionOf(context, entry?.get('expect'), 'steadyState')
  if (condition === undefined || entry === undefined) return []
  return [{ ...condition, windowSeconds: entry.get('window') ?? 5, tolerateSeconds: entry.get('tolerate') ?? 0 }]
}

const conditionOf = (
  { reader, topology }: Context,
  placed: Placed<string> | undefined,
  use: 'abort' | 'steadyState',
): Condition | undefined => {
  if (placed === undefined || topology === undefined) return undefined
  const { value, node } = placed
  const parsed = parseCondition(value, topology)
  if (!parsed.ok) {
    for (const { from, length, message, hint } of parsed.flaws)
      reader.document.reportPart(node, value, from, length, { message, ...(hint === undefined ? {} : { hint }) })
    return undefined
  }
  const { condition, quantity } = parsed
  if (use === 'abort' && quantity.over === undefined) {
    reader.document.reportNode(node, {
      message: `"${condition.subject}.${condition.path.join('.')}" is known only when the run has ended`,
      why: 'an abort condition is watched second by second',
      hint: 'such as all.errors > 60% or all.latency.p99 > 2s',
    })
    return undefined
  }
  return condition
}

const faultOf = ({ reader, topology }: Context, raw: RawFault, endsAt: number): Fault[] => {
  if (raw.atSeconds !== undefined && raw.atSeconds >= endsAt)
    reader.tell(undefined, [...raw.at, 'at'], {
      message: `the load ends after ${formatSeconds(endsAt)}, before this fault strikes`,
    })
  if (topology === undefined) return []
  const target = resolveTarget(raw.kind, raw.target, topology)
  if ('message' in target) {
    const { from, length, ...told } = target
    reader.document.reportPart(raw.targetNode, raw.target, from, length, told)
    return []
  }
  const { kind, atSeconds, forSeconds, restartAfterSeconds, parameters } = raw
  const position = reader.document.locate([...raw.at, kind])
  return atSeconds === undefined
    ? []
    : [{ kind, atSeconds, target, forSeconds, restartAfterSeconds, parameters, position }]
}
