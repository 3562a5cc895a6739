import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { metricsOf } from '../../../src/catalog/metrics.js'
import { images } from '../../../src/deploy/generate/container.js'

const version = (JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string }).version

test('the script builds every image that compose files and the Dockerfile name, but Grafana, which Debian does not have', () => {
  const listed = execFileSync('bash', ['scripts/local-images.sh', '--list'], { encoding: 'utf8' }).trim().split('\n')
  const base = /^ARG NODE_IMAGE=(.+)$/m.exec(readFileSync('Dockerfile', 'utf8'))?.[1]
  const { service, grafana: _, ...pulled } = images
  const exporters = ['nginx', 'redis', 'postgres'].map((engine) => metricsOf(engine)?.exporter?.image)
  expect(listed.sort()).toEqual([...Object.values(pulled), ...exporters, base].sort())
  expect(service).toBe(`plimsoll-service:${version}`)
})
