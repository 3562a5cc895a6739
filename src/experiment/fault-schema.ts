/** How a fault is written: `{ at, <kind>: target, for?, restart?, …what the kind takes }`. */
import { isMap, isScalar, type Node } from 'yaml'
import { suggestion } from '../lib/did-you-mean.js'
import type { Entry, Path } from '../lib/document/nodes.js'
import type { Reader } from '../lib/document/read.js'
import { duration, positiveDuration, text } from '../lib/document/scalars.js'
import { about, form } from '../lib/document/schema.js'
import { z } from '../lib/document/zod.js'
import { faultSpecs } from './fault-kinds.js'
import { type FaultKind, faultKinds } from './types.js'

/** A fault as it was read; its target is checked against the topology later. */
export interface RawFault {
  readonly kind: FaultKind
  readonly target: string
  readonly targetNode: Node
  readonly at: Path
  /** Undefined where it could not be read. */
  readonly atSeconds: number | undefined
  readonly forSeconds: number | undefined
  readonly restartAfterSeconds: number | undefined
  readonly parameters: Readonly<Record<string, number>>
}

const at = about('when it strikes, from the start of the load', duration)
const lasting = { for: about('undone after this long', positiveDuration.optional()) }
const restart = z.strictObject({ after: duration })
const restarting = {
  restart: about("started again after this long; default: the component's own restart", restart.optional()),
}

const shapeOf = (kind: FaultKind): z.ZodRawShape => {
  const { parameters, lasts, restarts, summary } = faultSpecs[kind]
  return {
    at,
    [kind]: about(summary, text),
    ...(lasts ? lasting : {}),
    ...(restarts ? restarting : {}),
    ...parameters,
  }
}

const isKind = (name: string): name is FaultKind => (faultKinds as readonly string[]).includes(name)

/**
 * The key that names the kind. Some words are both a kind and something beside another kind (`restart: app` and
 * `kill: app, restart: { after: 1s }`; `jitter`): a word that another kind here takes is not the kind.
 */
const kindOf = (entries: readonly Entry[]): FaultKind[] => {
  const kinds = entries.flatMap(({ name, value }) => {
    if (!isKind(name)) return []
    return name === 'restart' && isMap(value) ? [] : [name]
  })
  return kinds.filter((kind) => !kinds.some((other) => other !== kind && Object.hasOwn(shapeOf(other), kind)))
}

const read = (node: Node | undefined, path: Path, reader: Reader): RawFault | undefined => {
  if (!isMap(node)) {
    reader.tell(node, path, {
      message: 'expected a fault such as { at: 10s, kill: app/0 }',
    })
    return undefined
  }
  const entries = reader.document.entriesOf(node)
  const kinds = kindOf(entries)
  const [kind, second] = kinds
  if (kind === undefined) {
    noKind(entries, path, reader)
    return undefined
  }
  if (second !== undefined) {
    reader.document.reportKey([...path, second], {
      message: `a fault is of one kind, and this is "${kind}" already`,
      hint: 'make two faults of it',
    })
    return undefined
  }
  const spec = faultSpecs[kind]
  const shape = shapeOf(kind)
  const fields = reader.fields(shape, node, path, {
    what: `fault "${kind}"`,
    elsewhere: (key) => stray(key, kind),
  })
  if (fields === undefined) return undefined
  const value = <T>(key: string): T | undefined => fields.get(key) as T | undefined
  const after = value<{ get(key: 'after'): number | undefined }>('restart')
  const forSeconds = spec.lasts ? value<number>('for') : undefined
  if (spec.restarts && fields.has('for') && fields.has('restart')) {
    reader.document.reportKey([...path, 'for'], {
      message: '"for" and "restart" both say when it comes back',
      hint: 'keep one of the two',
    })
  }
  const target = value<string>(kind)
  const atSeconds = value<number>('at')
  const targetNode = reader.document.resolve(entries.find(({ name }) => name === kind)?.value)
  if (target === undefined || !isScalar(targetNode)) return undefined
  const parameters = Object.keys(spec.parameters).flatMap((key) => {
    const parameter = value<number>(key)
    return parameter === undefined ? [] : [[key, parameter] as const]
  })
  return {
    kind,
    target,
    targetNode,
    at: path,
    atSeconds,
    forSeconds,
    restartAfterSeconds: spec.restarts ? after?.get('after') : undefined,
    parameters: Object.fromEntries(parameters),
  }
}

const beside: ReadonlySet<string> = new Set([
  'at',
  'for',
  'restart',
  ...Object.values(faultSpecs).flatMap(({ parameters }) => Object.keys(parameters)),
])

const noKind = (entries: readonly Entry[], path: Path, reader: Reader): void => {
  const other = entries.find(({ name }) => !beside.has(name))
  const hint = `kinds: ${faultKinds.join(', ')}`
  if (other === undefined)
    reader.document.report(path, { message: 'a fault needs a kind and its target, such as kill: app/0', hint })
  else
    reader.document.reportNode(other.key, {
      message: `unknown kind of fault "${other.name}"`,
      hint: suggestion(other.name, faultKinds) ?? hint,
    })
}

const stray = (key: string, kind: FaultKind): { message: string; hint: string } | undefined => {
  if (key === 'for') return { message: `fault "${kind}" happens at once: it has no "for"`, hint: 'remove it' }
  if (key === 'restart')
    return { message: `fault "${kind}" ends nothing, so nothing is started again`, hint: 'write "for" instead' }
  const takers = faultKinds.filter((other) => Object.hasOwn(faultSpecs[other].parameters, key))
  if (takers.length === 0) return undefined
  const own = Object.keys(faultSpecs[kind].parameters)
  return {
    message: `fault "${kind}" takes no "${key}"`,
    hint: own.length === 0 ? `"${key}" goes with ${takers.join(', ')}` : `it takes ${own.join(', ')}`,
  }
}

export const fault: z.ZodType<RawFault> = form(z.union(faultKinds.map((kind) => z.strictObject(shapeOf(kind)))), read)
