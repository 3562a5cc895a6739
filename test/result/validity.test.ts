import { expect, test } from 'vitest'
import { disturbances, foreignCpu } from '../../src/result/validity.js'
import { runResult } from '../support/run-result.js'

const base = runResult()

test('CPU that neither a component nor the generator used is foreign: 0.5 − (2.5 + 15 + 7.5)/50 = 0', () => {
  expect(foreignCpu(base).local).toBeCloseTo(0, 12)
  expect(foreignCpu({ ...base, hosts: { local: { utilization: { cpu: 0.62 } } } }).local).toBeCloseTo(0.12, 12)
})

test('a generator on no host of the run takes nothing from them', () => {
  const { generator: _, ...instances } = base.placement.instances
  const away = { ...base, placement: { ...base.placement, instances } }
  expect(foreignCpu(away).local).toBeCloseTo(0.15, 12)
})

test('an undisturbed run can be trusted', () => {
  expect(disturbances(base)).toEqual([])
})

test('a busy generator spoils everything', () => {
  const busy = disturbances({ ...base, generator: { ...base.generator, busy: 0.85 } })
  expect(busy).toEqual([
    {
      by: 'generator',
      affects: ['rate', 'latency', 'utilization'],
      why: 'the load generator was busy 85.0 % of the time, so it was itself the limit (from 80.0 %)',
    },
  ])
})

test('one unsent request in a thousand is forgiven, two are not', () => {
  const unsent = (n: number) => disturbances({ ...base, generator: { ...base.generator, unsent: n } }).length
  expect([unsent(5), unsent(6)]).toEqual([0, 1])
})

test('lag spoils latency only where it is a large part of it', () => {
  const lagging = (p99: number) =>
    disturbances({ ...base, generator: { ...base.generator, lag: { p50: 0, p99, max: 1 } } }).map((d) => d.affects)
  expect(lagging(0.0049)).toEqual([])
  expect(lagging(0.0051)).toEqual([['latency']])
})

test('a saturated host and foreign work are told apart', () => {
  const disturbed = disturbances({ ...base, hosts: { local: { utilization: { cpu: 0.97 } } } })
  expect(disturbed.map(({ by, why }) => `${by}: ${why}`)).toEqual([
    'machine: host local was saturated (cpu 97.0 %), by the load generator as well where it shares the host',
    'machine: something else used 47.0 % of host local during the run',
  ])
})

test('a simulation is never disturbed', () => {
  expect(disturbances({ ...base, engine: 'sim', generator: { ...base.generator, busy: 1 } })).toEqual([])
})

test('a machine that changed its speed by more than 5 % spoils everything, whichever way', () => {
  const probed = (afterSeconds: number) => disturbances({ ...base, probe: { beforeSeconds: 0.004, afterSeconds } })
  expect(probed(0.00419)).toEqual([])
  expect(probed(0.00381)).toEqual([])
  const [slower] = probed(0.0044)
  expect(slower).toMatchObject({ by: 'machine', affects: ['rate', 'latency', 'utilization'] })
  expect(slower?.why).toContain('became 10.0 % slower')
  expect(probed(0.0036)[0]?.why).toContain('became 10.0 % faster')
})

test('what plimsoll itself used is not foreign', () => {
  const hosts = { local: { utilization: { cpu: 0.54 }, toolCpu: 0.03 } }
  expect(foreignCpu({ ...base, hosts }).local).toBeCloseTo(0.01, 12)
  expect(disturbances({ ...base, hosts })).toEqual([])
})
