/**
 * Autoscalers in virtual time: the policy decides from metrics that are averaged and late, instances are started and take a
 * while to be ready, others leave when they have answered what they have. Rare: plain closures on an agenda.
 */

import { groupBy } from '../../lib/group.js'
import type { PodState } from '../../policy/autoscaler/pods.js'
import type { Observation } from '../../policy/autoscaler/replica-calculator.js'
import { type Autoscaler, makeAutoscaler, type Scaling, scalingMetrics } from '../../policy/autoscaler/scaling.js'
import { usableCores } from '../../result/capacity.js'
import type { RunEvent } from '../../result/run-event.js'
import type { ServiceComponent } from '../../topology/types.js'
import { Agenda } from './agenda.js'
import type { Endpoint } from './endpoint.js'
import type { Lifecycle } from './lifecycle.js'
import type { Machines } from './machines.js'
import { PodMeter } from './pod-meter.js'
import type { Member, System } from './system.js'

/** What was there when the run began has run for long. */
const longAgo = -1e6

interface Pod {
  readonly id: string
  readonly endpoints: readonly Endpoint[]
  startedAt: number
  ready: boolean
  readinessChangedAt: number
  deleting: boolean
}

/** Starts the autoscalers of the topology. */
export const startScaling = (
  system: System,
  machines: Machines,
  lifecycle: Lifecycle,
  emit: (event: RunEvent) => void,
): void => {
  for (const member of system.members.values()) {
    const { component } = member
    if (component.role === 'service' && component.scaling !== undefined)
      new ScaledService(system, machines, lifecycle, emit, member, component, component.scaling)
  }
}

class ScaledService {
  private readonly autoscaler: Autoscaler
  private readonly agenda: Agenda
  private readonly meter: PodMeter
  /** That exist: starting, ready, crashed, or being stopped. */
  private readonly pods = new Map<string, Pod>()
  private readonly endpointsOf: ReadonlyMap<string, readonly Endpoint[]>
  /** What was asked for. */
  private wanted: number
  private windows = 1

  constructor(
    private readonly system: System,
    private readonly machines: Machines,
    private readonly lifecycle: Lifecycle,
    private readonly emit: (event: RunEvent) => void,
    private readonly member: Member,
    private readonly component: ServiceComponent,
    private readonly scaling: Scaling,
  ) {
    const { kernel } = system
    const byInstance = groupBy(member.endpoints, ({ instance }) => instance)
    this.endpointsOf = byInstance
    this.wanted = component.replicas
    this.agenda = new Agenda(kernel.queue)
    const { windowSeconds, metricsLagSeconds } = scaling
    const hosts = new Set([...byInstance.keys()].map((id) => system.placement.instances[id]?.host ?? ''))
    const cores = [...hosts].flatMap((host) => machines.hosts.get(host)?.cores ?? [])
    const { processors } = kernel.processors
    this.meter = new PodMeter(component, byInstance, windowSeconds, metricsLagSeconds, cores, processors)
    this.autoscaler = makeAutoscaler(scaling, kernel.now)
    for (const [index, [id, endpoints]] of [...byInstance].entries())
      if (index < component.replicas) this.pods.set(id, { ...podOf(id, endpoints, longAgo), ready: true })
      else lifecycle.withhold(id)
    const absent = member.endpoints.filter(({ instance }) => !this.pods.has(instance))
    system.inGroup(member, absent, false)
    this.share()
    this.meter.read(kernel.now)
    this.tickLater()
  }

  /** A window of the metrics ends before whoever asks for it at the same time. */
  private tickLater(): void {
    const windowAt = this.windows * this.scaling.windowSeconds
    const decideAt = this.autoscaler.nextAt()
    const next = Math.min(windowAt, decideAt)
    this.agenda.after(next - this.system.kernel.now, () => {
      if (windowAt <= next) {
        this.windows++
        this.meter.read(next)
      }
      if (decideAt <= next) this.decide(next)
      this.tickLater()
    })
  }

  private decide(now: number): void {
    const from = this.wanted
    const { replicas: to, reason } = this.autoscaler.observe(now, this.observe(now))
    if (to === from) return
    this.wanted = to
    this.emit({
      type: 'scaled',
      at: this.system.kernel.now,
      component: this.component.id,
      from,
      to,
      reason: reason ?? '',
    })
    this.follow()
  }

  private observe(now: number): Observation {
    const pods = [...this.pods.values()].map((pod): PodState => {
      const ready = pod.endpoints.every(({ state, paused }) => state === 'up' && !paused)
      if (ready !== pod.ready) {
        pod.ready = ready
        pod.readinessChangedAt = now
      }
      return {
        phase: 'running',
        deleting: pod.deleting,
        startedAt: pod.startedAt,
        readiness: { ready, changedAt: pod.readinessChangedAt },
        requests: this.requestsOf(pod),
        samples: this.meter.samples(pod.id, pod.startedAt, now),
      }
    })
    const existing = pods.filter(({ deleting }) => !deleting).length
    return { replicas: this.wanted, existing, pods, totals: { [scalingMetrics.queueLength]: this.queueLength() } }
  }

  /** Its quota of CPU, else the cores that it may use; the memory that it may need at most. */
  private requestsOf({ id }: Pod): PodState['requests'] {
    const { resources, maxInFlight } = this.component
    const { memoryBaseBytes, memoryPerRequestBytes = 0 } = resources
    return {
      cpu: resources.cpu ?? usableCores(this.system.placement, [id]),
      ...(memoryBaseBytes === undefined
        ? {}
        : { memory: memoryBaseBytes + memoryPerRequestBytes * (maxInFlight ?? 0) }),
    }
  }

  /** Messages that wait; of what takes no messages, requests in hand. */
  private queueLength(): number | undefined {
    const { consumes } = this.component
    if (consumes === undefined) return this.member.total.value
    return this.system.queueLengths.get(`${consumes.component}.${consumes.queue ?? consumes.topic ?? ''}`)?.()
  }

  /** Starts and stops until there are as many as wanted. */
  private follow(): void {
    const staying = [...this.pods.values()].filter(({ deleting }) => !deleting)
    const leaving = staying.toSorted(firstToGo).slice(0, Math.max(0, staying.length - this.wanted))
    for (const pod of leaving) this.stop(pod)
    const absent = [...this.endpointsOf.keys()].filter((id) => !this.pods.has(id))
    for (const id of absent.slice(0, Math.max(0, this.wanted - staying.length))) this.start(id)
    this.share()
  }

  private start(id: string): void {
    const { now } = this.system.kernel
    const pod = podOf(id, this.endpointsOf.get(id) ?? [], now)
    this.pods.set(id, pod)
    this.lifecycle.add(id, () => {
      pod.ready = true
      pod.readinessChangedAt = this.system.kernel.now
      this.system.inGroup(this.member, pod.endpoints, true)
    })
  }

  private stop(pod: Pod): void {
    pod.deleting = true
    this.system.inGroup(this.member, pod.endpoints, false)
    this.lifecycle.remove(pod.id, () => {
      this.pods.delete(pod.id)
      // Its place may be what a new one waits for.
      this.follow()
    })
  }

  /** Quotas are of those that are there. */
  private share(): void {
    const present = [...this.pods.keys()]
    this.machines.rebalance(this.component.id, new Set(present))
    this.member.cores?.set(usableCores(this.system.placement, present))
  }
}

const podOf = (id: string, endpoints: readonly Endpoint[], startedAt: number): Pod => ({
  id,
  endpoints,
  startedAt,
  ready: false,
  readinessChangedAt: startedAt,
  deleting: false,
})

/** As a ReplicaSet: who is not ready goes first, then who has been ready for the shortest time. */
const firstToGo = (a: Pod, b: Pod): number => {
  if (a.ready !== b.ready) return a.ready ? 1 : -1
  return b.readinessChangedAt - a.readinessChangedAt || indexOf(b.id) - indexOf(a.id)
}

const indexOf = (id: string): number => Number(id.slice(id.lastIndexOf('/') + 1))
