/** How a step of a flow can fail, and what the client is told. Anything else that is thrown is a bug of ours (500). */
export const failureStatus = {
  /** No connection of a pool came free within its acquireTimeout. */
  'pool-timeout': 503,
  /** A circuit breaker is open. */
  'breaker-open': 503,
  /** A step's `timeout` passed. */
  timeout: 504,
  /** A step's `deadline` passed. */
  deadline: 504,
  /** A store or another service failed, refused or is gone. */
  dependency: 502,
  /** The client has gone; nobody reads this answer. */
  cancelled: 499,
} as const

export type FailureCode = keyof typeof failureStatus

export class StepFailure extends Error {
  override readonly name = 'StepFailure'
  constructor(
    readonly code: FailureCode,
    /** Undefined: the failure is of no step (the client has gone). */
    readonly step: string | undefined,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }

  get status(): number {
    return failureStatus[this.code]
  }
}

/** What a dependency threw, as a failure of the step that used it; failures and bugs pass as they are. */
export const dependencyFailure = (step: string, what: string, error: unknown): StepFailure => {
  if (error instanceof StepFailure) return error
  const why =
    error instanceof Error ? error.message || (error as NodeJS.ErrnoException).code || error.name : String(error)
  return new StepFailure('dependency', step, `${what}: ${why}`, { cause: error })
}
