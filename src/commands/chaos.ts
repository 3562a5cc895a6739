import { runnableFaults } from '../deploy/runtime/faults.js'
import { connect, StillStarting } from '../deploy/runtime/remote.js'
import { type Fault, type FaultKind, faultKinds } from '../experiment/types.js'
import { suggestion } from '../lib/did-you-mean.js'
import { invalidInput, notYet, targetFailed } from '../lib/errors.js'
import { exitCodes } from '../lib/exit-codes.js'
import type { CommandHandler } from './command.js'
import { durationOf } from './flags.js'
import { printJson } from './json.js'
import { chosenSystem } from './systems.js'

const kindOf = (text: string): FaultKind => {
  const kind = faultKinds.find((one) => one === text)
  if (kind === undefined) {
    const hint = suggestion(text, runnableFaults)
    throw invalidInput({ message: `no kind of fault: ${text}`, ...(hint === undefined ? {} : { hint }) })
  }
  if (!runnableFaults.includes(kind)) throw notYet(`fault ${kind}`, undefined, `one of: ${runnableFaults.join(', ')}`)
  return kind
}

const targetOf = (text: string): Fault['target'] => {
  const match = /^(.+)\/(\d+)$/.exec(text)
  return match === null
    ? { kind: 'component', component: text }
    : { kind: 'instance', component: match[1] ?? '', index: Number(match[2]) }
}

export const run: CommandHandler = async (invocation) => {
  const { host, args, options } = invocation
  const [kindText = '', targetText = ''] = args
  const fault: Fault = {
    kind: kindOf(kindText),
    atSeconds: 0,
    target: targetOf(targetText),
    forSeconds: durationOf('--for', options.for),
    restartAfterSeconds: durationOf('--restart-after', options.restartAfter),
    parameters: {},
    position: { file: '', line: 1, column: 1 },
  }
  const { entry } = await chosenSystem(invocation)
  const system = await connect(entry).catch((error: unknown) => {
    throw error instanceof StillStarting ? targetFailed(error.message, undefined, 'try again when it is up') : error
  })
  const began = host.now()
  const { undo } = await system.injectFor(fault)
  const inForce = host.now() - began
  // A restart is over when the instance is back, and that is what its user waits for.
  if (fault.kind === 'restart') await undo()
  const seconds = host.now() - began
  const struck = (await system.status()).filter(({ id, component }) => id === targetText || component === targetText)
  if (options.json === true)
    printJson(host, {
      apiVersion: 'plimsoll/v1',
      kind: 'Injection',
      system: entry.id,
      fault: {
        kind: fault.kind,
        target: targetText,
        forSeconds: fault.forSeconds ?? null,
        restartAfterSeconds: fault.restartAfterSeconds ?? null,
      },
      inForceSeconds: inForce,
      seconds,
      instances: struck,
    })
  else {
    const states = struck.map(({ id, state }) => `${id} is ${state}`).join(', ')
    host.stdout.write(`${fault.kind} ${targetText}: in force after ${(inForce * 1000).toFixed(0)} ms; ${states}\n`)
    if (fault.forSeconds !== undefined) host.stdout.write(`taken back after ${options.for}\n`)
  }
  return exitCodes.ok
}
