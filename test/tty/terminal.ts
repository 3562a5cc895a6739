/** A terminal for tests: tmux with a server of its own, so that neither the user's sessions nor its settings matter. */
import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Terminal {
  /** Types text and presses Enter. */
  readonly run: (command: string) => void
  /** Presses keys by tmux's names, such as C-c. */
  readonly press: (...keys: string[]) => void
  /** What is to be seen, without trailing blanks. */
  readonly screen: () => string
  /** The same with everything that has scrolled out; wrapped lines joined. */
  readonly history: () => string
  /** Waits until the history matches; fails with what is to be seen. */
  readonly until: (pattern: RegExp, seconds: number) => Promise<string>
  /** Whether the terminal shows its cursor, and whether it is on the alternate screen. */
  readonly modes: () => { readonly cursor: boolean; readonly alternate: boolean }
  /** Writes every byte that programs send to the terminal to a file, from now on. */
  readonly record: (file: string) => void
  readonly resize: (columns: number, rows: number) => void
  readonly close: () => void
}

let count = 0

/** `folder`: where the shell starts. CI is unset: a terminal in CI is still a terminal. */
export const openTerminal = (options: { columns: number; rows: number; folder: string }): Terminal => {
  const socket = `plimsoll-test-${process.pid}-${++count}`
  const tmux = (...args: string[]): string =>
    execFileSync('tmux', ['-L', socket, '-f', '/dev/null', ...args], { encoding: 'utf8' })
  tmux(
    ...['new-session', '-d', '-x', String(options.columns), '-y', String(options.rows), '-c', options.folder],
    'env -u CI -u NO_COLOR PS1="ready> " bash --norc --noprofile',
  )
  const capture = (...args: string[]): string => tmux('capture-pane', '-p', ...args).replace(/[ \n]+$/, '')
  const history = (): string => capture('-J', '-S', '-')
  return {
    run: (command) => {
      tmux('send-keys', '-l', command)
      tmux('send-keys', 'Enter')
    },
    press: (...keys) => {
      tmux('send-keys', ...keys)
    },
    screen: () => capture(),
    history,
    until: async (pattern, seconds) => {
      const end = performance.now() + seconds * 1000
      for (;;) {
        const seen = history()
        if (pattern.test(seen)) return seen
        if (performance.now() > end) throw new Error(`${pattern} was not seen within ${seconds} s, but:\n${seen}`)
        await sleep(50)
      }
    },
    modes: () => {
      const [cursor, alternate] = tmux('display-message', '-p', '#{cursor_flag} #{alternate_on}').trim().split(' ')
      return { cursor: cursor === '1', alternate: alternate === '1' }
    },
    record: (file) => {
      tmux('pipe-pane', `cat >> '${file}'`)
    },
    resize: (width, height) => {
      tmux('resize-window', '-x', String(width), '-y', String(height))
    },
    close: () => {
      tmux('kill-server')
    },
  }
}
