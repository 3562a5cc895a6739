// Plays as many requests of M/M/1 as its argument says and prints its own peak memory.
import { timed } from './measure.js'
import { mm1, mm1Rate, play } from './models.js'

const { value, seconds } = timed(() => play(mm1(), Number(process.argv[2]), mm1Rate).requests.all.completed)
const peakMiB = process.resourceUsage().maxRSS / 1024
process.stdout.write(`${JSON.stringify({ completed: value, seconds, peakMiB })}\n`)
