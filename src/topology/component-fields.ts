/** Components are read by the keys of their engine. */
import { isMap, isScalar } from 'yaml'
import { nearest, suggestion } from '../lib/did-you-mean.js'
import type { Path } from '../lib/document/nodes.js'
import type { Fields, Reader } from '../lib/document/read.js'
import { id, reference } from '../lib/document/scalars.js'
import { about, form, notSupportedYet } from '../lib/document/schema.js'
import { z } from '../lib/document/zod.js'
import type { EngineDescriptor, EngineRegistry } from './engine.js'
import { commonOptions } from './schema/options.js'
import type { RawComponent } from './scope.js'

/** The keys of an engine's components, with those that nothing honours yet. */
export const componentShape = (descriptor: EngineDescriptor): z.ZodRawShape => {
  const notYet = Object.entries(descriptor.notYet ?? {}).map(([key, what]) => [
    key,
    notSupportedYet(what, z.unknown()).optional(),
  ])
  return {
    engine: z.literal(descriptor.engine),
    ...commonOptions,
    ...descriptor.options,
    ...Object.fromEntries(notYet),
  }
}

/** `schema` reads the components of a file into `read`. */
export const readComponents = (
  _reader: Reader,
  registry: EngineRegistry,
): { readonly schema: z.ZodType<true>; readonly read: ReadonlyMap<string, RawComponent> } => {
  const read = new Map<string, RawComponent>()
  const one = form<true>(z.unknown(), (node, at, reader) => {
    const name = String(at.at(-1))
    read.set(name, readComponent(name, node, at, reader, registry))
    return true
  })
  const all = z.record(id, one)
  const schema = form<true>(about('the parts of the system', all), (node, at, reader) => {
    const found = reader.read(all, node, at)
    if (found?.size === 0) reader.tell(node, at, { message: 'a topology needs at least one component' })
    return found === undefined ? undefined : true
  })
  return { schema, read }
}

const readComponent = (
  name: string,
  node: Parameters<Reader['read']>[1],
  at: Path,
  reader: Reader,
  registry: EngineRegistry,
): RawComponent => {
  const descriptor = engineOf(name, node, at, reader, registry)
  const shape =
    descriptor === undefined
      ? { engine: reference.optional(), ...commonOptions }
      : { ...componentShape(descriptor), engine: reference }
  const fields = isMap(node)
    ? reader.fields(shape as z.ZodRawShape, node, at, {
        what: descriptor === undefined ? `component "${name}"` : `component "${name}" (${descriptor.engine})`,
        lenient: descriptor === undefined,
        elsewhere: (key) => ofOthers(key, name, descriptor, registry),
      })
    : undefined
  return { id: name, at, descriptor, fields: fields as Fields<z.ZodRawShape> | undefined }
}

const engineOf = (
  name: string,
  node: Parameters<Reader['read']>[1],
  at: Path,
  reader: Reader,
  registry: EngineRegistry,
): EngineDescriptor | undefined => {
  if (!isMap(node)) {
    reader.fields({}, node, at, { what: `component "${name}"` })
    return undefined
  }
  const entries = reader.document.entriesOf(node)
  const engines = [...registry.keys()]
  const entry =
    entries.find(({ name: key }) => key === 'engine') ?? entries.find(({ name: key }) => nearest(key, ['engine']))
  if (entry === undefined) {
    reader.document.report(at, { message: `component "${name}" needs "engine"`, hint: `one of: ${engines.join(', ')}` })
    return undefined
  }
  const written = reader.document.resolve(entry.value)
  if (!isScalar(written) || typeof written.value !== 'string') return undefined
  const descriptor = registry.get(written.value)
  if (descriptor === undefined) {
    const hint = suggestion(written.value, engines) ?? `one of: ${engines.join(', ')}`
    reader.document.reportNode(written, { message: `unknown engine "${written.value}"`, hint })
  }
  return descriptor
}

/** A key that other engines know has no meaning for this one. */
const ofOthers = (key: string, name: string, descriptor: EngineDescriptor | undefined, registry: EngineRegistry) => {
  const others = [...registry.values()]
    .filter((other) => Object.hasOwn(other.options, key))
    .map((other) => other.engine)
  if (descriptor === undefined || others.length === 0) return undefined
  return {
    message: `"${key}" has no meaning for engine ${descriptor.engine} (component "${name}")`,
    hint: suggestion(
      key,
      Object.keys(descriptor.options).filter((own) => own !== key),
    )?.startsWith('did')
      ? `${suggestion(key, Object.keys(descriptor.options))}`
      : `engines with "${key}": ${others.join(', ')}`,
  }
}
