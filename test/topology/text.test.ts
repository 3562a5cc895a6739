import { describe, expect, it } from 'vitest'
import { parse, problemsOf, told, topology } from './problems.js'

/** One problem, as `line:column message`. */
const only = (text: string): string => {
  const all = told(text)
  expect(all).toHaveLength(1)
  return all[0] ?? ''
}

describe('what is wrong with the text itself', () => {
  it.each([
    ['an empty file', '', '1:1 the file is empty'],
    ['only comments', '# nothing\n', '1:1 the file is empty'],
    ['a list', '- 1\n', '1:1 the file: expected a topology: a map with apiVersion, kind, name, components'],
    ['a number', '42', '1:1 the file: expected a topology: a map with apiVersion, kind, name, components'],
    ['an open bracket', 'a: [1, 2\n', '2:1 not valid YAML'],
    ['a tab as indentation', 'a:\n\tb: 1\n', '2:1 not valid YAML: tabs are not allowed as indentation'],
    ['two documents', `${topology()}\n---\na: 1\n`, '20:1 a second document begins here'],
  ])('%s', (_name, text, expected) => {
    expect(only(text).startsWith(expected)).toBe(true)
  })

  it('names both places of a duplicate key: the second one is the mistake', () => {
    const text = topology({ hosts: '  box: { cpu: 2 }\n  box: { cpu: 4 }' })
    expect(told(text)).toEqual(['6:3 duplicate key "box"'])
  })

  it('refuses keys that are no text, also inside of what is well known', () => {
    const text = topology({ hosts: '  box: { cpu: 2, 7: 1, true: 2, [a]: 3 }' })
    expect(told(text)).toEqual([
      '5:18 a key must be text, got "7" (number)',
      '5:24 a key must be text, got "true" (boolean)',
      '5:33 a key must be text, got a list',
    ])
  })

  it('__proto__ and constructor are no names, and change nothing else', () => {
    const text = topology({ hosts: '  __proto__: { cpu: 2 }\n  constructor: { cpu: 2 }' })
    expect(told(text)).toEqual([
      '5:3 __proto__: "__proto__" cannot be a name',
      '6:3 constructor: "constructor" is reserved and cannot be a name',
    ])
    expect(({} as { cpu?: number }).cpu).toBeUndefined()
    expect(
      told(topology({ components: '  app: { engine: toString }', requests: '  get: { share: 100%, serve: app }' })),
    ).toEqual(['9:18 unknown engine "toString"'])
    expect(told(topology({ requests: '  get: { share: 100%, serve: constructor, __proto__: 1 }' }))).toEqual([
      '18:30 unknown component "constructor"',
      '18:43 unknown key "__proto__" in "get"',
    ])
  })

  it('anchors, aliases and merge keys mean what YAML says', () => {
    const text = topology({
      hosts: '  small: &small { cpu: 2, memory: 4GiB }\n  large: { <<: *small, cpu: 8 }\n  same: *small',
    })
    const { hosts } = parse(text)
    expect([hosts.large?.cpu, hosts.large?.memoryBytes, hosts.same?.cpu]).toEqual([8, 4 * 1024 ** 3, 2])
  })

  it('a mistake behind an anchor is told once, where it stands', () => {
    const text = topology({ hosts: '  small: &small { cpu: -2 }\n  same: *small\n  third: { <<: *small }' })
    expect(told(text)).toEqual(['5:24 cpu: expected a number above 0, got -2'])
  })

  it('unknown aliases, aliases of themselves and tags are mistakes', () => {
    const text = topology({
      hosts: '  a: *nothing\n  b: &b { cpu: *b }\n  c: !machine { cpu: 1 }\n  d: { <<: 5, cpu: 1 }',
    })
    expect(told(text)).toEqual([
      '5:6 no anchor "&nothing" before this',
      '6:16 "*b" stands inside of what it stands for',
      '7:15 the tag "!machine" has no meaning here',
      '8:8 a merge key "<<" takes the alias of a map, such as *base',
    ])
  })

  it('an alias bomb is refused in a moment', () => {
    const levels = Array.from(
      { length: 20 },
      (_, i) => `  l${i + 1}: &l${i + 1} [${Array(10).fill(`*l${i}`).join(', ')}]`,
    )
    const text = topology({
      rest: `generate:\n  nginx: { patches: [&l0 [x, x, x]] }\n  compose:\n   patches:\n${levels.map((l) => `  ${l.replace(/l\d+: /, '- ')}`).join('\n')}`,
    })
    const began = performance.now()
    expect(only(text)).toMatch(/^1:1 aliases expand this file to more than \d+ values$/)
    expect(performance.now() - began).toBeLessThan(2000)
  })

  it('a bomb of merge keys is refused or read in a moment', () => {
    const levels = Array.from(
      { length: 30 },
      (_, i) => `  l${i + 1}: &l${i + 1} { <<: [${Array(10).fill(`*l${i}`).join(', ')}], k${i}: 1 }`,
    )
    const began = performance.now()
    expect(problemsOf(topology({ hosts: `  l0: &l0 { cpu: 1 }\n${levels.join('\n')}` })).length).toBeGreaterThan(0)
    expect(performance.now() - began).toBeLessThan(2000)
  })

  it.each([
    ['brackets', '['.repeat(20_000)],
    ['braces', '{a: '.repeat(20_000)],
    ['dashes', '- '.repeat(20_000)],
    ['closed brackets', `a: ${'['.repeat(5000)}${']'.repeat(5000)}`],
    ['indentation', Array.from({ length: 1000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    [
      'steps in steps',
      `${topology({ requests: '' })}  get:\n    flow:\n${Array.from({ length: 300 }, (_, i) => `${' '.repeat(6 + 2 * i)}- { repeat: 2, do: [`).join('\n')}`,
    ],
  ])('%s nested without end do not end our stack', (_name, text) => {
    const problems = problemsOf(text)
    expect(problems.length).toBeGreaterThan(0)
  })

  it('a huge file is refused without being read', () => {
    const began = performance.now()
    expect(only(`a: ${'x'.repeat(2 * 1024 * 1024)}`)).toMatch(
      /^1:1 the file has 2097155 characters; at most 1048576 are read$/,
    )
    expect(performance.now() - began).toBeLessThan(2000)
  })

  it('excerpts show the line and mark what is meant', () => {
    const [problem] = problemsOf(topology({ hosts: '  box: { cpu: 2, memory: 16GB }' }))
    expect(problem?.excerpt).toEqual({ line: '  box: { cpu: 2, memory: 16GB }', length: 4 })
    expect(problem?.hint).toBe('did you mean "GiB"?')
  })

  it('a file cannot steer the terminal that shows its mistakes', () => {
    const [problem] = problemsOf(topology({ hosts: '  box: { cpu: "\\x1b[31m" } # \u001b[2J' }))
    expect(problem?.message).toBe('cpu: expected a number, got "\ufffd[31m"')
    expect(problem?.excerpt?.line).toBe('  box: { cpu: "\\x1b[31m" } # \ufffd[2J')
  })

  it('counts columns in lines that end with carriage returns, too', () => {
    expect(told(topology({ hosts: '  box: { cpu: -2 }' }).replaceAll('\n', '\r\n'))).toEqual([
      '5:15 cpu: expected a number above 0, got -2',
    ])
  })
})
