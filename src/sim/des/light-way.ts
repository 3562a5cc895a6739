/**
 * The functions that take a light request (`lights.ts`) from one wait to the next: what the programs of its visits do, written as one
 * source per stretch, while what their tasks and frames would hold is followed along. Where something does not go as usual, that
 * becomes tasks and frames, and they go on from there as any others.
 *
 * Only numbers of the kernel's own become text, as in segments (docs/adr/0140, 0153).
 */
import { unlike } from './core.js'
import type { Endpoint, Station } from './endpoint.js'
import type { Kernel } from './kernel.js'
import type { LightOperations } from './light-operations.js'
import { type LightFrame, type LightPlan, type LightVisit, mostLimits, mostTimes, mostVisits } from './lights.js'
import { opCodes } from './loop.js'
import type { CallSite } from './operands.js'
import type { Segment } from './segments.js'
import { none } from './tasks.js'

export interface LightOptions {
  /** Where the outermost task would be, the program that it would run, and who hears of its end. */
  readonly endpoint: Endpoint
  readonly program: number
  readonly ender: number
  /** The same for a request that was light to its end, as it is now; `outcome`: what the lookup found. */
  readonly over: () => (request: number, outcome: number) => void
}

export class LightWay implements LightPlan {
  readonly endpoint: Endpoint
  readonly ender: number
  first: number = none
  private asked = 0
  /** There is nothing to gain. */
  private hopeless = false

  constructor(
    private readonly kernel: Kernel,
    private readonly options: LightOptions,
  ) {
    this.endpoint = options.endpoint
    this.ender = options.ender
  }

  /** True: the request begins without tasks. */
  begin(request: number): boolean {
    const { lights } = this.kernel
    if (this.first < 0) {
      if (lights.quick === undefined || this.hopeless) return false
      // Programs are compiled when they are first called: as long as some are not, it is asked again, but less and less often.
      this.asked += 1
      if ((this.asked & (this.asked - 1)) !== 0 || !this.write()) return false
    }
    return lights.begin(request, this)
  }

  private write(): boolean {
    const stretches = new Stretches(this.kernel, this.options)
    const written = stretches.write()
    if (written === undefined) return false
    // To make the tasks later costs more than to have them from the start.
    if (!stretches.reachEnd && !this.kernel.atOnce) {
      this.hopeless = true
      return false
    }
    for (const [i, text] of written.entries()) this.kernel.lights.sources.set(stretches.placeOf(i), text)
    this.first = stretches.placeOf(0)
    return true
  }
}

/** The function of the stretch that begins at this place. */
export const lightAt = (kernel: Kernel, operations: LightOperations, pc: number): Segment =>
  new Function('kernel', 'operations', unlike(kernel.lights.sources.get(pc) ?? ''))(kernel, operations) as Segment

type Draft = {
  -readonly [K in keyof LightVisit]: LightVisit[K] extends readonly LightFrame[] ? LightFrame[] : LightVisit[K]
}

/** A program that is called is not compiled yet. */
class NotYet extends Error {}

class Stretches {
  private readonly visits: Draft[] = []
  private readonly written: string[] = []
  private readonly places: number[] = []
  private lines: string[] = []
  private readonly constants = new Map<string, string>()
  /** A request can stay light to its end. */
  reachEnd = false
  /** Of the present stretch. */
  private time = 0
  private limits = 0

  constructor(
    private readonly kernel: Kernel,
    private readonly options: LightOptions,
  ) {}

  /** Where the stretch begins. */
  placeOf(stretch: number): number {
    while (this.places.length <= stretch) {
      this.kernel.emit(noClosure, opCodes.light)
      this.places.push(this.kernel.ops.length - 1)
    }
    return this.places[stretch] as number
  }

  /** The source of each stretch, as far as the way is known; undefined: some program is not compiled yet. */
  write(): readonly string[] | undefined {
    try {
      this.visits.push(draft(none, this.options.program))
      while (this.operation());
      this.finish()
      return this.written
    } catch (error) {
      if (error instanceof NotYet) return undefined
      throw error
    }
  }

  private get top(): Draft {
    return this.visits[this.visits.length - 1] as Draft
  }

  private get depth(): number {
    return this.visits.length - 1
  }

  private constant(name: string, expression: string): string {
    this.constants.set(name, expression)
    return name
  }

  private operand(list: keyof Kernel['operands'], index: number): string {
    return this.constant(`${list}${index}`, `kernel.operands.${list}[${index}]`)
  }

  private meter(index: number): string {
    return this.constant(`meter${index}`, `kernel.meters.meters[${index}]`)
  }

  /** Makes tasks and frames, the innermost of which goes on at `pc`: an expression. */
  private heavy(pc: number, changes: Partial<Draft> = {}): string {
    const state = this.visits.map((visit, i) =>
      i === this.depth
        ? { ...visit, ...changes, pc, frames: [...visit.frames] }
        : { ...visit, frames: [...visit.frames] },
    )
    return `lights.makeHeavy(request, ${this.kernel.lights.states.push(state) - 1})`
  }

  /** Ends the way here: the request goes on with tasks. */
  private stop(pc: number): false {
    this.lines.push(`${this.heavy(pc)}; return ${pc}`)
    return false
  }

  private finish(): void {
    const { time } = this
    this.written.push(
      [
        "'use strict'",
        'const { lights, meters } = kernel',
        'const { state, pc: places, waits, peer: peers, generation, endpoint: endpoints, times } = lights',
        'const { clock } = kernel.queue',
        'const bursts = kernel.bursts.freed',
        'const { visit, leaveVisit, lightBurst, stepEnds, shardFor } = operations',
        ...[...this.constants].map(([name, expression]) => `const ${name} = ${expression}`),
        'return (handle) => {',
        'const request = -2 - handle, row = request >> 3',
        `times[row * ${mostTimes} + ${time}] = clock[0]`,
        ...this.lines,
        '}',
      ].join('\n'),
    )
    this.lines = []
    this.constants.clear()
  }

  /** Where the numbers of the visit at this depth are. */
  private at(depth: number): string {
    return `row * ${mostVisits} + ${depth}`
  }

  /** Writes the operation at which the innermost visit is. False: the way ends. */
  private operation(): boolean {
    const { top, kernel } = this
    const { pc } = top
    const [code, a, b] = [...kernel.code.subarray(4 * pc, 4 * pc + 3)] as [number, number, number]
    switch (code) {
      case opCodes.enter:
        top.frames.push({ code: a, time: this.time, count: 0, limit: none })
        break
      case opCodes.count: {
        const frame = top.frames.pop()
        if (frame !== undefined) top.frames.push({ ...frame, count: a })
        break
      }
      case opCodes.enterFor:
        if (this.limits === mostLimits) return this.stop(pc)
        this.limit(this.operand('lanes', b), a)
        break
      case opCodes.leave:
        top.frames.pop()
        break
      case opCodes.leaveMetered: {
        const frame = top.frames.pop()
        this.lines.push(`stepEnds(${this.meter(a)}, row * ${mostTimes} + ${frame?.time ?? 0})`)
        break
      }
      case opCodes.leaveWith:
        if (kernel.operands.finishes[a]?.ofRequest === undefined) return this.stop(pc)
        top.frames.pop()
        this.lines.push(
          `${this.operand('finishes', a)}.ofRequest(kernel.endpoints[endpoints[${this.at(this.depth)}]], request)`,
        )
        break
      case opCodes.leafEnd:
        this.lines.push(`stepEnds(${this.meter(a)}, row * ${mostTimes} + ${top.leafTime})`)
        top.leaf = none
        break
      case opCodes.jump:
        top.pc = (kernel.operands.labels[a] as { readonly pc: number }).pc
        return true
      case opCodes.answered:
      case opCodes.arrived:
        break
      case opCodes.passedOn:
        top.outcome = top.answerOutcome
        break
      case opCodes.forcedLookup:
        return this.lookup(pc, a)
      case opCodes.call:
        return this.call(pc, kernel.operands.calls[a] as CallSite, this.operand('calls', a))
      case opCodes.choose:
        return this.choose(pc, a)
      case opCodes.judge:
        this.lines.push(`${this.operand('balancers', a)}.release(endpoints[${this.at(this.depth)}], peers[row])`)
        top.frames.pop()
        top.judged = true
        top.outcome = top.answerOutcome
        top.pc = pc + 2
        return true
      case opCodes.burst:
        return this.burst(pc, a, b)
      case opCodes.end:
        return this.end(pc)
      default:
        return this.stop(pc)
    }
    top.pc = pc + 1
    return true
  }

  /** A frame that expires in the lane. */
  private limit(lane: string, code: number): void {
    this.lines.push(`${lane}.addLight(handle - ${this.limits}, generation[row])`)
    this.top.frames.push({ code, time: this.time, count: 0, limit: this.limits })
    this.limits += 1
  }

  private lookup(pc: number, a: number): boolean {
    const { top } = this
    const lookup = this.operand('lookups', a)
    const { outermost, end } = this.kernel.operands.lookups[a] ?? {}
    const finds = (outcome: number): number => (outermost === true && top.outcome === 0 ? outcome : top.outcome)
    this.lines.push(
      `if (!(${lookup}.coin.uniform() < ${lookup}.hitRatio)) { ${lookup}.lookups.misses += 1; ${this.heavy(pc + 1, { outcome: finds(2) })}; return ${pc + 1} }`,
      `${lookup}.lookups.hits += 1`,
    )
    top.outcome = finds(1)
    top.pc = end?.pc ?? none
    return true
  }

  private call(pc: number, site: CallSite, name: string): boolean {
    const { only, shards, byRequest, some, goal, edge, missing } = site
    const to = `to${pc}`
    const one = only ?? shards?.primaries[0] ?? some
    if (one === undefined || this.visits.length === mostVisits) return this.stop(pc)
    if (only !== undefined) this.lines.push(`const ${to} = ${name}.only`)
    else if (shards !== undefined) {
      this.lines.push(`const ${to} = shardFor(request, ${name})`)
      this.lines.push(`if (${to} === undefined) { ${this.heavy(pc)}; return ${pc} }`)
    } else if (byRequest !== undefined) {
      this.lines.push(`const ${to} = ${name}.byRequest(request)`)
      this.lines.push(`if (${to} === undefined) return kernel.fail(${this.heavy(pc)}, ${missing})`)
    } else return this.stop(pc)
    this.visit(pc, to, goal, edge, one.station, `${edge}`, '', {})
    return true
  }

  private choose(pc: number, a: number): boolean {
    const balancer = this.kernel.operands.balancers[a]
    if (balancer === undefined || this.visits.length === mostVisits || this.limits === mostLimits) return this.stop(pc)
    const { top } = this
    const name = this.operand('balancers', a)
    const peer = `peer${pc}`
    const to = `to${pc}`
    this.lines.push(
      `const ${peer} = ${name}.choose(endpoints[${this.at(this.depth)}], request)`,
      `if (${peer} === -2) { ${this.heavy(pc)}; return ${pc} }`,
      `if (${peer} === -1) return ${name}.nobody(${this.heavy(pc, { chosenTime: this.time, judged: true })})`,
      `peers[row] = ${peer}`,
      `const ${to} = ${name}.endpointOf(${peer})`,
    )
    if (balancer.guard !== undefined) {
      this.limit(`${name}.guard`, balancer.limitCode)
    }
    const { station } = balancer.endpointOf(0)
    const edge = balancer.edgeOf(0)
    const chosen = { chosenTime: this.time }
    const way = `${name}.edgeOf(${peer})`
    this.visit(pc, to, top.goal, edge, station, way, `${way} !== ${edge} || `, chosen)
    return true
  }

  /** The innermost visit calls `to`; `way` is the edge, whatever is chosen, and `unlike` what makes it another than the usual. */
  private visit(
    pc: number,
    to: string,
    goal: number,
    edge: number,
    station: Station,
    way: string,
    unlike: string,
    changes: Partial<Draft>,
  ): void {
    const { top } = this
    const program = station.programs[goal]
    if (program === undefined) throw new NotYet()
    const same = this.constant(`station${pc}`, this.stationOf(station))
    const unusual = `${unlike}${to}.station !== ${same} || !visit(request, ${this.at(this.depth + 1)}, ${to}, ${edge})`
    this.lines.push(`if (${unusual}) return kernel.call(${this.heavy(pc + 1, changes)}, ${to}, ${goal}, ${way})`)
    Object.assign(top, { ...changes, pc: pc + 1, edge, answerOutcome: 0 })
    this.visits.push(draft(goal, program))
  }

  private stationOf(station: Station): string {
    const endpoint = this.kernel.endpoints.findIndex((each) => each.station === station)
    return `kernel.endpoints[${endpoint}].station`
  }

  private burst(pc: number, a: number, meter: number): boolean {
    const { top } = this
    if (this.time + 1 === mostTimes) return this.stop(pc)
    const work = this.operand('works', a)
    const begun = `begun${pc}`
    const next = meter < 0 ? pc + 1 : pc + 2
    this.lines.push(
      `if (bursts[0] < 0) { ${this.heavy(pc)}; return ${pc} }`,
      `const ${begun} = lightBurst(request, ${this.at(this.depth)}, ${work})`,
      `if (${begun} === -2) { ${this.heavy(pc)}; return ${pc} }`,
      `if (${begun} === -1) { ${meter < 0 ? '' : `meters.atOnce(${meter}); `}${this.heavy(next)}; return ${next} }`,
    )
    if (meter >= 0) {
      this.lines.push(`${this.meter(meter)}.cpuSeconds += ${work}.part[0]`)
      top.leaf = meter
      top.leafTime = this.time
    }
    top.pc = pc + 1
    const { states } = this.kernel.lights
    const waits = states.push(this.visits.map((visit) => ({ ...visit, frames: [...visit.frames] }))) - 1
    this.lines.push(`waits[row] = ${waits}; places[row] = ${this.placeOf(this.time + 1)}; return -1`)
    this.finish()
    this.time += 1
    return true
  }

  private end(pc: number): boolean {
    const { top, depth } = this
    this.lines.push(`if (!leaveVisit(${this.at(depth)})) return kernel.end(${this.heavy(pc)}, 0)`)
    if (depth > 0) {
      this.lines.push('references[request] -= 1')
      this.constant('references', 'kernel.requests.references')
      this.visits.pop()
      this.top.answerOutcome = top.outcome
      return true
    }
    this.reachEnd = true
    const over = this.kernel.lights.overs.push(this.options.over()) - 1
    this.lines.push('state[row] = 0')
    this.lines.push(`${this.constant(`over${over}`, `kernel.lights.overs[${over}]`)}(request, ${top.outcome})`)
    this.lines.push(`${this.constant('requests', 'kernel.requests')}.release(request); return -1`)
    return false
  }
}

const draft = (goal: number, pc: number): Draft => ({
  goal,
  pc,
  frames: [],
  leaf: none,
  leafTime: 0,
  edge: none,
  answerOutcome: 0,
  outcome: 0,
  chosenTime: none,
  judged: false,
})

/** Requests with tasks never come here. */
const noClosure = (): number => {
  throw new Error('a light request has no closure')
}
