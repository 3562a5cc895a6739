/**
 * Where a run happened: the hosts that there really were, and what shared them. The simulator is told the placement of
 * the run that it is compared with.
 */
export interface Placement {
  /** Machines by id, each one machine with `cpu` cores. */
  readonly hosts: Readonly<Record<string, { readonly cpu: number; readonly memoryBytes?: number }>>
  /** By instance (`app/0`) and `generator` (absent when the load generator does not share the hosts). */
  readonly instances: Readonly<Record<string, InstancePlacement>>
  /** Where it comes from: the topology's hosts, the experiment's `placement:`, or what a runtime found. */
  readonly origin: 'topology' | 'experiment' | 'runtime'
}

export interface InstancePlacement {
  readonly host: string
  /** Cores that it is confined to. */
  readonly pin?: readonly number[]
  /** Cores' worth of CPU that it may use. */
  readonly quota?: number
  /** Event loops (first come, first served) that this instance consists of. Undefined: work runs in parallel. */
  readonly eventLoops?: number
}
