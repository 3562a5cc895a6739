/**
 * The record of what we started, written before it is started, so that `down` can undo it after a `kill -9` of plimsoll
 * itself. One JSON file per system in `.plimsoll/ledger/`.
 */
export interface LedgerEntry {
  readonly apiVersion: 'plimsoll/v1'
  readonly kind: 'LedgerEntry'
  /** The system's id, also the file's name. */
  readonly id: string
  readonly runtime: 'process' | 'compose' | 'kubernetes'
  readonly topology: { readonly name: string; readonly file: string; readonly digest: string }
  /** `up`: stays until `down`; `run`: belongs to the run that started it. */
  readonly purpose: 'up' | 'run' | 'demo'
  /**
   * Folder that holds the working directory of every process of the system, and nothing else: a process belongs to the
   * system if its working directory is inside and it started at `bootSeconds` or later. Removed by `down`.
   */
  readonly folder: string
  /** Seconds since boot (field 22 of /proc/PID/stat over the clock tick rate) when the entry was written. */
  readonly bootSeconds: number
  /** /proc/sys/kernel/random/boot_id: after a reboot there is nothing left to end. */
  readonly bootId: string
  /** Unix socket of the supervisor, for `status`, `chaos` and `run` on a system that is up. */
  readonly socket: string
  /** Of containers: the Docker engine that has them, such as `unix:///var/run/docker.sock`. */
  readonly containerEngine?: string
  /** The process that owns the system: plimsoll itself for `run`, the supervisor for `up`. */
  readonly owner: { readonly pid: number; readonly startSeconds: number } | null
}
