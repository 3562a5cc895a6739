/** Text → tree of `yaml`, or one problem for a text that is no YAML document. */
import { type Document, isScalar, type LineCounter, parseDocument } from 'yaml'
import type { Problem } from '../errors.js'

export type Told = Pick<Problem, 'message' | 'why' | 'hint'>

/** Deep enough for any flow that a person can read; far from the end of the stack. */
export const maxDepth = 60

export const parseText = (
  text: string,
  lineCounter: LineCounter,
  fatal: (at: number, told: Told) => never,
): Document.Parsed => {
  let document: Document.Parsed
  try {
    document = parseDocument(text, {
      lineCounter,
      prettyErrors: false,
      uniqueKeys: false,
      logLevel: 'error',
      keepSourceTokens: false,
    })
  } catch (error) {
    // The composer of `yaml` recurses: a file nested thousands deep ends its stack.
    if (error instanceof RangeError) return fatal(deepest(text), { message: `nested deeper than ${maxDepth} levels` })
    return fatal(0, { message: 'not readable as YAML', why: error instanceof Error ? error.message : String(error) })
  }
  const [first] = document.errors
  if (first !== undefined) {
    if (first.code === 'MULTIPLE_DOCS') {
      fatal(first.pos[0], {
        message: 'a second document begins here',
        hint: 'one file holds one document: remove "---"',
      })
    }
    const tab = first.code === 'TAB_AS_INDENT' || /tab/i.test(first.message)
    fatal(first.pos[0], {
      message: `not valid YAML: ${lowered(first.message)}`,
      ...(tab ? { hint: 'indent with spaces' } : {}),
    })
  }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    fatal(0, { message: 'the file is empty', hint: '`plimsoll init` writes a complete example' })
  }
  return document
}

const lowered = (message: string): string => message.charAt(0).toLowerCase() + message.slice(1).trim()

/** Where the nesting of a text goes beyond `maxDepth`, by brackets, indentation or dashes; only to place a message. */
const deepest = (text: string): number => {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === '[' || c === '{') depth++
    else if (c === ']' || c === '}') depth--
    if (depth > maxDepth) return i
  }
  const dashes = /(?:[-?] ){60}/.exec(text)
  return dashes?.index ?? 0
}
