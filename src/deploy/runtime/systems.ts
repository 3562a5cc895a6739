/** The systems that a ledger knows, and which of them a command means. */
import type { LedgerEntry } from '../../contract/ledger.js'
import type { Ledger, Machine } from '../../contract/machine.js'
import { suggestion } from '../../lib/did-you-mean.js'
import { invalidInput, targetFailed } from '../../lib/errors.js'
import { askDown, connect, type RemoteSystem, StillStarting } from './remote.js'
import { sleep } from './time.js'
import { copiesOf, livingOwner, type Undone, undoThroughOwner } from './undo.js'

export interface KnownSystem {
  readonly entry: LedgerEntry
  /** Its owner lives. */
  readonly owned: boolean
}

export const knownSystems = async (ledger: Ledger, machine: Machine): Promise<readonly KnownSystem[]> =>
  (await ledger.list()).flatMap((entry) =>
    'broken' in entry ? [] : [{ entry, owned: livingOwner(entry, machine) !== undefined }],
  )

const unknownId = (id: string, known: readonly string[]) => {
  const hint = suggestion(id, known)
  return invalidInput({
    message: `no system ${id} was started from this folder`,
    hint: hint ?? 'plimsoll status lists the systems',
  })
}

/**
 * The one that `id` names, else the only one that is owned, else the only one. Throws with exit code 6 when there is none,
 * 3 when there is no such one or more than one.
 */
export const chooseSystem = (systems: readonly KnownSystem[], id: string | undefined): KnownSystem => {
  const ids = systems.map(({ entry }) => entry.id)
  if (id !== undefined) {
    const found = systems.find(({ entry }) => entry.id === id)
    if (found === undefined) throw unknownId(id, ids)
    return found
  }
  const owned = systems.filter((system) => system.owned)
  const candidates = owned.length > 0 ? owned : systems
  const [first, ...others] = candidates
  if (first === undefined)
    throw targetFailed(
      'nothing is up',
      'the ledger of this folder (.plimsoll/ledger) has no system',
      'plimsoll up <topology>',
    )
  if (others.length > 0)
    throw invalidInput({ message: 'more than one system is up', hint: `--system with one of: ${ids.join(', ')}` })
  return first
}

/** A system that somebody else is starting gets this long to become healthy. */
const startSeconds = 120

/** Like `connect`, and waits while it is being started by whoever owns it. */
export const connectWhenReady = async (
  { id }: LedgerEntry,
  ledger: Ledger,
  machine: Machine,
  signal: AbortSignal,
): Promise<RemoteSystem> => {
  const deadline = performance.now() + startSeconds * 1000
  for (;;) {
    // Anew each time: `up` hands it to a supervisor on the way.
    const entry = await ledger.read(id)
    if (entry === undefined || livingOwner(entry, machine) === undefined)
      throw targetFailed(`${id} did not come up`, 'whoever was starting it has given up', 'start it again')
    try {
      return await connect(entry)
    } catch (error) {
      if (!(error instanceof StillStarting)) throw error
      if (signal.aborted || performance.now() > deadline) throw targetFailed(error.message)
    }
    await sleep(0.1)
  }
}

/** How long a supervisor may take to end its system before it is ended from outside. */
const askSeconds = 20

const ask =
  (machine: Machine) =>
  async (entry: LedgerEntry, owner: { readonly pid: number }): Promise<void> => {
    // A run undoes its own system when it is interrupted, and so does an `up` that has no supervisor yet.
    if (entry.purpose !== 'up') machine.signal(owner.pid, 'SIGTERM')
    else await askDown(entry, askSeconds).catch(() => machine.signal(owner.pid, 'SIGTERM'))
  }

/** Undoes every entry, or the one with this id. Resolves with what was undone; rejects once all were tried. */
export const undoAll = async (ledger: Ledger, machine: Machine, id?: string): Promise<readonly Undone[]> => {
  const listed = await ledger.list()
  const copies = await copiesOf(ledger, machine)
  // The ledger's folder may have been deleted under a system that is up.
  const all = [...listed, ...copies.filter((copy) => !listed.some((entry) => entry.id === copy.id))]
  if (id !== undefined && !all.some((entry) => entry.id === id))
    throw unknownId(
      id,
      all.map((entry) => entry.id),
    )
  const outcomes = await Promise.allSettled(
    all
      .filter((entry) => id === undefined || entry.id === id)
      .map(async (entry): Promise<Undone> => {
        if (!('broken' in entry)) return undoThroughOwner(entry, ledger, machine, ask(machine))
        const whole = copies.find((copy) => copy.id === entry.id)
        if (whole !== undefined) return undoThroughOwner(whole, ledger, machine, ask(machine))
        await ledger.remove(entry.id)
        return { id: entry.id, processes: 0 }
      }),
  )
  await ledger.tidy()
  const failure = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failure !== undefined) throw failure.reason
  return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
}
