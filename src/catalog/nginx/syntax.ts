/** How nginx writes values. */

/** A double-quoted string. nginx knows `\\`, `\"` and `\n` in it; a `$` is literal in directives that take no variables. */
export const quoted = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`

/** Milliseconds, the finest that nginx takes; a positive time never becomes 0, which would mean "no limit". */
export const milliseconds = (seconds: number): string =>
  seconds > 0 ? `${Math.max(1, Math.round(seconds * 1000))}ms` : '0'

/** For directives that count whole seconds (`fail_timeout`): rounded up. */
export const wholeSeconds = (seconds: number): string => `${Math.ceil(seconds)}s`
