/** Unified differences of two texts, by lines (E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986). */

interface Change {
  readonly kind: ' ' | '-' | '+'
  readonly line: string
}

/** Lines around a change that are shown with it. */
const context = 3

/** `--- a`, `+++ b` and hunks; empty when the texts are equal. */
export const unifiedDiff = (before: string, after: string, from: string, to: string = from): string => {
  if (before === after) return ''
  const changes = changesOf(before.split('\n'), after.split('\n'))
  return `${[`--- ${from}`, `+++ ${to}`, ...hunks(changes)].join('\n')}\n`
}

const changesOf = (a: readonly string[], b: readonly string[]): readonly Change[] => {
  const most = a.length + b.length
  // The furthest x on each diagonal k = x − y, after d changes.
  let furthest = new Map<number, number>([[1, 0]])
  const trace: Map<number, number>[] = []
  for (let d = 0; d <= most; d++) {
    trace.push(new Map(furthest))
    const next = new Map(furthest)
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1))
      let x = down ? (furthest.get(k + 1) ?? 0) : (furthest.get(k - 1) ?? 0) + 1
      let y = x - k
      while (x < a.length && y < b.length && a[x] === b[y]) {
        x++
        y++
      }
      next.set(k, x)
      furthest.set(k, x)
      if (x >= a.length && y >= b.length) return backwards(a, b, trace)
    }
    furthest = next
  }
  return []
}

const backwards = (a: readonly string[], b: readonly string[], trace: readonly Map<number, number>[]): Change[] => {
  const changes: Change[] = []
  let x = a.length
  let y = b.length
  for (let d = trace.length - 1; d >= 0; d--) {
    const furthest = trace[d] ?? new Map<number, number>()
    const k = x - y
    const down = k === -d || (k !== d && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1))
    const before = down ? k + 1 : k - 1
    const beforeX = furthest.get(before) ?? 0
    const beforeY = beforeX - before
    while (x > beforeX && y > beforeY && x > 0 && y > 0) {
      changes.push({ kind: ' ', line: a[x - 1] ?? '' })
      x--
      y--
    }
    if (d === 0) break
    if (down) changes.push({ kind: '+', line: b[--y] ?? '' })
    else changes.push({ kind: '-', line: a[--x] ?? '' })
  }
  return changes.reverse()
}

const hunks = (changes: readonly Change[]): readonly string[] => {
  const lines: string[] = []
  let i = 0
  let oldLine = 1
  let newLine = 1
  const advance = (change: Change | undefined): void => {
    if (change?.kind !== '+') oldLine++
    if (change?.kind !== '-') newLine++
  }
  while (i < changes.length) {
    const next = changes.findIndex(({ kind }, at) => at >= i && kind !== ' ')
    if (next < 0) break
    const start = Math.max(i, next - context)
    while (i < start) advance(changes[i++])
    // A hunk goes on while the next change is near.
    let end = next
    for (let at = next; at < changes.length && at - end <= 2 * context; at++) if (changes[at]?.kind !== ' ') end = at
    const stop = Math.min(changes.length, end + context + 1)
    const part = changes.slice(start, stop)
    const count = (kind: '-' | '+'): number =>
      part.filter((change) => change.kind === ' ' || change.kind === kind).length
    lines.push(
      `@@ -${oldLine},${count('-')} +${newLine},${count('+')} @@`,
      ...part.map(({ kind, line }) => kind + line),
    )
    while (i < stop) advance(changes[i++])
  }
  return lines
}
