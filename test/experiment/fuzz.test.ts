import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { engineRegistry } from '../../src/catalog/index.js'
import { experimentTopologyPath, parseExperiment } from '../../src/experiment/parse.js'
import { PlimsollError } from '../../src/lib/errors.js'
import { type RandomStream, randomStream } from '../../src/lib/random.js'
import { parseTopology } from '../../src/topology/parse.js'

const folder = 'scenarios/optimization-api'
const topology = parseTopology(readFileSync(`${folder}/topology.yaml`, 'utf8'), {
  file: 'topology.yaml',
  registry: engineRegistry,
})
const texts = readdirSync(`${folder}/experiments`).map((name) => readFileSync(`${folder}/experiments/${name}`, 'utf8'))

const values = [
  '-1',
  '0',
  '.nan',
  '.inf',
  '1e999s',
  'null',
  '[]',
  '{}',
  '*x',
  '&x',
  'true',
  '"',
  'app -> db',
  '1e12/s',
  '__proto__',
  '99999999999999999999',
  '5',
  '5s',
  '1%',
]

const pick = <T>(random: RandomStream, from: readonly T[]): T => from[Math.floor(random.uniform() * from.length)] as T

/** One to three mutations: a value replaced, a character gone, a word doubled, a line moved. */
const mutated = (text: string, random: RandomStream): string => {
  let result = text
  for (let n = 1 + Math.floor(random.uniform() * 3); n > 0; n--) {
    const tokens = [...result.matchAll(/[A-Za-z0-9./%_-]+/g)]
    if (tokens.length === 0) break
    const token = pick(random, tokens)
    const [word] = token
    const at = token.index
    const replace = (by: string): string => result.slice(0, at) + by + result.slice(at + word.length)
    const ways: (() => string)[] = [
      () => replace(pick(random, values)),
      () => replace(word.slice(1)),
      () => replace(word + word),
      () => replace(pick(random, tokens)[0]),
      () =>
        result
          .split('\n')
          .sort(() => random.uniform() - 0.5)
          .join('\n'),
      () => result.slice(0, at),
    ]
    result = pick(random, ways)()
  }
  return result
}

it('1000 mutated experiments are read or told what is wrong, each mistake at a place in the file, and never crash', () => {
  const random = randomStream(42, 'mutations')
  let refused = 0
  for (let i = 0; i < 1000; i++) {
    const text = mutated(pick(random, texts), random)
    try {
      experimentTopologyPath(text, 'x.yaml')
      parseExperiment(text, { file: 'x.yaml', topology })
    } catch (error) {
      if (!(error instanceof PlimsollError)) throw new Error(`crashed on:\n${text}`, { cause: error })
      refused++
      const lines = text.split('\n').length
      for (const { position } of error.problems) {
        expect(position?.line).toBeGreaterThanOrEqual(1)
        expect(position?.line).toBeLessThanOrEqual(lines)
      }
    }
  }
  expect(refused).toBeGreaterThan(600)
})
