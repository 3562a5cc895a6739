import { percent, seconds } from '../../lib/words.js'
import type { Rule } from './rule.js'

/** Demand that nobody measured: the plan rests on the author's word and the catalogue's defaults. */
export const uncalibrated: Rule = {
  severity: 'info',
  explanation: 'No demand was measured: the plan rests on declared times and the catalogue.',
  formula: 'no calibration.yaml; share of the catalogue = Σ D(catalogue) / Σ D',
  check: ({ topology, plan, locate }) => {
    if (topology.calibration !== undefined) return []
    const components = Object.entries(plan.components).filter(([, { demandSeconds }]) => demandSeconds > 0)
    const total = components.reduce((sum, [, { demandSeconds }]) => sum + demandSeconds, 0)
    const assumed = components.filter(([, { origin }]) => origin === 'catalogue')
    if (total === 0) return []
    const share = assumed.reduce((sum, [, { demandSeconds }]) => sum + demandSeconds, 0) / total
    return [
      {
        subject: 'calibration',
        message:
          assumed.length === 0
            ? 'no demand is calibrated: all of it is as declared'
            : `no demand is calibrated: that of ${assumed.map(([id]) => id).join(', ')} is mostly the catalogue's default (${percent(share)} of all CPU), the rest as declared`,
        arithmetic: components
          .map(([id, { demandSeconds, origin }]) => `${id} ${seconds(demandSeconds)} ${origin}`)
          .join(', '),
        fix: 'plimsoll run an experiment on the stack, then plimsoll calibrate its run',
        position: locate('components'),
      },
    ]
  },
}
