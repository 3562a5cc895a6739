/** How an instance is started as a native process. Made by the `live` facet of its technology, started by `system`. */
export interface ProcessSpec {
  /** `app/0`, or `app/0.1` for the second process of an instance. */
  readonly id: string
  readonly component: string
  readonly index: number
  /** Absolute path of the program. */
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Working directory, inside the system's folder. */
  readonly folder: string
  /** Files to write before the start, by path relative to `folder`. */
  readonly files: Readonly<Record<string, string>>
  /** Run as the first of these that exists when plimsoll is root; empty: as plimsoll. The folder becomes theirs. */
  readonly accounts: readonly string[]
  /** Done before the first start, in `folder` and as that account; e.g. initdb. Again when an instance must be made anew. */
  readonly prepare?: readonly { readonly program: string; readonly args: readonly string[] }[]
  readonly ports: readonly number[]
  readonly stopSignal: 'SIGTERM' | 'SIGINT' | 'SIGQUIT'
  /** After `stopSignal`, before SIGKILL. */
  readonly stopSeconds: number
  /** Resolves true when the instance takes requests. Called until `startSeconds` have passed. */
  readonly probe: () => Promise<boolean>
  readonly startSeconds: number
}
