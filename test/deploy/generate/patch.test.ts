import { describe, expect, it } from 'vitest'
import { applyPatches, type Json, mergePatch } from '../../../src/deploy/generate/patch.js'

const position = { file: 'topology.yaml', line: 1, column: 1 }
const patched = (target: Json, ...patches: readonly unknown[]): Json =>
  applyPatches(target, patches, 'patch', () => position)

/** RFC 7386, appendix A. */
const mergeCases: readonly (readonly [Json, Json, Json])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
]

describe('merge patches (RFC 7386)', () => {
  it.each(mergeCases)('%j with %j is %j', (target, patch, expected) => {
    expect(mergePatch(target, patch)).toEqual(expected)
  })

  it('keeps the place of a key that it changes', () => {
    expect(Object.keys(mergePatch({ a: 1, b: 2, c: 3 }, { b: 4, d: 5 }) as object)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('treats __proto__ as any other key', () => {
    const patch = JSON.parse('{"__proto__": {"polluted": true}}') as Json
    expect(Object.hasOwn(mergePatch({}, patch) as object, '__proto__')).toBe(true)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})

/** RFC 6902, appendix A. */
const operationCases: readonly (readonly [string, Json, unknown, Json])[] = [
  ['adds a member', { foo: 'bar' }, { op: 'add', path: '/baz', value: 'qux' }, { foo: 'bar', baz: 'qux' }],
  [
    'adds an element',
    { foo: ['bar', 'baz'] },
    { op: 'add', path: '/foo/1', value: 'qux' },
    { foo: ['bar', 'qux', 'baz'] },
  ],
  ['removes a member', { baz: 'qux', foo: 'bar' }, { op: 'remove', path: '/baz' }, { foo: 'bar' }],
  ['removes an element', { foo: ['bar', 'qux', 'baz'] }, { op: 'remove', path: '/foo/1' }, { foo: ['bar', 'baz'] }],
  [
    'replaces a value',
    { baz: 'qux', foo: 'bar' },
    { op: 'replace', path: '/baz', value: 'boo' },
    { baz: 'boo', foo: 'bar' },
  ],
  [
    'moves a value',
    { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
    { op: 'move', from: '/foo/waldo', path: '/qux/thud' },
    { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
  ],
  [
    'moves an element',
    { foo: ['all', 'grass', 'cows', 'eat'] },
    { op: 'move', from: '/foo/1', path: '/foo/3' },
    { foo: ['all', 'cows', 'eat', 'grass'] },
  ],
  ['copies a value', { a: { b: 1 } }, { op: 'copy', from: '/a/b', path: '/c' }, { a: { b: 1 }, c: 1 }],
  ['tests a value and goes on', { baz: 'qux' }, { op: 'test', path: '/baz', value: 'qux' }, { baz: 'qux' }],
  [
    'adds to the end with -',
    { foo: ['bar'] },
    { op: 'add', path: '/foo/-', value: ['abc'] },
    { foo: ['bar', ['abc']] },
  ],
  ['unescapes ~1 and ~0', { '/': 9, '~1': 10 }, { op: 'test', path: '/~01', value: 10 }, { '/': 9, '~1': 10 }],
  ['replaces the whole document', { a: 1 }, { op: 'add', path: '', value: [2] }, [2]],
  [
    'adds an object into an object',
    { foo: 'bar' },
    { op: 'add', path: '/child', value: { grandchild: {} } },
    { foo: 'bar', child: { grandchild: {} } },
  ],
]

describe('JSON patches (RFC 6902)', () => {
  it.each(operationCases)('%s', (_, target, operation, expected) => {
    expect(patched(target, [operation])).toEqual(expected)
  })

  it.each([
    ['a test that fails', { baz: 'qux' }, { op: 'test', path: '/baz', value: 'bar' }, 'the value there is another'],
    ['a missing parent', { foo: 'bar' }, { op: 'add', path: '/baz/bat', value: 'qux' }, 'there is no "baz"'],
    ['an index out of range', { foo: [1] }, { op: 'add', path: '/foo/5', value: 1 }, 'there is no element 5'],
    ['a pointer without a slash', {}, { op: 'add', path: 'a', value: 1 }, 'is no JSON pointer'],
    ['a removal of what is not there', {}, { op: 'remove', path: '/a' }, 'there is no "a"'],
    ['a move into itself', { a: { b: 1 } }, { op: 'move', from: '/a', path: '/a/b' }, 'into itself'],
    ['an unknown operation', {}, { op: 'toString', path: '/a' }, 'unknown op "toString"'],
    ['a missing value', {}, { op: 'add', path: '/a' }, 'it needs "value"'],
  ])('refuses %s', (_, target, operation, message) => {
    expect(() => patched(target as Json, [operation])).toThrow(message)
  })

  it('applies patches of both kinds one after the other', () => {
    expect(patched({ a: 1 }, { b: [1] }, [{ op: 'add', path: '/b/0', value: 0 }], { a: null })).toEqual({ b: [0, 1] })
  })

  it('leaves what it was given as it was', () => {
    const target = { a: { b: [1] } }
    patched(target, [{ op: 'add', path: '/a/b/-', value: 2 }], { a: { c: 1 } })
    expect(target).toEqual({ a: { b: [1] } })
  })
})
