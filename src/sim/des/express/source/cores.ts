/**
 * Processor sharing of cores, as `Cores` and `SharedProcessor`: rows stand in a heap by the virtual time at which they have had
 * their CPU. Keys beyond the heap's end are infinite, so that a missing child needs no test.
 */
import type { Cores } from '../../cores.js'
import type { SharedProcessor } from '../../processor.js'
import { type Earliest, earliest } from './earliest.js'
import type { Cell, Layout } from './layout.js'
import { goesOn, integer, Line, time } from './rows.js'

export class CoreSets {
  /** Operations at which their rows go on. */
  readonly resumes = new Set<number>()
  readonly due: Earliest
  private readonly virtual: Cell
  private readonly updatedAt: Cell
  private readonly busyCoreSeconds: Cell
  private readonly capacity: Cell
  readonly runnable: Cell
  private readonly doneSeconds: Cell
  /** By processor: rows that are on the cores, and in line for one of its loops. */
  private readonly busy: Cell
  private readonly waiting: Cell
  private readonly loops: Cell
  private readonly line: Line
  private readonly hasLoops: boolean

  constructor(
    layout: Layout,
    readonly members: readonly Cores[],
    readonly processors: readonly SharedProcessor[],
  ) {
    this.due = earliest(layout, members.length)
    this.virtual = layout.field('F', members, 'virtual')
    this.updatedAt = layout.field('F', members, 'updatedAt')
    this.busyCoreSeconds = layout.field('F', members, 'busyCoreSeconds')
    this.capacity = layout.own(
      'F',
      members.map(({ cores }) => cores),
    )
    this.runnable = layout.field('N', members, 'runnable')
    this.doneSeconds = layout.field('F', processors, 'doneSeconds')
    const zeros = processors.map(() => 0)
    this.busy = layout.own('N', zeros)
    this.waiting = layout.own('N', zeros)
    this.loops = layout.own(
      'N',
      processors.map(({ loops }) => loops),
    )
    this.line = new Line(layout, processors.length)
    this.hasLoops = processors.some(({ loops }) => loops > 0)
  }

  /** The row wants `demand` of the processor on the cores, and goes on at the operation `at`. */
  run(cores: number | string, processor: number | string, at: number): string {
    const { busy, loops, waiting, line } = this
    const start = `${this.advance(cores)}
${this.enter(cores, 'row')}
${this.schedule(cores)}`
    return `${time('row', 'demand')} = demand
${goesOn(this.resumes, at)}
${this.processors.length > 1 ? `${integer('row', 'processor')} = ${processor}` : ''}
${
  this.hasLoops
    ? `if (${loops(processor)} > 0 && ${busy(processor)} >= ${loops(processor)}) {
${line.join(processor, `${waiting(processor)} === 0`)}
${waiting(processor)} += 1
} else {
${busy(processor)} += 1
${start}
}`
    : start
}`
  }

  /** What is done on the cores that are due: the first of the heap is `row`. */
  fire(): string {
    const cores = this.members.length === 1 ? 0 : 'set'
    const processor = this.processors.length === 1 ? 0 : 'processor'
    return `${cores === 0 ? '' : `set = ${this.due.winner}`}
${this.arrays(cores)}
row = members[0]
${processor === 0 ? '' : `processor = ${integer('row', 'processor')}`}
count = ${this.runnable(cores)}
seconds = now - ${this.updatedAt(cores)}
if (seconds > 0) {
${this.updatedAt(cores)} = now
${this.busyCoreSeconds(cores)} += seconds * Math.min(count, ${this.capacity(cores)})
}
virtual = keys[0]
count -= 1
${this.doneSeconds(processor)} += ${time('row', 'demand')}
${this.removeFirst()}
${this.hasLoops ? this.admit(cores, processor) : ''}
${this.runnable(cores)} = count
if (count === 0) {
${this.virtual(cores)} = 0
due = Infinity
} else {
${this.virtual(cores)} = virtual
due = keys[0] - virtual
due = now + (count <= ${this.capacity(cores)} ? due : (due * count) / ${this.capacity(cores)})
}
${this.due.move}`
  }

  private arrays(cores: number | string): string {
    return typeof cores === 'number'
      ? `keys = K${cores}; members = M${cores}`
      : `keys = keysOf[${cores}]; members = membersOf[${cores}]`
  }

  /** `virtual` is the virtual time now, `count` how many are on the cores. */
  private advance(cores: number | string): string {
    return `${this.arrays(cores)}
seconds = now - ${this.updatedAt(cores)}
count = ${this.runnable(cores)}
virtual = ${this.virtual(cores)}
if (seconds > 0) {
${this.updatedAt(cores)} = now
if (count > ${this.capacity(cores)}) {
virtual += (seconds * ${this.capacity(cores)}) / count
${this.busyCoreSeconds(cores)} += seconds * ${this.capacity(cores)}
} else if (count > 0) {
virtual += seconds
${this.busyCoreSeconds(cores)} += seconds * count
}
${this.virtual(cores)} = virtual
}`
  }

  /** The row rises in the heap to where it belongs. */
  private enter(cores: number | string, row: string): string {
    return `key = virtual + ${time(row, 'demand')}
place = count
while (place > 0) {
above = (place - 1) >> 1
otherKey = keys[above]
if (otherKey <= key) break
keys[place] = otherKey
members[place] = members[above]
place = above
}
keys[place] = key
members[place] = ${row}
count += 1
${this.runnable(cores)} = count`
  }

  /** The last, whose place is now `count`, sinks from the first place to where it belongs. */
  private removeFirst(): string {
    return `key = keys[count]
other = members[count]
keys[count] = Infinity
if (count > 0) {
place = 0
below = 1
while (below < count) {
below += +(keys[below + 1] < keys[below])
otherKey = keys[below]
if (otherKey >= key) break
keys[place] = otherKey
members[place] = members[below]
place = below
below = 2 * place + 1
}
keys[place] = key
members[place] = other
}`
  }

  /** A loop of the processor is free for the next in its line. */
  private admit(cores: number | string, processor: number | string): string {
    const { busy, waiting, line } = this
    return `if (${waiting(processor)} > 0) {
waiter = ${line.first(processor)}
${line.first(processor)} = ${integer('waiter', 'next')}
${waiting(processor)} -= 1
${this.enter(cores, 'waiter')}
} else ${busy(processor)} -= 1`
  }

  private schedule(cores: number | string): string {
    return `due = keys[0] - virtual
due = now + (count <= ${this.capacity(cores)} ? due : (due * count) / ${this.capacity(cores)})
due = Math.max(due, now)
${this.due.set(cores)}`
  }
}
