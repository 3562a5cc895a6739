/** Rules of thumb for the size of a connection pool. Source: HikariCP wiki, About Pool Sizing; PostgreSQL wiki, Number Of Database Connections. */

/** What keeps a database busy and no busier: cores × 2 + effective spindles. A start for measurements, no optimum. */
export const poolSizeForCores = (cores: number, spindles: number): number => cores * 2 + spindles

/** The fewest connections with which `threads` that each hold up to `connectionsEach` at once cannot deadlock: T(C − 1) + 1. */
export const deadlockFreePoolSize = (threads: number, connectionsEach: number): number =>
  threads * (connectionsEach - 1) + 1
