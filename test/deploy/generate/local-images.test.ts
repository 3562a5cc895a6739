import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { images } from '../../../src/deploy/generate/compose-service.js'

const version = (JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string }).version

test('the script builds every image that compose files and the Dockerfile name, and no other', () => {
  const listed = execFileSync('bash', ['scripts/local-images.sh', '--list'], { encoding: 'utf8' }).trim().split('\n')
  const base = /^ARG NODE_IMAGE=(.+)$/m.exec(readFileSync('Dockerfile', 'utf8'))?.[1]
  const { service, ...pulled } = images
  expect(listed.sort()).toEqual([...Object.values(pulled), base].sort())
  expect(service).toBe(`plimsoll-service:${version}`)
})
