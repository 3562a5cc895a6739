/** Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours. */
const distance = (a: string, b: string): number => {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min((row[j - 1] ?? 0) + 1, (previous[j] ?? 0) + 1, (previous[j - 1] ?? 0) + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (before[j - 2] ?? 0) + 1)
      row.push(best)
    }
    before = previous
    previous = row
  }
  return previous[b.length] ?? 0
}

/** The candidate that was most likely meant, if any is near enough (a third of its length, at least 1). */
export const nearest = <T extends string>(text: string, candidates: Iterable<T>): T | undefined => {
  let best: T | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const d = distance(text.toLowerCase(), candidate.toLowerCase())
    if (d < bestDistance && d <= Math.max(1, Math.floor(Math.max(text.length, candidate.length) / 3))) {
      best = candidate
      bestDistance = d
    }
  }
  return best
}

/** `did you mean "x"?`, or the choices when there are few and none is near. */
export const suggestion = (text: string, candidates: readonly string[]): string | undefined => {
  const near = nearest(text, candidates)
  if (near !== undefined) return `did you mean "${near}"?`
  return candidates.length > 0 && candidates.length <= 12 ? `one of: ${candidates.join(', ')}` : undefined
}
