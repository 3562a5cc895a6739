/**
 * CPU quotas among neighbours without one, as Linux enforces them (CFS bandwidth control; Turner, Rao and Rao, Linux Symposium 2010;
 * kernel documentation, scheduler/sched-bwc): an instance runs at full speed until it has used quota × period, and then not at all until
 * the next period begins. What it used beyond that, before anybody noticed, is taken from its next period.
 */
import type { Agenda } from './agenda.js'
import type { Cores } from './cores.js'
import type { Kernel } from './kernel.js'
import type { Processor } from './processor.js'

/** Docker's and Kubernetes' period. */
export const periodSeconds = 0.1
/** How late it is noticed that a quota is used up: half a tick of the scheduler at 250 Hz. */
const ticksPerPeriod = 50

export interface Quota {
  /** Cores' worth of CPU. */
  readonly quota: number
  /** What the processors run on; undefined: on cores of their own, which they know about. */
  readonly cores: Cores | undefined
  readonly processors: readonly Processor[]
}

interface Account extends Quota {
  /** Ticks from which its periods begin. */
  readonly phase: number
  /** CPU-seconds at the beginning of the period. */
  usedBefore: number
  /** CPU-seconds that it may use in this period. */
  allowanceSeconds: number
}

export const throttle = (quotas: readonly Quota[], kernel: Kernel, agenda: Agenda): void => {
  if (quotas.length === 0) return
  const accounts = quotas.map((one, i): Account => {
    // Periods of containers that started one after the other do not coincide.
    const phase = Math.floor((i * ticksPerPeriod) / quotas.length)
    return { ...one, phase, usedBefore: 0, allowanceSeconds: one.quota * periodSeconds }
  })
  const shared = new Set(quotas.flatMap(({ cores }) => cores ?? []))
  const partial = new Float64Array(kernel.processors.processors.length)
  const usedBy = ({ processors }: Account): number =>
    processors.reduce((sum, processor) => sum + processor.usedSeconds(partial), 0)
  let ticks = 0
  agenda.every(periodSeconds / ticksPerPeriod, () => {
    ticks += 1
    partial.fill(0)
    for (const cores of shared) cores.addPartial(partial)
    for (const account of accounts) {
      const used = usedBy(account)
      if (ticks % ticksPerPeriod === account.phase) {
        const left = account.allowanceSeconds - (used - account.usedBefore)
        account.allowanceSeconds = account.quota * periodSeconds + Math.min(0, left)
        account.usedBefore = used
      }
      const spent = used - account.usedBefore >= account.allowanceSeconds
      for (const processor of account.processors) {
        if (spent === processor.paused) continue
        if (spent) processor.pause()
        else if (!stopped(kernel, processor)) processor.resume()
      }
    }
    return true
  })
}

/** A fault holds the process, whatever its quota. */
const stopped = (kernel: Kernel, processor: Processor): boolean =>
  kernel.pausedEndpoints > 0 && kernel.endpoints.some((endpoint) => endpoint.processor === processor && endpoint.paused)
