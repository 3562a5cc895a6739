/** The image of the workload service, built from the package when it is missing or when the package has changed. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ContainerEngine, digestLabel } from '../../../contract/containers.js'
import { targetFailed } from '../../../lib/errors.js'
import { images } from '../../generate/container.js'

const sources = ['Dockerfile', '.dockerignore', 'package.json', 'package-lock.json', 'npm-shrinkwrap.json'] as const

/** Of everything that goes into the image; 16 hexadecimal digits. */
export const packageDigest = async (packageFolder: string): Promise<string> => {
  const compiled = await readdir(join(packageFolder, 'dist'), { recursive: true, withFileTypes: true })
  const paths = compiled
    .filter((file) => file.isFile() && file.name.endsWith('.js'))
    .map((file) => join(file.parentPath, file.name))
    .sort()
  const hash = createHash('sha256')
  for (const path of [...sources.map((name) => join(packageFolder, name)), ...paths]) {
    const text = await readFile(path).catch(() => undefined)
    if (text === undefined) continue
    hash.update(`${path.slice(packageFolder.length)}\0${text.length}\0`).update(text)
  }
  return hash.digest('hex').slice(0, 16)
}

export interface ImageOptions {
  readonly engine: ContainerEngine
  readonly packageFolder: string
  readonly signal: AbortSignal
}

/** Resolves when the image is there, built from this very package. */
export const ensureServiceImage = async ({ engine, packageFolder, signal }: ImageOptions): Promise<void> => {
  const digest = await packageDigest(packageFolder)
  const labels = await engine.imageLabels(images.service)
  if (labels?.[digestLabel] === digest) return
  const { code, stdout, stderr } = await engine.build({
    tag: images.service,
    folder: packageFolder,
    arguments: { DIGEST: digest },
    signal,
  })
  if (code === 0) return
  const said = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '')
  throw targetFailed(
    `the image ${images.service} could not be built`,
    `docker build said last:\n    ${said.slice(-8).join('\n    ')}`,
    `by hand: docker build --tag ${images.service} ${packageFolder}`,
  )
}
