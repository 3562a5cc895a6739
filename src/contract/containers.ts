/** A Docker engine as a runtime sees it. `src/system/docker/` implements it on the engine's own API. */
import type { Exit, Finished } from './machine.js'

/** What we start carries this label; its value is the id of the system. */
export const systemLabel = 'dev.plimsoll.system'

/** Of the image of the workload service: what it was built from. */
export const digestLabel = 'dev.plimsoll.digest'

export interface ContainerFacts {
  readonly id: string
  /** The service of the compose file that it is: `app-0`. */
  readonly service: string
  readonly image: string
  readonly running: boolean
  /** Of its first process, as this machine numbers it; 0: it does not run. */
  readonly pid: number
  /** ISO 8601. */
  readonly startedAt: string
  /** Cores' worth of CPU time; undefined: as much as there is. */
  readonly quota: number | undefined
  /** Cores that it is confined to; undefined: any. */
  readonly pin: readonly number[] | undefined
}

/** CPU time of all that ever ran in a container since its start, in nanoseconds as the kernel counts them; its memory now. */
export interface ContainerUsage {
  readonly cpuSeconds: number
  readonly memoryBytes: number
}

/** What carries a label, by kind; names of volumes, ids of the others. */
export interface Labelled {
  readonly containers: readonly string[]
  readonly networks: readonly string[]
  readonly volumes: readonly string[]
}

export interface BuildOptions {
  readonly tag: string
  readonly folder: string
  readonly arguments: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** Methods reject when the engine does not answer. Ending and removing what is gone already is no failure. */
export interface ContainerEngine {
  /** `unix:///var/run/docker.sock` */
  readonly endpoint: string
  version(): Promise<string>
  /** Of the plugin `docker compose`; undefined: it is not installed. */
  composeVersion(): Promise<string | undefined>
  /** Runs `docker compose` in `folder`, so that the process belongs to whoever owns the folder. */
  compose(
    args: readonly string[],
    options: { readonly folder: string; readonly timeoutSeconds: number; readonly signal?: AbortSignal },
  ): Promise<Finished>
  build(options: BuildOptions): Promise<Finished>
  /** Of the image of that name; undefined: it is not here. */
  imageLabels(name: string): Promise<Readonly<Record<string, string>> | undefined>
  /** `10.1.2.0/24`, of all networks that there are. */
  subnets(): Promise<readonly string[]>
  inspect(id: string): Promise<ContainerFacts>
  start(id: string): Promise<void>
  signal(id: string, signal: NodeJS.Signals): Promise<void>
  pause(id: string): Promise<void>
  resume(id: string): Promise<void>
  /** Resolves when it does not run (any more). */
  ended(id: string): Promise<Exit>
  /** Appends what it writes from its last start on to a file, until it ends or `close` is called. */
  followLog(id: string, since: string, file: string): { readonly close: () => void }
  labelled(label: string, value: string): Promise<Labelled>
  /** Ends containers at once, with their anonymous volumes. */
  remove(what: Labelled): Promise<void>
}
