/**
 * What Ink writes to. It is told that the terminal is very high: a frame as high as the terminal, which a frame is for a
 * moment when the terminal is made smaller, makes Ink wipe the scrollback (ESC[3J) that belongs to the user. Its own
 * handling of a resize is left out as well, since it would draw the old frame once more in the new size.
 */
import { EventEmitter } from 'node:events'
import { withLines } from './stand-ins.js'

export class InkOutput extends EventEmitter {
  readonly isTTY = true
  readonly rows = Number.MAX_SAFE_INTEGER

  constructor(private readonly terminal: NodeJS.WriteStream) {
    super()
  }

  /** Of stand-ins: more than there are panels beside each other. */
  readonly columns = 8

  write(text: string): boolean {
    return this.terminal.write(withLines(text))
  }
}
