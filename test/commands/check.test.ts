import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { run as check } from '../../src/commands/check.js'
import type { CommandHandler, Invocation } from '../../src/commands/command.js'
import { run as init } from '../../src/commands/init.js'
import { callCommand } from '../support/call-command.js'

const folder = mkdtempSync(join(tmpdir(), 'plimsoll-lang-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const packageFolder = fileURLToPath(new URL('../..', import.meta.url))

const call = (handler: CommandHandler, args: readonly string[], options: Invocation['options'] = {}) =>
  callCommand(handler, args, options, folder)

const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return name
}

const good = `apiVersion: plimsoll/v1
kind: Topology
name: good
components:
  app: { engine: service }
requests:
  get: { share: 100%, serve: app }
`

describe('plimsoll check', () => {
  it('says what a good file holds, with 0', async () => {
    const file = write('good.yaml', good)
    const { code, stdout: out } = await call(check, [file])
    expect([code, out]).toEqual([0, 'good.yaml: ok (topology "good": 1 component, 1 request class)\n'])
  })

  it('tells of all problems of all files at once, with 3', async () => {
    write('good.yaml', good)
    write('a.yaml', good.replace('share: 100%', 'share: 90%'))
    write('b.yaml', good.replace('engine: service', 'engine: servce'))
    const { code, stdout: out, problems } = await call(check, ['a.yaml', 'good.yaml', 'b.yaml', 'nowhere.yaml', '.'])
    expect(code).toBe(3)
    expect(out.split('\n').slice(0, 3)).toEqual([
      'a.yaml: 1 error',
      'good.yaml: ok (topology "good": 1 component, 1 request class)',
      'b.yaml: 1 error',
    ])
    expect(problems).toEqual([
      'a.yaml:6:1: the shares of requests sum to 90%, not 100%',
      'b.yaml:5:18: unknown engine "servce"',
      'cannot read nowhere.yaml: there is no such file',
      'cannot read .: it is a folder',
    ])
  })

  it('reads an experiment with its topology, whose mistakes are told once', async () => {
    write('broken.yaml', good.replace('share: 100%', 'share: 90%'))
    write(
      'exp.yaml',
      'apiVersion: plimsoll/v1\nkind: Experiment\nname: e\ntopology: broken.yaml\nload: { mode: open, stages: [{ hold: 5/s, for: 10s }] }\n',
    )
    const { code, problems } = await call(check, ['broken.yaml', 'exp.yaml'])
    expect([code, problems]).toEqual([3, ['broken.yaml:6:1: the shares of requests sum to 90%, not 100%']])
    write('broken.yaml', good)
    expect((await call(check, ['exp.yaml'])).stdout).toBe(
      'exp.yaml: ok (experiment "e": 10 s of open load, 0 faults, on topology "good")\n',
    )
  })

  it('--json prints one document and nothing else', async () => {
    write('b.yaml', good.replace('engine: service', 'engine: servce'))
    const { code, stdout: out, stderr: err } = await call(check, ['b.yaml'], { json: true })
    expect([code, err]).toEqual([3, ''])
    expect(JSON.parse(out)).toEqual({
      apiVersion: 'plimsoll/v1',
      kind: 'CheckReport',
      files: [
        {
          file: 'b.yaml',
          kind: 'Topology',
          ok: false,
          problems: [
            {
              message: 'unknown engine "servce"',
              file: 'b.yaml',
              line: 5,
              column: 18,
              hint: 'did you mean "service"?',
            },
          ],
        },
      ],
    })
  })
})

describe('plimsoll init', () => {
  it('copies the scenario, true to the place it stands in, and checks', async () => {
    const made = await call(init, ['mine'])
    expect(made.code).toBe(0)
    expect(made.stdout.split('\n')).toContain(join('mine', 'topology.yaml'))
    expect(made.stderr).toContain('plimsoll plan mine/topology.yaml')
    const [line = ''] = readFileSync(join(folder, 'mine/topology.yaml'), 'utf8').split('\n')
    const schema = /\$schema=(\S+)$/.exec(line)?.[1] ?? ''
    expect(readFileSync(join(folder, 'mine', schema), 'utf8')).toBe(
      readFileSync(join(packageFolder, 'schema/topology.schema.json'), 'utf8'),
    )
    expect((await call(check, ['mine/topology.yaml', 'mine/experiments/lose-an-app-server.yaml'])).code).toBe(0)
  })

  it('never overwrites: names what is there and writes nothing', async () => {
    mkdirSync(join(folder, 'taken'))
    writeFileSync(join(folder, 'taken/topology.yaml'), 'mine')
    const { code, problems } = await call(init, ['taken'])
    expect([code, problems]).toEqual([3, ['taken/topology.yaml exists already']])
    expect(readFileSync(join(folder, 'taken/topology.yaml'), 'utf8')).toBe('mine')
    expect(() => readFileSync(join(folder, 'taken/experiments/steady.yaml'))).toThrow()
  })

  it('lists the scenarios, and knows what was meant', async () => {
    expect((await call(init, [], { list: true })).stdout).toMatch(/^optimization-api\s+A read-mostly API$/m)
    expect((await call(init, [], { from: 'optimisation-api' })).problems).toEqual([
      'unknown scenario "optimisation-api"',
    ])
  })
})
