/** nginx accepts every nginx.conf that is generated: fixed addresses need no name to resolve. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { generate } from '../../src/deploy/generate/generate.js'
import { topologyFile } from '../support/topology.js'

it.each([
  'scenarios/optimization-api/topology.yaml',
  'test/golden/generate/topology.yaml',
  'scenarios/flash-sale/topology.yaml',
  'test/fixtures/topologies/task-queue.yaml',
])('nginx -t accepts what %s means', (path) => {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-generate-'))
  try {
    for (const [name, text] of generate(topologyFile(path), ['nginx'])) {
      const file = join(folder, name.replaceAll('/', '-'))
      // In its container it writes to /tmp; here it would leave its folders there.
      writeFileSync(file, text.replaceAll('"/tmp/', `"${folder}/`))
      const { status, stderr } = spawnSync('/usr/sbin/nginx', ['-t', '-e', 'stderr', '-c', file], { encoding: 'utf8' })
      expect(stderr).not.toMatch(/\[(warn|alert|emerg)\]/)
      expect(status).toBe(0)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
