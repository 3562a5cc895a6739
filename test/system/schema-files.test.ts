import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { engineRegistry } from '../../src/catalog/index.js'
import { schemaFiles } from '../../src/system/schema-files.js'

const files = schemaFiles()
const readable = (file: string): z.ZodType => z.fromJSONSchema(JSON.parse(files[file] ?? '{}'))

describe('the JSON schemas for editors', () => {
  it.each(Object.keys(files))(
    'schema/%s is what the parser reads by; after a change: npm run build && npm run schema',
    (file) => {
      expect(readFileSync(`schema/${file}`, 'utf8') === files[file]).toBe(true)
    },
  )

  it('accept every scenario and fixture', () => {
    const topology = readable('topology.schema.json')
    const topologies = [
      ...readdirSync('scenarios').map((name) => `scenarios/${name}/topology.yaml`),
      ...readdirSync('test/fixtures/topologies').map((name) => `test/fixtures/topologies/${name}`),
    ]
    expect(topologies.length).toBeGreaterThanOrEqual(3)
    for (const path of topologies)
      expect([path, topology.safeParse(parse(readFileSync(path, 'utf8'))).error]).toEqual([path, undefined])
  })

  it('know the keys of each engine, and no others', () => {
    const schema = JSON.parse(files['topology.schema.json'] ?? '{}')
    const engines = [...engineRegistry.keys()]
    expect(engines).toHaveLength(20)
    for (const [engine, descriptor] of engineRegistry) {
      const component = schema.definitions[`component-${engine}`]
      expect(component.properties.engine.const).toBe(engine)
      expect(component.additionalProperties).toBe(false)
      expect(Object.keys(component.properties)).toEqual(expect.arrayContaining(Object.keys(descriptor.options)))
    }
    expect(Object.keys(schema.definitions['component-redis'].properties)).not.toContain('upstream')
    expect(schema.definitions['component-redis'].properties.eviction.enum).toContain('allkeys-lru')
  })

  it('refuse a misspelled key, a missing unit and an unknown engine', () => {
    const topology = readable('topology.schema.json')
    const base = (component: object) => ({
      apiVersion: 'plimsoll/v1',
      kind: 'Topology',
      name: 'x',
      components: { a: component },
    })
    expect(topology.safeParse(base({ engine: 'redis', memory: '1GiB' })).success).toBe(true)
    expect(topology.safeParse(base({ engine: 'redis', memori: '1GiB' })).success).toBe(false)
    expect(topology.safeParse(base({ engine: 'redis', memory: '1GB' })).success).toBe(false)
    expect(topology.safeParse(base({ engine: 'rediss' })).success).toBe(false)
  })
})
