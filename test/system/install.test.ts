/** The installing script against an apt-get that only records: what it may touch, and that it puts everything back. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { installScript } from '../../src/system/install.js'

let root: string
let policy: string
let clusters: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'install-'))
  mkdirSync(join(root, 'bin'))
  policy = join(root, 'policy-rc.d')
  clusters = join(root, 'postgresql-common', 'createcluster.conf')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const aptGet = (body: string): void => {
  const file = join(root, 'bin', 'apt-get')
  writeFileSync(
    file,
    `#!/bin/sh
echo "$*" >>${root}/calls
if [ "$1" != -s ]; then
  [ -x ${policy} ] && { ${policy} nginx start; echo "policy $?" >>${root}/seen; }
  [ -e ${clusters} ] && cat ${clusters} >>${root}/seen
fi
${body}
`,
  )
  chmodSync(file, 0o755)
}

const args = (packages: readonly string[]) => ['-c', installScript, 'sh', policy, clusters, ...packages]
const env = () => ({ PATH: `${join(root, 'bin')}:/usr/bin:/bin` })
const install = (...packages: string[]) => spawnSync('/bin/sh', args(packages), { env: env(), encoding: 'utf8' })
const seen = () => (existsSync(join(root, 'seen')) ? readFileSync(join(root, 'seen'), 'utf8') : '')
const calls = () =>
  readFileSync(join(root, 'calls'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => (line.startsWith('-s') ? '-s' : (/\b(update|install)\b/.exec(line)?.[1] ?? line)))

test('forbids packages to start servers and PostgreSQL to make a cluster while it runs, and only then', () => {
  aptGet('exit 0')
  const { status, stderr } = install('nginx', 'postgresql')
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(seen()).toBe('policy 101\ncreate_main_cluster = false\n')
  expect(existsSync(policy)).toBe(false)
  expect(calls()).toEqual(['-s', 'install'])
})

test('puts back a policy and a cluster configuration that were there before', () => {
  aptGet('exit 0')
  writeFileSync(policy, '#!/bin/sh\nexit 0\n', { mode: 0o755 })
  mkdirSync(join(root, 'postgresql-common'))
  writeFileSync(clusters, '# ours\ncreate_main_cluster = true\n')
  expect(install('postgresql').status).toBe(0)
  expect(seen()).toBe('policy 101\n# ours\ncreate_main_cluster = false\n')
  expect(readFileSync(policy, 'utf8')).toBe('#!/bin/sh\nexit 0\n')
  expect(readFileSync(clusters, 'utf8')).toBe('# ours\ncreate_main_cluster = true\n')
  expect(readdirSync(root).filter((name) => name.includes('saved'))).toEqual([])
})

test('leaves a policy alone that forbids it already', () => {
  aptGet(`cat ${policy} >>${root}/seen`)
  writeFileSync(policy, '#!/bin/sh\n# of the administrator\nexit 101\n', { mode: 0o755 })
  expect(install('nginx').status).toBe(0)
  expect(seen()).toContain('# of the administrator')
  expect(existsSync(policy)).toBe(true)
})

test('fetches the lists of packages only when they do not know a package, or when installing fails', () => {
  aptGet('[ "$1" = -s ] && exit 100; exit 0')
  expect(install('nginx').status).toBe(0)
  expect(calls()).toEqual(['-s', 'update', 'install'])
  rmSync(join(root, 'calls'))
  aptGet(`case "$*" in *install*) [ "$1" = -s ] || [ -e ${root}/updated ];; *update*) touch ${root}/updated;; esac`)
  expect(install('nginx').status).toBe(0)
  expect(calls()).toEqual(['-s', 'install', 'update', 'install'])
})

test('puts everything back when installing fails', () => {
  aptGet('[ "$1" = -s ]')
  expect(install('nginx', 'postgresql').status).toBe(1)
  expect(existsSync(policy)).toBe(false)
  // Where the package is on this machine, its own file takes its place.
  expect(existsSync(clusters) ? readFileSync(clusters, 'utf8') : '').not.toMatch(/^create_main_cluster = false/m)
})

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('puts everything back and ends apt-get on %s', async (signal) => {
  aptGet(`[ "$1" = -s ] || { touch ${root}/began; exec sleep 60; }`)
  const child = spawn('/bin/sh', args(['nginx']), { env: env(), stdio: 'ignore' })
  while (!existsSync(join(root, 'began'))) await new Promise((done) => setTimeout(done, 10))
  child.kill(signal)
  expect(await once(child, 'exit')).toEqual([143, null])
  expect(existsSync(policy)).toBe(false)
})

test('a policy that outlives a killed installer forbids nothing, removes itself and restores the old one', async () => {
  aptGet(`[ "$1" = -s ] || { touch ${root}/began; exec sleep 3; }`)
  writeFileSync(policy, '#!/bin/sh\nexit 7\n', { mode: 0o755 })
  const child = spawn('/bin/sh', args(['nginx']), { env: env(), stdio: 'ignore' })
  while (!existsSync(join(root, 'began'))) await new Promise((done) => setTimeout(done, 10))
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(spawnSync(policy, ['nginx', 'start']).status).toBe(7)
  expect(readFileSync(policy, 'utf8')).toBe('#!/bin/sh\nexit 7\n')
})
