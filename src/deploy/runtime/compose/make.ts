/** Lets compose make networks, volumes and containers in a system's folder; none of them runs yet. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type ContainerEngine, type ContainerFacts, systemLabel } from '../../../contract/containers.js'
import { PlimsollError, targetFailed } from '../../../lib/errors.js'
import { secretsFile } from '../../generate/container.js'
import { makingFile } from './remove.js'

export const composeFolder = (systemFolder: string): string => join(systemFolder, 'compose')

/** Readable by the users that servers run as in their containers; secrets are not among them. */
export const writeMounted = async (folder: string, files: Iterable<readonly [string, string]>): Promise<void> => {
  for (const [path, text] of files) {
    const file = join(folder, path)
    await mkdir(dirname(file), { recursive: true, mode: 0o755 })
    await writeFile(file, text, { mode: 0o644 })
  }
}

export interface Making {
  readonly id: string
  readonly systemFolder: string
  readonly engine: ContainerEngine
  readonly composeYml: string
  readonly files: ReadonlyMap<string, string>
  readonly secret: string
  /** Variables that hold it besides those of PostgreSQL and its clients. */
  readonly secretNames: readonly string[]
  readonly signal: AbortSignal
}

/** Images that have to be pulled take their time. */
const makeSeconds = 900

/** What was made, by the name of the service in the compose file. */
export const makeContainers = async (making: Making): Promise<ReadonlyMap<string, ContainerFacts>> => {
  const { id, systemFolder, engine, composeYml, files, secret, secretNames, signal } = making
  const folder = composeFolder(systemFolder)
  await writeMounted(folder, [...files, ['docker-compose.yml', composeYml]])
  const secrets = ['POSTGRES_PASSWORD', 'PGPASSWORD', ...secretNames].map((name) => `${name}=${secret}\n`)
  await writeFile(join(folder, secretsFile), secrets.join(''), { mode: 0o600 })
  await writeFile(makingFile(systemFolder), '')
  const { code, stderr } = await engine.compose(['--ansi', 'never', '--file', 'docker-compose.yml', 'create'], {
    folder,
    timeoutSeconds: makeSeconds,
    signal,
  })
  await rm(makingFile(systemFolder))
  if (code !== 0) throw composeFailed(stderr)
  const { containers } = await engine.labelled(systemLabel, id)
  const facts = await Promise.all(containers.map((container) => engine.inspect(container)))
  return new Map(facts.map((one) => [one.service, one]))
}

const networkTaken = 'another network took the addresses meanwhile; try again'

export const isNetworkTaken = (error: unknown): boolean =>
  error instanceof PlimsollError && error.problems.some(({ hint }) => hint === networkTaken)

const hints: readonly (readonly [RegExp, string])[] = [
  [/overlaps with other one|Pool overlaps/i, networkTaken],
  [
    /pull access denied|manifest unknown|failed to resolve|no such host|connection refused|TLS|i\/o timeout|Client\.Timeout/i,
    'the image cannot be pulled here: scripts/local-images.sh builds all of them from Debian packages',
  ],
  [/no space left/i, 'the disk is full: docker system df, docker system prune'],
]

const composeFailed = (stderr: string): PlimsollError => {
  const said = stderr.split('\n').filter((line) => line.trim() !== '')
  const hint = hints.find(([pattern]) => said.some((line) => pattern.test(line)))?.[1]
  return targetFailed(
    'docker compose could not make the containers',
    `it said last:\n    ${said.slice(-6).join('\n    ')}`,
    hint,
  )
}
