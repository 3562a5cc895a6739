import { notYet } from '../lib/errors.js'
import type { CommandHandler } from './command.js'

export const run: CommandHandler = () => Promise.reject(notYet('this command'))
