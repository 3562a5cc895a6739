/** The Docker engine of this machine. */
import { homedir } from 'node:os'
import type { ContainerEngine, ContainerFacts, Labelled } from '../../contract/containers.js'
import type { Finished } from '../../contract/machine.js'
import { missingProgram } from '../../lib/errors.js'
import { parseCpuList } from '../proc.js'
import { findProgram } from '../programs.js'
import { runProgram } from '../spawn.js'
import { attempt, call, labelFilter } from './api.js'
import { followLog } from './log.js'

const defaultEndpoint = 'unix:///var/run/docker.sock'

export const dockerNeed = {
  name: 'docker',
  debianPackage: 'docker.io',
  candidates: ['/usr/bin/docker', '/usr/local/bin/docker'],
  versionArgs: ['--version'],
} as const

/** DOCKER_HOST, as every client of Docker has it. A context of `docker context use` is not looked at. */
const endpointOf = (): string => process.env.DOCKER_HOST ?? defaultEndpoint

const environment = (endpoint: string): Record<string, string> => {
  const { PATH, HOME, DOCKER_CONFIG, http_proxy, https_proxy, no_proxy } = process.env
  const kept = Object.entries({ PATH, DOCKER_CONFIG, http_proxy, https_proxy, no_proxy }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    ...Object.fromEntries(kept),
    HOME: HOME ?? homedir(),
    DOCKER_HOST: endpoint,
  }
}

interface Inspected {
  readonly Id: string
  readonly Config: { readonly Image: string; readonly Labels: Readonly<Record<string, string>> | null }
  readonly State: { readonly Running: boolean; readonly Pid: number; readonly StartedAt: string }
  readonly HostConfig: { readonly NanoCpus: number; readonly CpusetCpus: string }
}

const factsOf = ({ Id, Config, State, HostConfig }: Inspected): ContainerFacts => ({
  id: Id,
  service: Config.Labels?.['com.docker.compose.service'] ?? '',
  image: Config.Image,
  running: State.Running,
  pid: State.Pid,
  startedAt: State.StartedAt,
  quota: HostConfig.NanoCpus > 0 ? HostConfig.NanoCpus / 1e9 : undefined,
  pin: HostConfig.CpusetCpus === '' ? undefined : parseCpuList(HostConfig.CpusetCpus),
})

/** 304: it is so already; 403: a network is in use still; 404: it is gone; 409: it does not run, or is being removed. */
const over = [304, 403, 404, 409] as const

export const containerEngine = (endpoint: string = endpointOf()): ContainerEngine => {
  const socket = endpoint.replace(/^unix:\/\//, '')
  const docker = (
    args: readonly string[],
    cwd: string,
    timeoutSeconds: number,
    signal?: AbortSignal,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Finished> => {
    const program = findProgram(dockerNeed)
    if (program === undefined)
      throw missingProgram(
        'a program is not installed: docker',
        'apt-get install docker.io, or docs.docker.com/engine/install',
      )
    const env = { ...environment(endpoint), ...more }
    return runProgram({ program, args, env, cwd, timeoutSeconds, ...(signal === undefined ? {} : { signal }) })
  }
  const removeAll = (paths: readonly string[], query: Readonly<Record<string, string>>): Promise<unknown> =>
    Promise.all(paths.map((path) => attempt(over, socket, 'DELETE', path, query)))
  // The engine has filtered; but what is removed by this list must really carry the label.
  const carries = (labels: Readonly<Record<string, string>> | null, label: string, value: string): boolean =>
    labels?.[label] === value

  return {
    endpoint,
    version: async () =>
      ((await call(socket, 'GET', '/version', {}, AbortSignal.timeout(5000))) as { Version: string }).Version,
    composeVersion: async () => {
      if (findProgram(dockerNeed) === undefined) return undefined
      const { code, stdout } = await docker(['compose', 'version', '--short'], '/', 10)
      return code === 0 ? stdout.trim() : undefined
    },
    compose: (args, { folder, timeoutSeconds, signal }) => docker(['compose', ...args], folder, timeoutSeconds, signal),
    build: ({ tag, folder, arguments: values, signal }) =>
      docker(
        [
          'build',
          '--tag',
          tag,
          ...Object.entries(values).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
          '.',
        ],
        folder,
        900,
        signal,
        // The builder that every engine has; BuildKit's plugin is not everywhere.
        { DOCKER_BUILDKIT: '0' },
      ),
    imageLabels: async (name) => {
      const path = `/images/${encodeURIComponent(name)}/json`
      if ((await attempt([404], socket, 'GET', path)) !== undefined) return undefined
      const image = (await call(socket, 'GET', path)) as {
        readonly Config?: { readonly Labels?: Record<string, string> | null }
      }
      return image.Config?.Labels ?? {}
    },
    subnets: async () => {
      const networks = (await call(socket, 'GET', '/networks')) as readonly {
        readonly IPAM?: { readonly Config?: readonly { readonly Subnet?: string }[] | null }
      }[]
      return networks.flatMap(({ IPAM }) => (IPAM?.Config ?? []).flatMap(({ Subnet }) => Subnet ?? []))
    },
    inspect: async (id) => factsOf((await call(socket, 'GET', `/containers/${id}/json`)) as Inspected),
    start: async (id) => {
      await attempt([304], socket, 'POST', `/containers/${id}/start`)
    },
    signal: async (id, signal) => {
      const refused = await attempt(over, socket, 'POST', `/containers/${id}/kill`, { signal })
      // Older engines deliver nothing to what is paused.
      if (refused === undefined || !/paused/i.test(refused.message)) return
      await attempt(over, socket, 'POST', `/containers/${id}/unpause`)
      await attempt(over, socket, 'POST', `/containers/${id}/kill`, { signal })
    },
    pause: async (id) => {
      await attempt(over, socket, 'POST', `/containers/${id}/pause`)
    },
    resume: async (id) => {
      await attempt([...over, 500], socket, 'POST', `/containers/${id}/unpause`)
    },
    ended: async (id) => {
      const { StatusCode } = (await call(socket, 'POST', `/containers/${id}/wait`)) as { readonly StatusCode: number }
      return { code: StatusCode, signal: null }
    },
    followLog: (id, since, file) => followLog(socket, id, since, file),
    labelled: async (label, value) => {
      const filter = labelFilter(label, value)
      const [containers, networks, volumes] = await Promise.all([
        call(socket, 'GET', '/containers/json', { ...filter, all: '1' }),
        call(socket, 'GET', '/networks', filter),
        call(socket, 'GET', '/volumes', filter),
      ])
      const ids = (list: unknown): readonly string[] =>
        (list as readonly { readonly Id: string; readonly Labels: Record<string, string> | null }[])
          .filter(({ Labels }) => carries(Labels, label, value))
          .map(({ Id }) => Id)
      const found = (
        volumes as {
          readonly Volumes: readonly { readonly Name: string; readonly Labels: Record<string, string> | null }[] | null
        }
      ).Volumes
      return {
        containers: ids(containers),
        networks: ids(networks),
        volumes: (found ?? []).filter(({ Labels }) => carries(Labels, label, value)).map(({ Name }) => Name),
      }
    },
    remove: async ({ containers, networks, volumes }: Labelled) => {
      await removeAll(
        containers.map((id) => `/containers/${id}`),
        { force: '1', v: '1' },
      )
      await removeAll(
        networks.map((id) => `/networks/${id}`),
        {},
      )
      await removeAll(
        volumes.map((name) => `/volumes/${encodeURIComponent(name)}`),
        { force: '1' },
      )
    },
  }
}

/** True: a Unix socket of this machine, whose containers' processes are here to be accounted for. */
export const isLocal = (endpoint: string): boolean => endpoint.startsWith('unix://')
