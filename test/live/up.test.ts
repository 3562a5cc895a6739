/** up, status, logs, chaos and down as a user calls them, on the scenario optimization-api. */
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { SystemReport } from '../../src/report/system.js'
import { until } from './servers.js'
import { workplace } from './support/cli.js'
import { leftBehind, nothing, snapshot } from './support/leftovers.js'

const place = workplace()
const before = snapshot(place.base)
afterAll(async () => {
  await place.run('down')
  place.remove()
})

const statusOf = async (): Promise<readonly SystemReport[]> => {
  const { code, stdout } = await place.run('status', '--json')
  expect(code).toBe(0)
  return (JSON.parse(stdout) as { systems: readonly SystemReport[] }).systems
}

const instance = async (id: string) => (await statusOf())[0]?.instances.find((one) => one.id === id)

const expectNothing = async (): Promise<void> => {
  expect(await leftBehind(before, place.base)).toEqual(nothing)
  expect(readdirSync(place.folder)).toEqual(['api'])
}

describe('a stack that is up', () => {
  let url = ''

  test('up prints where requests enter and nothing else on stdout; progress is on stderr', async () => {
    const first = place.start('up', 'api/topology.yaml')
    await until('its ledger is written', () => existsSync(join(place.folder, '.plimsoll', 'ledger')))
    // Another one in the middle of that waits for it.
    const beside = await place.run('up', 'api/topology.yaml')
    const up = await first.ended
    expect(up).toMatchObject({ code: 0, stdout: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\n$/) })
    expect(beside).toMatchObject({ code: 0, stdout: up.stdout, stderr: expect.stringContaining('already up') })
    expect(up.stderr).toMatch(/db\/0 +ready +\d+\.\d s/)
    url = up.stdout.trim()
    const answer = await fetch(`${url}/routes/7`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-request-id')).toMatch(/./)
    expect((await fetch(`${url}/optimize`, { method: 'POST' })).status).toBe(200)
  })

  test('a second up of the same topology says so and prints the same; a changed one is refused', async () => {
    const again = await place.run('up', 'api/topology.yaml')
    expect(again).toMatchObject({ code: 0, stdout: `${url}\n`, stderr: expect.stringContaining('already up') })
    const text = readFileSync(place.topology, 'utf8')
    writeFileSync(place.topology, text.replace('rate: 300/s', 'rate: 301/s'))
    expect(await place.run('up', 'api/topology.yaml')).toMatchObject({ code: 6, stdout: '' })
    writeFileSync(place.topology, text)
  })

  test('chaos kill is seen by status, traffic goes on, and the instance comes back after --restart-after', async () => {
    const was = await instance('app/0')
    const chaos = await place.run('chaos', 'kill', 'app/0', '--restart-after', '1s', '--json')
    expect(JSON.parse(chaos.stdout)).toMatchObject({
      kind: 'Injection',
      instances: [{ id: 'app/0', state: 'crashed', pids: [] }],
    })
    expect((await instance('app/0'))?.state).toBe('crashed')
    for (let i = 0; i < 5; i++) expect((await fetch(`${url}/routes/${i}`)).status).toBe(200)
    await until('app/0 is back', async () => (await instance('app/0'))?.state === 'ready')
    expect(await instance('app/0')).toMatchObject({ restarts: 1, addresses: was?.addresses })
  })

  test('chaos pause --for is taken back without plimsoll; restart returns when it is ready again', async () => {
    const paused = await place.run('chaos', 'pause', 'cache', '--for', '300ms')
    expect(paused).toMatchObject({ code: 0, stdout: expect.stringContaining('cache/0 is paused') })
    await until('the cache runs again', async () => (await instance('cache/0'))?.state === 'ready')
    const restarted = await place.run('chaos', 'restart', 'app')
    expect(restarted).toMatchObject({ code: 0, stdout: expect.stringMatching(/app\/0 is ready, app\/1 is ready/) })
  })

  test('what cannot be meant is exit 3 with what was meant', async () => {
    const target = await place.run('chaos', 'kill', 'cahce')
    expect(target).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('did you mean "cache"?') })
    const kind = await place.run('chaos', 'pasue', 'app')
    expect(kind).toMatchObject({ code: 3, stderr: expect.stringContaining('did you mean "pause"?') })
    expect(await place.run('chaos', 'partition', 'app')).toMatchObject({ code: 3 })
    expect(await place.run('chaos', 'kill', 'app', '--for', '3')).toMatchObject({ code: 2 })
    expect(await place.run('logs', 'edg')).toMatchObject({ code: 3, stderr: expect.stringContaining('"edge"') })
    expect(await place.run('logs', '-n', 'x')).toMatchObject({ code: 2 })
    expect(await place.run('status', '--system', 'nope')).toMatchObject({ code: 3 })
  })

  test('logs prints the last lines of what is asked for, and -f goes on until Ctrl-C', async () => {
    const last = await place.run('logs', 'db', '-n', '2')
    expect(last.stdout.trimEnd().split('\n')).toHaveLength(2)
    expect(last.stdout).toMatch(/^db\/0 \| /)
    const follow = place.start('logs', '-f', '-n', '0', 'cache/0')
    let seen = ''
    follow.child.stdout?.on('data', (text: string) => {
      seen += text
    })
    await new Promise((done) => setTimeout(done, 400))
    await place.run('chaos', 'restart', 'cache')
    await until('the restart is in the log', () => seen.includes('Ready to accept connections'))
    follow.child.kill('SIGINT')
    expect(await follow.ended).toMatchObject({ code: 130 })
  })

  test('a stopped database: what is known is answered, marked degraded, until it is undone by a restart', async () => {
    // Each has a memory of its own, and nginx leaves out for a while what it met restarting.
    const known = new Set<string | null>()
    await until('both app servers know the key', async () => {
      known.add((await fetch(`${url}/routes/1`)).headers.get('x-plimsoll-instance'))
      return known.size === 2
    })
    await place.run('chaos', 'stop', 'db')
    expect((await instance('db/0'))?.state).toBe('stopped')
    const answers = await Promise.all(Array.from({ length: 60 }, () => fetch(`${url}/routes/1`)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(60)
    expect(answers.filter(({ headers }) => headers.get('x-plimsoll-degraded') === 'stale').length).toBeGreaterThan(0)
    expect(await place.run('chaos', 'restart', 'db')).toMatchObject({ code: 0 })
    expect((await instance('db/0'))?.state).toBe('ready')
  })

  test('down ends it all, and then there is nothing to end', async () => {
    expect(await place.run('down')).toMatchObject({ code: 0 })
    await expectNothing()
    expect(await place.run('down')).toMatchObject({ code: 0, stdout: 'nothing is up\n' })
    expect(await place.run('chaos', 'kill', 'app')).toMatchObject({ code: 6 })
    expect(await statusOf()).toEqual([])
  })
})

test('two topologies are up side by side, and each is meant by its id', async () => {
  const text = readFileSync(place.topology, 'utf8')
  writeFileSync(join(place.folder, 'api', 'other.yaml'), text.replace('name: optimization-api', 'name: other'))
  const [one, other] = await Promise.all([
    place.run('up', 'api/topology.yaml', '--json'),
    place.run('up', 'api/other.yaml', '--json'),
  ])
  const ids = [one, other].map(({ stdout }) => (JSON.parse(stdout) as { id: string }).id)
  expect((await statusOf()).map(({ id }) => id).sort()).toEqual([...ids].sort())
  expect(await place.run('chaos', 'kill', 'app')).toMatchObject({ code: 3 })
  expect(await place.run('down', '--system', ids[1] ?? '')).toMatchObject({ code: 0 })
  expect((await statusOf()).map(({ id }) => id)).toEqual([ids[0]])
  expect(await place.run('down')).toMatchObject({ code: 0 })
  await expectNothing()
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s during up undoes it', async (signal) => {
  for (const seconds of [0, 0.6, 1.3]) {
    const up = place.start('up', 'api/topology.yaml')
    // Before that, Node.js itself ends on the signal.
    await once(up.child.stderr ?? up.child, 'data')
    await new Promise((done) => setTimeout(done, seconds * 1000))
    up.child.kill(signal)
    expect((await up.ended).code).toBe(signal === 'SIGINT' ? 130 : 143)
    await expectNothing()
  }
})

test('a start that fails says which instance and why, in the words of its log, and is undone', async () => {
  const programs = join(place.folder, 'programs')
  mkdirSync(programs)
  // Redis runs as a user of its own, who must get at the program.
  for (const path of [place.folder, programs]) chmodSync(path, 0o755)
  const script = '#!/bin/sh\n[ "$1" = --version ] || echo "FATAL: line 3 of the configuration is bad" >&2\nexit 1\n'
  writeFileSync(join(programs, 'redis-server'), script, { mode: 0o755 })
  place.env.PATH = `${programs}:${process.env.PATH}`
  const up = await place.run('up', 'api/topology.yaml')
  delete place.env.PATH
  rmSync(programs, { recursive: true })
  expect(up).toMatchObject({ code: 6, stdout: '' })
  expect(up.stderr).toContain('cache/0 did not start: it ended with exit code 1')
  expect(up.stderr).toContain('FATAL: line 3 of the configuration is bad')
  await expectNothing()
})

test('a supervisor that was killed is told by status, and up starts anew over what it left', async () => {
  const up = await place.run('up', 'api/topology.yaml', '--json')
  const { id } = JSON.parse(up.stdout) as { id: string }
  const entry = JSON.parse(readFileSync(join(place.folder, '.plimsoll', 'ledger', `${id}.json`), 'utf8')) as {
    owner: { pid: number }
  }
  process.kill(entry.owner.pid, 'SIGKILL')
  await until('status sees it', async () => (await statusOf())[0]?.state === 'lost')
  expect(await place.run('chaos', 'kill', 'app')).toMatchObject({ code: 6 })
  const again = await place.run('up', 'api/topology.yaml')
  expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining(id) })
  expect((await statusOf()).map(({ state }) => state)).toEqual(['up'])
  await place.run('down')
  await expectNothing()
})
