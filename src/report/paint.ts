import { Chalk } from 'chalk'
import { type Paint, plain } from './problems.js'

const chalk = new Chalk({ level: 1 })
const painted: Paint = { good: chalk.green, bad: chalk.red, dim: chalk.dim, strong: chalk.bold }

/** `color` is the host's decision (terminal, NO_COLOR, TERM=dumb), not chalk's own guess. */
export const paintFor = (color: boolean): Paint => (color ? painted : plain)
