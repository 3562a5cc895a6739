import type { Patch } from '../../contract/finding.js'
import { seconds } from '../../lib/words.js'
import { innerFlows, type Step } from '../../topology/flow.js'
import type { RequestClass, Retry, ServiceComponent } from '../../topology/types.js'
import type { Review } from '../facts/review.js'
import { durationText } from '../facts/text.js'
import type { Rule, RuleFinding } from './rule.js'

/** What is inside waits longer than who asked: the caller is gone, and the work goes on for nobody. */
export const timeoutInversion: Rule = {
  severity: 'error',
  explanation: 'An inner timeout is longer than its caller waits: work goes on for nobody.',
  formula: 'inner timeout > outer timeout',
  check: (review) => {
    const found = new Map<string, Inversion>()
    for (const request of review.requests) {
      const outer = outermost(review, request)
      const service = review.topology.components[request.serve]
      throughBalancers(review, found, request)
      if (outer === undefined || service?.role !== 'service') continue
      visit({ review, found, depth: 0 }, service, request.flow, outer)
    }
    for (const worker of review.services)
      visit({ review, found, depth: 0 }, worker, worker.flow, { seconds: Number.POSITIVE_INFINITY, name: worker.id })
    return [...found.values()].map((inversion) => told(review, inversion))
  },
}

interface Budget {
  readonly seconds: number
  /** Whose it is: `client of purchase (timeout)`. */
  readonly name: string
}

interface Inversion {
  /** What is longer: where it stands, what it comes to, how. */
  readonly path: readonly (string | number)[]
  readonly what: string
  readonly innerSeconds: number
  readonly sentence: string
  /** Attempts and backoffs that one timeout has to leave room for. */
  readonly attempts: number
  readonly backoffSeconds: number
  readonly outer: Budget
}

/** Kept of the caller's time for the way there and back and for what else is to be done. */
const inside = 0.8

const outermost = (review: Review, request: RequestClass): Budget | undefined => {
  const budgets: Budget[] = []
  if (request.client.timeoutSeconds !== undefined)
    budgets.push({ seconds: request.client.timeoutSeconds, name: `the client of ${request.id}` })
  for (const id of request.enter) {
    const balancer = review.topology.components[id]
    if (balancer?.role === 'balancer')
      budgets.push({ seconds: balancer.readTimeoutSeconds, name: `${id} (readTimeout)` })
  }
  return budgets.sort((a, b) => a.seconds - b.seconds)[0]
}

/** A balancer that waits for its upstream when the client is gone; a default nobody chose, so nobody is told. */
const throughBalancers = (review: Review, found: Map<string, Inversion>, request: RequestClass): void => {
  const clientSeconds = request.client.timeoutSeconds
  if (clientSeconds === undefined) return
  for (const id of request.enter) {
    const balancer = review.topology.components[id]
    const path = ['components', id, 'readTimeout']
    if (balancer?.role !== 'balancer' || balancer.readTimeoutSeconds <= clientSeconds) continue
    const before = found.get(path.join('/'))
    if (!review.isWritten(...path) || (before !== undefined && before.outer.seconds <= clientSeconds)) continue
    found.set(path.join('/'), {
      path,
      what: `readTimeout of ${id}`,
      innerSeconds: balancer.readTimeoutSeconds,
      sentence: seconds(balancer.readTimeoutSeconds),
      attempts: 1,
      backoffSeconds: 0,
      outer: { seconds: clientSeconds, name: `the client of ${request.id}` },
    })
  }
}

interface Walk {
  readonly review: Review
  readonly found: Map<string, Inversion>
  readonly depth: number
}

const deepest = 32

const visit = (walk: Walk, service: ServiceComponent, steps: readonly Step[], outer: Budget): void => {
  if (walk.depth > deepest) return
  for (const step of steps) {
    judge(walk, service, step, outer)
    const own = ownBudget(step)
    const budget = own !== undefined && own.seconds < outer.seconds ? own : outer
    for (const flow of innerFlows(step)) visit(walk, service, flow, budget)
    if (step.kind !== 'call' || step.target.operation === undefined) continue
    const called = walk.review.topology.components[step.target.component]
    if (called?.role === 'service')
      visit({ ...walk, depth: walk.depth + 1 }, called, called.operations[step.target.operation]?.flow ?? [], budget)
  }
}

/** What whoever executes a step waits for it at most. */
const ownBudget = (step: Step): Budget | undefined => {
  const limits = [step.timeoutSeconds, step.deadlineSeconds].filter((limit) => limit !== undefined)
  return limits.length === 0 ? undefined : { seconds: Math.min(...limits), name: `step ${step.id}` }
}

/** Waits between attempts, jitter at its longest. */
const backoffs = (retry: Retry | undefined): number => {
  let sum = 0
  for (let i = 1; i < (retry?.attempts ?? 1); i++)
    sum += Math.min((retry?.backoffSeconds ?? 0) * 2 ** (i - 1), retry?.maxBackoffSeconds ?? Number.POSITIVE_INFINITY)
  return sum
}

const judge = ({ found }: Walk, service: ServiceComponent, step: Step, outer: Budget): void => {
  const add = (inversion: Inversion): void => {
    if (inversion.innerSeconds <= outer.seconds * (1 + 1e-9)) return
    const key = inversion.path.join('/')
    const before = found.get(key)
    // The shortest of several callers decides.
    if (before === undefined || before.outer.seconds > outer.seconds) found.set(key, inversion)
  }
  const attempts = step.retry?.attempts ?? 1
  const backoffSeconds = backoffs(step.retry)
  if (step.timeoutSeconds !== undefined && step.deadlineSeconds === undefined)
    add({
      path: [...step.path, 'timeout'],
      what: `timeout of ${step.id}`,
      innerSeconds: attempts * step.timeoutSeconds + backoffSeconds,
      sentence:
        attempts === 1
          ? seconds(step.timeoutSeconds)
          : `${attempts} attempts × ${seconds(step.timeoutSeconds)} + ${seconds(backoffSeconds)} of backoff = ${seconds(attempts * step.timeoutSeconds + backoffSeconds)}`,
      attempts,
      backoffSeconds,
      outer,
    })
  if (step.deadlineSeconds !== undefined)
    add({
      path: [...step.path, 'deadline'],
      what: `deadline of ${step.id}`,
      innerSeconds: step.deadlineSeconds,
      sentence: seconds(step.deadlineSeconds),
      attempts: 1,
      backoffSeconds: 0,
      outer,
    })
  if (step.kind === 'lock' && step.waitSeconds !== undefined && step.timeoutSeconds === undefined)
    add({
      path: [...step.path, 'wait'],
      what: `wait of ${step.id}`,
      innerSeconds: step.waitSeconds,
      sentence: seconds(step.waitSeconds),
      attempts: 1,
      backoffSeconds: 0,
      outer,
    })
  const target =
    step.kind === 'reserve' || step.kind === 'release' ? step.via : 'target' in step ? step.target : undefined
  const pool = target?.pool === undefined ? undefined : service.pools[target.pool]
  // A timeout of the step, or around it, ends the wait for its connection, too.
  if (pool?.acquireTimeoutSeconds === undefined || step.timeoutSeconds !== undefined) return
  add({
    path: ['components', service.id, 'pools', pool.id, 'acquireTimeout'],
    what: `acquireTimeout of ${service.id}.${pool.id} (${step.id})`,
    innerSeconds: pool.acquireTimeoutSeconds,
    sentence: seconds(pool.acquireTimeoutSeconds),
    attempts: 1,
    backoffSeconds: 0,
    outer,
  })
}

const told = (review: Review, inversion: Inversion): RuleFinding => {
  const { path, what, sentence, outer, attempts, backoffSeconds } = inversion
  const room = outer.seconds * inside
  const fits = backoffSeconds < room / 2
  const each = fits ? (room - backoffSeconds) / attempts : room / (attempts + 1)
  const patches: Patch[] = [{ path, value: durationText(each) }]
  // Backoffs that alone are longer than the caller waits: they shrink, too.
  if (!fits)
    patches.push({ path: [...path.slice(0, -1), 'retry', 'backoff'], value: durationText(room / 2 ** attempts / 2) })
  return {
    subject: what,
    message: `the ${what} goes on after ${outer.name} has given up`,
    arithmetic: `${sentence} > ${seconds(outer.seconds)} of ${outer.name}`,
    fix: `at most ${durationText(each)}${attempts > 1 ? ' per attempt' : ''}, inside of the ${seconds(outer.seconds)}`,
    patches,
    position: review.locate(...path),
  }
}
