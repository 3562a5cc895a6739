/** YAML text → checked, frozen Topology. Everything that is wrong is told at once. */
import { isMap } from 'yaml'
import { failOnProblems, readDocument } from '../lib/document/document.js'
import { documentReader, type Fields, type Reader } from '../lib/document/read.js'
import type { Setting } from '../lib/document/settings.js'
import { deepFreeze } from '../lib/freeze.js'
import { parseCalibration } from './calibration-file.js'
import { compileFlow } from './compile.js'
import { readComponents } from './component-fields.js'
import { buildComponent } from './components.js'
import { checkCycles } from './cycles.js'
import { topologyDigest } from './digest.js'
import type { EngineRegistry } from './engine.js'
import { checkNames } from './names.js'
import { consumedTarget, pooledTarget } from './references.js'
import { buildRequests } from './requests.js'
import { buildRoot } from './root.js'
import type { serviceOptions } from './schema/options.js'
import { rootShape } from './schema/root.js'
import type { RawFlow } from './schema/steps.js'
import type { RawComponent, Scope } from './scope.js'
import type { Component, Pool, ServiceComponent, StoreComponent, Target, Topology } from './types.js'

export interface ParseOptions {
  /** As it is named in messages. */
  readonly file: string
  readonly registry: EngineRegistry
  /** In place of what the text says. */
  readonly settings?: readonly Setting[]
  /** `calibration.yaml` beside the topology. */
  readonly calibration?: { readonly file: string; readonly text: string }
}

/** Throws PlimsollError with everything that is wrong, in the order of the text. */
export const parseTopology = (text: string, options: ParseOptions): Topology => {
  const document = readDocument(text, options.file, options.settings)
  const reader = documentReader(document, { uncertain: true })
  const topology = build(reader, options)
  const uncertain = reader.uncertain?.finish() ?? []
  failOnProblems(document)
  if (topology === undefined) throw new Error('a topology without problems could not be built')
  const stepIds = topology.stepIds
  const calibration =
    options.calibration &&
    parseCalibration(options.calibration.text, {
      file: options.calibration.file,
      components: Object.keys(topology.built.components),
      requests: Object.keys(topology.built.requests),
      steps: stepIds,
    })
  const digest = topologyDigest(topology.built)
  const { file, locate } = document
  return deepFreeze({ ...topology.built, calibration, digest, uncertain, source: { file, text, locate } })
}

export type BuiltTopology = Omit<Topology, 'calibration' | 'digest' | 'uncertain' | 'source'>

const build = (
  reader: Reader,
  { registry }: ParseOptions,
): { built: BuiltTopology; stepIds: readonly string[] } | undefined => {
  const { document } = reader
  if (!isMap(document.root)) {
    reader.tell(document.root, [], {
      message: 'expected a topology: a map with apiVersion, kind, name, components',
      hint: '`plimsoll init` writes a complete example',
    })
    return undefined
  }
  const rawComponents = readComponents(reader, registry)
  const fields = reader.fields({ ...rootShape, components: rawComponents.schema }, document.root, [], {
    what: 'a topology',
  })
  if (fields === undefined) return undefined
  const root = buildRoot(reader, fields as unknown as Fields<typeof rootShape>)
  const components = rawComponents.read
  const partial = { reader, registry, hosts: root.hosts, data: root.data, components, stepIds: new Map() }
  const shells = new Map<string, Component>()
  for (const [id, raw] of components) {
    const shell = buildComponent(partial, raw)
    if (shell !== undefined) shells.set(id, shell)
  }
  const stores = new Map(
    [...shells.values()].flatMap((c): [string, StoreComponent][] => (c.role === 'store' ? [[c.id, c]] : [])),
  )
  const pools = new Map<string, ReadonlyMap<string, Target | undefined>>()
  const scope: Scope = { ...partial, stores, pools }
  const poolSizes = new Map<string, Readonly<Record<string, Pool>>>()
  for (const [id, shell] of shells) {
    const raw = components.get(id)
    if (shell.role === 'service' && raw !== undefined) {
      const made = poolsOf(scope, raw)
      pools.set(id, made.targets)
      poolSizes.set(id, made.pools)
    }
  }
  const built = new Map(
    [...shells].map(([id, shell]) => {
      const raw = components.get(id)
      return [
        id,
        shell.role === 'service' && raw !== undefined ? withFlows(scope, raw, shell, poolSizes.get(id) ?? {}) : shell,
      ] as const
    }),
  )
  const requests = buildRequests(
    scope,
    (fields as unknown as Fields<typeof rootShape>).get('requests') ?? new Map(),
    built,
  )
  checkNames(scope, fields as unknown as Fields<typeof rootShape>)
  checkCycles(scope, built)
  return {
    built: { ...root.values, components: Object.fromEntries(built), requests },
    stepIds: [...scope.stepIds.keys()],
  }
}

type ServiceFields = Fields<typeof serviceOptions>

const poolsOf = (scope: Scope, raw: RawComponent) => {
  const pools: Record<string, Pool> = {}
  const targets = new Map<string, Target | undefined>()
  for (const [id, pool] of (raw.fields as unknown as ServiceFields).get('pools') ?? []) {
    const to = pooledTarget(scope, pool?.get('to'), pool?.path('to') ?? raw.at)
    targets.set(id, to)
    if (to !== undefined)
      pools[id] = {
        id,
        to,
        size: pool?.get('size') ?? 1,
        acquireTimeoutSeconds: pool?.get('acquireTimeout'),
        connectionsPerRequest: pool?.get('connectionsPerRequest'),
      }
  }
  return { pools, targets }
}

const withFlows = (
  scope: Scope,
  raw: RawComponent,
  shell: ServiceComponent,
  pools: Readonly<Record<string, Pool>>,
): ServiceComponent => {
  const fields = raw.fields as unknown as ServiceFields
  const flowOf = (flow: RawFlow | undefined, prefix: string) =>
    compileFlow(flow, { scope, service: raw.id, prefix, key: undefined })
  const operations: Record<string, { flow: ReturnType<typeof flowOf> }> = {}
  for (const [id, operation] of fields.get('operations') ?? []) {
    operations[id] = { flow: flowOf(operation?.get('flow'), `${raw.id}.${id}/`) }
  }
  return {
    ...shell,
    pools,
    consumes: consumedTarget(scope, fields.get('consumes'), fields.path('consumes')),
    flow: flowOf(fields.get('flow'), `${raw.id}/flow.`),
    operations,
  }
}
