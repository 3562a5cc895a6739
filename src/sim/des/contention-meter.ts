/** What requests had to wait for, and were refused, where they contend for locks and counters: over the measured time. */
import type { ComponentResult, CounterResult, LockResult } from '../../result/run-result.js'
import type { CounterStatistics } from '../state/counters.js'
import type { LockStatistics } from '../state/locks.js'
import type { SharedState } from './state-ledger.js'

type Counts = LockStatistics | CounterStatistics

export class ContentionMeter {
  /** Of each, at the beginning of the measured time. */
  private marks = new Map<Counts, Counts>()

  constructor(private readonly state: SharedState) {}

  mark(): void {
    const { counterPlaces, lockPlaces, locks, rows, counters } = this.state
    const all = [
      ...lockPlaces.map(({ space }) => locks.locks.of(space)),
      ...counterPlaces.flatMap((place): Counts[] => [rows.locks.of(place.rows), counters.of(place.counter)]),
    ]
    this.marks = new Map(all.map((counts) => [counts, { ...counts }]))
    locks.locks.resetPeaks()
    rows.locks.resetPeaks()
  }

  of(component: string): Pick<ComponentResult, 'locks' | 'counters'> {
    const { counterPlaces, lockPlaces, locks, rows, counters } = this.state
    const ownLocks = lockPlaces.filter(({ cache }) => cache === component)
    const ownCounters = counterPlaces.filter(({ store }) => store === component)
    return {
      ...(ownLocks.length === 0
        ? {}
        : { locks: Object.fromEntries(ownLocks.map(({ data, space }) => [data, this.lock(locks.locks.of(space))])) }),
      ...(ownCounters.length === 0
        ? {}
        : {
            counters: Object.fromEntries(
              ownCounters.map((place) => [
                place.name,
                this.counter(counters.of(place.counter), rows.locks.of(place.rows)),
              ]),
            ),
          }),
    }
  }

  private lock(of: LockStatistics): LockResult {
    const { acquired, waited, wait, held, gaveUp, expired, overlaps, fencedOff } = this.holding(of)
    return { acquired, waited, wait, held, gaveUp, expired, overlaps, fencedOff }
  }

  private counter(of: CounterStatistics, rows: LockStatistics): CounterResult {
    const since = (of: CounterStatistics, name: keyof CounterStatistics): number =>
      of[name] - ((this.marks.get(of) as CounterStatistics | undefined)?.[name] ?? 0)
    const { waited, wait } = this.holding(rows)
    return {
      reserved: since(of, 'reserved'),
      released: since(of, 'released'),
      soldOut: since(of, 'soldOut'),
      conflicts: since(of, 'conflicts'),
      oversold: since(of, 'oversold'),
      waited,
      wait,
    }
  }

  private holding(of: LockStatistics): LockResult {
    const mark = this.marks.get(of) as LockStatistics | undefined
    const since = (name: keyof LockStatistics): number => of[name] - (mark?.[name] ?? 0)
    const acquired = since('acquired')
    return {
      acquired,
      waited: since('waited'),
      // Who found it free waited for nothing.
      wait: { mean: acquired === 0 ? 0 : since('waitSeconds') / acquired, max: of.longestWaitSeconds },
      held: { mean: acquired === 0 ? 0 : since('heldSeconds') / acquired },
      gaveUp: since('gaveUp'),
      expired: since('expired'),
      overlaps: since('overlaps'),
      fencedOff: since('fencedOff'),
    }
  }
}
