/**
 * Which runs can take the express way, and what their requests do on it: a list of operations per class, in which every endpoint
 * but the one that a balancer picks is known. Only what is named here is let through; whatever is not goes the general way.
 */
import { demandDependsOnLoad, demandTakesTurns, stepCpu, visitCpu } from '../../../catalog/demand.js'
import type { Experiment } from '../../../experiment/types.js'
import type { Distribution } from '../../../lib/distribution.js'
import type { Step } from '../../../topology/flow.js'
import type { BalancerComponent, RequestClass, ServiceComponent, Topology } from '../../../topology/types.js'
import type { Endpoint } from '../endpoint.js'
import type { System } from '../system.js'
import type { Work } from '../work.js'
import type { ExpressBalancer, ExpressClass, Operation, Script } from './operation.js'

/** V8 optimizes no function with more than 60 KiB of bytecode; so many operations make about half of that. */
const mostOperations = 120

/** The scan of a balancer for the least loaded peer pays off up to so many. */
const mostPeers = 32

const isPlain = (step: Step): boolean =>
  step.timeoutSeconds === undefined &&
  step.retry === undefined &&
  step.breaker === undefined &&
  step.deadlineSeconds === undefined &&
  step.fallback === undefined

/** Undefined: this run goes the general way. */
export const expressScript = (
  system: System,
  experiment: Experiment,
  requests: readonly RequestClass[],
): Script | undefined => {
  const { topology } = system
  const { load, faults } = experiment
  if (load.mode !== 'open' || (load.arrivals.kind !== 'poisson' && load.arrivals.kind !== 'bursty')) return undefined
  if (faults.length > 0 || demandDependsOnLoad(topology) || isSpread(topology)) return undefined
  if (system.priorities !== undefined || topology.origins.length > 0) return undefined
  if (demandTakesTurns(topology)) return undefined
  const served = new Set(requests.map(({ serve }) => serve))
  const [serve] = served
  const service = serve === undefined ? undefined : topology.components[serve]
  if (served.size !== 1 || service?.role !== 'service' || !isSimple(system, service)) return undefined
  // Polls follow from what others did.
  if (
    Object.values(topology.components).some(isActive) ||
    requests.some(({ derivedFrom }) => derivedFrom !== undefined)
  )
    return undefined
  const operations: Operation[] = []
  const compiler = new Compiler(system, operations, service)
  const classes: ExpressClass[] = []
  for (const [index, request] of requests.entries()) {
    const compiled = compiler.compile(request, index)
    if (compiled === undefined) return undefined
    classes.push(compiled)
  }
  if (operations.length > mostOperations) return undefined
  return {
    operations,
    classes,
    services: system.member(service.id).endpoints,
    patience: Object.values(service.pools).map((pool) => pool.acquireTimeoutSeconds ?? Number.POSITIVE_INFINITY),
  }
}

/** Distances cost time, which the general way knows. */
const isSpread = (topology: Topology): boolean =>
  [...Object.values(topology.hosts), ...Object.values(topology.components)].some(
    ({ zone, region }) => zone !== undefined || region !== undefined,
  )

/** It does something on its own. */
const isActive = (component: Topology['components'][string]): boolean =>
  (component.role === 'service' && (component.consumes !== undefined || component.scaling !== undefined)) ||
  (component.role === 'balancer' &&
    (component.activeHealth !== undefined ||
      component.rateLimit !== undefined ||
      component.cache !== undefined ||
      component.balance === 'failover' ||
      component.balance === 'geo')) ||
  (component.role === 'store' && component.failover !== undefined)

const isSimple = (system: System, service: ServiceComponent): boolean =>
  service.maxInFlight === undefined &&
  system.member(service.id).endpoints.every((endpoint) => !Number.isFinite(endpoint.threads)) &&
  // All are placed, or none is.
  new Set(system.member(service.id).endpoints.map(({ processor }) => processor === undefined)).size === 1 &&
  Object.values(service.pools).every((pool) => fits(system, service, pool.to.component))

/** A store never turns a connection down. */
const fits = (system: System, service: ServiceComponent, store: string): boolean => {
  const { endpoints } = system.member(service.id)
  const wanted = Object.values(service.pools).flatMap((pool, i) =>
    pool.to.component === store ? endpoints.map((endpoint) => endpoint.pools[i]?.size ?? 0) : [],
  )
  const most = Math.min(...system.member(store).endpoints.map(({ maxConnections }) => maxConnections))
  return wanted.reduce((sum, size) => sum + size, 0) <= most
}

/** Gamma beyond draws 0 now and then. */
const largestCv = 5

/** Two events at the same instant would have to come in the same order as on the general way. */
const isContinuous = (distribution: Distribution | undefined): boolean =>
  distribution === undefined ||
  distribution.shape === 'exponential' ||
  distribution.shape === 'lognormal' ||
  (distribution.shape === 'gamma' && distribution.cv > 0 && distribution.cv <= largestCv) ||
  (distribution.shape === 'uniform' && distribution.highSeconds > distribution.lowSeconds)

class Compiler {
  private possible = true
  private readonly balancers = new Map<Endpoint, ExpressBalancer>()

  constructor(
    private readonly system: System,
    private readonly operations: Operation[],
    private readonly service: ServiceComponent,
  ) {}

  compile(request: RequestClass, index: number): ExpressClass | undefined {
    const { system, service, operations } = this
    const { topology, kernel } = system
    const { client, enter } = request
    const [outermost, ...more] = enter
    const generator = visitCpu(topology, 'generator', 1)
    if (client.retry !== undefined || generator.cpu !== undefined || more.length > 0) return undefined
    const start = operations.length
    const component = outermost === undefined ? undefined : topology.components[outermost]
    let balancer: ExpressBalancer | undefined
    if (component !== undefined) {
      if (component.role !== 'balancer') return undefined
      this.visit(component.id)
      balancer = this.balance(component)
    }
    this.visit(service.id)
    for (const step of request.flow) this.step(step)
    operations.push({ kind: 'done', request: index, balancer })
    const entry = outermost ?? service.id
    return this.possible
      ? {
          start,
          // The balancer waits for less than the whole.
          timeoutSeconds: Math.min(
            client.timeoutSeconds ?? Number.POSITIVE_INFINITY,
            component?.role === 'balancer' ? component.readTimeoutSeconds : Number.POSITIVE_INFINITY,
          ),
          entries: system.member(entry).endpoints,
          edge: kernel.edges.between('generator', entry),
        }
      : undefined
  }

  private balance(component: BalancerComponent): ExpressBalancer | undefined {
    const { system, service, operations } = this
    const { kernel } = system
    const [endpoint, ...others] = system.member(component.id).endpoints
    const peers = system.member(service.id).endpoints
    const [upstream, ...more] = component.upstreams
    if (
      endpoint === undefined ||
      others.length > 0 ||
      more.length > 0 ||
      upstream?.component !== service.id ||
      (component.balance !== 'least_conn' && component.balance !== 'round_robin') ||
      peers.length > mostPeers
    ) {
      this.possible = false
      return undefined
    }
    const countsConnections = component.balance === 'least_conn'
    const balancer = this.balancers.get(endpoint) ?? { endpoint, peers, countsConnections }
    this.balancers.set(endpoint, balancer)
    operations.push({ kind: 'pick', balancer, edge: kernel.edges.between(component.id, service.id) })
    return balancer
  }

  /** What it costs to be visited. */
  private visit(component: string): void {
    const { topology } = this.system
    const { endpoints } = this.system.member(component)
    this.cpu(`${component}/visit`, component, (rate) => visitCpu(topology, component, rate).cpu, undefined, endpoints)
    this.pause(`${component}/visit-wait`, component, (rate) => visitCpu(topology, component, rate).wait, undefined)
  }

  private step(step: Step): void {
    const { system, service, operations } = this
    const { topology, kernel } = system
    if (!isPlain(step)) this.possible = false
    if (step.kind === 'compute') {
      const meter = kernel.meters.of(step.id)
      const { endpoints } = system.member(service.id)
      const cpu = (rate: number) => stepCpu(topology, step.id, { cpu: step.cpu }, rate).cpu
      if (!this.cpu(step.id, service.id, cpu, meter, endpoints)) this.possible = false
      operations.push({ kind: 'leafEnd', meter })
    } else if (step.kind === 'wait') {
      const meter = kernel.meters.of(step.id)
      const wait = (rate: number) => stepCpu(topology, step.id, { wait: step.wait }, rate).wait
      if (!this.pause(step.id, service.id, wait, meter)) this.possible = false
      operations.push({ kind: 'leafEnd', meter })
    } else if (step.kind === 'query' && step.invalidates === undefined) this.query(step)
    else this.possible = false
  }

  private query(step: Extract<Step, { kind: 'query' | 'write' }>): void {
    const { system, operations, service } = this
    const { topology, kernel } = system
    const { component, pool: name, role = 'primary' } = step.target
    const member = system.member(component)
    const [store, ...others] = member.roles[role] ?? []
    if (store === undefined || others.length > 0 || role !== 'primary' || Number.isFinite(store.maxInFlight)) {
      this.possible = false
      return
    }
    const meter = kernel.meters.of(step.id)
    const pool = name === undefined ? undefined : Object.keys(service.pools).indexOf(name)
    const demand = (rate: number) => stepCpu(topology, step.id, step.time, rate)
    operations.push({ kind: 'begin' })
    if (pool !== undefined) operations.push({ kind: 'acquire', pool })
    operations.push({ kind: 'call', store, edge: kernel.edges.between(service.id, component) })
    const overhead = this.work(`${component}/visit`, component, (rate) => visitCpu(topology, component, rate).cpu)
    const cpu = this.work(`${step.id}/cpu`, component, (rate) => demand(rate).cpu)
    if (cpu !== undefined) {
      cpu.onTop = overhead
      operations.push({ kind: 'cpu', work: cpu, meter, isStep: false, at: [store] })
    } else if (overhead !== undefined)
      operations.push({ kind: 'cpu', work: overhead, meter: undefined, isStep: false, at: [store] })
    this.pause(`${component}/visit-wait`, component, (rate) => visitCpu(topology, component, rate).wait, undefined)
    this.pause(`${step.id}/wait`, component, (rate) => demand(rate).wait, undefined)
    operations.push({ kind: 'answer', store, pool, meter })
  }

  private work(
    stream: string,
    component: string,
    demand: (rate: number) => Distribution | undefined,
  ): Work | undefined {
    if (!isContinuous(demand(1))) this.possible = false
    return this.system.work(stream, component, demand)
  }

  private cpu(
    stream: string,
    component: string,
    demand: (rate: number) => Distribution | undefined,
    meter: number | undefined,
    at: readonly Endpoint[],
  ): boolean {
    const work = this.work(stream, component, demand)
    if (work !== undefined) this.operations.push({ kind: 'cpu', work, meter, isStep: meter !== undefined, at })
    return work !== undefined
  }

  private pause(
    stream: string,
    component: string,
    demand: (rate: number) => Distribution | undefined,
    meter: number | undefined,
  ): boolean {
    const work = this.work(stream, component, demand)
    if (work !== undefined) this.operations.push({ kind: 'pause', work, meter })
    return work !== undefined
  }
}
