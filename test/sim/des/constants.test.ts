import { describe, expect, it } from 'vitest'
import { running, waiting } from '../../../src/sim/des/bursts.js'
import { makeClientOperations } from '../../../src/sim/des/client-operations.js'
import { ok } from '../../../src/sim/des/codes.js'
import { makeCore } from '../../../src/sim/des/core.js'
import { makeCpuOperations } from '../../../src/sim/des/cpu-operations.js'
import { blocked, Kernel, repeated } from '../../../src/sim/des/kernel.js'
import { makeLightOperations } from '../../../src/sim/des/light-operations.js'
import { light, mostLimits, mostVisits, repeated as ofLights } from '../../../src/sim/des/lights.js'
import { opCodes, processorKinds, sourceKinds } from '../../../src/sim/des/loop.js'
import { makeOperations } from '../../../src/sim/des/operations.js'
import { offsets as requestOffsets, times } from '../../../src/sim/des/requests.js'
import { unusual } from '../../../src/sim/des/segments.js'
import { repeated as ofBalancers } from '../../../src/sim/des/stations/balancer.js'
import * as tasks from '../../../src/sim/des/tasks.js'

describe('constants that hot files repeat', () => {
  it('are those of the files that define them', () => {
    const {
      none,
      ok: success,
      degradedBit,
      branchBit,
      threadBit,
      answerDegradedBit,
      joinAnyBit,
      remoteBit,
      ...columns
    } = repeated
    expect({ none, degradedBit, branchBit, threadBit, answerDegradedBit, joinAnyBit, remoteBit }).toEqual({
      none: tasks.none,
      degradedBit: tasks.degradedBit,
      branchBit: tasks.branchBit,
      threadBit: tasks.threadBit,
      answerDegradedBit: tasks.answerDegradedBit,
      joinAnyBit: tasks.joinAnyBit,
      remoteBit: tasks.remoteBit,
    })
    expect(success).toBe(ok)
    expect(Object.keys(columns).length).toBeGreaterThan(10)
    for (const [column, offset] of Object.entries(columns))
      expect(tasks.offsets[column as keyof typeof tasks.offsets]).toBe(offset)
  })

  it('so are those of the core', () => {
    const kernel = new Kernel(0, { noticed: () => undefined, recovered: () => undefined })
    const cpu = makeCpuOperations(kernel)
    const operations = makeOperations(kernel, cpu)
    const {
      operations: codes,
      sources,
      unusual: atZero,
      ...shared
    } = makeCore(kernel, cpu, operations, undefined).repeated
    expect(shared).toEqual({ none: tasks.none, ok })
    expect(atZero).toBe(unusual(0))
    expect(operations.repeated).toEqual({
      blocked,
      none: tasks.none,
      ok,
      degradedBit: tasks.degradedBit,
      answerDegradedBit: tasks.answerDegradedBit,
      specialBits: tasks.branchBit | tasks.threadBit | tasks.remoteBit,
    })
    expect(cpu.repeated).toEqual({
      shared: processorKinds.shared,
      loop: processorKinds.loop,
      none: tasks.none,
      waiting,
      running,
    })
    // Of these the core does the closure; only ways of light requests know more.
    const { arrived, choose, judge } = opCodes
    expect({ closure: 0, ...codes, arrived, choose, judge }).toEqual(opCodes)
    expect({ closure: 0, ...sources }).toEqual(sourceKinds)
    expect(new Set(Object.values(opCodes)).size).toBe(Object.keys(opCodes).length)
  })

  it('so are those of light requests', () => {
    const kernel = new Kernel(0, { noticed: () => undefined, recovered: () => undefined })
    const cpu = makeCpuOperations(kernel)
    const operations = makeLightOperations(kernel, cpu, makeOperations(kernel, cpu))
    expect(operations.repeated).toEqual({ none: tasks.none, light, mostVisits, mostLimits })
    for (const [column, offset] of Object.entries(ofLights))
      expect(tasks.offsets[column as keyof typeof tasks.offsets]).toBe(offset)
  })

  it('so are those of balancers', () => {
    const { columns, ...values } = ofBalancers
    const { none, degradedBit, answerDegradedBit, offsets } = tasks
    expect(values).toEqual({ none, degradedBit, answerDegradedBit })
    for (const [column, offset] of Object.entries(columns)) expect(offsets[column as keyof typeof offsets]).toBe(offset)
  })

  it('so are those of the clients', () => {
    const kernel = new Kernel(0, { noticed: () => undefined, recovered: () => undefined })
    // Nothing of it is called.
    const { repeated } = makeClientOperations({} as never, {} as never, kernel, {} as never, undefined)
    const { intendedAt, sentAt, none, ok: success, ...columns } = repeated
    expect({ intendedAt, sentAt }).toEqual(times)
    expect({ none, success }).toEqual({ none: tasks.none, success: ok })
    expect(Object.keys(columns)).toHaveLength(4)
    for (const [column, offset] of Object.entries(columns))
      expect(requestOffsets[column as keyof typeof requestOffsets]).toBe(offset)
  })
})
