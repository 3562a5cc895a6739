/** Numbers in the sentences of a plan: three significant digits and a unit that suits. */

const digits = (value: number): string =>
  Number.isInteger(value)
    ? String(value)
    : String(Number(value.toPrecision(value >= 1000 ? Math.ceil(Math.log10(value)) : 3)))

export const seconds = (value: number): string => {
  if (value === 0) return '0 s'
  if (value < 1e-3) return `${digits(value * 1e6)} µs`
  if (value < 1) return `${digits(value * 1e3)} ms`
  return `${digits(value)} s`
}

export const perSecond = (value: number): string => `${digits(value)}/s`
export const percent = (ratio: number): string => `${digits(ratio * 100)} %`
export const number = digits

/** `1 core`, `2 cores`. */
export const counted = (count: number, noun: string): string => `${digits(count)} ${noun}${count === 1 ? '' : 's'}`
