/** `{ low, mid, high }` where a number may stand. */
import { describe, expect, it } from 'vitest'
import { engineRegistry } from '../../src/catalog/index.js'
import { parametersOf } from '../../src/lib/document/parameters.js'
import { parseSetting } from '../../src/lib/document/settings.js'
import { parseTopology } from '../../src/topology/parse.js'
import { topologyJsonSchema } from '../../src/topology/schema/json-schema.js'
import { parse, told } from './problems.js'

const small = (over: { compute?: string; price?: string; replicas?: string; rate?: string; data?: string } = {}) =>
  `apiVersion: plimsoll/v1
kind: Topology
name: small
hosts: { box: { cpu: 1, price: ${over.price ?? '0.10/h'} } }
data: { goods: { keys: 10, counters: ${over.data ?? '{ stock: 5 }'} } }
components:
  app:
    engine: service
    host: box
    replicas: ${over.replicas ?? '1'}
requests:
  buy:
    { share: 100%, serve: app, route: GET /, flow: [{ compute: ${over.compute ?? '2ms'} }] }
traffic: { rate: ${over.rate ?? '50/s'} }
`

describe('an uncertain number', () => {
  it('means its middle: the digest is that of a file with the middle alone', () => {
    const uncertain = parse(
      small({ compute: '{ low: 1ms, mid: 2ms, high: 4ms }', rate: '{ low: 10/s, mid: 50/s, high: 60/s }' }),
    )
    expect(uncertain.digest).toBe(parse(small()).digest)
    expect(uncertain.traffic).toMatchObject({ mode: 'open', ratePerSecond: 50 })
  })

  it('is listed with its path, as --set takes it, and its ends in the base unit', () => {
    const { uncertain } = parse(
      small({
        compute: '{ low: 900us, mid: 2ms, high: 0.004s }',
        price: '{ low: 0.1/h, mid: 0.2/h, high: 0.4/h }',
        replicas: '{ low: 1, mid: 2, high: 5 }',
      }),
    )
    expect(uncertain.map(({ path, isWhole }) => [path, isWhole])).toEqual(
      expect.arrayContaining([
        ['hosts.box.price', false],
        ['components.app.replicas', true],
        ['requests.buy.flow.0.compute', false],
      ]),
    )
    expect(uncertain.find(({ path }) => path.endsWith('compute'))).toMatchObject({
      low: { text: '900us', value: 0.0009 },
      mid: { text: '2ms', value: 0.002 },
      high: { text: '0.004s', value: 0.004 },
    })
  })

  it('may stand in a part of work or of a distribution, which are maps themselves', () => {
    const inside = (compute: string) => parse(small({ compute })).uncertain.map(({ path }) => path)
    expect(inside('{ mean: { low: 1ms, mid: 2ms, high: 3ms }, cv: { low: 0, mid: 1, high: 2 } }')).toEqual([
      'requests.buy.flow.0.compute.mean',
      'requests.buy.flow.0.compute.cv',
    ])
  })

  it('is none where the keys are names: counters called low, mid and high are three counters', () => {
    const topology = parse(small({ data: '{ low: 1, mid: 2, high: 3 }' }))
    expect(topology.uncertain).toEqual([])
    expect(Object.keys(topology.data.goods?.counters ?? {})).toEqual(['low', 'mid', 'high'])
  })

  it('is fixed by a setting, whole or its middle', () => {
    const text = small({ compute: '{ low: 1ms, mid: 2ms, high: 4ms }' })
    const withSetting = (setting: string) =>
      parseTopology(text, { file: 't.yaml', registry: engineRegistry, settings: [parseSetting(setting)] })
    expect(withSetting('requests.buy.flow.0.compute=3ms').uncertain).toEqual([])
    expect(withSetting('requests.buy.flow.0.compute.mid=3ms').uncertain[0]?.mid.value).toBe(0.003)
  })

  it('is one parameter for --sensitivity', () => {
    const text = small({ compute: '{ low: 1ms, mid: 2ms, high: 4ms }' })
    expect(parametersOf(text).filter(({ path }) => path.includes('compute'))).toEqual([
      { path: 'requests.buy.flow.0.compute', text: '2ms', number: 2, unit: 'ms' },
    ])
  })
})

describe('what is wrong with one is told where it stands', () => {
  const line = '    { share: 100%, serve: app, route: GET /, flow: [{ compute: { low: '
  const at = (text: string): number => text.indexOf('$') + 1
  it.each([
    ['{ low: $3ms, mid: 2ms, high: 4ms }', 'low: "3ms" is above the middle, "2ms"'],
    ['{ low: 1ms, mid: 2ms, high: $1500us }', 'high: "1500us" is below the middle, "2ms"'],
    ['{ low: $1, mid: 2ms, high: 4ms }', 'low: "1" has no unit: expected a duration such as 250ms'],
    ['{ low: 1ms, mid: $2/s, high: 4ms }', 'compute: unknown unit "/s" in "2/s": expected a duration such as 250ms'],
  ])('%s', (compute, message) => {
    const column = line.indexOf('{ low') + at(compute)
    expect(told(small({ compute: compute.replace('$', '') }))).toEqual([`13:${column} ${message}`])
  })

  it('half of one, and one where no number stands', () => {
    expect(told(small({ compute: '{ low: 1ms, high: 2ms }' }))).toEqual([
      `13:${line.indexOf('compute') + 1} compute: an uncertain number needs "low", "mid" and "high"; "mid" is not there`,
    ])
    expect(
      told(
        small().replace('engine: service\n    host: box', 'engine: service\n    host: { low: a, mid: box, high: c }'),
      ),
    ).toEqual(['9:11 host: only a number can be uncertain'])
  })
})

it('the JSON schema of the language allows it wherever it has a number', () => {
  const { definitions } = topologyJsonSchema(engineRegistry) as { definitions: Record<string, unknown> }
  expect(definitions.Ratio).toMatchObject({
    anyOf: [
      { type: 'string' },
      {
        type: 'object',
        required: ['low', 'mid', 'high'],
        additionalProperties: false,
        properties: { mid: { type: 'string' } },
      },
    ],
  })
})
