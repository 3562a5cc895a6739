/** What was said of each replication, as one word. */
import type { Judgement, Verdict } from '../run-result.js'
import { median } from './order.js'

/** The most frequent; of equally frequent ones the first. */
export const majority = <T>(values: readonly [T, ...T[]]): T => {
  const count = (value: T): number => values.filter((other) => other === value).length
  return values.reduce((best, value) => (count(value) > count(best) ? value : best), values[0])
}

const merge = (
  lists: readonly (readonly Judgement[])[],
  decide: (verdicts: Readonly<Record<Verdict, number>>) => Verdict,
): Judgement[] =>
  (lists[0] ?? []).map((first, i) => {
    const each = lists.flatMap((list) => list[i] ?? [])
    const verdicts = { pass: 0, fail: 0, invalid: 0 }
    for (const { verdict } of each) verdicts[verdict]++
    const verdict = decide(verdicts)
    const told = each.find((judgement) => judgement.verdict === verdict && verdict !== 'pass')?.why
    const why = [
      ...(verdicts[verdict] === each.length ? [] : [`held in ${verdicts.pass} of ${each.length} replications`]),
      ...(told === undefined ? [] : [told]),
    ]
    const { why: _, ...rest } = first
    return {
      ...rest,
      verdict,
      observed: median(each.flatMap(({ observed }) => observed ?? [])),
      ...(why.length === 0 ? {} : { why: why.join('; ') }),
    }
  })

/** Of what is judged over windows of time: it holds if it held in more than half of those that could tell. */
export const majorityJudgements = (lists: readonly (readonly Judgement[])[]): Judgement[] =>
  merge(lists, ({ pass, fail }) => (pass + fail === 0 ? 'invalid' : pass > fail ? 'pass' : 'fail'))

/** Of what must never be violated. */
export const agreedJudgements = (lists: readonly (readonly Judgement[])[]): Judgement[] =>
  merge(lists, ({ fail, invalid }) => (fail > 0 ? 'fail' : invalid > 0 ? 'invalid' : 'pass'))
