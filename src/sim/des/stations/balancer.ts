/**
 * A reverse proxy: its own cost, an instance by policy and passive health, and the next one when that fails and may be
 * tried again. Semantics of nginx's `proxy_next_upstream`: a request that has been sent is not sent again if its method is
 * not idempotent; one whose connection was refused is.
 */
import { turnCpu, visitCpu, visitsDiffer, visitTurns } from '../../../catalog/demand.js'
import type { ActiveHealthOptions } from '../../../policy/active-health.js'
import { type BalanceAlgorithm, type Balancer, makeBalancer } from '../../../policy/balancer.js'
import type { BalancerComponent } from '../../../topology/types.js'
import { originChooser, preference, wayFromOrigin } from '../../origins.js'
import { places } from '../../places.js'
import { badGateway, CodeMap, ok, timeout } from '../codes.js'
import type { Endpoint, Station } from '../endpoint.js'
import { Label, Program } from '../flow/program.js'
import { emitAftermath, emitBurst, emitByClass, emitPause } from '../flow/work-steps.js'
import type { FrameCode } from '../frames.js'
import { blocked } from '../kernel.js'
import { opCodes } from '../loop.js'
import { numbered, type PlainBalancer } from '../operands.js'
import type { System } from '../system.js'
import { none } from '../tasks.js'
import { emitAdmission, Limits } from './admission.js'
import { Answers } from './answers.js'
import { emitProbe, Prober } from './prober.js'

const algorithms: ReadonlySet<string> = new Set<BalanceAlgorithm>([
  'round_robin',
  'least_conn',
  'random_two',
  'ip_hash',
])

/** Weighted upstreams are nginx's weighted round robin. */
const algorithmOf = ({ balance }: BalancerComponent): BalanceAlgorithm =>
  algorithms.has(balance) ? (balance as BalanceAlgorithm) : 'round_robin'

// Its members become literals (docs/adr/0017). Where columns stand in a task's row, and bits: as in `tasks.ts`.
const enum Fixed {
  none = -1,
  pcAt = 0,
  endpointAt = 2,
  goalAt = 3,
  requestAt = 4,
  flagsAt = 5,
  outcomeAt = 9,
  frameAt = 10,
  answerAt = 11,
  peerAt = 18,
  triedAt = 19,
  answerOutcomeAt = 24,
  degradedBit = 1,
  answerDegradedBit = 8,
  // What an answer says (`verdictOf`).
  countsBit = 1,
  listedBit = 2,
  unsentBit = 4,
  silenceBit = 8,
}

/** What this file repeats of others. */
export const repeated = {
  none: Fixed.none,
  degradedBit: Fixed.degradedBit,
  answerDegradedBit: Fixed.answerDegradedBit,
  columns: {
    pc: Fixed.pcAt,
    endpoint: Fixed.endpointAt,
    goal: Fixed.goalAt,
    request: Fixed.requestAt,
    flags: Fixed.flagsAt,
    outcome: Fixed.outcomeAt,
    frame: Fixed.frameAt,
    answer: Fixed.answerAt,
    peer: Fixed.peerAt,
    tried: Fixed.triedAt,
    answerOutcome: Fixed.answerOutcomeAt,
  },
}

export interface Peer {
  readonly endpoint: Endpoint
  readonly weight: number
  /** Which of the upstreams it belongs to. */
  readonly upstream: number
}

/** How a try ended, in nginx's words: what `nextUpstream.for` lists, and whether the request had been sent. */
interface Ending {
  readonly cause: string
  readonly sent: boolean
  /** What the client is told if there is no further try. */
  readonly status: string
}

const endings: Readonly<Record<string, Ending>> = {
  refused: { cause: 'error', sent: false, status: '502' },
  reset: { cause: 'error', sent: true, status: '502' },
  timeout: { cause: 'timeout', sent: true, status: '504' },
  'connect-timeout': { cause: 'timeout', sent: false, status: '504' },
}

export class BalancerStation implements Station {
  readonly onStop = 'drain'
  readonly component: string
  readonly programs: number[] = []
  private program = none
  private readonly statuses: CodeMap
  /** By code, as far as codes have been asked for. */
  private readonly verdicts: number[] = []
  /** `nextUpstream.for`. */
  private readonly listed: ReadonlySet<string>
  /** Peers that a task has tried, from its second try on; of an earlier task with this handle before. */
  private readonly triedBy = new Map<number, number[]>()
  /** By the number of the endpoint. */
  private readonly balancers: (Balancer | undefined)[] = []
  /** Peers that an autoscaler has not started, or has taken away. */
  private readonly outside = new Set<number>()
  private readonly limits: Limits | undefined
  private readonly answers: Answers | undefined
  private readonly probers = new Map<Endpoint, Prober>()
  private peers: readonly Peer[] = []

  constructor(
    private readonly system: System,
    private readonly balancer: BalancerComponent,
    /** The longest that any client waits; a read timeout beyond it can never strike. */
    private readonly longestClientTimeoutSeconds: number,
  ) {
    this.component = balancer.id
    this.limits = balancer.rateLimit && new Limits(balancer.rateLimit, system.topology.clients !== undefined)
    this.answers = balancer.cache && new Answers(system, balancer.id, balancer.cache)
    const { codes } = system.kernel
    this.statuses = new CodeMap(codes, (text) => endings[text]?.status ?? text)
    this.listed = new Set(balancer.nextUpstream.for)
  }

  /** Once all components exist. */
  connect(peers: readonly Peer[]): void {
    this.peers = peers
    this.system.kernel.transit.connectSeconds.set(this.component, this.balancer.connectTimeoutSeconds)
    this.system.groupListeners.push((endpoint, on) => this.regroup(endpoint, on))
    this.program = this.emitProgram()
    const { activeHealth } = this.balancer
    if (activeHealth !== undefined) this.startProbing(activeHealth)
  }

  /** It does the same whatever the call is about. */
  compile(goal: number): number {
    while (this.programs.length <= goal) this.programs.push(this.program)
    return this.program
  }

  abandoned(task: number): void {
    const { kernel } = this.system
    const peer = kernel.tasks.peer[task] as number
    kernel.tasks.peer[task] = none
    if (peer !== none) this.stateOf(kernel.endpointOf(task)).release(peer, 'abandoned', kernel.now)
    kernel.cancel(task)
  }

  status(code: number): number {
    return this.statuses.get(code)
  }

  renew(endpoint: Endpoint): void {
    this.balancers[endpoint.id] = undefined
    this.limits?.forget(endpoint)
    this.answers?.forget(endpoint)
    for (const peer of this.peers.keys()) this.probers.get(endpoint)?.renew(peer)
  }

  private stateOf(endpoint: Endpoint): Balancer {
    let state = this.balancers[endpoint.id]
    if (state === undefined) {
      const random = this.system.stream(`${this.component}/balance`)
      state = makeBalancer({
        algorithm: algorithmOf(this.balancer),
        weights: this.peers.map((peer) => peer.weight),
        health: this.balancer.health,
        uniform: () => random.uniform(),
      })
      for (const peer of this.outside) state.enable(peer, false, this.system.kernel.now)
      while (this.balancers.length < endpoint.id) this.balancers.push(undefined)
      this.balancers[endpoint.id] = state
    }
    return state
  }

  /** The upstream group has one more, or one less. */
  private regroup(endpoint: Endpoint, on: boolean): void {
    const peer = this.peers.findIndex((each) => each.endpoint === endpoint)
    if (peer < 0) return
    if (on) this.outside.delete(peer)
    else this.outside.add(peer)
    for (const state of this.balancers) {
      state?.enable(peer, on, this.system.kernel.now)
      state?.mark(peer, true, this.system.kernel.now)
    }
    for (const prober of this.probers.values()) prober.renew(peer)
  }

  /** Each process of the balancer probes for itself. */
  private startProbing(options: ActiveHealthOptions): void {
    const { system, component } = this
    const { kernel } = system
    const program = emitProbe(system, component)
    const endpoints = this.peers.map(({ endpoint }) => endpoint)
    for (const self of system.member(component).endpoints) {
      const watches = (peer: number): boolean => !this.outside.has(peer)
      const turned = (peer: number, up: boolean): void => {
        this.stateOf(self).mark(peer, up, kernel.now)
        const endpoint = endpoints[peer]
        if (!up && endpoint !== undefined) kernel.notice(endpoint, component)
      }
      this.probers.set(self, new Prober(system, self, endpoints, options, program, watches, turned))
    }
  }

  private emitProgram(): number {
    const { system, component, balancer } = this
    const { kernel } = system
    const { tasks, requests, frames, edges, timers, queue } = kernel
    const { balancers } = this
    const program = new Program(system, component)
    const cost = (rate: number) => visitCpu(system.topology, component, rate)
    const turn = (request?: string): void => {
      const overhead = system.work(`${component}/visit`, component, (rate) =>
        turnCpu(system.topology, component, rate, request),
      )
      if (overhead !== undefined) emitBurst(program, overhead, undefined)
    }
    const differs = visitsDiffer(system.topology, component)
    const passesOn = visitTurns(system.topology, component) > 1
    const wait = system.work(`${component}/visit-wait`, component, (rate) => cost(rate).wait)
    const arrived = program.here + 1
    program.emit((task) => {
      tasks.tried[task] = 0
      return arrived
    }, opCodes.arrived)
    if (differs) emitByClass(program, turn)
    else turn()
    if (wait !== undefined) emitPause(program, wait, undefined)
    if (this.limits !== undefined) emitAdmission(program, this.limits)
    const { answers } = this
    if (answers !== undefined) {
      const origin = program.here + 1
      program.emit((task) =>
        answers.hit(kernel.endpointOf(task), tasks.request[task] as number) ? kernel.end(task, ok) : origin,
      )
    }

    const readTimeout = balancer.readTimeoutSeconds
    const guard = readTimeout < this.longestClientTimeoutSeconds ? timers.limit(readTimeout) : undefined
    const maxTries = balancer.nextUpstream.tries > 0 ? balancer.nextUpstream.tries : Number.POSITIVE_INFINITY
    const within = balancer.nextUpstream.timeoutSeconds ?? Number.POSITIVE_INFINITY
    const ways = this.peers.map((peer) => edges.between(component, peer.endpoint.station.component))
    const endpoints = this.peers.map(({ endpoint }) => endpoint)
    const ranked = this.rankedPick()
    const wayOf = this.wayFromClient()
    const choose = program.here
    const judge = choose + 1
    const go = new Label()
    /** The read timeout strikes as an answer of its own. */
    const limit: FrameCode = {
      expiresAs: timeout,
      failed: (task) => {
        frames.pop(task)
        tasks.answer[task] = timeout
        return judge
      },
      dropped: () => undefined,
    }
    const limitCode = frames.register(limit)
    const isPlain = ranked === undefined && wayOf === undefined && answers === undefined
    const about = isPlain
      ? numbered(kernel.operands.balancers, { ...this.asPlain(judge, ways), guard, limitCode })
      : none
    const plain = (code: number): readonly [code: number, a: number] => [isPlain ? code : opCodes.closure, about]
    program.emit(
      (task) => {
        const { memory } = tasks
        const state = balancers[memory[task + Fixed.endpointAt] as number] ?? this.stateOf(kernel.endpointOf(task))
        const count = memory[task + Fixed.triedAt] as number
        const { now } = queue
        if (count === 0) tasks.enteredAt[tasks.timeOf(task)] = now
        const client = requests.client[memory[task + Fixed.requestAt] as number] as number
        const tried = count === 0 ? nobody : this.triedOf(task)
        const peer =
          count >= state.count
            ? none
            : ranked === undefined
              ? state.pick(now, tried, client)
              : ranked(state, tried, client)
        if (peer < 0) {
          // nginx: "no live upstreams".
          memory[task + Fixed.pcAt] = judge + 1
          return kernel.answerSoon(task, badGateway)
        }
        memory[task + Fixed.pcAt] = judge
        memory[task + Fixed.peerAt] = peer
        memory[task + Fixed.triedAt] = count + 1
        // Only a second try needs to know which the first was.
        if (count > 0) this.triedBy.get(task)?.push(peer)
        if (guard !== undefined) guard.add(frames.push(task, limitCode))
        if (wayOf !== undefined) {
          const seconds = wayOf(this.peers[peer] as Peer, client)
          if (seconds > 0) {
            memory[task + Fixed.pcAt] = go.pc
            timers.seconds[0] = seconds
            timers.sleep(task)
            return blocked
          }
        }
        return kernel.call(
          task,
          endpoints[peer] as Endpoint,
          memory[task + Fixed.goalAt] as number,
          ways[peer] as number,
        )
      },
      ...plain(opCodes.choose),
    )
    /** After an answer that is none: may be tried again, or is told. Rare enough to be a function of its own. */
    const failed = (task: number, state: Balancer, peer: number, answer: number): number => {
      const verdict = this.verdictOf(answer)
      const { now } = queue
      state.release(peer, (verdict & Fixed.countsBit) !== 0 ? 'failed' : 'succeeded', now)
      if ((verdict & Fixed.silenceBit) !== 0) this.noticeSilence(peer)
      if ((verdict & Fixed.listedBit) === 0) return kernel.end(task, this.statuses.get(answer))
      const tries = tasks.tried[task] as number
      const again =
        tries < maxTries &&
        tries < state.count &&
        now - (tasks.enteredAt[tasks.timeOf(task)] as number) < within &&
        ((verdict & Fixed.unsentBit) !== 0 || requests.idempotent[tasks.request[task] as number] === 1)
      if (!again) return kernel.end(task, this.statuses.get(answer))
      if (tries === 1) this.triedBy.set(task, [peer])
      return choose
    }
    program.emit(
      (task) => {
        const { memory } = tasks
        const answer = memory[task + Fixed.answerAt] as number
        const peer = memory[task + Fixed.peerAt] as number
        if (memory[task + Fixed.frameAt] !== Fixed.none) frames.pop(task)
        memory[task + Fixed.peerAt] = Fixed.none
        const state = balancers[memory[task + Fixed.endpointAt] as number] ?? this.stateOf(kernel.endpointOf(task))
        if (answer !== ok) return failed(task, state, peer, answer)
        state.release(peer, 'succeeded', queue.now)
        const flags = memory[task + Fixed.flagsAt] as number
        if ((flags & Fixed.answerDegradedBit) !== 0) memory[task + Fixed.flagsAt] = flags | Fixed.degradedBit
        memory[task + Fixed.outcomeAt] = memory[task + Fixed.answerOutcomeAt] as number
        if (answers !== undefined) answers.keep(kernel.endpointOf(task), memory[task + Fixed.requestAt] as number)
        return judge + 2
      },
      ...plain(opCodes.judge),
    )
    program.emit((task) => kernel.end(task, tasks.answer[task] as number))
    if (passesOn) {
      const answered = (request?: string): void => {
        turn(request)
        emitAftermath(program, component, request)
      }
      if (differs) emitByClass(program, answered)
      else answered()
    }
    program.end()
    program.place(go)
    program.emit((task) => {
      const peer = tasks.peer[task] as number
      tasks.pc[task] = judge
      return kernel.call(task, endpoints[peer] as Endpoint, tasks.goal[task] as number, ways[peer] as number)
    })
    return program.start
  }

  /** What a request needs of it that is not a task. */
  private asPlain(judge: number, ways: readonly number[]): Omit<PlainBalancer, 'guard' | 'limitCode'> {
    const { kernel } = this.system
    const { requests, queue, tasks } = kernel
    return {
      choose: (endpoint, request) => {
        const state = this.balancers[endpoint]
        if (state === undefined || state.count <= 0) return -2
        return state.pick(queue.now, nobody, requests.client[request] as number)
      },
      nobody: (task) => {
        tasks.pc[task] = judge + 1
        return kernel.answerSoon(task, badGateway)
      },
      release: (endpoint, peer) => this.balancers[endpoint]?.release(peer, 'succeeded', queue.now),
      endpointOf: (peer) => (this.peers[peer] as Peer).endpoint,
      edgeOf: (peer) => ways[peer] as number,
    }
  }

  /** Upstreams one after the other, as the policy ranks them for the client; undefined: all at once. */
  private rankedPick(): ((state: Balancer, tried: readonly number[], client: number) => number) | undefined {
    const { system, balancer, peers } = this
    const placeOf = places(system.topology, system.placement)
    const { origins } = system.topology
    const orders = (origins.length > 0 ? origins.map(({ region }) => region) : [undefined]).map((origin) =>
      preference(balancer, origin, placeOf)?.map((upstream) =>
        [...peers.keys()].filter((peer) => peers[peer]?.upstream !== upstream),
      ),
    )
    if (orders[0] === undefined) return undefined
    const originOf = originChooser(system.topology)
    return (state, tried, client) => {
      for (const others of orders[origins.length > 0 ? originOf(client) : 0] ?? []) {
        if (others.length + tried.length === 0) return state.pick(system.kernel.now, tried, client)
        const peer = state.pick(system.kernel.now, tried.length === 0 ? others : [...others, ...tried], client)
        if (peer !== none) return peer
      }
      return none
    }
  }

  /** Of a balancer at the client's side: the way from there to a peer; undefined: nobody is far from anything. */
  private wayFromClient(): ((peer: Peer, client: number) => number) | undefined {
    const { topology, placement } = this.system
    const placeOf = places(topology, placement)
    const upstreams = this.balancer.upstreams.map(({ component }) =>
      topology.origins.map(({ region }) => wayFromOrigin(topology, placeOf, this.balancer, component, region)),
    )
    if (!upstreams.some((ways) => ways.some((seconds) => seconds > 0))) return undefined
    const originOf = originChooser(topology)
    return ({ upstream }, client) => upstreams[upstream]?.[originOf(client)] ?? 0
  }

  /** A timeout tells of more than load where the peer stands still, or the way to it is struck. */
  private noticeSilence(peer: number): void {
    const { endpoint } = this.peers[peer] ?? {}
    if (endpoint === undefined) return
    const { kernel } = this.system
    const way = kernel.edges.between(this.component, endpoint.station.component)
    if (endpoint.paused || kernel.transit.isImpaired(way)) kernel.notice(endpoint, this.component)
  }

  private triedOf(task: number): readonly number[] {
    return this.triedBy.get(task) ?? nobody
  }

  /** What an answer with this code says, decided once per code: texts are not compared per request. */
  private verdictOf(code: number): number {
    for (let next = this.verdicts.length; next <= code; next++) this.verdicts.push(this.judgement(next))
    return this.verdicts[code] as number
  }

  private judgement(code: number): number {
    const text = this.system.kernel.codes.text(code)
    const ending = Object.hasOwn(endings, text) ? endings[text] : undefined
    const cause = ending?.cause ?? `http_${text}`
    const isListed = this.listed.has(cause)
    // Errors and timeouts always count against the peer; answers only if they are listed.
    return (
      (ending !== undefined || isListed ? Fixed.countsBit : 0) |
      (isListed ? Fixed.listedBit : 0) |
      (ending?.sent === false ? Fixed.unsentBit : 0) |
      (cause === 'timeout' ? Fixed.silenceBit : 0)
    )
  }
}

const nobody: readonly number[] = []
