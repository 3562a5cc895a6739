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
  /** Of those that ask for nothing but the request: whom it calls. */
  readonly byRequest: ((request: number) => Endpoint | undefined) | undefined
  /** One of those it may call. */
  readonly some: Endpoint | undefined
}

/** A balancer whose peers are all alike, and at its side. */
export interface PlainBalancer {
  /** How long it waits for an answer, and the frame that expires then; undefined: longer than all clients. */
  readonly guard: Lane | undefined
  readonly limitCode: number
  /** A peer for a request that has tried none; −1: there is none; −2: it does not know yet. */
  choose(endpoint: number, request: number): number
  /** The task hears that there is none. */
  nobody(task: number): number
  /** The peer has answered. */
  release(endpoint: number, peer: number): void
  endpointOf(peer: number): Endpoint
  edgeOf(peer: number): number
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

/** Sees a frame that has been taken off. */
export interface Finish {
  (task: number, frame: number): void
  /** The same, of those that ask for nothing but the process and the request. */
  readonly ofRequest?: (endpoint: Endpoint, request: number) => void
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
  readonly balancers: PlainBalancer[] = []
  readonly begins: ((task: number, frame: number) => void)[] = []
  /** See a frame that has been taken off. */
  readonly finishes: Finish[] = []
}

/** Adds to one of the lists; returns the number. */
export const numbered = <T>(list: T[], item: T): number => list.push(item) - 1
