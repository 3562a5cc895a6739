import { describe, expect, it } from 'vitest'
import { PlimsollError } from '../../src/lib/errors.js'
import { parseSweep } from '../../src/lib/sweep-values.js'

const refused = (text: string): string => {
  try {
    parseSweep(text)
  } catch (error) {
    if (!(error instanceof PlimsollError)) throw error
    expect(error.exitCode).toBe(2)
    return error.message
  }
  throw new Error('nothing was refused')
}

describe('--sweep', () => {
  it.each([
    ['components.app.replicas=1..4:1', ['1', '2', '3', '4'], [1, 2, 3, 4], ''],
    ['components.app.replicas=1..4', ['1', '2', '3', '4'], [1, 2, 3, 4], ''],
    ['traffic.rate=100/s..300/s:100/s', ['100/s', '200/s', '300/s'], [100, 200, 300], '/s'],
    ['traffic.rate=100..300/s:100', ['100/s', '200/s', '300/s'], [100, 200, 300], '/s'],
    ['a.b=0.1ms..0.4ms:0.1ms', ['0.1ms', '0.2ms', '0.3ms', '0.4ms'], [0.1, 0.2, 0.3, 0.4], 'ms'],
    ['a.b=0%..25%:10%', ['0%', '10%', '20%'], [0, 10, 20], '%'],
    ['a.b=1,2,5', ['1', '2', '5'], [1, 2, 5], ''],
    ['a.b=1ms, 10ms, 1s', ['1ms', '10ms', '1s'], undefined, ''],
    ['a.b=5,2', ['5', '2'], undefined, ''],
    ['edge.balance=round_robin,least_conn', ['round_robin', 'least_conn'], undefined, ''],
    ['a.b={ mean: 1ms, cv: 0 },{ mean: 1ms, cv: 2 }', ['{ mean: 1ms, cv: 0 }', '{ mean: 1ms, cv: 2 }'], undefined, ''],
    ['a.b="x,y",z', ['"x,y"', 'z'], undefined, ''],
    ['a.b=1e3..3e3:1e3', ['1000', '2000', '3000'], [1000, 2000, 3000], ''],
  ])('%s', (text, values, numbers, unit) => {
    expect(parseSweep(text)).toEqual({ path: text.split('=')[0], values, numbers, unit })
  })

  it('says what is wrong with a text that is none', () => {
    expect(refused('replicas')).toContain('expected path=from..to:step')
    expect(refused('a=')).toContain('expected path=from..to:step')
    expect(refused('a=4')).toContain('is one value')
    expect(refused('a=4..4:1')).toContain('is one value')
    expect(refused('a=8..1:1')).toContain('begins above its end')
    expect(refused('a=1..8:0')).toContain('not above 0')
    expect(refused('a=1..8:-1')).toContain('not above 0')
    expect(refused('a=100/s..900/s')).toContain('has no step')
    expect(refused('a=0.5..2')).toContain('has no step')
    expect(refused('a=100ms..1s:100ms')).toContain('is in ms and in s')
    expect(refused('a=x..y:1')).toContain('expected a number, got "x"')
    expect(refused('a=1..100000:1')).toContain('100000 values; at most 1000')
    expect(refused('a=1,,2')).toContain('empty value')
    expect(refused('a=1,2,1')).toContain('"1" comes twice')
  })
})
