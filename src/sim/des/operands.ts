/** What the operations of programs refer to by number: of each kind one list, so that the loop reads objects of one shape. */
import type { RandomStream } from '../../lib/random.js'
import type { Endpoint } from './endpoint.js'
import type { Lane } from './lane.js'
import type { Work } from './work.js'

/** Processes of which the shard of a key has one each. */
export class Shards {
  constructor(
    /** By shard. A failover changes this list. */
    readonly primaries: readonly Endpoint[],
    /** The data set by whose keys they are divided; −1: one shard. */
    readonly by: number,
    readonly count: number,
    readonly choose: (task: number) => Endpoint | undefined,
  ) {}
}

/** Whom a call goes to. */
export type Choice = Endpoint | Shards | ((task: number) => Endpoint | undefined)

/** Where a program calls: whom (undefined: nobody is there), what for, over which way. */
export interface CallSite {
  /** Always the same. */
  readonly only: Endpoint | undefined
  readonly shards: Shards | undefined
  readonly choose: (task: number) => Endpoint | undefined
  readonly goal: number
  readonly edge: number
  /** What the task fails with when nobody is there. */
  readonly missing: number
}

/** A lookup with a forced hit ratio. */
export interface ForcedLookup {
  readonly coin: RandomStream
  readonly hitRatio: number
  readonly outermost: boolean
  readonly lookups: { hits: number; misses: number }
  /** Where a hit goes on. */
  readonly end: { readonly pc: number }
}

export class Operands {
  readonly works: Work[] = []
  readonly calls: CallSite[] = []
  readonly lanes: Lane[] = []
  readonly lookups: ForcedLookup[] = []
  readonly labels: { readonly pc: number }[] = []
  /** What a visit changes when its work is done; returns the code that its caller is told. */
  readonly commits: ((task: number) => number)[] = []
  /** Fill in a frame that has been put on the stack. */
  readonly begins: ((task: number, frame: number) => void)[] = []
  /** See a frame that has been taken off. */
  readonly finishes: ((task: number, frame: number) => void)[] = []
}

/** Adds to one of the lists; returns the number. */
export const numbered = <T>(list: T[], item: T): number => list.push(item) - 1
