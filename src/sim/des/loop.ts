/** What the core does by itself (`core.ts`), by the numbers that programs and sources name it by. */

/** Operations; any other is 0, its closure. */
export const opCodes = {
  closure: 0,
  /** The task is over: success. */
  end: 1,
  /** CPU of `kernel.works[a]`; with a meter b it is a simple step, whose end follows. */
  burst: 2,
  /** The simple step with meter a has succeeded. */
  leafEnd: 3,
  /** CPU of `kernel.works[a]`, counted to meter b. */
  stepCpu: 4,
  /** Time of `kernel.works[a]` without CPU. */
  pause: 5,
  /** A frame with code a. */
  enter: 6,
  /** The newest frame comes off: the step with meter a has succeeded. */
  leaveMetered: 7,
  /** The newest frame comes off. */
  leave: 8,
  /** Goes on if the last call was answered, else its closure. */
  answered: 9,
  /** The task calls as `operands.calls[a]` says. */
  call: 10,
  /** The task is over, with the code that `operands.commits[a]` says. */
  endWith: 11,
  /** A frame with code a, filled in by `operands.begins[b]`. */
  enterWith: 12,
  /** A frame with code a that expires in `operands.lanes[b]`. */
  enterFor: 13,
  /** The newest frame comes off, seen by `operands.finishes[a]`. */
  leaveWith: 14,
  /** The `count` of the newest frame becomes a. */
  count: 15,
  /** Goes on at `operands.labels[a]`. */
  jump: 16,
  /** As `answered`; what is known of the answer is passed on. */
  passedOn: 17,
  /** `operands.lookups[a]` hits or misses, as its coin says. */
  forcedLookup: 18,
  /** A connection of the pool a of the process, if one is free; else its closure. */
  acquire: 19,
  /** The connection is opened if need be; else its closure. */
  connect: 20,
  /** A light request goes on (`lights.ts`). */
  light: 21,
  /** A balancer has its task, and has tried nobody yet. */
  arrived: 22,
  /** The balancer `operands.balancers[a]` calls a peer. */
  choose: 23,
  /** It has the peer's answer. */
  judge: 24,
} as const

/** Sources of events; any other is 0, and fires. */
export const sourceKinds = {
  closure: 0,
  loop: 1,
  arrivals: 2,
  cores: 3,
  /** After which tasks go on. */ delays: 4,
} as const

/** Of processors; any other is 0, and runs its work. */
export const processorKinds = { other: 0, shared: 1, loop: 2 } as const
