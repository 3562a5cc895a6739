import { suggestion } from '../lib/did-you-mean.js'
import { usageError } from '../lib/errors.js'
import { exitCodes } from '../lib/exit-codes.js'
import { completionScript, type Shell, shells } from '../report/completion.js'
import type { CommandHandler } from './command.js'
import { commands } from './index.js'

const isShell = (text: string): text is Shell => (shells as readonly string[]).includes(text)

export const run: CommandHandler = async ({ args, host }) => {
  const shell = args[0] ?? ''
  if (!isShell(shell)) throw usageError(`no completion for the shell "${shell}"`, suggestion(shell, shells))
  const table = commands.map(({ name, summary, options }) => ({ name, summary, options: options ?? [] }))
  host.stdout.write(completionScript(shell, table))
  return exitCodes.ok
}
