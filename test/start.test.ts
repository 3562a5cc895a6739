import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const commandLine = ['plan', 'scenarios/task-queue/topology.yaml']

/** A start that says in the end which scripts it ran, and whether V8 refused the code that was kept of them. */
const probed = (...flags: string[]) => {
  const program = `
    const { scripts, start } = require('./bin/compiled.js')
    process.on('exit', () => process.stderr.write(JSON.stringify([...scripts].map(([name, { cachedDataRejected }]) => ({ name, cachedDataRejected })))))
    // As with any \`node -e\`, no name of a file comes before the arguments.
    process.argv = ['node', ...${JSON.stringify(commandLine)}]
    start()`
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', program], {
    encoding: 'utf8',
    cwd: root,
  })
  const scripts = JSON.parse(stderr) as { name: string; cachedDataRejected: boolean | undefined }[]
  return { status, stdout, refused: scripts.map(({ cachedDataRejected }) => cachedDataRejected) }
}

test('a plan runs two scripts, and compiles neither', () => {
  const { status, refused } = probed()
  expect(status).toBe(0)
  expect(refused).toEqual([false, false])
})

test('code that V8 refuses, here for other flags, changes nothing that is printed', () => {
  const { status, stdout, refused } = probed('--max-lazy')
  expect(status).toBe(0)
  expect(refused).toEqual([true, true])
  expect(stdout).toBe(probed().stdout)
})

test('a command that imports a package later says nothing of the loader that does it', () => {
  // It starts a program of the machine, for which it needs execa.
  const { status, stderr } = spawnSync(process.execPath, ['bin/plimsoll.js', 'doctor'], { encoding: 'utf8', cwd: root })
  expect([0, 6]).toContain(status)
  expect(stderr).not.toContain('ExperimentalWarning')
})
