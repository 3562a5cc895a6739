import { isatty } from 'node:tty'
import { fileURLToPath } from 'node:url'
import { type Argument, Command, CommanderError, Option } from 'commander'
import type { CommandSpec, Invocation } from './commands/command.js'
import type { Host, Output } from './commands/host.js'
import { commands } from './commands/index.js'
import { PlimsollError } from './lib/errors.js'
import { type ExitCode, exitCodes } from './lib/exit-codes.js'

const version = '0.1.0'

const output = (stream: NodeJS.WriteStream): Output => ({
  write: (text) => {
    stream.write(text)
  },
  isTTY: stream.isTTY === true,
  columns: stream.columns ?? 80,
  color: stream.isTTY === true && process.env.NO_COLOR === undefined && process.env.TERM !== 'dumb',
})

/** Aborted by what ends a command early; `reason` tells which. */
const ending = new AbortController()

/** First signal: abort, so that the command undoes and cleans up. Second: go at once. */
const abortOnSignals = (): void => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (ending.signal.aborted) process.exit(signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated)
      ending.abort(signal)
    })
  }
}

/** What data was to be written to and cannot be, other than because its reader left. */
let lostOutput: Error | undefined

/**
 * Nobody may be left to read (`plimsoll demo | head -1`, a terminal that was closed). Without data there is no point in
 * going on, but what was started must still be undone, so that is no reason to die; progress is dispensable.
 */
const outliveReaders = (): void => {
  process.stderr.on('error', () => undefined)
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') lostOutput ??= error
    ending.abort('SIGPIPE')
  })
}

/** What a signal ended is not a failure of what it ended, however that came out; a closed pipe is the reader's decision. */
const codeOfEnding = (): ExitCode | undefined => {
  if (lostOutput !== undefined) return exitCodes.bug
  if (!ending.signal.aborted) return undefined
  if (ending.signal.reason === 'SIGPIPE') return exitCodes.ok
  return ending.signal.reason === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated
}

/** Ink draws nothing in CI. */
const isInCi = (): boolean =>
  ['CI', 'CONTINUOUS_INTEGRATION'].some((name) => !['false', '0', undefined].includes(process.env[name]))

/** Standard input is touched only where it is asked for: to read it keeps the program alive. */
const screenTerminal = (): Host['terminal'] =>
  process.stdout.isTTY === true && isatty(0) && process.env.TERM !== 'dumb' && !isInCi()
    ? {
        get stdin() {
          return process.stdin
        },
        stdout: process.stdout,
      }
    : undefined

const makeHost = (): Host => ({
  cwd: process.cwd(),
  env: process.env,
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  terminal: screenTerminal(),
  signal: ending.signal,
  now: () => performance.now() / 1000,
  packageFolder: fileURLToPath(new URL(import.meta.url.includes('/bundle/') ? '../..' : '..', import.meta.url)),
})

/** In lines of at most 80 columns, whatever the terminal has. */
const wrapped = (text: string): string => text.replace(/(?=.{81})(.{1,80}) /g, '$1\n')

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
  if (spec.details !== undefined) command.addHelpText('after', `\n${wrapped(spec.details)}`)
  command.action(async () => {
    await call(spec, {
      args: command.processedArgs.flat().filter((value) => value !== undefined) as string[],
      options: command.opts(),
    })
  })
}

const argumentTerm = (argument: Argument): string => {
  const name = argument.name() + (argument.variadic ? '...' : '')
  return argument.required ? `<${name}>` : `[${name}]`
}

const main = async (): Promise<ExitCode> => {
  let code: ExitCode = exitCodes.ok
  const program = new Command('plimsoll')
    .description('How much load a backend carries, what breaks first, and what to change: from one topology file.')
    .version(version)
    .showSuggestionAfterError(true)
    .showHelpAfterError('(plimsoll --help lists the commands)')
    .configureHelp({
      // Without [options], which all have, the summaries fit beside them.
      subcommandTerm: (command) =>
        `${command.name()} ${command.registeredArguments.map(argumentTerm).join(' ')}`.trim(),
    })
    .exitOverride()
    .addHelpText(
      'after',
      `\n${wrapped('Exit codes: 0 holds, 1 bug, 2 usage, 3 invalid input, 4 something did not hold, 5 a program is missing, 6 the target failed, 130/143 signals. Data goes to stdout, everything else to stderr.')}`,
    )
  const call = async (spec: CommandSpec, invocation: Omit<Invocation, 'host'>): Promise<void> => {
    const { run } = await spec.load()
    // What has nothing to undo dies of the signal itself, even while it waits for a file that never comes.
    if (spec.undoes === true) abortOnSignals()
    code = await run({ ...invocation, host: makeHost() })
  }
  for (const spec of commands) addCommand(program, spec, call)
  try {
    await program.parseAsync()
    return codeOfEnding() ?? code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    if (error instanceof PlimsollError) {
      // Only now: `--help` needs neither.
      const [{ paintFor }, { formatProblem }] = await Promise.all([
        import('./report/paint.js'),
        import('./report/problems.js'),
      ])
      const paint = paintFor(output(process.stderr).color)
      process.stderr.write(`${error.problems.map((problem) => formatProblem(problem, paint)).join('\n')}\n`)
      return codeOfEnding() ?? error.exitCode
    }
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
    process.stderr.write(`plimsoll: this is a bug of ours; please report it with the text below.\n${stack}\n`)
    return exitCodes.bug
  }
}

/** Exit only once stdout has taken everything, or refused it: a pipe may still be draining. */
const end = (code: ExitCode): void => {
  process.exitCode = code
  process.stdout.write('', () => {
    // The refusal is told after this callback.
    setImmediate(() => {
      if (lostOutput !== undefined) process.stderr.write(`plimsoll: stdout cannot be written: ${lostOutput.message}\n`)
      process.stderr.write('', () => process.exit(codeOfEnding() ?? process.exitCode))
    })
  })
}

outliveReaders()
// No await: the bundle is a script (docs/adr/0145).
void main().then(end)
