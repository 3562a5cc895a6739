/**
 * The source of a program that plays one kind of run: the events, each with all that follows from it at once, in one function
 * and on numbers whose places are known. It does the same arithmetic in the same order as the general way.
 */
import type { Clients } from '../../client.js'
import type { LoopProcessor } from '../../loop-processor.js'
import type { Script } from '../operation.js'
import type { Pauses } from '../pauses.js'
import { declareArrays, endings, type Source } from '../program.js'
import { nextArrival } from './arrivals.js'
import type { CoreSets } from './cores.js'
import { Flow, type Instruments } from './flow.js'
import { firstFree, Layout } from './layout.js'
import { integer, time } from './rows.js'

/** Doubles and integers that live no longer than an event. */
const doubles = ['x', 'part', 'demand', 'due', 'seconds', 'key', 'otherKey', 'virtual']
const integers = [
  ...[
    'row',
    'peer',
    'count',
    'other',
    'waiter',
    'first',
    'place',
    'above',
    'below',
    'member',
    'loop',
    'set',
    'processor',
  ],
  ...['a', 'b', 'd', 'spare', 'bits', 'layer'],
]

/** An event source: when it is due, and what then happens. */
interface Event {
  readonly due: string
  readonly happens: string
}

/** A source, and what a run of it works on. */
export interface Generated {
  readonly source: Source
  readonly layout: Layout
  readonly loops: readonly LoopProcessor[]
  readonly cores: CoreSets | undefined
}

export const generate = (script: Script, clients: Clients, pauses: Pauses, instruments: Instruments): Generated => {
  const layout = new Layout()
  const clock = layout.field('F', [instruments.clock], 'now')()
  const flow = new Flow(layout, script, instruments, pauses)
  const { loops, cores } = flow.places
  const heaps = cores?.members.length ?? 0
  const events = [arrivals(layout, clients, instruments, flow), ...others(layout, flow, pauses)]
  const loop = `let now = ${clock}
for (;;) {
${ready(flow)}
${choice(events)}
if (key > until) break
now = key
${events.map(({ happens }, i) => `${i === 0 ? '' : 'else '}if (place === ${i}) {\n${happens}\n}`).join('\n')}
}
${clock} = now
${flow.late()}
return ${endings.done}`
  const text = `{ // ${layout.sizes.F} doubles, ${layout.sizes.N} integers
load: (H) => {
const F = itsF, N = itsN
${layout.loads.join('\n')}
},
save: (H) => {
const F = itsF, N = itsN
${layout.saves.join('\n')}
},
run: (H, limit) => {
${declareArrays(heaps)}
${variables()}
${layout.declarations()}
${loop}
},
}`
  return { source: { text, sizes: layout.sizes, heaps }, layout, loops: loops?.members ?? [], cores }
}

const variables = (): string => `const OFF = ${endings.off}
const until = +limit
let ${[...doubles.map((name) => `${name} = 0.5`), ...integers.map((name) => `${name} = 0`)].join(', ')}
let keys, members`

/** Rows that have just got a connection go on before anything else happens. */
const ready = (flow: Flow): string => {
  const { pools } = flow
  return pools === undefined
    ? ''
    : `if (${pools.ready} >= 0) {
row = ${pools.ready}
${pools.ready} = ${integer('row', 'next')}
${flow.goOn(pools.resumes)}
}`
}

/** `place` is the event that comes next, at `key`. */
const choice = (events: readonly Event[]): string =>
  events
    .map(({ due }, i) => (i === 0 ? `place = 0\nkey = ${due}` : `if (${due} < key) { key = ${due}; place = ${i} }`))
    .join('\n')

const arrivals = (layout: Layout, clients: Clients, { offered }: Instruments, flow: Flow): Event => {
  const due = layout.field('F', [clients], 'nextAt')()
  const counts = offered.map((count) => layout.field('N', [count], 'offered')())
  const cases = counts.map((count, request) => `${count} += 1\n${flow.begin(request)}`)
  return {
    due,
    happens: `row = N[${firstFree}]
if (row < 0) return ${endings.full}
N[${firstFree}] = ${integer('row', 'next')}
${nextArrival(layout, clients)}
${due} = due
${time('row', 'began')} = now
${
  cases.length === 1
    ? cases[0]
    : `switch (${layout.handle(clients)}.choose()) {\n${cases.map((text, i) => `case ${i}:\n${text}`).join('\n')}\n}`
}`,
  }
}

const others = (layout: Layout, flow: Flow, pauses: Pauses): readonly Event[] => {
  const { loops, cores } = flow.places
  const ofLoops = loops && { due: loops.due.time, happens: `${loops.fire()}\n${flow.goOn(loops.resumes)}` }
  const ofCores = cores && { due: cores.due.time, happens: `${cores.fire()}\n${flow.goOn(cores.resumes)}` }
  const ofPauses = flow.pauses.size > 0 && {
    due: `${layout.array(pauses.times)}[1]`,
    happens: `row = ${layout.handle(pauses)}.take()\n${flow.goOn(flow.pauses)}`,
  }
  return [ofLoops, ofCores, ofPauses].filter((event) => event !== undefined && event !== false)
}
