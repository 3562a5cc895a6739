/** The task queue: what its README says of the plan (oracle 23) and of each experiment. */
import { describe, expect, it } from 'vitest'
import { classOf, failuresOf, queueOf, scenarioNamed } from './support.js'

const { plan, mended, played, readme } = scenarioNamed('task-queue')
const finding = (rule: string) => plan.findings.find((one) => one.rule === rule)

describe('its plan', () => {
  it('oracle 23: 12 slots at 5 to 6 s carry 2.0 to 2.4 tasks a second, not 12', () => {
    expect(plan.maxThroughputPerSecond).toBeCloseTo(12 / 5.5, 1)
    expect(plan.headroomRatio).toBeCloseTo(0.542, 3)
    const claim = finding('throughput-claim')
    expect(claim?.severity).toBe('error')
    expect(claim?.arithmetic).toContain('2.0 to 2.4/s')
    expect(claim?.decision).toContain('17 replicas')
  })

  it('oracle 23: a queue of 500 holds 229 s of work, not 100 ms', () => {
    const full = finding('queue-holds-too-long')
    expect(full?.severity).toBe('error')
    expect(full?.arithmetic).toContain('229 s > 100 ms')
  })

  it('is far below 50 ms at the API, and within 100 ms in the queue up to 1.26 tasks a second', () => {
    const objectives = plan.objectives.filter(({ request }) => request === 'submit')
    const at = (path: string) => objectives.find((one) => one.path === path)
    expect(at('latency.p95')?.predicted).toBeLessThan(0.005)
    expect(at('queueDelay.p95')?.breaks?.ratePerSecond).toBeCloseTo(1.26, 2)
  })

  it('costs 975 dollars a month', () => {
    expect(plan.cost.perMonth).toBeCloseTo(974.61, 2)
    expect(readme).toContain('974.61 USD')
  })

  it('99.9 % is more than one nginx and one Redis give', () => {
    expect(finding('availability-target')?.arithmetic).toContain('99.601 %')
  })
})

describe('mended', () => {
  it('what is left needs a decision, and it is a decision', () => {
    const left = mended.plan.findings.filter(({ severity }) => severity === 'error')
    expect(left.map(({ rule }) => rule).sort()).toEqual(['availability-target', 'throughput-claim'])
    for (const { decision } of left) expect(decision).toMatch(/\w{3}/)
    expect(mended.text).toContain('maxLength: 12,')
  })
})

describe('steady', () => {
  it('keeps every objective: a task waits for nothing, and is done after 5.5 s', () => {
    const result = played('steady')
    expect(failuresOf(result)).toEqual([])
    expect(classOf(result, 'submit').completion?.p50).toBeCloseTo(5.5, 1)
  })
})

describe('as-claimed', () => {
  it('fills the queue, refuses four of five with 503, and lets the others wait for 229 s', () => {
    const result = played('as-claimed')
    const submit = classOf(result, 'submit')
    expect(queueOf(result, 'broker', 'tasks').length.max).toBe(500)
    expect(Object.keys(submit.errors)).toEqual(['503'])
    // 1 − 2.18/12.
    expect((submit.errors['503'] ?? 0) / submit.completed).toBeCloseTo(1 - 12 / 5.5 / 12, 1)
    expect(Math.abs((submit.queueDelay?.p50 ?? 0) / (500 / (12 / 5.5)) - 1)).toBeLessThan(0.01)
  })
})

describe('it recovers by itself', () => {
  it.each(['api-server-lost', 'worker-lost'])('%s: nobody notices', (name) => {
    const result = played(name)
    expect(failuresOf(result)).toEqual([])
    expect(classOf(result, 'submit').errors).toEqual({})
    expect(classOf(result, 'submit.poll').errors).toEqual({})
  })

  it('worker-lost: what it had in hand is done again, and late', () => {
    const result = played('worker-lost')
    expect(queueOf(result, 'broker', 'tasks').redelivered).toBe(3)
    expect(classOf(result, 'submit').completion?.max).toBeGreaterThan(10)
  })

  it('redis-lost: what fails is what is asked meanwhile; no task is lost', () => {
    const result = played('redis-lost')
    expect(failuresOf(result)).toEqual(['submit.errors <= 0.1 %'])
    expect(classOf(result, 'submit').errors).toEqual({ '502': 3 })
    expect(queueOf(result, 'broker', 'tasks')).toMatchObject({ lost: 0, wiped: 0 })
    expect(result.faults[0]?.recoverySeconds).toBeLessThanOrEqual(6)
  })

  it('nginx-lost: connections are refused for 2 s', () => {
    const result = played('nginx-lost')
    expect(Object.keys(classOf(result, 'submit.poll').errors)).toEqual(['refused'])
    expect(result.faults[0]?.recoverySeconds).toBeLessThanOrEqual(3)
    expect(failuresOf(result)).toEqual([])
  })
})
