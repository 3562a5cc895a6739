import { fileURLToPath } from 'node:url'
import { Command, CommanderError, Option } from 'commander'
import type { CommandSpec, Invocation } from './commands/command.js'
import type { Host, Output } from './commands/host.js'
import { commands } from './commands/index.js'
import { PlimsollError } from './lib/errors.js'
import { type ExitCode, exitCodes } from './lib/exit-codes.js'
import { ansi, formatProblem, plain } from './report/problems.js'

const version = '0.1.0'

const output = (stream: NodeJS.WriteStream): Output => ({
  write: (text) => {
    stream.write(text)
  },
  isTTY: stream.isTTY === true,
  columns: stream.columns ?? 80,
  color: stream.isTTY === true && process.env.NO_COLOR === undefined && process.env.TERM !== 'dumb',
})

/** First signal: abort, so that the command undoes and cleans up. Second: go at once. */
const abortOnSignals = (): AbortSignal => {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated)
      controller.abort(signal)
    })
  }
  return controller.signal
}

const makeHost = (): Host => ({
  cwd: process.cwd(),
  env: process.env,
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  signal: abortOnSignals(),
  now: () => performance.now() / 1000,
  packageFolder: fileURLToPath(new URL('..', import.meta.url)),
})

const addCommand = (
  program: Command,
  spec: CommandSpec,
  call: (spec: CommandSpec, invocation: Omit<Invocation, 'host'>) => Promise<void>,
): void => {
  const command = program.command(spec.name).summary(spec.summary).description(spec.summary)
  for (const argument of spec.arguments ?? []) command.argument(argument.name, argument.summary)
  for (const option of spec.options ?? []) {
    const made = new Option(option.flags, option.summary)
    if (option.default !== undefined) made.default(option.default)
    if (option.choices !== undefined) made.choices(option.choices)
    if (option.repeatable === true)
      made.argParser((value, previous: readonly string[] | undefined) => [...(previous ?? []), value])
    command.addOption(made)
  }
  if (spec.details !== undefined) command.addHelpText('after', `\n${spec.details}`)
  command.action(async () => {
    await call(spec, {
      args: command.processedArgs.flat().filter((value) => value !== undefined) as string[],
      options: command.opts(),
    })
  })
}

const main = async (): Promise<ExitCode> => {
  let code: ExitCode = exitCodes.ok
  let host: Host | undefined
  /** What a signal ended is not a failure of what it ended, however that came out. */
  const signalCode = (): ExitCode | undefined =>
    host?.signal.aborted === true
      ? host.signal.reason === 'SIGINT'
        ? exitCodes.interrupted
        : exitCodes.terminated
      : undefined
  const program = new Command('plimsoll')
    .description('How much load a backend carries, what breaks first, and what to change: from one topology file.')
    .version(version)
    .showSuggestionAfterError(true)
    .showHelpAfterError('(plimsoll --help lists the commands)')
    .exitOverride()
    .addHelpText(
      'after',
      '\nExit codes: 0 holds, 1 bug, 2 usage, 3 invalid input, 4 something did not hold, 5 a program is missing,\n6 the target failed, 130/143 signals. Data goes to stdout, everything else to stderr.',
    )
  const call = async (spec: CommandSpec, invocation: Omit<Invocation, 'host'>): Promise<void> => {
    const { run } = await spec.load()
    host = makeHost()
    code = await run({ ...invocation, host })
  }
  for (const spec of commands) addCommand(program, spec, call)
  try {
    await program.parseAsync()
    return signalCode() ?? code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    const paint = process.stderr.isTTY && process.env.NO_COLOR === undefined ? ansi : plain
    if (error instanceof PlimsollError) {
      process.stderr.write(`${error.problems.map((problem) => formatProblem(problem, paint)).join('\n')}\n`)
      return signalCode() ?? error.exitCode
    }
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
    process.stderr.write(`plimsoll: this is a bug of ours; please report it with the text below.\n${stack}\n`)
    return exitCodes.bug
  }
}

// A closed pipe (`plimsoll plan … | head`) is the reader's decision, not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok)
  throw error
})

process.exitCode = await main()
// Exit only once stdout has taken everything: a pipe may still be draining.
process.stdout.write('', () => process.stderr.write('', () => process.exit()))
