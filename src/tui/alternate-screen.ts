/**
 * The terminal's other screen, on which nothing scrolls away what was there before. Whatever ends the process, the terminal
 * is given back: its main screen, its cursor, its echo.
 */

const enter = '\u001b[?1049h\u001b[?25l\u001b[H\u001b[2J'
/** Ends a synchronized update that may be open, too. */
const leave = '\u001b[?2026l\u001b[0m\u001b[?25h\u001b[?1049l'

export const eraseScreen = '\u001b[H\u001b[2J'

export interface ScreenTerminal {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
}

/** Returns what gives the terminal back; further calls do nothing. */
export const enterAlternateScreen = ({ stdin, stdout }: ScreenTerminal): (() => void) => {
  let isThere = true
  const restore = (): void => {
    if (!isThere) return
    isThere = false
    process.off('exit', restore)
    process.off('uncaughtExceptionMonitor', restore)
    if (stdin.isTTY && stdin.isRaw) stdin.setRawMode(false)
    stdout.write(leave)
  }
  // A second Ctrl-C exits at once; an exception is told after this, on the screen that stays.
  process.on('exit', restore)
  process.on('uncaughtExceptionMonitor', restore)
  stdout.write(enter)
  return restore
}
