/** What the process runtime does to one instance, on processes that make it hard. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { ProcessStat } from '../../src/contract/machine.js'
import { Processes } from '../../src/deploy/runtime/process/processes.js'
import { machine } from '../../src/system/machine.js'

const folder = mkdtempSync(join(tmpdir(), 'processes-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Four shells, each of which starts one process after the other. */
const forking = `
for i in 1 2 3 4; do (while :; do /bin/true; done) & done
wait
`

describe('an instance that forks without end', () => {
  test('stands still, every process of it, once pause has resolved, and goes on after resume', async () => {
    const processes = new Processes({
      machine,
      folder,
      logFile: join(folder, 'log'),
      systemId: 'processes-test',
      pin: undefined,
      specs: () => [
        {
          id: 'fork/0',
          component: 'fork',
          index: 0,
          program: '/bin/sh',
          args: ['-c', forking],
          env: {},
          folder,
          files: {},
          accounts: [],
          ports: [],
          stopSignal: 'SIGTERM',
          stopSeconds: 1,
          probe: () => Promise.resolve(true),
          startSeconds: 1,
        },
      ],
    })
    await processes.start(undefined, () => {})
    const [root = 0] = processes.pids
    const stats = (): readonly ProcessStat[] => machine.descendants([root]).get(root) ?? []
    try {
      for (let round = 0; round < 20; round++) {
        await processes.pause()
        const standing = stats()
        expect(standing.length).toBeGreaterThan(4)
        // D: the shell waits in vfork for a child that stands still itself.
        expect(standing.filter(({ state }) => state !== 'T' && state !== 'D')).toEqual([])
        await new Promise((resolve) => setTimeout(resolve, 5))
        expect(stats()).toEqual(standing)
        await processes.resume()
        const before = new Set(standing.map(({ pid }) => pid))
        await expect.poll(() => stats().some(({ pid }) => !before.has(pid)), { interval: 2 }).toBe(true)
      }
    } finally {
      await processes.kill()
    }
    expect(stats()).toEqual([])
  })
})
