/**
 * What is generated, byte for byte. After a wanted change: PLIMSOLL_UPDATE_GOLDEN=1 npx vitest run test/deploy/generate,
 * then read the difference.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { generate } from '../../../src/deploy/generate/generate.js'
import { topologyFile } from '../../support/topology.js'

const folder = fileURLToPath(new URL('../../golden/generate/expected', import.meta.url))

/** The digest is what the language makes of a file; that it stands in the header is tested elsewhere. */
const masked = (text: string): string => text.replace(/sha256 [0-9a-f]{16}/g, 'sha256 …')

const golden = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => statSync(join(folder, path)).isFile())
      .map((path) => [path.replaceAll('\\', '/'), readFileSync(join(folder, path), 'utf8')]),
  )

it('is what it was', () => {
  const made = Object.fromEntries(
    [...generate(topologyFile('test/golden/generate/topology.yaml'))].map(([path, text]) => [path, masked(text)]),
  )
  if (process.env.PLIMSOLL_UPDATE_GOLDEN !== undefined) {
    rmSync(folder, { recursive: true, force: true })
    for (const [path, text] of Object.entries(made)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
  }
  expect(made).toEqual(golden())
})
