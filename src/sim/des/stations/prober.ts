/**
 * Active health checks of one balancer process: a request to each peer every interval, answered by a little CPU of the peer's
 * own, so that a process that hangs or drowns in work answers late. Rare: plain closures on an agenda.
 */
import { ActiveHealth, type ActiveHealthOptions } from '../../../policy/active-health.js'
import { Agenda } from '../agenda.js'
import { ok } from '../codes.js'
import type { Endpoint } from '../endpoint.js'
import { Program } from '../flow/program.js'
import { emitBurst } from '../flow/work-steps.js'
import type { System } from '../system.js'
import { none } from '../tasks.js'
import { Work } from '../work.js'

/** What answering a probe costs. */
const answerSeconds = 50e-6

interface Probe {
  readonly peer: number
  readonly began: number
  readonly timeout: number
}

/** How peers answer probes, compiled once for a balancer. */
export const emitProbe = (system: System, component: string): number => {
  const program = new Program(system, component)
  emitBurst(
    program,
    new Work(system.stream(`${component}/probe`), { shape: 'constant', seconds: answerSeconds }),
    undefined,
  )
  program.emit((task) => system.kernel.end(task, ok))
  return program.start
}

export class Prober {
  private readonly health: ActiveHealth
  private readonly agenda: Agenda
  private readonly ender: number
  /** By task. */
  private readonly underWay = new Map<number, Probe>()

  constructor(
    private readonly system: System,
    /** Of the balancer. */
    private readonly self: Endpoint,
    private readonly peers: readonly Endpoint[],
    private readonly options: ActiveHealthOptions,
    private readonly program: number,
    /** Is the peer in the group? */
    private readonly watches: (peer: number) => boolean,
    private readonly turned: (peer: number, up: boolean) => void,
  ) {
    const { kernel } = system
    this.health = new ActiveHealth(peers.length, options)
    this.agenda = new Agenda(kernel.queue)
    this.ender = kernel.addEnder((task, code) => this.over(task, code === ok))
    for (const peer of peers.keys())
      this.agenda.after(this.health.firstProbeAt(peer, 0) - kernel.now, () => this.probe(peer))
  }

  /** A peer that is new to the group, or to a balancer that is. */
  renew(peer: number): void {
    this.health.renew(peer, true)
  }

  private probe(peer: number): void {
    const { kernel } = this.system
    const endpoint = this.peers[peer]
    const began = kernel.now
    if (endpoint === undefined || this.self.state === 'down' || this.self.paused || !this.watches(peer)) {
      this.again(peer, began)
      return
    }
    if (endpoint.state !== 'up') {
      this.judge(peer, false)
      this.again(peer, began)
      return
    }
    if (kernel.transit.isSevered(this.self, endpoint)) {
      this.agenda.after(this.options.timeoutSeconds, () => {
        this.judge(peer, false)
        this.again(peer, began)
      })
      return
    }
    const task = kernel.start(endpoint, this.program, none, this.ender)
    const timeout = this.agenda.after(this.options.timeoutSeconds, () => {
      kernel.cancel(task)
      this.underWay.delete(task)
      this.judge(peer, false)
      this.again(peer, began)
    })
    this.underWay.set(task, { peer, began, timeout })
  }

  private over(task: number, well: boolean): void {
    const probe = this.underWay.get(task)
    if (probe === undefined) return
    this.underWay.delete(task)
    this.agenda.cancel(probe.timeout)
    this.judge(probe.peer, well)
    this.again(probe.peer, probe.began)
  }

  private again(peer: number, began: number): void {
    const { now } = this.system.kernel
    this.agenda.after(this.health.nextProbeAt(began, now) - now, () => this.probe(peer))
  }

  private judge(peer: number, well: boolean): void {
    if (this.health.probed(peer, well)) this.turned(peer, this.health.up(peer))
  }
}
