import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { faultSpecs } from '../../src/experiment/fault-kinds.js'
import { faultKinds } from '../../src/experiment/types.js'

it('the table of faults in docs/experiments.md says what the program does', () => {
  const lines = readFileSync('docs/experiments.md', 'utf8').split('\n')
  const rows = new Map(
    lines.flatMap((line) => {
      const [, kind, strikes = '', beside = '', lasts = '', simulated = '', onStack = ''] =
        /^\| `([a-z-]+)` \| ([^|]*) \| ([^|]*)\| ([^|]*) \| (yes|no) \| (yes|no) \|$/.exec(line) ?? []
      return kind === undefined ? [] : [[kind, { strikes, beside, lasts, simulated, onStack }] as const]
    }),
  )
  expect([...rows.keys()]).toEqual([...faultKinds])
  for (const kind of faultKinds) {
    const { targets, parameters, lasts, restarts, simulated, onStack } = faultSpecs[kind]
    const row = rows.get(kind)
    expect(row?.simulated).toBe(simulated ? 'yes' : 'no')
    expect(row?.onStack).toBe(onStack ? 'yes' : 'no')
    expect(row?.lasts).toBe(lasts ? 'yes' : 'at once')
    expect(row?.strikes.split(', ').sort()).toEqual(
      targets.map((target) => (target === 'request' ? 'request class' : target)).sort(),
    )
    const named = [...(row?.beside ?? '').matchAll(/`([A-Za-z]+)`/g)].map(([, name]) => name)
    expect(named).toEqual([...(restarts ? ['restart'] : []), ...Object.keys(parameters)])
  }
})
