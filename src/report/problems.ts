import type { Position, Problem } from '../lib/errors.js'

/** What paints text; the identity where there is no colour. */
export interface Paint {
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly dim: (text: string) => string
  readonly strong: (text: string) => string
}

export const plain: Paint = { good: (text) => text, bad: (text) => text, dim: (text) => text, strong: (text) => text }

/** `file:line:column: `, or `--set: ` where a flag was given. */
const place = ({ file, line, column }: Position): string => (line === 0 ? `${file}: ` : `${file}:${line}:${column}: `)

/** `file:line:column: error: message`, the excerpt with a caret, why, and what to do. */
export const formatProblem = (problem: Problem, paint: Paint = plain): string => {
  const { position, excerpt } = problem
  const where = position === undefined ? '' : place(position)
  const lines = [`${paint.strong(where)}${paint.bad('error:')} ${problem.message}`]
  if (position !== undefined && excerpt !== undefined) {
    const gutter = position.line === 0 ? '' : String(position.line)
    const blank = ' '.repeat(gutter.length)
    const lead = excerpt.line.slice(0, position.column - 1).replace(/[^\t]/g, ' ')
    lines.push(
      `${paint.dim(`  ${gutter} | `)}${excerpt.line}`,
      `${paint.dim(`  ${blank} | `)}${lead}${paint.bad('^'.repeat(Math.max(1, excerpt.length)))}`,
    )
  }
  if (problem.why !== undefined) lines.push(`  why: ${problem.why}`)
  if (problem.hint !== undefined) lines.push(`  hint: ${problem.hint}`)
  return lines.join('\n')
}
