/** A machine that is not quiet: what was measured on it must not be taken for the stack. */
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import type { Comparison } from '../../src/contract/comparison.js'
import { workplace } from './support/cli.js'
import { leftBehind, nothing, snapshot } from './support/leftovers.js'

const place = workplace()
const before = snapshot(place.base)
let busy: ChildProcess | undefined
afterAll(() => place.remove())
afterEach(async () => {
  busy?.kill('SIGKILL')
  await place.run('down')
  expect(await leftBehind(before, place.base)).toEqual(nothing)
})

test('with a busy loop of another program on one core, the comparison calls itself invalid and says why', async () => {
  const file = join('api', 'experiments', 'short.yaml')
  writeFileSync(
    join(place.folder, file),
    'apiVersion: plimsoll/v1\nkind: Experiment\nname: short\ntopology: ../topology.yaml\nseed: 3\nload: { stages: [{ hold: 60/s, for: 8s }] }\nwarmup: 2s\n',
  )
  busy = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' })
  const { code, stdout, stderr } = await place.run('run', file, '--on', 'both', '--json')
  expect([0, 4], stderr).toContain(code)
  const { validity, rows } = JSON.parse(stdout) as Comparison
  expect(validity.verdict).toBe('invalid')
  expect(validity.reasons.join('\n')).toMatch(/something else used [2-9]\d\.\d % of host local/)
  const latency = rows.find(({ subject, quantity }) => subject === 'all' && quantity === 'latency.p50')
  expect(latency).toMatchObject({ verdict: 'invalid', suspect: 'machine' })
})
