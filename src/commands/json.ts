/** One JSON document on stdout. */
import { invalidInput } from '../lib/errors.js'
import type { Host } from './host.js'

/** A string holds at most half a gigabyte: a result of several hundred thousand seconds does not fit. */
const jsonText = (document: unknown): string => {
  try {
    return JSON.stringify(document, undefined, 2)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw invalidInput({
      message: 'the result is too long for one JSON document',
      why: 'it holds every second of the run',
      hint: 'shorten the run, or raise its rates and speed up its steps by one factor: utilizations stay the same',
    })
  }
}

export const printJson = (host: Host, document: unknown): void => {
  host.stdout.write(`${jsonText(document)}\n`)
}
