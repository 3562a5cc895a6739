import type { Parsed } from '../lib/units.js'

const maxArrivals = 10_000_000

/**
 * Arrival times in seconds since the start, one a line, ascending; further columns, blank lines, comments (`#`) and a
 * first line of words are passed over.
 */
export const parseTrace = (text: string): Parsed<readonly number[]> => {
  const times: number[] = []
  let last = 0
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const cell = line.split(/[,;\t]/, 1)[0]?.trim() ?? ''
    if (cell === '' || cell.startsWith('#')) continue
    const at = Number(cell)
    if (Number.isNaN(at) && times.length === 0 && /^[A-Za-z]/.test(cell)) continue
    if (!Number.isFinite(at) || at < 0)
      return { ok: false, message: `line ${index + 1}: expected a time in seconds, got "${cell}"` }
    if (at < last) return { ok: false, message: `line ${index + 1}: ${cell} comes before the line above it` }
    if (times.length >= maxArrivals) return { ok: false, message: `more than ${maxArrivals} arrivals` }
    times.push(at)
    last = at
  }
  return times.length === 0 ? { ok: false, message: 'it holds no arrivals' } : { ok: true, value: times }
}
