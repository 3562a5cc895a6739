/**
 * What picking an instance costs, by number of peers: looking at every one against a tournament tree. Nanoseconds per pick
 * and release, medians of rounds that take turns. Run `npm run build` before.
 */
import { makeBalancer } from '../dist/policy/balancer.js'

const picks = 300_000
const rounds = 5

/** Requests that overlap as under load: as many in flight as half the peers. */
const nanoseconds = (algorithm, peers, scanLimit) => {
  let seed = 1
  const uniform = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return seed / 2 ** 32
  }
  const health = { maxFails: 3, failTimeoutSeconds: 10 }
  const balancer = makeBalancer({ algorithm, weights: Array(peers).fill(1), health, uniform, scanLimit })
  const held = Array.from({ length: Math.max(1, peers >> 1) }, () => balancer.pick(0, [], 0))
  const none = []
  const started = process.hrtime.bigint()
  for (let i = 0; i < picks; i++) {
    const slot = Math.floor(uniform() * held.length)
    balancer.release(held[slot], 'succeeded', i * 1e-3)
    held[slot] = balancer.pick(i * 1e-3, none, i)
  }
  return Number(process.hrtime.bigint() - started) / picks
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1]

const scan = Number.POSITIVE_INFINITY
for (const algorithm of ['round_robin', 'least_conn', 'random_two', 'ip_hash']) {
  const tree = algorithm === 'round_robin' || algorithm === 'least_conn'
  for (const peers of [3, 8, 16, 24, 32, 48, 64, 128, 300, 1000]) {
    const times = { scan: [], tree: [] }
    for (let round = 0; round < rounds; round++) {
      times.scan.push(nanoseconds(algorithm, peers, scan))
      if (tree) times.tree.push(nanoseconds(algorithm, peers, 0))
    }
    const shown = (name) => (times[name].length === 0 ? '' : `${name} ${median(times[name]).toFixed(0).padStart(6)} ns`)
    console.log(`${algorithm.padEnd(12)} ${String(peers).padStart(5)} peers   ${shown('scan')}   ${shown('tree')}`)
  }
}
