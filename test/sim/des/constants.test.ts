import { describe, expect, it } from 'vitest'
import { repeated as ofClients } from '../../../src/sim/des/client.js'
import { ok } from '../../../src/sim/des/codes.js'
import { repeated } from '../../../src/sim/des/kernel.js'
import { repeated as ofLoop, opCodes } from '../../../src/sim/des/loop.js'
import { offsets as requestOffsets, times } from '../../../src/sim/des/requests.js'
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

  it('so are those of the loop', () => {
    const { none, ok: success, degradedBit, answerDegradedBit, specialBits, ...columns } = ofLoop
    expect(specialBits).toBe(tasks.branchBit | tasks.threadBit | tasks.remoteBit)
    expect({ none, degradedBit, answerDegradedBit, success }).toEqual({
      none: tasks.none,
      degradedBit: tasks.degradedBit,
      answerDegradedBit: tasks.answerDegradedBit,
      success: ok,
    })
    for (const [column, offset] of Object.entries(columns))
      expect(tasks.offsets[column as keyof typeof tasks.offsets]).toBe(offset)
    expect(new Set(Object.values(opCodes)).size).toBe(Object.keys(opCodes).length)
  })

  it('so are those of the clients', () => {
    const { intendedAt, sentAt, ...columns } = ofClients
    expect({ intendedAt, sentAt }).toEqual(times)
    for (const [column, offset] of Object.entries(columns))
      expect(requestOffsets[column as keyof typeof requestOffsets]).toBe(offset)
  })
})
