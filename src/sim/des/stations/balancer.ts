/**
 * A reverse proxy: its own cost, an instance by policy and passive health, and the next one when that fails and may be
 * tried again. Semantics of nginx's `proxy_next_upstream`: a request that has been sent is not sent again if its method is
 * not idempotent; one whose connection was refused is.
 */
import { visitCpu } from '../../../catalog/demand.js'
import { type BalanceAlgorithm, type Balancer, makeBalancer } from '../../../policy/balancer.js'
import type { BalancerComponent } from '../../../topology/types.js'
import type { Endpoint, Station } from '../endpoint.js'
import { Program } from '../flow/program.js'
import { emitBurst, emitPause } from '../flow/work-steps.js'
import type { System } from '../system.js'
import type { FrameCode, Op, Task } from '../task.js'

const algorithms: ReadonlySet<string> = new Set<BalanceAlgorithm>([
  'round_robin',
  'least_conn',
  'random_two',
  'ip_hash',
])

/** Weighted upstreams are nginx's weighted round robin. */
const algorithmOf = ({ balance }: BalancerComponent): BalanceAlgorithm =>
  algorithms.has(balance) ? (balance as BalanceAlgorithm) : 'round_robin'

export interface Peer {
  readonly endpoint: Endpoint
  readonly weight: number
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
}

export class BalancerStation implements Station {
  readonly onStop = 'drain'
  readonly component: string
  private ops: readonly Op[] = []
  private readonly balancers = new Map<Endpoint, Balancer>()
  private peers: readonly Peer[] = []

  constructor(
    private readonly system: System,
    private readonly balancer: BalancerComponent,
    /** The longest that any client waits; a read timeout beyond it can never strike. */
    private readonly longestClientTimeoutSeconds: number,
  ) {
    this.component = balancer.id
  }

  /** Once all components exist. */
  connect(peers: readonly Peer[]): void {
    this.peers = peers
    this.ops = this.compile()
  }

  program(): readonly Op[] {
    return this.ops
  }

  abandoned(task: Task): void {
    if (task.peer >= 0) this.stateOf(task.endpoint).release(task.peer, 'abandoned', this.system.kernel.now)
    task.peer = -1
    this.system.kernel.cancel(task)
  }

  status(code: string): string {
    return endings[code]?.status ?? code
  }

  renew(endpoint: Endpoint): void {
    this.balancers.delete(endpoint)
  }

  private stateOf(endpoint: Endpoint): Balancer {
    let state = this.balancers.get(endpoint)
    if (state === undefined) {
      state = makeBalancer({
        algorithm: algorithmOf(this.balancer),
        weights: this.peers.map((peer) => peer.weight),
        health: this.balancer.health,
        uniform: this.system.stream(`${this.component}/balance`).uniform,
      })
      this.balancers.set(endpoint, state)
    }
    return state
  }

  private compile(): readonly Op[] {
    const { system, component, balancer } = this
    const { kernel } = system
    const program = new Program(system, component)
    const cost = (rate: number) => visitCpu(system.topology, component, rate)
    const overhead = system.work(`${component}/visit`, component, (rate) => cost(rate).cpu)
    const wait = system.work(`${component}/visit-wait`, component, (rate) => cost(rate).wait)
    if (overhead !== undefined) emitBurst(program, overhead, undefined)
    if (wait !== undefined) emitPause(program, wait, undefined)

    const listed: ReadonlySet<string> = new Set(balancer.nextUpstream.for)
    const readTimeout = balancer.readTimeoutSeconds
    const guarded = readTimeout < this.longestClientTimeoutSeconds
    const maxTries = balancer.nextUpstream.tries > 0 ? balancer.nextUpstream.tries : Number.POSITIVE_INFINITY
    const within = balancer.nextUpstream.timeoutSeconds ?? Number.POSITIVE_INFINITY
    const choose = program.here
    const judge = choose + 1
    /** The read timeout strikes as an answer of its own. */
    const limit: FrameCode = {
      expiresAs: 'timeout',
      failed: (task) => {
        task.depth -= 1
        task.answer = 'timeout'
        return judge
      },
      dropped: () => undefined,
    }
    program.emit((task) => {
      const state = this.stateOf(task.endpoint)
      if (task.tried.length === 0) task.enteredAt = kernel.now
      const peer = task.tried.length >= state.size ? -1 : state.pick(kernel.now, task.tried, task.request.client)
      const chosen = this.peers[peer]
      if (chosen === undefined) {
        // nginx: "no live upstreams".
        task.pc = judge + 1
        return kernel.answerSoon(task, '502')
      }
      task.peer = peer
      task.tried.push(peer)
      task.pc = judge
      if (guarded) kernel.timers.limit(task, task.push(limit, kernel.now), readTimeout)
      return kernel.call(task, chosen.endpoint, task.goal)
    })
    program.emit((task) => {
      const { answer, peer } = task
      task.depth = 0
      task.peer = -1
      const state = this.stateOf(task.endpoint)
      if (answer === '') {
        state.release(peer, 'succeeded', kernel.now)
        task.degraded = task.answerDegraded
        task.outcome = task.answerOutcome
        return kernel.end(task, '')
      }
      const ending = endings[answer]
      const cause = ending?.cause ?? `http_${answer}`
      // Errors and timeouts always count against the peer; answers only if they are listed.
      const counts = ending !== undefined || listed.has(cause)
      state.release(peer, counts ? 'failed' : 'succeeded', kernel.now)
      const again =
        listed.has(cause) &&
        task.tried.length < maxTries &&
        task.tried.length < state.size &&
        kernel.now - task.enteredAt < within &&
        (ending?.sent === false || task.request.idempotent)
      return again ? choose : kernel.end(task, ending?.status ?? answer)
    })
    program.emit((task) => kernel.end(task, task.answer))
    return program.ops
  }
}
