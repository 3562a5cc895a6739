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

export const expressOps = {
  /** All is done. */
  done: 0,
  /** A peer of balancer a, over edge b. */
  pick: 1,
  /** Work a, with meter b (−1: none), at place c. */
  cpu: 2,
  /** The step with meter a, which began with the last work, is over. */
  leafEnd: 3,
  /** Work a without CPU, with meter b. */
  pause: 4,
  /** A step begins. */
  begin: 5,
  /** A connection of the service's pool a. */
  acquire: 6,
  /** A call of store a, over edge b. */
  call: 7,
  /** The answer of store a; the step with meter b is over. */
  answer: 8,
  /** Work a, counted to meter b, at place c. */
  stepCpu: 9,
  /** The connection to pool a is given back. */
  release: 10,
} as const

/** Places of CPU: the balancer, the service's process, or (from 2 on) a store. */
export const atBalancer = 0
export const atService = 1
export const firstStore = 2

export interface ExpressClass {
  readonly start: number
  /** A request that takes as long may not be on this way. */
  readonly timeoutSeconds: number
  /** The balancer, or where it arrives in turn. */
  readonly entries: readonly Endpoint[]
  readonly edge: number
}

export interface ExpressBalancer {
  readonly endpoint: Endpoint
  readonly peers: readonly Endpoint[]
  readonly countsConnections: boolean
}

export interface Script {
  readonly op: number[]
  readonly a: number[]
  readonly b: number[]
  readonly c: number[]
  readonly works: Work[]
  readonly stores: Endpoint[]
  readonly balancers: ExpressBalancer[]
  readonly classes: readonly ExpressClass[]
  /** Of the acquire timeouts by pool of the service. */
  readonly patience: readonly number[]
}

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
  const script: Script = {
    op: [],
    a: [],
    b: [],
    c: [],
    works: [],
    stores: [],
    balancers: [],
    classes: [],
    patience: Object.values(service.pools).map((pool) => pool.acquireTimeoutSeconds ?? Number.POSITIVE_INFINITY),
  }
  const classes: ExpressClass[] = []
  for (const request of requests) {
    const compiled = new Compiler(system, script, service).compile(request)
    if (compiled === undefined) return undefined
    classes.push(compiled)
  }
  return { ...script, classes }
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

/** Two events at the same instant would have to come in the same order as on the general way. */
const isContinuous = (distribution: Distribution | undefined): boolean =>
  distribution === undefined ||
  distribution.shape === 'exponential' ||
  distribution.shape === 'lognormal' ||
  (distribution.shape === 'gamma' && distribution.cv > 0) ||
  (distribution.shape === 'uniform' && distribution.highSeconds > distribution.lowSeconds)

class Compiler {
  private possible = true

  constructor(
    private readonly system: System,
    private readonly script: Script,
    private readonly service: ServiceComponent,
  ) {}

  compile(request: RequestClass): ExpressClass | undefined {
    const { system, service, script } = this
    const { topology, kernel } = system
    const { client, enter } = request
    const [outermost, ...more] = enter
    const generator = visitCpu(topology, 'generator', 1)
    if (client.retry !== undefined || generator.cpu !== undefined || more.length > 0) return undefined
    const start = script.op.length
    const balancer = outermost === undefined ? undefined : topology.components[outermost]
    if (balancer !== undefined) {
      if (balancer.role !== 'balancer') return undefined
      this.visit(balancer.id, atBalancer)
      this.balance(balancer)
    }
    this.visit(service.id, atService)
    for (const step of request.flow) this.step(step)
    this.emit(expressOps.done)
    const entry = outermost ?? service.id
    return this.possible
      ? {
          start,
          // The balancer waits for less than the whole.
          timeoutSeconds: Math.min(
            client.timeoutSeconds ?? Number.POSITIVE_INFINITY,
            balancer === undefined ? Number.POSITIVE_INFINITY : balancer.readTimeoutSeconds,
          ),
          entries: system.member(entry).endpoints,
          edge: kernel.edges.between('generator', entry),
        }
      : undefined
  }

  private emit(op: number, a = 0, b = 0, c = 0): void {
    const { script } = this
    script.op.push(op)
    script.a.push(a)
    script.b.push(b)
    script.c.push(c)
  }

  private balance(balancer: BalancerComponent): void {
    const { system, script, service } = this
    const { kernel } = system
    const [endpoint, ...others] = system.member(balancer.id).endpoints
    const peers = system.member(service.id).endpoints
    const [upstream, ...more] = balancer.upstreams
    if (
      endpoint === undefined ||
      others.length > 0 ||
      more.length > 0 ||
      upstream?.component !== service.id ||
      (balancer.balance !== 'least_conn' && balancer.balance !== 'round_robin') ||
      peers.length > mostPeers
    ) {
      this.possible = false
      return
    }
    let number = script.balancers.findIndex((known) => known.endpoint === endpoint)
    if (number < 0)
      number = script.balancers.push({ endpoint, peers, countsConnections: balancer.balance === 'least_conn' }) - 1
    this.emit(expressOps.pick, number, kernel.edges.between(balancer.id, service.id))
  }

  /** What it costs to be visited. */
  private visit(component: string, place: number): void {
    const { topology } = this.system
    this.cpu(`${component}/visit`, component, (rate) => visitCpu(topology, component, rate).cpu, none, place)
    this.pause(`${component}/visit-wait`, component, (rate) => visitCpu(topology, component, rate).wait, none)
  }

  private step(step: Step): void {
    const { system, service } = this
    const { topology, kernel } = system
    if (!isPlain(step)) this.possible = false
    if (step.kind === 'compute') {
      const meter = kernel.meters.of(step.id)
      const cpu = (rate: number) => stepCpu(topology, step.id, { cpu: step.cpu }, rate).cpu
      if (!this.cpu(step.id, service.id, cpu, meter, atService)) this.possible = false
      this.emit(expressOps.leafEnd, meter)
    } else if (step.kind === 'wait') {
      const meter = kernel.meters.of(step.id)
      const wait = (rate: number) => stepCpu(topology, step.id, { wait: step.wait }, rate).wait
      if (!this.pause(step.id, service.id, wait, meter)) this.possible = false
      this.emit(expressOps.leafEnd, meter)
    } else if (step.kind === 'query' && step.invalidates === undefined) this.query(step)
    else this.possible = false
  }

  private query(step: Extract<Step, { kind: 'query' | 'write' }>): void {
    const { system, script, service } = this
    const { topology, kernel } = system
    const { component, pool, role = 'primary' } = step.target
    const member = system.member(component)
    const [endpoint, ...others] = member.roles[role] ?? []
    if (endpoint === undefined || others.length > 0 || role !== 'primary' || Number.isFinite(endpoint.maxInFlight)) {
      this.possible = false
      return
    }
    let store = script.stores.indexOf(endpoint)
    if (store < 0) store = script.stores.push(endpoint) - 1
    const place = firstStore + store
    const meter = kernel.meters.of(step.id)
    const index = pool === undefined ? none : Object.keys(service.pools).indexOf(pool)
    const demand = (rate: number) => stepCpu(topology, step.id, step.time, rate)
    this.emit(expressOps.begin)
    if (index !== none) this.emit(expressOps.acquire, index)
    this.emit(expressOps.call, store, kernel.edges.between(service.id, component))
    const overhead = this.work(`${component}/visit`, component, (rate) => visitCpu(topology, component, rate).cpu)
    const cpu = this.work(`${step.id}/cpu`, component, (rate) => demand(rate).cpu)
    if (cpu !== undefined) {
      cpu.onTop = overhead
      this.emit(expressOps.stepCpu, script.works.push(cpu) - 1, meter, place)
    } else if (overhead !== undefined) this.emit(expressOps.cpu, script.works.push(overhead) - 1, none, place)
    this.pause(`${component}/visit-wait`, component, (rate) => visitCpu(topology, component, rate).wait, none)
    this.pause(`${step.id}/wait`, component, (rate) => demand(rate).wait, none)
    if (index !== none) this.emit(expressOps.release, index)
    this.emit(expressOps.answer, store, meter)
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
    meter: number,
    place: number,
  ): boolean {
    const work = this.work(stream, component, demand)
    if (work !== undefined) this.emit(expressOps.cpu, this.script.works.push(work) - 1, meter, place)
    return work !== undefined
  }

  private pause(
    stream: string,
    component: string,
    demand: (rate: number) => Distribution | undefined,
    meter: number,
  ): boolean {
    const work = this.work(stream, component, demand)
    if (work !== undefined) this.emit(expressOps.pause, this.script.works.push(work) - 1, meter)
    return work !== undefined
  }
}

const none = -1
