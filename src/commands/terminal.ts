import type { Host } from './host.js'

/** Terminals whose fonts have no braille. */
const poor: ReadonlySet<string> = new Set(['dumb', 'linux', 'vt100', 'vt220'])

/** Whether drawings must do without characters beyond ASCII; a locale that is not set is taken for a modern one. */
export const inAscii = ({ TERM, LC_ALL, LC_CTYPE, LANG }: Host['env']): boolean => {
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== '')
  return poor.has(TERM ?? '') || (locale !== undefined && !/utf-?8/i.test(locale))
}
