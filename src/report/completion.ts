/** Completion scripts, made from the table of commands: names and options, and files where an argument is one. */

export interface CompletionCommand {
  readonly name: string
  readonly summary: string
  readonly options: readonly {
    readonly flags: string
    readonly summary: string
    readonly choices?: readonly string[]
  }[]
}

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

interface Flag {
  readonly long: string
  readonly short: string | undefined
  readonly takesValue: boolean
  readonly summary: string
  readonly choices: readonly string[]
}

const flagOf = ({ flags, summary, choices }: CompletionCommand['options'][number]): Flag => ({
  long: /--[\w-]+/.exec(flags)?.[0] ?? '',
  short: /(?:^|\s)(-\w)\b/.exec(flags)?.[1],
  takesValue: /[<[]/.test(flags),
  summary,
  choices: choices ?? [],
})

const help: Flag = { long: '--help', short: '-h', takesValue: false, summary: 'display help', choices: [] }

const flagsOf = (command: CompletionCommand): readonly Flag[] => [...command.options.map(flagOf), help]

const words = (flags: readonly Flag[]): string => flags.map((flag) => flag.long).join(' ')

const bash = (commands: readonly CompletionCommand[]): string => {
  const cases = commands.map((command) => {
    const choices = flagsOf(command)
      .filter((flag) => flag.choices.length > 0)
      .map(
        (flag) =>
          `      [ "$previous" = ${flag.long} ] && { COMPREPLY=($(compgen -W '${flag.choices.join(' ')}' -- "$current")); return; }\n`,
      )
    return `    ${command.name})\n${choices.join('')}      options='${words(flagsOf(command))}' ;;`
  })
  return `# plimsoll completion for bash: source <(plimsoll completion bash)
_plimsoll() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" options=''
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${commands.map((command) => command.name).join(' ')} --help --version' -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;
    *) compopt -o default 2>/dev/null ;;
  esac
}
complete -F _plimsoll plimsoll
`
}

const zshText = (text: string): string => text.replaceAll(/([[\]:\\])/g, '\\$1').replaceAll("'", "'\\''")

const zsh = (commands: readonly CompletionCommand[]): string => {
  const describe = commands.map((command) => `    '${command.name}:${zshText(command.summary)}'`)
  const cases = commands.map((command) => {
    const specs = flagsOf(command).map((flag) => {
      const value = flag.takesValue
        ? `:value:${flag.choices.length > 0 ? `(${flag.choices.join(' ')})` : '_files'}`
        : ''
      return `'${flag.long}[${zshText(flag.summary)}]${value}'`
    })
    return `      ${command.name}) _arguments ${specs.join(' ')} '*:file:_files' ;;`
  })
  return `#compdef plimsoll
# plimsoll completion for zsh: source <(plimsoll completion zsh)
_plimsoll() {
  local -a commands
  commands=(
${describe.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
  else
    local command=$words[2]
    shift words
    (( CURRENT-- ))
    case $command in
${cases.join('\n')}
    esac
  fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
compdef _plimsoll plimsoll
`
}

const fishText = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

const fish = (commands: readonly CompletionCommand[]): string => {
  const names = commands.map(
    (command) => `complete -c plimsoll -n __fish_use_subcommand -f -a ${command.name} -d ${fishText(command.summary)}`,
  )
  const options = commands.flatMap((command) =>
    flagsOf(command).map((flag) => {
      const short = flag.short === undefined ? '' : ` -s ${flag.short.slice(1)}`
      const value = flag.takesValue
        ? flag.choices.length > 0
          ? ` -x -a ${fishText(flag.choices.join(' '))}`
          : ' -r'
        : ''
      return `complete -c plimsoll -n '__fish_seen_subcommand_from ${command.name}' -l ${flag.long.slice(2)}${short}${value} -d ${fishText(flag.summary)}`
    }),
  )
  return `# plimsoll completion for fish: plimsoll completion fish | source\n${[...names, ...options].join('\n')}\n`
}

const scripts = { bash, zsh, fish } satisfies Record<Shell, (commands: readonly CompletionCommand[]) => string>

export const completionScript = (shell: Shell, commands: readonly CompletionCommand[]): string =>
  scripts[shell](commands)
