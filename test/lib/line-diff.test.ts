import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unifiedDiff } from '../../src/lib/line-diff.js'

/** What `patch` does with a unified difference. */
const patched = (before: string, diff: string): string => {
  const lines = before.split('\n')
  const out: string[] = []
  let at = 0
  for (const line of diff.split('\n').slice(2, -1)) {
    const hunk = /^@@ -(\d+),(\d+) \+\d+,\d+ @@$/.exec(line)
    if (hunk !== null) {
      // An empty range is named by the line before it.
      const start = Number(hunk[1]) - 1
      while (at < start) out.push(lines[at++] ?? '')
    } else if (line.startsWith('+')) out.push(line.slice(1))
    else {
      expect(lines[at]).toBe(line.slice(1))
      if (line.startsWith(' ')) out.push(line.slice(1))
      at++
    }
  }
  return [...out, ...lines.slice(at)].join('\n')
}

describe('a unified difference', () => {
  it('is empty for equal texts', () => {
    expect(unifiedDiff('a\nb\n', 'a\nb\n', 'f')).toBe('')
  })

  it('shows a change with three lines around it', () => {
    const before = ['1', '2', '3', '4', '5', '6', '7', '8', '9', ''].join('\n')
    expect(unifiedDiff(before, before.replace('5', 'five'), 'f')).toBe(
      '--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n',
    )
  })

  it('makes the one text of the other, whatever they are', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 30 }).map((lines) => lines.join('\n'))
    fc.assert(
      fc.property(text, text, (before, after) => {
        const diff = unifiedDiff(before, after, 'f')
        expect(diff === '' ? before : patched(before, diff)).toBe(after)
      }),
      { numRuns: 300 },
    )
  })
})
