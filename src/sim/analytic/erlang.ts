/**
 * Erlang's formulas. `offered` is the offered load a = λ·S in erlangs (mean number of busy servers, were there enough).
 */

/**
 * Erlang B: the probability that all of `servers` are busy when blocked calls are lost, M/M/c/c. By the recursion
 * B(0) = 1, B(k) = a·B(k−1) / (k + a·B(k−1)), which neither overflows nor cancels for any number of servers.
 * Source: A. K. Erlang (1917); recursion: Gross & Harris, Fundamentals of Queueing Theory, §2.5.
 */
export const erlangB = (servers: number, offered: number): number => {
  let blocked = 1
  for (let k = 1; k <= servers; k++) {
    blocked = (offered * blocked) / (k + offered * blocked)
    // From here on it only shrinks; what is left is below the smallest number that a double holds.
    if (blocked === 0) return 0
  }
  return blocked
}

/**
 * Erlang C: the probability of waiting in M/M/c, by C = B / (1 − ρ·(1 − B)), ρ = a/c. 1 when it is not stable (a ≥ c).
 * Source: Gross & Harris, §2.3; Kleinrock, Queueing Systems I, §3.5.
 */
export const erlangC = (servers: number, offered: number): number => {
  if (offered >= servers) return 1
  const blocked = erlangB(servers, offered)
  return blocked / (1 - (offered / servers) * (1 - blocked))
}

/** The fewest servers with which an arrival waits with probability `bound` (0 < bound < 1) at most. */
export const serversForWaitProbability = (offered: number, bound: number): number => {
  if (!(offered > 0)) return 1
  // B by the recursion while the number of servers grows, so that the search costs no more than its answer's B.
  let blocked = 1
  for (let servers = 1; ; servers++) {
    blocked = (offered * blocked) / (servers + offered * blocked)
    if (servers > offered && blocked / (1 - (offered / servers) * (1 - blocked)) <= bound) return servers
  }
}
