/** Text in the cells of a terminal. What we write, and the names that files may hold, takes one cell a character. */

const plainWidth = (text: string): number => [...text].length

/** Exactly `width` cells: cut with `more` at its end, or filled up. */
export const padded = (text: string, width: number, more: string, align: 'left' | 'right' = 'left'): string => {
  const missing = width - plainWidth(text)
  if (missing < 0) return cut(text, width, more)
  return align === 'left' ? text + ' '.repeat(missing) : ' '.repeat(missing) + text
}

/** At most `width` cells. */
export const cut = (text: string, width: number, more: string): string => {
  if (width <= 0) return ''
  const characters = [...text]
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}${more}`
}

/** `left` and `right` at the ends of a line; where both have no room, `left` is cut. */
export const spread = (left: string, right: string, width: number, more: string): readonly [string, string] => {
  const end = cut(right, width, more)
  const room = width - plainWidth(end)
  return [padded(left, Math.max(0, room - 1), more) + (room > 0 ? ' ' : ''), end]
}

/** Broken at spaces into at most `most` lines, the last of which is cut. */
export const folded = (text: string, width: number, most: number, more: string): readonly string[] => {
  const lines: string[] = []
  let rest = text
  while (rest !== '' && lines.length < most) {
    const last = lines.length === most - 1
    const at = plainWidth(rest) <= width ? rest.length : rest.lastIndexOf(' ', width)
    const end = last || at <= 0 ? rest.length : at
    lines.push(cut(rest.slice(0, end), width, more))
    rest = rest.slice(end).trimStart()
  }
  return lines
}
