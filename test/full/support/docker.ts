/** What a Docker engine has, asked through its command line: not the client that is under test. */
import { execFileSync } from 'node:child_process'

export const docker = (...args: readonly string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim()

const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '')

export interface Holdings {
  readonly containers: readonly string[]
  readonly networks: readonly string[]
  readonly volumes: readonly string[]
}

/** All that there is. */
export const holdings = (): Holdings => ({
  containers: lines(docker('ps', '--all', '--quiet', '--no-trunc')),
  networks: lines(docker('network', 'ls', '--quiet', '--no-trunc')),
  volumes: lines(docker('volume', 'ls', '--quiet')),
})

/** What there is now and was not there `before`. */
export const added = (before: Holdings): Holdings => {
  const now = holdings()
  const newIn = (key: keyof Holdings): readonly string[] => now[key].filter((one) => !before[key].includes(one))
  return { containers: newIn('containers'), networks: newIn('networks'), volumes: newIn('volumes') }
}

export const nothingAdded: Holdings = { containers: [], networks: [], volumes: [] }

/** The first container of this service of a compose project. */
export const containerOf = (project: string, service: string): string =>
  docker(
    ...['ps', '--all', '--quiet', '--filter', `label=com.docker.compose.project=${project}`],
    ...['--filter', `label=com.docker.compose.service=${service}`],
  )
