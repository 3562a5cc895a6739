/** `query`, `write` and `transaction` on a SQL store. */

import { tableOf } from '../../catalog/postgres/schema.js'
import { type Parameter, rowOf, selectStatement, writeStatement } from '../../catalog/postgres/statements.js'
import { type Step, walk } from '../../topology/flow.js'
import { flowsOf } from '../../topology/flows.js'
import type { DataId, Target } from '../../topology/types.js'
import { dependencyFailure, StepFailure } from '../failure.js'
import type { Cache, Environment, Frame, Runner, Scope, SqlConnection } from '../frame.js'
import type { Compile } from '../interpreter.js'
import { AcquireTimeout, type ConnectionPool } from '../pool.js'
import { timerMilliseconds } from '../wait.js'
import { cacheKey } from './lookup.js'

type SqlStep = Extract<Step, { kind: 'query' | 'write' }>
type Pool = ConnectionPool<SqlConnection>

/** Bytes that a write puts into an append table. */
const appendedBytes = 512

export const sqlStep = (step: SqlStep, scope: Scope, env: Environment): Runner => {
  const table = tableOf(step, scope.key, env.topology)
  const { cpu, wait } = step.time
  const works = cpu !== undefined || wait !== undefined
  const statement = (step.kind === 'query' ? selectStatement : writeStatement)(table, works)
  const pool = env.clients.sql(step.target)
  const speed = cpu === undefined ? 0 : env.clients.iterationsPerSecond(step.target)
  const stream = env.stream(step.id)
  const meter = env.meters.step(step.id)
  const payload = 'x'.repeat(appendedBytes)
  const invalidate = step.invalidates === undefined ? undefined : invalidation(step.invalidates, env)
  const sources: Readonly<
    Record<Parameter, (frame: Frame, cpuSeconds: number, waitSeconds: number) => number | string>
  > = {
    iterations: (_, cpuSeconds) => Math.round(cpuSeconds * speed),
    waitSeconds: (_, __, waitSeconds) => waitSeconds,
    row: (frame) => (table.kind === 'data' ? rowOf(table, frame.request.keys.of(table.data.id)) : 0),
    requestId: (frame) => frame.request.id,
    payload: () => payload,
  }
  return async (frame) => {
    const cpuSeconds = cpu === undefined ? 0 : stream.sample(cpu)
    // pg_sleep, too, counts whole milliseconds (rounding up).
    const waitSeconds = wait === undefined ? 0 : timerMilliseconds(stream.sample(wait), stream.uniform()) / 1000
    const values = statement.parameters.map((parameter) => sources[parameter](frame, cpuSeconds, waitSeconds))
    await withConnection(env, step, pool, frame, (connection) => {
      meter.cpuSeconds += cpuSeconds
      meter.drawnCpuSeconds += cpuSeconds
      meter.drawnWaitSeconds += waitSeconds
      return connection.run(statement, values)
    })
    await invalidate?.(frame)
  }
}

/** Deletes the request's key from every cache that some lookup keeps this data in. */
const invalidation = (data: DataId, env: Environment): Runner => {
  const targets = new Map<string, Target>()
  for (const flow of flowsOf(env.topology))
    for (const step of walk(flow))
      if (step.kind === 'lookup' && step.key === data) targets.set(step.target.component, step.target)
  const caches: readonly Cache[] = [...targets.values()].map((target) => env.clients.cache(target))
  return async (frame) => {
    const key = cacheKey(data, frame.request.keys.of(data))
    await Promise.all(caches.map((cache) => cache.delete(key)))
  }
}

export const transaction = (
  step: Extract<Step, { kind: 'transaction' }>,
  scope: Scope,
  env: Environment,
  compile: Compile,
): Runner => {
  const pool = env.clients.sql(step.target)
  const body = compile(step.do, scope)
  return async (frame) => {
    const connection = await acquire(step.id, pool, frame)
    const inner: Frame = { ...frame, held: { pool, connection, outer: frame.held } }
    let broken = false
    try {
      await run(env, step.id, connection, frame, connection.run('BEGIN'))
      await body(inner)
      frame.cancel.throwIfCancelled()
      await run(env, step.id, connection, frame, connection.run('COMMIT'))
    } catch (error) {
      // Behind a statement that is being cancelled the server takes ROLLBACK when that has ended.
      await connection.run('ROLLBACK').catch(() => {
        broken = true
      })
      throw error
    } finally {
      if (broken) pool.discard(connection)
      else pool.release(connection)
    }
  }
}

const acquire = async (step: string, pool: Pool, frame: Frame): Promise<SqlConnection> => {
  try {
    return await pool.acquire(frame.cancel)
  } catch (error) {
    if (error instanceof AcquireTimeout) throw new StepFailure('pool-timeout', step, error.message, { cause: error })
    throw dependencyFailure(step, 'cannot connect to the database', error)
  }
}

/**
 * Runs a statement on the connection that a transaction holds, else on one of the pool. When the step is abandoned, the
 * statement is cancelled on the server, and the connection goes back once the server has confirmed that.
 */
const withConnection = async (
  env: Environment,
  step: SqlStep,
  pool: Pool,
  frame: Frame,
  start: (connection: SqlConnection) => Promise<void>,
): Promise<void> => {
  for (let held = frame.held; held !== undefined; held = held.outer)
    if (held.pool === pool) return run(env, step.id, held.connection, frame, start(held.connection))
  const connection = await acquire(step.id, pool, frame)
  const work = start(connection)
  // A connection that broke has left the pool by itself, and releasing it then does nothing.
  const release = (): void => pool.release(connection)
  work.then(release, release)
  await run(env, step.id, connection, frame, work)
}

/** How long the server has to confirm a cancellation before the connection is given up. */
const cancelConfirmMilliseconds = 1000

const run = async (
  { clock }: Environment,
  step: string,
  connection: SqlConnection,
  frame: Frame,
  work: Promise<void>,
): Promise<void> => {
  try {
    await frame.cancel.race(work, () => {
      connection.cancel()
      const stop = clock.after(cancelConfirmMilliseconds, () => connection.destroy())
      work.then(stop, stop)
    })
  } catch (error) {
    if (error === frame.cancel.reason) throw error
    throw dependencyFailure(step, 'the database failed', error)
  }
}
