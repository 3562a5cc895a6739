/** docs/concepts.md has a row for each concept, and names only tests and rules that there are. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isRuleId } from '../src/plan/rules/index.js'

/** How many concepts each group has: 1.1 to 1.4, … */
const groups = [4, 4, 4, 4, 4, 4, 4, 4, 5, 4]

const rows = readFileSync('docs/concepts.md', 'utf8')
  .split('\n')
  .filter((line) => /^\| \d/.test(line))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')))

describe('docs/concepts.md', () => {
  it('has a row for each concept, in order', () => {
    const numbers = groups.flatMap((count, group) => Array.from({ length: count }, (_, at) => `${group + 1}.${at + 1}`))
    expect(rows.map(([title = '']) => title.split(' ')[0])).toEqual(numbers)
  })

  it.each(rows.map((row) => [row[0] ?? '', row] as const))('%s: says everything, or "not yet"', (_, row) => {
    expect(row).toHaveLength(6)
    for (const cell of row) expect(cell).toMatch(/\S/)
    const tests = (row[5] ?? '').split(', ')
    for (const file of tests) expect([file, file.endsWith('.test.ts') && existsSync(file)]).toEqual([file, true])
  })

  it('names only review rules that there are', () => {
    const named = rows.flatMap((row) =>
      [...row.join(' ').matchAll(/rules? ((?:`[a-z-]+`(?:, )?)+)/g)].flatMap(
        ([, list = '']) => list.match(/[a-z-]+/g) ?? [],
      ),
    )
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((rule) => !isRuleId(rule))).toEqual([])
  })
})
