/** A run that is ended from outside leaves nothing behind; kill -9 of it is in kill.test.ts. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { until } from './servers.js'
import { workplace } from './support/cli.js'
import { leftBehind, nothing, snapshot } from './support/leftovers.js'

const place = workplace()
const before = snapshot(place.base)
const runs = join(place.folder, '.plimsoll', 'runs')
afterAll(() => place.remove())

writeFileSync(
  join(place.folder, 'api', 'short.yaml'),
  `apiVersion: plimsoll/v1
kind: Experiment
name: short
topology: topology.yaml
load: { mode: open, arrivals: poisson, stages: [{ hold: 40/s, for: 2s }] }
`,
)

const file = 'api/experiments/lose-an-app-server.yaml'
const sleep = (seconds: number): Promise<void> => new Promise((done) => setTimeout(done, seconds * 1000))

/** Lines of the newest run that has begun. */
const events = (): readonly string[] => {
  if (!existsSync(runs)) return []
  const newest = readdirSync(runs).sort().at(-1)
  const path = join(runs, newest ?? '', 'events.jsonl')
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s during a run: it ends with %i, keeps what it saw, and leaves nothing', async (signal, code) => {
  const earlier = existsSync(runs) ? readdirSync(runs).length : 0
  const run = place.start('run', file, '--on', 'stack', '--json')
  await until('two seconds are recorded', () => {
    const begun = existsSync(runs) && readdirSync(runs).length > earlier
    return begun && events().filter((line) => line.includes('"second"')).length >= 2
  })
  run.child.kill(signal)
  const ended = await run.ended
  expect(ended, ended.stderr).toMatchObject({ code })
  const result = JSON.parse(ended.stdout) as { status: string; series: unknown[] }
  expect(result.status).toBe('interrupted')
  expect(result.series.length).toBeGreaterThanOrEqual(2)
  expect(await leftBehind(before, place.base)).toEqual(nothing)
})

test('SIGINT while the stack is starting ends with 130 and leaves nothing', async () => {
  const run = place.start('run', file, '--on', 'stack')
  await until('its ledger is written', () => existsSync(join(place.folder, '.plimsoll', 'ledger')))
  await sleep(0.5)
  run.child.kill('SIGINT')
  expect(await run.ended).toMatchObject({ code: 130 })
  expect(await leftBehind(before, place.base)).toEqual(nothing)
})

test('SIGINT in the middle of the demo ends with 130 and leaves nothing, its folder neither', async () => {
  const demo = place.start('demo')
  let shown = ''
  demo.child.stdout?.on('data', (text: string) => {
    shown += text
  })
  await until('the load has begun', () => /\[5\/9\][\s\S]* errors 0 /.test(shown), 60)
  demo.child.kill('SIGINT')
  expect(await demo.ended).toMatchObject({ code: 130 })
  expect(await leftBehind(before, place.base)).toEqual(nothing)
})

test('a demo whose reader leaves, and a run whose progress nobody reads, leave nothing', async () => {
  const demo = place.start('demo')
  let shown = ''
  demo.child.stdout?.on('data', (text: string) => {
    shown += text
    if (shown.includes('[4/9]')) demo.child.stdout?.destroy()
  })
  expect(await demo.ended).toMatchObject({ code: 0, signal: null })
  expect(shown).not.toContain('[5/9]')
  expect(await leftBehind(before, place.base)).toEqual(nothing)
  const run = place.start('run', 'api/short.yaml', '--on', 'stack', '--json')
  run.child.stderr?.once('data', () => run.child.stderr?.destroy())
  const ended = await run.ended
  expect(ended.signal).toBeNull()
  expect(JSON.parse(ended.stdout)).toMatchObject({ status: 'completed' })
  expect(await leftBehind(before, place.base)).toEqual(nothing)
})

test('kill -9 of a demo, then down: its folder is gone too', async () => {
  const demo = place.start('demo')
  let shown = ''
  demo.child.stdout?.on('data', (text: string) => {
    shown += text
  })
  await until('it has made its folder and begun to launch', () => shown.includes('[4/9]'), 30)
  demo.child.kill('SIGKILL')
  await demo.ended
  expect(await place.run('down')).toMatchObject({ code: 0 })
  expect(await leftBehind(before, place.base)).toEqual(nothing)
})
