/** Frames on the terminal, and the keys that are pressed there. */
import { render } from 'ink'
import { enterAlternateScreen, eraseScreen, type ScreenTerminal } from './alternate-screen.js'
import { Dashboard, Keyboard } from './Dashboard.js'
import type { Frame } from './frame.js'
import { InkOutput } from './ink-output.js'
import type { Key } from './keys.js'

export interface ScreenOptions {
  readonly terminal: ScreenTerminal
  readonly onKey: (input: string, key: Key) => void
  /** The terminal has another size; its screen is empty. */
  readonly onResize: () => void
  /** Drawing failed, which is a bug of ours; the terminal has been given back. */
  readonly onCrash: (error: unknown) => void
}

export interface Screen {
  draw(frame: Frame): void
  /** Gives the terminal back. Idempotent. */
  close(): void
}

export const openScreen = ({ terminal, onKey, onResize, onCrash }: ScreenOptions): Screen => {
  const { stdin, stdout } = terminal
  const restore = enterAlternateScreen(terminal)
  const picture = (frame: Frame) => (
    <>
      <Dashboard frame={frame} columns={stdout.columns} rows={stdout.rows} />
      <Keyboard onKey={onKey} />
    </>
  )
  const resized = (): void => {
    stdout.write(eraseScreen)
    onResize()
  }
  let ink: ReturnType<typeof render> | undefined
  const close = (): void => {
    stdout.off('resize', resized)
    ink?.unmount()
    restore()
  }
  stdout.on('resize', resized)
  return {
    draw: (frame) => {
      if (ink !== undefined) return ink.rerender(picture(frame))
      ink = render(picture(frame), {
        // Ink asks of it no more than this.
        stdout: new InkOutput(stdout) as unknown as NodeJS.WriteStream,
        stdin,
        exitOnCtrlC: false,
        patchConsole: false,
        incrementalRendering: false,
        isScreenReaderEnabled: false,
      })
      ink.waitUntilExit().catch((error: unknown) => {
        close()
        onCrash(error)
      })
    },
    close,
  }
}
