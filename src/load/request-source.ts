/**
 * Hot: which request comes next, the same for the same seed: its class by the mix, its keys by the popularity of their data
 * sets. One stream of random numbers for the classes and one for each data set.
 */

import { headers } from '../contract/workload.js'
import { type KeyTable, keyTable } from '../lib/popularity.js'
import { type RandomStream, randomStream } from '../lib/random.js'
import type { ClassPlan, WorkerPlan } from './worker-plan.js'

export interface NextRequest {
  /** Index into the plan's classes. */
  readonly cls: number
  /** The whole request as it goes over the wire; latin1. */
  readonly wire: string
}

interface KeyStream {
  readonly table: KeyTable
  readonly random: RandomStream
}

/** `idPrefix` makes request ids unique among runs. */
export const requestSource = (plan: WorkerPlan, idPrefix: string): (() => NextRequest) => {
  let passed = 0
  const mix = plan.classes.map(({ share }) => {
    passed += share
    return passed
  })
  const last = mix.length - 1
  const ofClass = randomStream(plan.seed, 'load/class')
  const keys = new Map<string, KeyStream>(
    Object.entries(plan.data).map(([id, { keys: n, popularity }]) => [
      id,
      { table: keyTable(popularity, n), random: randomStream(plan.seed, `load/key/${id}`) },
    ]),
  )
  const writers = plan.classes.map((cls) => wireWriter(cls, plan, keys))
  let count = 0
  return () => {
    let cls = plan.classOf?.[count] ?? 0
    if (last > 0 && plan.classOf === undefined)
      for (const u = ofClass.uniform(); cls < last && u >= (mix[cls] as number); ) cls++
    const wire = (writers[cls] as Writer)(`${idPrefix}${(count++).toString(36)}`)
    return { cls, wire }
  }
}

type Writer = (requestId: string) => string

/** A data set that a path names twice gets one key for both; a parameter that is no data set, the request's id. */
const wireWriter = (cls: ClassPlan, plan: WorkerPlan, keys: ReadonlyMap<string, KeyStream>): Writer => {
  const target = plan.targets[cls.target]
  if (target === undefined) throw new Error(`no target for class ${cls.id}`)
  const host = `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`
  const texts = cls.path.filter((_, i) => i % 2 === 0)
  const parameters = cls.path.filter((_, i) => i % 2 === 1)
  const before = `${cls.method} ${target.basePath}${texts[0] ?? '/'}`
  const { fields, body } = bodyOf(cls)
  const after = ` HTTP/1.1\r\nhost: ${host}\r\n${fields}${headers.requestId}: `
  const end = `\r\n\r\n${body}`
  const [only] = parameters
  const stream = parameters.length === 1 && only !== undefined ? keys.get(only) : undefined
  if (stream !== undefined) {
    const between = `${texts[1] ?? ''}${after}`
    return (requestId) => `${before}${stream.table.draw(stream.random.uniform())}${between}${requestId}${end}`
  }
  return (requestId) => {
    let path = before
    const drawn = new Map<string, string>()
    parameters.forEach((parameter, i) => {
      const known = drawn.get(parameter)
      const data = keys.get(parameter)
      const value = known ?? (data === undefined ? requestId : String(data.table.draw(data.random.uniform())))
      drawn.set(parameter, value)
      path += `${value}${texts[i + 1] ?? ''}`
    })
    return `${path}${after}${requestId}${end}`
  }
}

/** A JSON document of exactly `bodyBytes`, so that a user's own service can parse it too. */
const bodyOf = ({ bodyBytes, method }: ClassPlan): { readonly fields: string; readonly body: string } => {
  if (bodyBytes === 0) return { fields: method === 'GET' || method === 'HEAD' ? '' : 'content-length: 0\r\n', body: '' }
  return {
    fields: `content-type: application/json\r\ncontent-length: ${bodyBytes}\r\n`,
    body: jsonOfBytes(bodyBytes),
  }
}

const frame = '{"padding":""}'

export const jsonOfBytes = (bytes: number): string => {
  if (bytes >= frame.length) return `{"padding":"${'x'.repeat(bytes - frame.length)}"}`
  return bytes >= 2 ? `"${'x'.repeat(bytes - 2)}"` : '0'
}
