/** One value changes; every other character of the file stays. */
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { editText } from '../../src/lib/document/edit.js'

describe('editing a YAML text', () => {
  it.each([
    ['a scalar in a block map, its comment kept', 'a: 1 # why\nb: 2\n', ['a'], 3, 'a: 3 # why\nb: 2\n'],
    ['a scalar in a flow map', 'a: { b: 300, c: 30s } # why\n', ['a', 'b'], 49, 'a: { b: 49, c: 30s } # why\n'],
    ['a quoted text', `a: 'x y' # c\n`, ['a'], '2s', 'a: 2s # c\n'],
    ['an item of a list', 'a:\n  - x # one\n  - y\n', ['a', 0], 'z', 'a:\n  - z # one\n  - y\n'],
    ['an entry added to a flow map', 'a: { b: 1 }\n', ['a', 'c'], 2, 'a: { b: 1, c: 2 }\n'],
    ['an entry added to an empty map', 'a: {}\n', ['a', 'c'], 2, 'a: { c: 2 }\n'],
    ['an entry added where there is no value', 'a:\nb: 1\n', ['a', 'c'], 2, 'a: { c: 2 }\nb: 1\n'],
    ['a trailing comma', 'a: { b: 1, }\n', ['a', 'c'], 2, 'a: { b: 1, c: 2, }\n'],
    [
      'an entry added to a block map, after the comment of the last one',
      'a:\n  b: 1 # last\n\n# about c\nc: 1\n',
      ['a', 'd'],
      true,
      'a:\n  b: 1 # last\n  d: true\n\n# about c\nc: 1\n',
    ],
    [
      'an entry added below a deeper last one',
      'a:\n  b:\n    - x\n    - y # here\n',
      ['a', 'd'],
      '10%',
      'a:\n  b:\n    - x\n    - y # here\n  d: 10%\n',
    ],
    ['an entry added to an item of a list', '- a: 1\n  b: 2\n- c\n', [0, 'd'], 3, '- a: 1\n  b: 2\n  d: 3\n- c\n'],
    [
      'an entry added to a flow map over several lines',
      'a: {\n  b: 1, # one\n  c: 2\n}\n',
      ['a', 'd'],
      3,
      'a: {\n  b: 1, # one\n  c: 2,\n  d: 3\n}\n',
    ],
    ['maps on the way', 'a: 1\n', ['b', 'c', 'd'], 'x', 'a: 1\nb: { c: { d: x } }\n'],
    ['a file that ends without a line end', 'a: 1', ['b'], 2, 'a: 1\nb: 2'],
    ['the line ends of the file', 'a:\r\n  b: 1 # c\r\n', ['a', 'c'], 2, 'a:\r\n  b: 1 # c\r\n  c: 2\r\n'],
    [
      'an entry after a block scalar',
      'a:\n  b: |\n    text\nc: 1\n',
      ['a', 'd'],
      2,
      'a:\n  b: |\n    text\n  d: 2\nc: 1\n',
    ],
    ['text that would be read as something else', 'a: 1\n', ['a'], 'yes: no', 'a: "yes: no"\n'],
    ['an entry taken out of a flow map', 'a: { b: 1, c: 2, d: 3 }\n', ['a', 'c'], null, 'a: { b: 1, d: 3 }\n'],
    ['the last entry of a flow map', 'a: { b: 1, c: 2 }\n', ['a', 'c'], null, 'a: { b: 1 }\n'],
    ['the only entry', 'a:\n  b: 1\nc: 2\n', ['a', 'b'], null, 'a:\n  {}\nc: 2\n'],
    ['an entry whose comment stays', 'a:\n  b: 1 # about b\n  c: 2\n', ['a', 'b'], null, 'a:\n  # about b\n  c: 2\n'],
    [
      'an entry before what is about the next one',
      'a:\n  b: 1\n  # about c\n  c: 2\n',
      ['a', 'b'],
      null,
      'a:\n  # about c\n  c: 2\n',
    ],
    ['the last entry of a block map', 'a:\n  b: 1\n  c: 2\nd: 3\n', ['a', 'c'], null, 'a:\n  b: 1\nd: 3\n'],
    ['an item taken out of a list', 'a: [x, y, z]\n', ['a', 1], null, 'a: [x, z]\n'],
    ['the last item of a block list', 'a:\n  - x\n  - y\n', ['a', 1], null, 'a:\n  - x\n'],
    ['what is not there anyway', 'a: 1\n', ['b'], null, 'a: 1\n'],
  ] as const)('changes %s', (_, text, path, value, expected) => {
    const edited = editText(text, path, value)
    expect(edited).toBe(expected)
    expect(parse(edited)).toBeDefined()
  })

  it('gives an alias a copy of its own, so that only one place changes', () => {
    const text = 'a: &x { b: 1, c: [2] }\nd: *x # same\n'
    const edited = editText(text, ['d', 'b'], 9)
    expect(edited).toBe('a: &x { b: 1, c: [2] }\nd: { b: 9, c: [2] } # same\n')
  })

  it('overrides what a merge key brings in instead of changing where it comes from', () => {
    const text = 'base: &x { b: { c: 1, d: 2 } }\na:\n  <<: *x\n  e: 3\n'
    const edited = editText(text, ['a', 'b', 'c'], 9)
    expect(edited).toBe('base: &x { b: { c: 1, d: 2 } }\na:\n  <<: *x\n  e: 3\n  b: { c: 9, d: 2 }\n')
  })

  it('refuses a path that leads nowhere', () => {
    expect(() => editText('a: 1\n', ['a', 'b'], 1)).toThrow(RangeError)
    expect(() => editText('a: [1]\n', ['a', 3], 1)).toThrow(RangeError)
  })
})
