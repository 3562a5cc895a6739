/**
 * Ink takes every cell of a frame apart and puts it together again, which costs half a core where a screen of 160 × 50 changes
 * ten times a second (docs/measurements/dashboard.md). It is to lay the panels out, so for it each is one cell wide: a line of a
 * panel is one character, out of those that Unicode leaves to private use; what Ink writes gets the lines back.
 */

/** Supplementary Private Use Area-A. */
const firstCodePoint = 0xf0000

/** Of a quarter of a minute; what Ink writes is never older than its last frame. */
const remembered = 8192

const lines: (string | undefined)[] = new Array(remembered)
const places = new Map<string, number>()
let next = 0

/** SGR sequences, which take no cell. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is how they begin
const paint = /\u001b\[[0-9;]*m/g

/** One character that stands for this text, filled up to `width` cells; another one for every other line. */
export const standIn = (text: string, width: number): string => {
  const line = text + ' '.repeat(Math.max(0, width - [...text.replace(paint, '')].length))
  const known = places.get(line)
  if (known !== undefined) return String.fromCodePoint(firstCodePoint + known)
  const place = next
  next = (next + 1) % remembered
  const replaced = lines[place]
  if (replaced !== undefined) places.delete(replaced)
  lines[place] = line
  places.set(line, place)
  return String.fromCodePoint(firstCodePoint + place)
}

/** The lines in place of their stand-ins, without blanks at the ends of rows. */
export const withLines = (written: string): string =>
  written
    .replace(/[\u{f0000}-\u{f1fff}]/gu, (character) => lines[(character.codePointAt(0) ?? 0) - firstCodePoint] ?? '')
    .split('\n')
    .map((row) => row.trimEnd())
    .join('\n')
