/**
 * Approximate MVA for networks too large to count through. Instead of the queue with one customer less, Q(n − 1r), an estimate from Q(n)
 * itself, to a fixed point. A station of c servers becomes one of demand D/c followed by a delay D(c − 1)/c.
 * Source: P. Schweitzer 1979, Y. Bard 1979; K. M. Chandy and D. Neuse, Linearizer, CACM 25(2), 1982; A. Seidmann, P. Schweitzer,
 * S. Shalev-Oren, Computerized closed queueing network models of flexible manufacturing systems, 1987.
 */
import { type ClassAnswer, type ClassNetwork, classAnswer } from './network.js'

interface Core {
  readonly users: readonly number[]
  readonly thinks: readonly number[]
  /** By station and class, of one server. */
  readonly demands: readonly (readonly number[])[]
}

interface Fixed {
  /** By station and class. */
  readonly queues: number[][]
  readonly residences: number[][]
  readonly throughputs: number[]
}

const coreOf = ({ classes, stations }: ClassNetwork): Core & { readonly delays: readonly (readonly number[])[] } => {
  const demands = stations.map(({ servers, demandSeconds }) =>
    demandSeconds.map((demand) => (Number.isFinite(servers) ? demand / servers : 0)),
  )
  const delays = stations.map(({ demandSeconds }, k) =>
    demandSeconds.map((demand, r) => demand - (demands[k]?.[r] ?? 0)),
  )
  return {
    users: classes.map(({ users }) => users),
    thinks: classes.map(({ thinkSeconds }, r) => delays.reduce((sum, row) => sum + (row[r] ?? 0), thinkSeconds)),
    demands,
    delays,
  }
}

/** Shares F(k, r) = Q(k, r)/n(r) and how they change when one of class s leaves: Q(k, r | n − 1s) ≈ (n(r) − [r = s])·(F(k, r) + Δ(k, r, s)). */
type Change = (k: number, r: number, s: number) => number

const fixedPoint = ({ users, thinks, demands }: Core, change: Change, from?: readonly (readonly number[])[]): Fixed => {
  const stations = demands.length
  let queues = demands.map((row, k) => row.map((_, r) => from?.[k]?.[r] ?? (users[r] ?? 0) / Math.max(1, stations)))
  let residences = demands.map((row) => [...row])
  let throughputs = users.map(() => 0)
  for (let round = 0; round < 10_000; round++) {
    const seenBy = (k: number, s: number): number =>
      users.reduce((sum, own, r) => {
        if (own === 0) return sum
        const left = own - (r === s ? 1 : 0)
        return sum + left * Math.max(0, (queues[k]?.[r] ?? 0) / own + change(k, r, s))
      }, 0)
    residences = demands.map((row, k) =>
      row.map((demand, s) => ((users[s] ?? 0) > 0 ? demand * (1 + seenBy(k, s)) : demand)),
    )
    throughputs = users.map((own, r) => {
      if (own === 0) return 0
      const cycle = residences.reduce((sum, row) => sum + (row[r] ?? 0), thinks[r] ?? 0)
      return cycle > 0 ? own / cycle : Number.POSITIVE_INFINITY
    })
    const next = residences.map((row) =>
      row.map((residence, r) => (residence > 0 ? residence * (throughputs[r] ?? 0) : 0)),
    )
    let moved = 0
    for (const [k, row] of next.entries())
      for (const [r, queue] of row.entries())
        moved = Math.max(moved, Math.abs(queue - (queues[k]?.[r] ?? 0)) / Math.max(1, users[r] ?? 0))
    queues = next
    if (moved < 1e-11) break
  }
  return { queues, residences, throughputs }
}

const finish = (
  network: ClassNetwork,
  delays: readonly (readonly number[])[],
  { residences, throughputs }: Fixed,
  method: ClassAnswer['method'],
): ClassAnswer =>
  classAnswer(
    network,
    throughputs,
    residences.map((row, k) => row.map((residence, r) => residence + (delays[k]?.[r] ?? 0))),
    method,
  )

/** Schweitzer and Bard: the shares stay as they are. Within 5 % of many users; within 26 % in random networks of a few. */
export const schweitzer = (network: ClassNetwork): ClassAnswer => {
  const core = coreOf(network)
  return finish(
    network,
    core.delays,
    fixedPoint(core, () => 0),
    'schweitzer',
  )
}

/** Linearizer: the shares are computed at n and at each n − 1s; three rounds. Within 2 % in random networks of single servers, within 12 % with several (Seidmann). */
export const linearizer = (network: ClassNetwork): ClassAnswer => {
  const core = coreOf(network)
  const { users, demands } = core
  let full = fixedPoint(core, () => 0)
  let changes: number[][][] = []
  const change: Change = (k, r, s) => changes[s]?.[k]?.[r] ?? 0
  for (let round = 0; round < 3; round++) {
    const share = (queues: readonly (readonly number[])[], k: number, r: number, of: number): number =>
      of > 0 ? (queues[k]?.[r] ?? 0) / of : 0
    const fewer = users.map((own, s) =>
      own > 0
        ? fixedPoint({ ...core, users: users.map((n, r) => (r === s ? n - 1 : n)) }, change, full.queues)
        : undefined,
    )
    changes = users.map((_, s) => {
      const reduced = fewer[s]
      return demands.map((row, k) =>
        row.map((_, r) => {
          const left = (users[r] ?? 0) - (r === s ? 1 : 0)
          return reduced === undefined || left <= 0
            ? 0
            : share(reduced.queues, k, r, left) - share(full.queues, k, r, users[r] ?? 0)
        }),
      )
    })
    full = fixedPoint(core, change, full.queues)
  }
  return finish(network, core.delays, full, 'linearizer')
}
