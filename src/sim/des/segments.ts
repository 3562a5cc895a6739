/**
 * Segments: what programs do from one place on until they wait or meet something unusual, each as one
 * function whose source is written for it. An operation is a line that names what it works on, so that V8 can put the objects and
 * columns of the simulation into its machine code; calls and their ends go on in the same function.
 *
 * A segment returns where `kernel.current` goes on, `blocked`, or (`unusual`) the place of an operation that the core is to do.
 * Only numbers of the kernel's become text. Why: docs/adr/0140.
 */
import { unlike } from './core.js'
import type { Kernel } from './kernel.js'
import { opCodes } from './loop.js'
import type { CallSite } from './operands.js'
import type { Operations } from './operations.js'

export type Segment = (task: number) => number

/** What a segment returns where the core is to do the operation at `pc`; the same once more gives `pc` back. */
export const unusual = (pc: number): number => -2 - pc

/** A segment is at most so long: V8 optimizes short functions soon, and again where it was wrong. */
const mostOperations = 32

/**
 * The segment that begins at `entry`. Where an operation leaves open who goes on where, it is taken to be the place that `followed` says,
 * as it was last time: a segment asks before it goes on there.
 */
export const segmentAt = (kernel: Kernel, operations: Operations, entry: number, followed: Int32Array): Segment =>
  new Function('kernel', 'operations', unlike(new Source(kernel, followed).write(entry)))(kernel, operations) as Segment

class Source {
  private readonly lines: string[] = []
  /** By name, the expression that finds it. */
  private readonly constants = new Map<string, string>()
  private readonly written = new Set<number>()

  constructor(
    private readonly kernel: Kernel,
    private readonly followed: Int32Array,
  ) {}

  write(entry: number): string {
    let next: number | undefined = entry
    while (next !== undefined) {
      if (this.written.has(next) || this.written.size === mostOperations) {
        this.goOn(next)
        break
      }
      this.written.add(next)
      next = this.operation(next)
    }
    return [
      "'use strict'",
      'const { growth, timers } = kernel',
      'const tasks = kernel.tasks.freed, frames = kernel.frames.freed, bursts = kernel.bursts.freed',
      'const { pc: pcs, answer: answers } = kernel.tasks',
      'const { push, pop, burst, beginLeaf, endLeaf, leaveMetered, setCount, lookUp, acquire, connect } = operations',
      'const { passOn, whom, call, end } = operations',
      ...[...this.constants].map(([name, expression]) => `const ${name} = ${expression}`),
      'return (task) => {',
      'let pc = 0',
      ...this.lines,
      '}',
    ].join('\n')
  }

  /** Writes the operation at `pc`; returns the one that follows it, unless the segment ends here. */
  private operation(pc: number): number | undefined {
    const { code } = this.kernel
    const [a, b] = [code[4 * pc + 1] as number, code[4 * pc + 2] as number]
    const write = writers[code[4 * pc] as number] ?? closure
    return write(this, pc, a, b)
  }

  /** A line of its own; returns what follows. */
  line(text: string): void {
    this.lines.push(text)
  }

  constant(name: string, expression: string): string {
    this.constants.set(name, expression)
    return name
  }

  /** The item of one of the kernel's lists of operands. */
  operand(list: keyof Kernel['operands'], index: number): string {
    return this.constant(`${list}${index}`, `kernel.operands.${list}[${index}]`)
  }

  op(pc: number): string {
    return this.constant(`op${pc}`, `kernel.ops[${pc}]`)
  }

  meter(index: number): string {
    return this.constant(`meter${index}`, `kernel.meters.meters[${index}]`)
  }

  /** The segment ends: the task goes on elsewhere. */
  goOn(pc: number): void {
    this.line(`kernel.current = task; return ${pc}`)
  }

  /** Unless a row is free, the core makes one. */
  needs(rows: 'tasks' | 'frames' | 'bursts', pc: number): void {
    this.line(`if (${rows}[0] < 0) { kernel.current = task; return ${unusual(pc)} }`)
  }

  resumesAt(pc: number): void {
    this.line(`pcs[task] = ${pc}`)
  }

  /** Whoever goes on after the operation at `from` is taken to do so where the last one did; `otherwise`: if there was none. */
  expectAfter(from: number, otherwise = -1): number | undefined {
    const last = this.followed[from] as number
    const expected = last < 0 ? otherwise : last
    if (expected >= 0) return this.expect(expected)
    this.line('return pc')
    return undefined
  }

  /** `kernel.current` is taken to go on at `expected`. */
  private expect(expected: number): number {
    this.line(`if (pc !== ${expected} || growth[0] !== 0) return pc`)
    this.line('task = kernel.current')
    return expected
  }

  /** Where a call begins, if that is the same for all it may go to. */
  programOf(site: CallSite): number | undefined {
    const endpoint = site.only ?? site.shards?.primaries[0]
    return endpoint?.station.programs[site.goal]
  }

  siteOf(index: number): CallSite {
    return this.kernel.operands.calls[index] as CallSite
  }

  labelOf(index: number): number {
    return (this.kernel.operands.labels[index] as { readonly pc: number }).pc
  }

  hitOf(index: number): number {
    return this.kernel.operands.lookups[index]?.end.pc ?? -1
  }
}

/** Writes an operation with its two arguments; returns the place that follows, unless the segment ends. */
type Writer = (source: Source, pc: number, a: number, b: number) => number | undefined

const closure: Writer = (source, pc) => {
  source.line(`kernel.current = task; pc = ${source.op(pc)}(task)`)
  return source.expectAfter(pc, pc + 1)
}

const writers: Readonly<Record<number, Writer>> = {
  [opCodes.end]: (source, pc) => {
    source.line('pc = end(task)')
    return source.expectAfter(pc)
  },
  [opCodes.endWith]: (source, pc, a) => {
    const said = `said${pc}`
    source.line(`const ${said} = ${source.operand('commits', a)}(task)`)
    source.line(`pc = ${said} === 0 ? end(task) : kernel.end(task, ${said})`)
    return source.expectAfter(pc)
  },
  [opCodes.burst]: (source, pc, a, meter) => {
    source.needs('bursts', pc)
    source.resumesAt(pc + 1)
    const work = source.operand('works', a)
    if (meter < 0) {
      source.line(`if (burst(task, ${work})) return -1`)
      return pc + 1
    }
    source.line(`if (burst(task, ${work})) {`)
    source.line(`${source.meter(meter)}.cpuSeconds += ${work}.part[0]; beginLeaf(task, ${meter}); return -1 }`)
    source.line(`kernel.meters.atOnce(${meter})`)
    return pc + 2
  },
  [opCodes.stepCpu]: (source, pc, a, meter) => {
    source.needs('bursts', pc)
    source.resumesAt(pc + 1)
    const work = source.operand('works', a)
    source.line(`if (burst(task, ${work})) { ${source.meter(meter)}.cpuSeconds += ${work}.part[0]; return -1 }`)
    return pc + 1
  },
  [opCodes.pause]: (source, pc, a, meter) => {
    if (meter >= 0) source.line(`beginLeaf(task, ${meter})`)
    source.resumesAt(pc + 1)
    source.line(`${source.operand('works', a)}.into(timers.seconds, 0); timers.sleep(task); return -1`)
    return undefined
  },
  [opCodes.leafEnd]: (source, pc, a) => {
    source.line(`endLeaf(task, ${source.meter(a)})`)
    return pc + 1
  },
  [opCodes.leaveMetered]: (source, pc, a) => {
    source.line(`leaveMetered(task, ${source.meter(a)})`)
    return pc + 1
  },
  [opCodes.enter]: (source, pc, a) => {
    source.needs('frames', pc)
    source.line(`push(task, ${a})`)
    return pc + 1
  },
  [opCodes.enterWith]: (source, pc, a, b) => {
    source.needs('frames', pc)
    source.line(`${source.operand('begins', b)}(task, push(task, ${a}))`)
    return pc + 1
  },
  [opCodes.enterFor]: (source, pc, a, b) => {
    source.needs('frames', pc)
    source.line(`${source.operand('lanes', b)}.add(push(task, ${a}))`)
    return pc + 1
  },
  [opCodes.leave]: (source, pc) => {
    source.line('pop(task)')
    return pc + 1
  },
  [opCodes.leaveWith]: (source, pc, a) => {
    source.line(`${source.operand('finishes', a)}(task, pop(task))`)
    source.line(`if (growth[0] !== 0) { kernel.current = task; return ${pc + 1} }`)
    return pc + 1
  },
  [opCodes.count]: (source, pc, a) => {
    source.line(`setCount(task, ${a})`)
    return pc + 1
  },
  [opCodes.jump]: (source, _, a) => source.labelOf(a),
  [opCodes.forcedLookup]: (source, pc, a) => {
    source.line(`if (!lookUp(task, ${source.operand('lookups', a)})) { kernel.current = task; return ${pc + 1} }`)
    return source.hitOf(a)
  },
  [opCodes.acquire]: (source, pc, a) => {
    source.line(`if (!acquire(task, ${a}) && ${source.op(pc)}(task) < 0) return -1`)
    return pc + 1
  },
  [opCodes.connect]: (source, pc, a) => {
    source.line(`if (!connect(task, ${a})) { kernel.current = task; return ${source.op(pc)}(task) }`)
    return pc + 1
  },
  [opCodes.answered]: (source, pc) => {
    source.line(`if (answers[task] !== 0) { kernel.current = task; return ${source.op(pc)}(task) }`)
    return pc + 1
  },
  [opCodes.passedOn]: (source, pc) => {
    source.line(`if (!passOn(task)) { kernel.current = task; return ${source.op(pc)}(task) }`)
    return pc + 1
  },
  [opCodes.call]: (source, pc, a) => {
    const site = source.siteOf(a)
    const name = source.operand('calls', a)
    source.needs('tasks', pc)
    source.line(`const callee${pc} = whom(task, ${name})`)
    source.line(`if (callee${pc} === undefined) return kernel.fail(task, ${site.missing})`)
    source.resumesAt(pc + 1)
    source.line(`pc = call(task, callee${pc}, ${site.goal}, ${site.edge})`)
    return source.expectAfter(pc, source.programOf(site))
  },
}
