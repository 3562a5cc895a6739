/** One name space: what a target, an expectation or a fault may name has one name. Hosts stand apart, as `host:name`. */

import type { Path } from '../lib/document/nodes.js'
import type { Fields } from '../lib/document/read.js'
import type { rootShape } from './schema/root.js'
import { reportKey, type Scope } from './scope.js'

interface Name {
  readonly name: string
  readonly kind: string
  readonly at: Path
}

export const checkNames = (scope: Scope, fields: Fields<typeof rootShape>): void => {
  const named = (kind: string, section: string, names: Iterable<string>): Name[] =>
    [...names].map((name) => ({ name, kind, at: [section, name] }))
  unique(scope, [
    ...named('component', 'components', scope.components.keys()),
    ...named('data set', 'data', scope.data.keys()),
    ...named('request', 'requests', fields.get('requests')?.keys() ?? []),
  ])
  for (const component of scope.components.values()) {
    const parts = (kind: string, key: string): Name[] => {
      const value = component.fields?.get(key)
      return value instanceof Map
        ? [...value.keys()].map((name) => ({ name, kind, at: [...component.at, key, name] }))
        : []
    }
    unique(scope, [
      ...(component.descriptor?.roles ?? []).map((name) => ({ name, kind: 'role', at: component.at })),
      ...parts('pool', 'pools'),
      ...parts('operation', 'operations'),
      ...parts('queue', 'queues'),
      ...parts('topic', 'topics'),
    ])
  }
}

const unique = (scope: Scope, names: readonly Name[]): void => {
  const seen = new Map<string, Name>()
  const document = scope.reader.document
  const inOrder = [...names].sort((a, b) => order(document.locate(a.at), document.locate(b.at)))
  for (const name of inOrder) {
    const first = seen.get(name.name)
    if (first === undefined) seen.set(name.name, name)
    else
      reportKey(
        scope,
        name.at,
        `the name "${name.name}" is taken: it is a ${first.kind} already`,
        `call this ${name.kind} otherwise`,
      )
  }
}

const order = (a: { line: number; column: number }, b: { line: number; column: number }): number =>
  a.line - b.line || a.column - b.column
