/** The smallest plan for a target, for a reader. */
import { numberText } from '../plan/sizing/sizing.js'
import type { Reason, Sized, SizedNumber, SizingPlan } from '../plan/sizing/types.js'
import type { Cell, Document, Section } from './document.js'
import { formatNumber, formatRatio, formatSeconds, missing } from './quantity.js'

const left = (name: string, optional = false) => ({ name, align: 'left', optional }) as const
const right = (name: string, optional = false) => ({ name, align: 'right', optional }) as const

const constraints: Readonly<Record<Reason['constraint'], string>> = {
  headroom: 'headroom',
  objective: 'an SLO',
  survival: 'survival',
  memory: 'memory',
  'hit-ratio': 'hit ratio',
}

const bindingOf = ({ breaks, less, kind, simulated }: SizedNumber): Cell => {
  const [first] = breaks
  if (first !== undefined) return `${constraints[first.constraint]}${simulated ? ' (simulated)' : ''}`
  return {
    text: kind === 'in-flight' ? 'a guard: only raised' : less === null ? 'the least there is' : '',
    tone: 'dim',
  }
}

const numbers = ({ numbers: all }: Sized): Section => ({
  title: 'The smallest numbers, and what one decrement less breaks',
  table: {
    columns: [left('number'), right('in the file'), right('plan'), right('one less'), left('breaks')],
    rows: all.map((number) => [
      number.id,
      numberText(number.kind, number.declared),
      { text: numberText(number.kind, number.value), tone: number.value === number.declared ? 'dim' : 'strong' },
      number.less === null ? missing : numberText(number.kind, number.less),
      bindingOf(number),
    ]),
  },
  lines: all.flatMap(({ id, kind, less, breaks }) =>
    less === null ? [] : breaks.slice(0, 1).map(({ sentence }) => `· ${id} ${numberText(kind, less)}: ${sentence}`),
  ),
})

const valueText = (path: string, value: number | null): string =>
  path === 'errors' ? formatRatio(value) : formatSeconds(value)

const objectives = ({ objectives: all, verification }: Sized): Section => ({
  title: 'Objectives',
  table: {
    columns: [
      left('request'),
      left('objective'),
      right('at most'),
      right('expected'),
      ...(verification === null ? [] : [right('simulated')]),
      left('holds'),
    ],
    rows: all.map(({ request, path, bound, predicted, simulated, holds }) => [
      request,
      path.replace('outcomes.', '').replace('latency.', '').replace('.', ' '),
      valueText(path, bound),
      valueText(path, predicted),
      ...(verification === null ? [] : [valueText(path, simulated)]),
      holds ? { text: 'yes', tone: 'good' as const } : { text: 'no', tone: 'bad' as const },
    ]),
  },
  lines: [
    verification === null
      ? 'not simulated'
      : `${verification.replications === 1 ? 'one simulation' : `${verification.replications} simulations`} of ${formatNumber(verification.seconds)} s after ${formatNumber(verification.warmupSeconds)} s, seed ${verification.seed}${verification.replications === 1 ? '; --prove makes 20, and of decrements too' : ''}`,
  ],
})

const money = ({ cost, cheaper }: Sized): Section => ({
  title: 'Cost of machines and disks',
  lines: [
    `${cost.perMonth.toFixed(2)} ${cost.currency} per month, ${cost.declaredPerMonth.toFixed(2)} as the file has it`,
    ...(cost.unpriced.length === 0 ? [] : [`not in it, having no price: ${cost.unpriced.join(', ')}`]),
    ...(cheaper === null
      ? []
      : [
          `the next cheaper plan: ${cheaper.words}, ${cheaper.perMonth.toFixed(2)} per month; it breaks`,
          ...cheaper.breaks.slice(0, 3).map(({ sentence }) => `· ${sentence}`),
        ]),
  ],
})

const settings = ({ settings: all, traffic, notes }: Sized): Section => ({
  title: 'As settings',
  lines: [...[...traffic, ...all].map((setting) => `--set "${setting}"`), ...notes.map((note) => `· ${note}`)],
})

const refused = ({ unreachable }: SizingPlan): readonly Section[] => {
  if (unreachable === null) return []
  const { reasons, instead } = unreachable
  return [
    {
      title: 'No numbers reach this target',
      lines: reasons.map(({ sentence }): Cell => ({ text: `· ${sentence}`, tone: 'bad' })),
    },
    {
      title: 'The plan below is for another target',
      lines: [
        instead === null
          ? 'none was found: what is broken does not depend on the load'
          : instead.users === null
            ? `the most that is carried: ${instead.sentence}`
            : `the least time to think with which these users are carried is ${formatSeconds(instead.thinkSeconds)} (rounded up): ${instead.sentence}`,
      ],
    },
  ]
}

export const sizingDocument = (sizing: SizingPlan): Document => {
  const { plan, topology, target } = sizing
  return {
    title: `${topology.name} sized for ${target.sentence}`,
    sections: [
      ...refused(sizing),
      ...(plan === null ? [] : [numbers(plan), objectives(plan), money(plan), settings(plan)]),
    ],
  }
}
