/** What the checks of one file share: its reader, what it names, and the components as far as they could be read. */

import { suggestion } from '../lib/did-you-mean.js'
import type { Told } from '../lib/document/document.js'
import type { Path } from '../lib/document/nodes.js'
import type { Fields, Reader } from '../lib/document/read.js'
import type { z } from '../lib/document/zod.js'
import type { EngineDescriptor, EngineRegistry } from './engine.js'
import type { DataSet, Host, StoreComponent, Target } from './types.js'

export interface RawComponent {
  readonly id: string
  readonly at: Path
  /** Undefined: its engine is unknown, so nothing can be said against references to it. */
  readonly descriptor: EngineDescriptor | undefined
  readonly fields: Fields<z.ZodRawShape> | undefined
}

export interface Scope {
  readonly reader: Reader
  readonly registry: EngineRegistry
  /** By id; undefined where the entry is wrong. */
  readonly hosts: ReadonlyMap<string, Host | undefined>
  readonly data: ReadonlyMap<string, DataSet | undefined>
  readonly components: ReadonlyMap<string, RawComponent>
  readonly stores: ReadonlyMap<string, StoreComponent>
  /** Resolved pools of each service; a pool that is wrong is there as undefined. */
  readonly pools: ReadonlyMap<string, ReadonlyMap<string, Target | undefined>>
  /** Where each step id stands. */
  readonly stepIds: Map<string, Path>
}

/** Reports at the value of a path. */
export const report = (
  scope: Pick<Scope, 'reader'>,
  at: Path,
  message: string,
  hint?: string,
  why?: string,
): undefined => {
  scope.reader.document.report(at, told(message, hint, why))
  return undefined
}

/** Reports at the key of a path. */
export const reportKey = (scope: Pick<Scope, 'reader'>, at: Path, message: string, hint?: string): undefined => {
  scope.reader.document.reportKey(at, told(message, hint))
  return undefined
}

const told = (message: string, hint?: string, why?: string): Told => ({
  message,
  ...(why === undefined ? {} : { why }),
  ...(hint === undefined ? {} : { hint }),
})

/** Looks `name` up among what the file names; reports a name that it does not. */
export const lookUp = <T>(
  scope: Pick<Scope, 'reader'>,
  kind: string,
  known: ReadonlyMap<string, T>,
  name: string,
  at: Path,
  tell: typeof reportKey = report,
): { readonly found: T } | undefined => {
  if (known.has(name)) return { found: known.get(name) as T }
  const none = known.size === 0 ? `the file has no ${kind}s` : undefined
  return tell(scope, at, `unknown ${kind} "${name}"`, suggestion(name, [...known.keys()]) ?? none)
}
