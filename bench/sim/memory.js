/** Peak resident memory of a process that plays fifty million requests of M/M/1, and nothing else. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const requests = 50_000_000
const boundMiB = 150

export const memory = (note) => {
  note(`playing ${requests / 1e6} million requests`)
  const child = fileURLToPath(new URL('memory-child.js', import.meta.url))
  const text = execFileSync(process.execPath, [child, String(requests)], { encoding: 'utf8' })
  const { completed, peakMiB, seconds } = JSON.parse(text)
  return { requests, completed, seconds, peakMiB, boundMiB, holds: completed >= requests * 0.99 && peakMiB < boundMiB }
}
