import { expect, test } from 'vitest'
import { linesPerSecond, openLog } from '../../src/workload/log.js'

test('each line is one JSON document; beyond the limit per level lines are left out, and their number is told', () => {
  let text = ''
  const log = openLog(
    (chunk) => {
      text += chunk
    },
    { instance: 'app/0' },
  )
  for (let i = 0; i < 3 * linesPerSecond; i++) log.request('info', { request: `r${i}\n"` })
  log.request('error', { request: 'bad', status: 502 })
  log.close()
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(lines[0]).toMatchObject({ level: 'info', request: 'r0\n"', instance: 'app/0' })
  expect(lines.find(({ request }) => request === 'bad')).toMatchObject({ level: 'error', status: 502 })
  const logged = lines.filter(({ request }) => String(request).startsWith('r')).length
  const leftOut = lines.reduce((sum, { requests }) => sum + Number(requests ?? 0), 0)
  expect(logged + leftOut).toBe(3 * linesPerSecond)
  // The second may turn once while this runs.
  expect(logged).toBeLessThanOrEqual(2 * linesPerSecond)
})
