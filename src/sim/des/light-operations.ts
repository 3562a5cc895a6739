/**
 * What light requests do in the place of tasks (hot path; `lights.ts`). `request` is one, in the row `request >> 3`; `at` is where the
 * row has the numbers of one of its visits.
 *
 * `makeLightOperations` refers to nothing but its arguments: it is evaluated anew for a long simulation, as the core is (`anew`).
 */
import type { CpuOperations } from './cpu-operations.js'
import type { Endpoint } from './endpoint.js'
import type { Kernel } from './kernel.js'
import type { LightPlan } from './lights.js'
import type { Operations } from './operations.js'
import type { StepMeter } from './step-meter.js'
import type { Work } from './work.js'

export type LightOperations = ReturnType<typeof makeLightOperations>

export const makeLightOperations = (kernel: Kernel, { runOn }: CpuOperations, { shardFor }: Operations) => {
  // Its members become literals (docs/adr/0017).
  const enum Fixed {
    none = -1,
    atOnce = -1,
    light = 1,
    mostVisits = 4,
    mostLimits = 2,
  }
  const { endpoints, processorOf, lights, queue, tasks } = kernel
  const { endpoint: lightEndpoint, born: lightBorn, generation: lightGeneration } = lights
  const { times: lightTimes, burst: lightBursts, state, waits, pc: lightPlaces, ender: enders, frame: limits } = lights
  const { births } = tasks
  const { clock } = queue
  const { references } = kernel.requests
  const { count: edgeCount, slow: edgeSlow } = kernel.edges

  /** A task would begin at the endpoint. */
  const enter = (request: number, at: number, endpoint: Endpoint): void => {
    lightEndpoint[at] = endpoint.id
    const number = (births[0] as number) + 1
    births[0] = number
    lightBorn[at] = number
    references[request] = (references[request] as number) + 1
    endpoint.calls += 1
    const { total } = endpoint
    total.area -= clock[0] as number
    const inHand = total.value + 1
    total.value = inHand
    if (inHand > total.max) total.max = inHand
  }

  /** The request goes on at the first place of its way as soon as possible; there is a row for it. */
  const begin = (request: number, { endpoint, ender, first }: LightPlan): void => {
    const row = request >> 3
    const stamp = ((lightGeneration[row] as number) + 1) | 0
    state[row] = Fixed.light
    lightGeneration[row] = stamp
    enders[row] = ender
    lightPlaces[row] = first
    waits[row] = Fixed.none
    limits[row * Fixed.mostLimits] = Fixed.none
    limits[row * Fixed.mostLimits + 1] = Fixed.none
    enter(request, row * Fixed.mostVisits, endpoint)
    kernel.pushReady(-2 - request, stamp)
  }

  /** As `call`, by the visit before the one at `at`. False: it is not as usual, and nothing has been done. */
  const visit = (request: number, at: number, endpoint: Endpoint, edge: number): boolean => {
    if (endpoint.state !== 'up' || endpoint.calls >= endpoint.maxInFlight || endpoint.paused || edgeSlow[edge] !== 0)
      return false
    edgeCount[edge] = (edgeCount[edge] as number) + 1
    endpoint.visits += 1
    enter(request, at, endpoint)
    return true
  }

  /** As `end` of the visit at `at`, but for what its request and its caller hear of it. */
  const leaveVisit = (at: number): boolean => {
    const own = endpoints[lightEndpoint[at] as number] as Endpoint
    if (own.noticedBy !== undefined || own.drained !== undefined || kernel.pausedEndpoints > 0) return false
    own.calls -= 1
    const { total } = own
    total.area += clock[0] as number
    total.value -= 1
    return true
  }

  /** As `burst`, of the visit at `at`: the burst that the row waits for, `atOnce`, or `unusual`. A burst must be free. */
  const lightBurst = (request: number, at: number, work: Work): number => {
    const processor = processorOf[lightEndpoint[at] as number] as number
    if (processor < 0) return Fixed.atOnce
    const row = request >> 3
    const begun = runOn(processor, -2 - request, lightGeneration[row] as number, work)
    if (begun >= 0) lightBursts[row] = begun
    return begun
  }

  /** A step that began at this time has succeeded. */
  const stepEnds = (meter: StepMeter, time: number): void => {
    const { size, latency } = meter
    latency[size] = (clock[0] as number) - (lightTimes[time] as number)
    meter.size = size + 1
    if (size + 1 === latency.length) meter.sorted()
  }

  return {
    begin,
    visit,
    leaveVisit,
    lightBurst,
    stepEnds,
    shardFor,
    /** What it repeats of other files: a test compares it with its originals. */
    repeated: { none: Fixed.none, light: Fixed.light, mostVisits: Fixed.mostVisits, mostLimits: Fixed.mostLimits },
  }
}
