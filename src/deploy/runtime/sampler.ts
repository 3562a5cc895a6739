/** Reads what a system has used and served so far: cheap enough for once a second, and never failing. */
import type { InstanceCounters, LiveContext, LiveFacet } from '../../contract/engine.js'
import { atRest, mergeCounters } from '../../contract/instance-counters.js'
import type { Machine } from '../../contract/machine.js'
import type { InstanceSample, ProcessCpu, SystemSample } from '../../contract/running-system.js'
import type { Instance } from './instance.js'
import { sleep } from './time.js'

/** A server that does not answer within this long (it is down, or paused) is skipped this time. */
const patienceSeconds = 0.5

/** Counters of one instance over all of its lives. */
class CounterAccount {
  #past: InstanceCounters = {}
  #current: InstanceCounters = {}
  #generation = -1
  #asking = false

  constructor(
    private readonly instance: Instance,
    private readonly ask: () => Promise<InstanceCounters>,
  ) {}

  async read(): Promise<InstanceCounters> {
    if (this.instance.state === 'ready' && !this.#asking) await Promise.race([this.#refresh(), sleep(patienceSeconds)])
    const over = this.instance.state !== 'ready' && this.instance.state !== 'paused'
    const total = mergeCounters(this.#past, this.#current)
    return over ? atRest(total) : total
  }

  async #refresh(): Promise<void> {
    this.#asking = true
    const { generation } = this.instance
    try {
      const counters = await this.ask()
      // The process that was asked may have gone meanwhile: then this is the last that it said.
      if (generation !== this.#generation && this.#generation >= 0)
        this.#past = atRest(mergeCounters(this.#past, this.#current))
      this.#generation = generation
      this.#current = counters
    } catch {
      // It is going down or coming up: what is known stays.
    } finally {
      this.#asking = false
    }
  }
}

const ownCpu = (): ProcessCpu => {
  const { user, system } = process.cpuUsage()
  return { pid: process.pid, cpuSeconds: (user + system) / 1e6 }
}

export interface Sampled {
  readonly instance: Instance
  readonly facet: LiveFacet
  readonly context: LiveContext
}

export class Sampler {
  readonly #accounts: readonly { readonly instance: Instance; readonly counters: CounterAccount | undefined }[]

  constructor(
    private readonly machine: Machine,
    private readonly host: string,
    sampled: readonly Sampled[],
    private readonly daemons: (() => readonly ProcessCpu[]) | undefined,
  ) {
    this.#accounts = sampled.map(({ instance, facet, context }) => {
      const { sample } = facet
      return {
        instance,
        counters: sample === undefined ? undefined : new CounterAccount(instance, () => sample(context)),
      }
    })
  }

  async sample(): Promise<SystemSample> {
    const counters = await Promise.all(this.#accounts.map(async (account) => (await account.counters?.read()) ?? {}))
    // After the counters, in one go: what the kernel tells of all instances then belongs to one moment.
    const at = performance.now() / 1000
    const instances: Record<string, InstanceSample> = {}
    for (const [i, { instance }] of this.#accounts.entries())
      instances[instance.id] = { ...counters[i], ...instance.usage() }
    return {
      at,
      instances,
      hosts: { [this.host]: this.machine.cpu() },
      supervisor: ownCpu(),
      ...(this.daemons === undefined ? {} : { daemons: this.daemons() }),
    }
  }
}
