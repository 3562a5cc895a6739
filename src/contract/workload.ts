/**
 * What one process of the workload service is told (`service.json` in its folder, path in PLIMSOLL_SERVICE), and the
 * HTTP conventions between it, the balancer and the load generator.
 */
export interface ServiceConfig {
  /** The topology's YAML text and file name: the service parses it itself, so the flow is written once. */
  readonly topology: { readonly file: string; readonly text: string }
  /** calibration is not applied: the service executes what is declared. */
  readonly component: string
  /** `app/0` */
  readonly instance: string
  /** Index among the processes of the instance. */
  readonly process: number
  /** Processes of the instance: limits and pools that are declared per replica are divided by it, rounded up. */
  readonly processes: number
  readonly listen: { readonly host: string; readonly port: number }
  readonly seed: number
  /** By component, or component.role: where its instances listen. */
  readonly bindings: Readonly<Record<string, Binding>>
}

export interface Binding {
  readonly engine: string
  readonly addresses: readonly { readonly host: string; readonly port: number }[]
  /**
   * Of a replicated database: which of the addresses a connection is for. Who is what is asked of the servers themselves, as
   * libpq does for `target_session_attrs`, so that clients find a new primary without being told.
   */
  readonly session?: 'primary' | 'replica'
  readonly user?: string
  readonly password?: string
  readonly database?: string
  /** postgres, mysql: loop iterations of `plimsoll_work` that take one CPU-second on this machine. */
  readonly iterationsPerSecond?: number
}

export const headers = {
  requestId: 'x-request-id',
  /** Set to the fallback's name on degraded answers. */
  degraded: 'x-plimsoll-degraded',
  /** `hit` or `miss`: what the outermost lookup found. */
  outcome: 'x-plimsoll-outcome',
  instance: 'x-plimsoll-instance',
  /** `product=12,user=3`: the keys that a call of an operation is about. */
  keys: 'x-plimsoll-keys',
} as const

/** Where a service offers an operation to others (POST); undefined: a visit that costs its `demand` alone. */
export const operationPath = (operation: string | undefined): string =>
  operation === undefined ? '/plimsoll/operations' : `/plimsoll/operations/${encodeURIComponent(operation)}`
