/** Ends and removes whatever carries the label of a system: for `down`, also after a `kill -9` of whoever made it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type ContainerEngine, systemLabel } from '../../../contract/containers.js'
import type { LedgerEntry } from '../../../contract/ledger.js'
import { targetFailed } from '../../../lib/errors.js'
import { sleep } from '../time.js'

/** Exists in a system's folder while compose makes its containers. */
export const makingFile = (systemFolder: string): string => join(systemFolder, 'making-containers')

/** Nothing must have been there for this long, look after look. */
const stillSeconds = 0.15
/** If it died while it was asking the engine for containers, the engine may still be making the last of them. */
const stillSecondsWhileMaking = 3
const patienceSeconds = 60

export const removeContainers = async (entry: LedgerEntry, engine: ContainerEngine): Promise<void> => {
  const still = existsSync(makingFile(entry.folder)) ? stillSecondsWhileMaking : stillSeconds
  const now = (): number => performance.now() / 1000
  const deadline = now() + patienceSeconds
  try {
    for (let emptySince: number | undefined; emptySince === undefined || now() - emptySince < still; ) {
      const found = await engine.labelled(systemLabel, entry.id)
      const { containers, networks, volumes } = found
      if (containers.length + networks.length + volumes.length === 0) emptySince ??= now()
      else {
        emptySince = undefined
        if (now() > deadline)
          throw targetFailed(
            `Docker does not remove all of ${entry.id} within ${patienceSeconds} s`,
            `left are: ${[...containers, ...networks, ...volumes].join(', ')}`,
            'plimsoll down once more; the log of dockerd says why',
          )
        await engine.remove(found)
      }
      await sleep(0.05)
    }
  } catch (error) {
    if (await engine.version().catch(() => undefined)) throw error
    throw targetFailed(
      `what ${entry.id} has in containers cannot be removed: no Docker engine answers at ${engine.endpoint}`,
      error instanceof Error ? error.message : String(error),
      'start the engine, then plimsoll down: the ledger keeps the entry until then',
    )
  }
}
