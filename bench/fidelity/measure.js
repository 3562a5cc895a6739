// Measures in pieces: what is done is kept in a state file, so that the next call goes on where this one ended.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { placements, points } from './plan.js'

/** The just-in-time compiler optimizes for some ten thousand requests to each process: until then all is dearer, by up to a half. */
const warmUp = { name: 'warm-up', seed: 1, level: { users: 32 }, seconds: 30 }
const kneeSeconds = 8
/** Before anything is known of the knee. */
const startPerSecond = 400
/** What a piece of work takes beside its seconds. */
const aroundSeconds = 5

export const readState = (folder, empty) => {
  const file = join(folder, 'state.json')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : empty
}

export const writeState = (folder, state) => {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'state.json')
  writeFileSync(`${file}.tmp`, `${JSON.stringify(state, null, 1)}\n`)
  renameSync(`${file}.tmp`, file)
}

const note = (text) => process.stderr.write(`${text}\n`)
const told = (name, { run: { result }, disturbed }) => {
  const { latency, ratePerSecond } = result.requests.all
  const times = latency === null ? '' : `p50 ${(latency.p50 * 1e3).toFixed(2)} p95 ${(latency.p95 * 1e3).toFixed(2)} ms`
  note(`  ${name.padEnd(14)} ${ratePerSecond.toFixed(0)}/s ${times}  ${disturbed.map(({ why }) => why).join('; ')}`)
}

/** Each round begins elsewhere: what a load leaves behind (a vacuum, a checkpoint) meets another one each time. */
const inOrder = (round) => points.map((_, i) => points[(i + 4 * round) % points.length])

const slices = (runs, name) => runs[name] ?? []

/** Until `minutes` are over; the state tells how far it has come. */
export const measure = async ({ folder, placement, sessions, rounds, seconds, minutes, tools }) => {
  const { pin } = placements[placement]
  const state = readState(folder, { kneePerSecond: null, rounds, sessions: [] })
  const began = performance.now() / 1000
  const left = () => minutes * 60 - (performance.now() / 1000 - began)
  const conditions = (mix) => ({ topology: tools.topologyFile, mix, pin })
  const text = tools.steadyText({ ...conditions(), ...warmUp, warmupSeconds: 0 })
  const session = await tools.openSession(await tools.makeContext(text, join(folder, 'runs')))
  const options = (mix) => ({ session, conditions: conditions(mix), onMeasured: told })
  try {
    await tools.measureOnce(options(), warmUp)
    if (state.kneePerSecond === null) {
      const knee = await tools.measureKnee(options(), { startPerSecond, seconds: kneeSeconds })
      if (knee === undefined) throw new Error(`not even a sixteenth of ${startPerSecond}/s was carried`)
      state.kneePerSecond = knee
      writeState(folder, state)
      note(`  knee ${knee.toFixed(0)}/s`)
    }
    while (state.sessions.length < sessions) state.sessions.push({ runs: {} })
    for (const [s, { runs }] of state.sessions.entries())
      for (let round = 0; round < state.rounds; round++)
        for (const point of inOrder(s * state.rounds + round)) {
          if (slices(runs, point.name).length > round) continue
          if (left() < 2 * (seconds + aroundSeconds)) return
          const slice = await undisturbed({ tools, options: options(point.mix), point, state, s, round, seconds })
          runs[point.name] = [...slices(runs, point.name), slice]
          writeState(folder, state)
        }
  } finally {
    await session.close()
  }
}

/** Once more where something disturbed it. */
const undisturbed = async ({ tools, options, point, state, s, round, seconds }) => {
  const level =
    point.users === undefined ? { ratePerSecond: state.kneePerSecond * point.share } : { users: point.users }
  for (let tries = 0; ; tries++) {
    const seed = 1000 * (s + 1) + 10 * round + tries
    const { run, disturbed } = await tools.measureOnce(options, { name: point.name, seed, level, seconds })
    const valid = disturbed.length === 0
    if (valid || tries === 1) return { folder: run.folder, valid, why: disturbed.map(({ why }) => why) }
  }
}
