/** When growth reaches what a system carries, for a reader. */
import type { Crossing, GrowthPlan, PhaseJudgement } from '../plan/growth/growth.js'
import { dayAfter } from '../plan/growth/trend.js'
import type { Cell, Document, Section } from './document.js'
import { formatNumber, formatRate, formatRatio, missing } from './quantity.js'

const right = (name: string, optional = false) => ({ name, align: 'right', optional }) as const
const left = (name: string, optional = false) => ({ name, align: 'left', optional }) as const

const users = (count: number | null): string => (count === null ? missing : String(Math.floor(count)))

/** By month: a day more or less means nothing so far ahead. */
const dated = (from: string, months: number | null): string =>
  months === null ? 'never' : months === 0 ? 'now' : dayAfter(from, months).slice(0, 7)

const when = (plan: GrowthPlan, { early, expected, late }: Crossing['months']): string => {
  const middle = dated(plan.from, expected)
  const ends = [dated(plan.from, early), dated(plan.from, late)]
  return ends[0] === middle && ends[1] === middle ? middle : `${middle} (${ends.join(' to ')})`
}

const signedMoney = (amount: number | null): string =>
  amount === null ? missing : `${amount < 0 ? '−' : '+'}${Math.abs(amount).toFixed(0)}/month`

const crossingSection = (plan: GrowthPlan): Section => {
  const closed = plan.load.users !== null
  return {
    title: 'What is reached, when, and the cheapest step there',
    table: {
      columns: [left('what'), left('kind'), right(closed ? 'users' : 'load'), right('×'), right('when')],
      rows: plan.crossings.map((crossing) => [
        {
          text: crossing.subject,
          tone: (crossing.months.expected ?? Infinity) <= plan.horizonMonths ? 'strong' : 'dim',
        },
        crossing.kind,
        closed ? users(crossing.users) : formatRate(crossing.ratePerSecond),
        crossing.factor.toFixed(2),
        when(plan, crossing.months),
      ]),
    },
    lines: [...new Set(plan.crossings.flatMap((crossing) => stepLines(plan, crossing)))],
  }
}

const stepLines = (plan: GrowthPlan, crossing: Crossing): readonly string[] => {
  const { step, months } = crossing
  if (step === null || (months.expected ?? Infinity) > plan.horizonMonths) return []
  const why = `· ${crossing.subject} (${crossing.kind}): `
  if (step.words === null) return [`${why}needs a decision: ${step.decision ?? ''}`]
  return [`${why}${step.words}, ${signedMoney(step.costPerMonth)}, carries ${formatRate(step.liftsTo)} then`]
}

const milestoneSection = (plan: GrowthPlan): Section => ({
  title: 'What is exhausted first',
  table: {
    columns: [right('users'), right('asks for'), left('exhausted first'), left('asked for too much', true)],
    rows: plan.milestones.map(({ users: count, ratePerSecond, exhausted, over }) => [
      users(count),
      formatRate(ratePerSecond),
      exhausted === null ? { text: 'nothing', tone: 'good' } : { text: exhausted, tone: 'bad' },
      over.map(({ id, utilization }) => `${id} ${formatRatio(utilization)}`).join(', '),
    ]),
  },
  lines: [
    ...new Set(
      plan.milestones.flatMap(({ exhausted, sentence }) =>
        exhausted === null ? [] : [`· ${exhausted}: ${sentence ?? ''}`],
      ),
    ),
  ],
})

const verdict = ({ lifts, before }: PhaseJudgement): Cell =>
  lifts
    ? { text: `lifts ${before.bottleneck ?? 'nothing'}`, tone: 'good' }
    : { text: `does not lift ${before.bottleneck ?? 'nothing'}`, tone: 'bad' }

const phaseSection = (plan: GrowthPlan): readonly Section[] =>
  plan.phases.length === 0
    ? []
    : [
        {
          title: 'The planned path, step by step',
          table: {
            columns: [
              left('phase'),
              right('from'),
              right('carried before'),
              right('after'),
              right('cost', true),
              left('verdict'),
            ],
            rows: plan.phases.map((phase) => [
              phase.name,
              phase.users === null ? formatRate(phase.ratePerSecond) : `${users(phase.users)} users`,
              formatRate(phase.before.maxPerSecond),
              formatRate(phase.after.maxPerSecond),
              signedMoney(phase.costPerMonth),
              verdict(phase),
            ]),
          },
          lines: plan.phases.flatMap((phase) => [
            `· ${phase.name}: ${phase.set.join(', ')}${phase.carries ? '' : `; ${formatRate(phase.ratePerSecond)} are asked for from then on, which is more than it carries`}`,
          ]),
        },
      ]

const rateText = ({ rate, seasonal }: GrowthPlan): string => {
  const interval = rate.low === rate.high ? '' : ` (${formatRatio(rate.low)} to ${formatRatio(rate.high)})`
  return `${formatRatio(rate.perMonth)} a month${interval}, ${rate.origin}${seasonal ? ', with its seasons' : ''}`
}

export const growthDocument = (plan: GrowthPlan): Document => ({
  title: `${plan.topology.name} grows by ${rateText(plan)}; ${
    plan.load.users === null ? formatRate(plan.load.ratePerSecond) : `${formatNumber(plan.load.users)} users`
  } on ${plan.from}, looked at for ${formatNumber(plan.horizonMonths)} months`,
  sections: [crossingSection(plan), milestoneSection(plan), ...phaseSection(plan)],
})
