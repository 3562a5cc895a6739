import { expect, test } from 'vitest'
import { perProcess } from '../../src/workload/clients.js'

test('what is declared per replica is divided by its processes, rounded up, and never nothing', () => {
  expect([perProcess(10, 1), perProcess(10, 3), perProcess(1, 8)]).toEqual([10, 4, 1])
})
