/** Draws of random times, as `RandomStream` and `Work` make them, to the last bit. */
import type { RandomStream } from '../../../../lib/random.js'
import type { Work } from '../../work.js'
import type { Layout } from './layout.js'

/** 2⁻²⁴ */
const ulp24 = 5.9604644775390625e-8

const words = 4
const scratch = new Int32Array(words)

/** Names of variables in the source. */
interface Names {
  /** The state's four words, and the new bits. */
  readonly state: (word: number) => string
  readonly first: string
}

const stateOf = (layout: Layout, stream: RandomStream): Names['state'] =>
  layout.once(stream, 'state', () => {
    stream.saveState(scratch, 0)
    return layout.own('N', [...scratch])
  }) as (word: number) => string

/** sfc32: `bits` are the new ones, `spare` the word that fills up the places behind the chosen one. */
const nextBits = (state: Names['state']): string => `
a = ${state(0)}; b = ${state(1)}; spare = ${state(2)}; d = ${state(3)}
bits = (((a + b) | 0) + d) | 0
${state(0)} = b ^ (b >>> 9)
${state(1)} = (spare + (spare << 3)) | 0
${state(2)} = (((spare << 21) | (spare >>> 11)) + bits) | 0
${state(3)} = (d + 1) | 0
layer = bits & 255`

/** `x` is exponential with mean 1. */
export const exponential = (layout: Layout, stream: RandomStream): string => {
  const state = stateOf(layout, stream)
  return `${nextBits(state)}
place = bits >>> 8
x = (place + (spare >>> 8) * ${ulp24}) * exponentialWidths[layer]
if (place >= exponentialInside[layer]) x = +${layout.handle(stream)}.exponentialRest(N, ${cellNumber(state(0))}, layer, x)`
}

/** `x` is standard normal. */
const normal = (layout: Layout, stream: RandomStream): string => {
  const state = stateOf(layout, stream)
  return `${nextBits(state)}
place = bits >> 8
x = (place + (spare >>> 8) * ${ulp24}) * normalWidths[layer]
if (Math.abs(place) >= normalInside[layer]) x = +${layout.handle(stream)}.normalRest(N, ${cellNumber(state(0))}, layer, x)`
}

/** `part` is a draw of the work, without what comes on top of it. */
const part = (layout: Layout, work: Work): string => {
  const { formula, stream } = work
  if (formula === undefined) return `part = +${layout.handle(work)}.draw()`
  const scale = layout.once(work, 'scale', () => layout.own('F', [formula.scaleSeconds]))()
  if (formula.kind === 'exponential') return `${exponential(layout, stream)}\npart = ${scale} * x`
  const sigma = layout.once(work, 'sigma', () => layout.own('F', [formula.sigma]))()
  return `${normal(layout, stream)}\npart = ${scale} * Math.exp(${sigma} * x)`
}

/** `demand` is a draw of the work; `count` uses the `part` of it that is the step's own. */
export const draw = (layout: Layout, work: Work, count = ''): string => {
  const own = `${part(layout, work)}\n${count}`
  return work.onTop === undefined
    ? `${own}\ndemand = part`
    : `${own}\ndemand = part\n${part(layout, work.onTop)}\ndemand = part + demand`
}

const cellNumber = (cell: string): number => Number(cell.slice(2, -1))
