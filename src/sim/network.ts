/**
 * What the way between two components does to what is sent over it: the distance between zones and regions, and what faults
 * add. Pure: it is told the time and draws from the stream that it is handed.
 *
 * Loss follows TCP's retransmission on an established connection (RFC 6298; Linux: the first after 200 ms, then doubling up to
 * 120 s, given up after 15). A message is taken to be lost or to arrive as a whole.
 */

/** Where something is; undefined: nobody says. */
export interface Place {
  readonly zone: string | undefined
  readonly region: string | undefined
}

/**
 * There and back, in seconds. Regions differ: `crossRegionSeconds`; zones (of one region) differ: `crossZoneSeconds`; within a
 * zone, or where nobody says: 0, since the time on a local network is part of what calibration measures.
 */
export const roundTripSeconds = (
  from: Place,
  to: Place,
  network: { readonly crossZoneSeconds: number; readonly crossRegionSeconds: number },
): number => {
  if (from.region !== undefined && to.region !== undefined && from.region !== to.region)
    return network.crossRegionSeconds
  if (from.zone !== undefined && to.zone !== undefined && from.zone !== to.zone) return network.crossZoneSeconds
  return 0
}

export const firstRetransmissionSeconds = 0.2
export const longestRetransmissionSeconds = 120
export const retransmissions = 15

/** When the n-th retransmission is sent (n ≥ 1), after the first sending: 0.2, 0.6, 1.4, 3, … s. */
export const retransmissionSeconds = (n: number): number => {
  let at = 0
  for (let i = 0, wait = firstRetransmissionSeconds; i < n; i++) {
    at += wait
    wait = Math.min(2 * wait, longestRetransmissionSeconds)
  }
  return at
}

/** After this long without an acknowledgement TCP gives a connection up: 924.6 s. */
export const giveUpSeconds = retransmissionSeconds(retransmissions + 1)

/**
 * When what was first sent at `sentAt`, and could not pass, is sent again so that it passes: the first retransmission from
 * `healedAt` on. Infinite: the connection had been given up before.
 */
export const passesAt = (sentAt: number, healedAt: number): number => {
  if (healedAt <= sentAt) return sentAt
  for (let n = 1; n <= retransmissions; n++) {
    const at = sentAt + retransmissionSeconds(n)
    if (at >= healedAt) return at
  }
  return Number.POSITIVE_INFINITY
}

/** What one fault does to a way. */
export interface Impairment {
  readonly addSeconds?: number
  /** Added or taken away, uniformly up to this much (of `latency`). */
  readonly jitterSeconds?: number
  /** Added, uniformly up to this much (of `jitter`). */
  readonly upToSeconds?: number
  readonly lossShare?: number
  readonly bytesPerSecond?: number
  readonly partitioned?: boolean
  readonly resetShare?: number
  /** Calls that are answered with an error. */
  readonly errorShare?: number
}

/** Never passes as things are: the way is cut, or all is lost. */
export const blocked = Number.POSITIVE_INFINITY

export interface Uniform {
  uniform(): number
}

/** The way from one component to another. Delays, jitter and loss strike on the way there, the others both ways. */
export class Way {
  /** Once, there and back together, whatever the faults. */
  roundTripSeconds = 0
  private readonly impairments = new Set<Impairment>()
  private impaired = false
  private addSeconds = 0
  private jitters: readonly number[] = []
  private upTos: readonly number[] = []
  private lossShare = 0
  private bytesPerSecond = Number.POSITIVE_INFINITY
  private resetShare = 0
  private errorShare = 0
  partitioned = false
  /** When the way has sent what it was given before, there and back. */
  private freeAt: [number, number] = [0, 0]

  /** Nothing has to be reckoned: what is sent is there. */
  get isPlain(): boolean {
    return !this.impaired && this.roundTripSeconds === 0
  }

  get isImpaired(): boolean {
    return this.impaired
  }

  strike(impairment: Impairment): void {
    this.impairments.add(impairment)
    this.reckon()
  }

  relieve(impairment: Impairment): void {
    this.impairments.delete(impairment)
    this.reckon()
  }

  /** Does this call find its connection reset? */
  resets(random: Uniform): boolean {
    return this.resetShare > 0 && (this.resetShare >= 1 || random.uniform() < this.resetShare)
  }

  /** Is this call answered with an error? */
  errs(random: Uniform): boolean {
    return this.errorShare > 0 && (this.errorShare >= 1 || random.uniform() < this.errorShare)
  }

  /** Seconds until a message of so many bytes, sent at `now`, has arrived; `blocked`: it does not. */
  thereSeconds(bytes: number, now: number, random: Uniform): number {
    const base = this.roundTripSeconds / 2
    if (!this.impaired) return base
    if (this.partitioned) return blocked
    let seconds = base + this.addSeconds
    for (const jitter of this.jitters) seconds += (2 * random.uniform() - 1) * jitter
    for (const upTo of this.upTos) seconds += random.uniform() * upTo
    seconds = Math.max(0, seconds)
    if (this.lossShare > 0) seconds += this.lossSeconds(random)
    return seconds + this.sending(0, bytes, now)
  }

  backSeconds(bytes: number, now: number): number {
    const base = this.roundTripSeconds / 2
    if (!this.impaired) return base
    return this.partitioned ? blocked : base + this.sending(1, bytes, now)
  }

  /** How long a message is delayed that is lost n times, with probability pⁿ(1 − p). */
  private lossSeconds(random: Uniform): number {
    let lost = 0
    while (random.uniform() < this.lossShare) {
      lost += 1
      if (lost > retransmissions) return blocked
    }
    return retransmissionSeconds(lost)
  }

  /** First come, first served at so many bytes a second. */
  private sending(direction: 0 | 1, bytes: number, now: number): number {
    if (this.bytesPerSecond === Number.POSITIVE_INFINITY || bytes === 0) return 0
    const done = Math.max(now, this.freeAt[direction]) + bytes / this.bytesPerSecond
    this.freeAt[direction] = done
    return done - now
  }

  /** Delays add up, losses, resets and errors are independent of each other, the narrowest bandwidth holds. */
  private reckon(): void {
    const all = [...this.impairments]
    this.impaired = all.length > 0
    this.addSeconds = all.reduce((sum, { addSeconds = 0 }) => sum + addSeconds, 0)
    this.jitters = all.flatMap(({ jitterSeconds }) => jitterSeconds ?? [])
    this.upTos = all.flatMap(({ upToSeconds }) => upToSeconds ?? [])
    this.lossShare = 1 - all.reduce((passes, { lossShare = 0 }) => passes * (1 - lossShare), 1)
    this.resetShare = 1 - all.reduce((passes, { resetShare = 0 }) => passes * (1 - resetShare), 1)
    this.errorShare = 1 - all.reduce((passes, { errorShare = 0 }) => passes * (1 - errorShare), 1)
    this.bytesPerSecond = Math.min(
      Number.POSITIVE_INFINITY,
      ...all.map(({ bytesPerSecond = Infinity }) => bytesPerSecond),
    )
    this.partitioned = all.some(({ partitioned }) => partitioned === true)
    if (this.bytesPerSecond === Number.POSITIVE_INFINITY) this.freeAt = [0, 0]
  }
}
