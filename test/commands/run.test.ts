import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { run } from '../../src/commands/run.js'
import type { RunEvent } from '../../src/result/run-event.js'
import type { RunResult } from '../../src/result/run-result.js'
import { callCommand } from '../support/call-command.js'

const folder = mkdtempSync(join(tmpdir(), 'plimsoll-run-'))
afterAll(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'arrivals.csv'), '0.1\n0.5\n1.2\n1.9\n')
writeFileSync(
  join(folder, 'replay.yaml'),
  `apiVersion: plimsoll/v1
kind: Experiment
name: replay
topology: ${resolve('scenarios/optimization-api/topology.yaml')}
load: { arrivals: { trace: arrivals.csv } }
`,
)

describe('plimsoll run --on sim', () => {
  it('--replications merges them into one result; the folder has the events of the first', async () => {
    const options = { on: 'sim', json: true, replications: '3', threads: '2' }
    const { code, stdout, stderr } = await callCommand(run, ['replay.yaml'], options, folder)
    expect(code).toBe(0)
    const result = JSON.parse(stdout) as RunResult
    expect(result).toMatchObject({ replications: 3, durationSeconds: 2 })
    expect(result.requests.all?.offered).toBe(12)
    const path = /run folder: (.*)\n/.exec(stderr)?.[1] ?? ''
    expect(readdirSync(path).sort()).toEqual([
      'events.jsonl',
      'experiment.yaml',
      'origin.json',
      'result.json',
      'topology.yaml',
    ])
    expect(JSON.parse(readFileSync(join(path, 'result.json'), 'utf8'))).toEqual(result)
    const events = readFileSync(join(path, 'events.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as RunEvent)
    expect(events[0]?.type).toBe('started')
    const seconds = events.flatMap((event) => (event.type === 'second' ? event : []))
    expect(seconds.map(({ requests }) => requests.all?.offered)).toEqual([2, 2])
  })

  it('a stack is run once: more is a usage error, told before anything starts', async () => {
    const called = await callCommand(run, ['replay.yaml'], { on: 'stack', replications: '2' }, folder)
    expect(called).toMatchObject({ code: 2, problems: ['--replications: a stack is run once'] })
    expect((await callCommand(run, ['replay.yaml'], { on: 'sim', replications: 'x' }, folder)).code).toBe(2)
  })
})
