import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PlimsollError } from '../../src/lib/errors.js'
import { runId } from '../../src/result/run-folder.js'
import { createRunFolder, type RunFolder, readEvents, readRun } from '../../src/system/run-folder.js'
import { runResult } from '../support/run-result.js'

let cwd = ''
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'plimsoll-test-'))
})
afterEach(() => {
  rmSync(cwd, { recursive: true, force: true })
})

const create = (): RunFolder =>
  createRunFolder({
    cwd,
    startedAt: new Date('2026-11-21T06:44:30.123Z'),
    engine: 'stack',
    experimentName: 'lose-an-app-server',
    topologyText: 'kind: Topology # as written\n',
    experimentText: '# comment\nkind: Experiment\ntopology: ../topology.yaml\nseed: 7\n',
  })

const problem = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    if (error instanceof PlimsollError && error.exitCode === 3)
      return error.problems.map(({ message, why }) => `${message} ${why ?? ''}`).join('\n')
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('run folder', () => {
  it('has a name that sorts by time and tells experiment and engine', () => {
    expect(runId(new Date('2026-11-21T06:44:30.999Z'), 'Lose an app/server!', 'sim')).toBe(
      '20261121-064430-lose-an-app-server-sim',
    )
    expect(runId(new Date('2026-01-02T03:04:05Z'), '../..', 'stack')).toBe('20260102-030405-run-stack')
  })

  it('two runs in one second have folders of their own', () => {
    expect([create().id, create().id]).toEqual([
      '20261121-064430-lose-an-app-server-stack',
      '20261121-064430-lose-an-app-server-stack-2',
    ])
  })

  it('holds copies that refer to each other, so that it runs again as it stands', () => {
    const { path } = create()
    expect(readFileSync(join(path, 'topology.yaml'), 'utf8')).toBe('kind: Topology # as written\n')
    const experiment = readFileSync(join(path, 'experiment.yaml'), 'utf8')
    expect(experiment).toContain('topology: topology.yaml\n')
    expect(experiment).toContain('# comment')
  })

  it('keeps each event as soon as it is appended, and the result whole or not at all', () => {
    const folder = create()
    folder.append({ type: 'note', at: 1, message: 'first' })
    expect(readEvents(folder.path)).toEqual([{ type: 'note', at: 1, message: 'first' }])
    expect(existsSync(join(folder.path, 'result.json'))).toBe(false)
    const result = runResult()
    folder.finish(result)
    expect(readRun(folder.path, cwd)).toEqual(JSON.parse(JSON.stringify(result)))
    expect(readRun(folder.id, cwd)).toEqual(readRun(join(folder.path, 'result.json'), cwd))
    expect(readdirSync(folder.path).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('a process killed with SIGKILL loses no event that it had appended', () => {
    const folder = create()
    const source = `
      const fs = require('node:fs'); const fd = fs.openSync(process.argv[1], 'a')
      for (let at = 1; at <= 100; at++) fs.writeSync(fd, JSON.stringify({ type: 'note', at, message: 'x' }) + '\\n')
      process.kill(process.pid, 'SIGKILL')`
    const { signal } = spawnSync(process.execPath, ['-e', source, join(folder.path, 'events.jsonl')])
    expect(signal).toBe('SIGKILL')
    expect(readEvents(folder.path).at(-1)?.at).toBe(100)
  })
})

describe('reading a run', () => {
  it('of a killed run tells how many seconds were seen', () => {
    const folder = create()
    const path = join(folder.path, 'events.jsonl')
    writeFileSync(path, '{"type":"started","at":0}\n{"type":"second","at":1}\n{"type":"second","at":2}\n{"type":"sec')
    expect(problem(() => readRun(folder.path, cwd))).toMatch(/no result\.json.*holds the 2 seconds/s)
    expect(problem(() => readRun(path, cwd))).toMatch(/2 seconds/)
  })

  it('names what is missing', () => {
    expect(problem(() => readRun('nowhere', cwd))).toMatch(/no run at nowhere/)
    mkdirSync(join(cwd, 'empty'))
    expect(problem(() => readRun('empty', cwd))).toMatch(/empty is no run folder/)
  })

  it.each([
    ['not JSON', '{', /not JSON/],
    ['null', 'null', /expected kind "RunResult", got none/],
    ['a comparison', '{"kind":"Comparison"}', /got "Comparison"/],
    ['another version', '{"kind":"RunResult","apiVersion":"plimsoll/v9"}', /expected apiVersion "plimsoll\/v1"/],
    ['an empty result', '{"kind":"RunResult","apiVersion":"plimsoll/v1"}', /requests/],
  ])('refuses %s with what it expected', (_, text, message) => {
    writeFileSync(join(cwd, 'x.json'), text)
    expect(problem(() => readRun('x.json', cwd))).toMatch(message)
  })

  it('names the path of a value that has the wrong type', () => {
    const result = JSON.parse(JSON.stringify(runResult()))
    result.requests.all.ok = 'many'
    result.requests.all.histogram = 'AAAA'
    writeFileSync(join(cwd, 'x.json'), JSON.stringify(result))
    const text = problem(() => readRun('x.json', cwd))
    expect(text).toMatch(/requests\.all\.ok: .*expected number/)
    expect(text).toMatch(/requests\.all\.histogram: not an HdrHistogram/)
  })
})
