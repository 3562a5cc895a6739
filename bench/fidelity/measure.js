// Measures in pieces: what is done is kept in a state file, so that the next call goes on where this one ended.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { placements, points } from './plan.js'

const warmUpSeconds = 10
const kneeSeconds = 8
const kneeLatency = 0.05
const warmupOf = (seconds) => Math.min(4, seconds / 4)
/** A disturbed run is measured anew so often. */
const tries = 4

export const stateFile = (folder) => join(folder, 'state.json')

export const readState = (folder) =>
  existsSync(stateFile(folder))
    ? JSON.parse(readFileSync(stateFile(folder), 'utf8'))
    : { kneePerSecond: null, sessions: [] }

const writeState = (folder, state) => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${stateFile(folder)}.tmp`, `${JSON.stringify(state, null, 1)}\n`)
  renameSync(`${stateFile(folder)}.tmp`, stateFile(folder))
}

export const measure = async ({ folder, placement, sessions, seconds, minutes, tools, note }) => {
  const { makeContext, openSession, findKnee, disturbances, steadyText } = tools
  const { pin } = placements[placement]
  const state = readState(folder)
  const began = performance.now() / 1000
  const left = () => minutes * 60 - (performance.now() / 1000 - began)
  const text = (name, seed, level, length, mix) =>
    steadyText({
      name,
      topology: tools.topologyFile,
      seed,
      level,
      seconds: length,
      warmupSeconds: warmupOf(length),
      mix,
      pin,
    })
  const context = await makeContext(text('warm-up', 1, { ratePerSecond: 50 }, warmUpSeconds), join(folder, 'runs'))
  const session = await openSession(context)
  try {
    note(`  stack is up after ${(performance.now() / 1000 - began).toFixed(0)} s`)
    await session.measure(text('warm-up', 1, { ratePerSecond: (state.kneePerSecond ?? 400) / 2 }, warmUpSeconds))
    if (state.kneePerSecond === null) {
      let seed = 100
      const knee = await findKnee({
        startPerSecond: 400,
        precision: 0.06,
        mostMeasurements: 12,
        carries: async (ratePerSecond) => {
          for (let n = 1; ; n++) {
            const { result } = await session.measure(text('knee', seed++, { ratePerSecond }, kneeSeconds))
            const p99 = result.requests.all.latency?.p99 ?? Number.POSITIVE_INFINITY
            const held = p99 < kneeLatency && result.requests.all.ok === result.requests.all.completed
            const disturbed = disturbances(result).filter(({ why }) => why.startsWith('something'))
            note(
              `  knee: ${ratePerSecond.toFixed(0)}/s  p99 ${(p99 * 1e3).toFixed(1)} ms${disturbed.length > 0 ? `  (${disturbed[0].why})` : ''}`,
            )
            // What holds although it was disturbed holds all the more.
            if (held || disturbed.length === 0 || n === tries) return held
          }
        },
      })
      if (knee === undefined) throw new Error('not even a sixteenth of 400/s was carried')
      state.kneePerSecond = knee
      writeState(folder, state)
      note(`  knee: ${knee.toFixed(0)}/s`)
    }
    for (let s = 0; s < sessions; s++) {
      state.sessions[s] ??= { runs: {} }
      const { runs } = state.sessions[s]
      for (const point of points) {
        for (let n = runs[point.name]?.tries ?? 0; n < tries; n++) {
          if (runs[point.name]?.valid) break
          if (left() < seconds + 6) return { state, done: false }
          const level =
            point.users === undefined ? { ratePerSecond: state.kneePerSecond * point.share } : { users: point.users }
          const run = await session.measure(text(point.name, 1000 * (s + 1) + n, level, seconds, point.mix))
          // A closed load is meant to saturate.
          const why = disturbances(run.result)
            .filter(({ why }) => point.users === undefined || !why.includes('saturated'))
            .map((one) => one.why)
          runs[point.name] = { folder: run.folder, valid: why.length === 0, why, tries: n + 1 }
          writeState(folder, state)
          const { all } = run.result.requests
          note(
            `  ${s + 1} ${point.name.padEnd(8)} ${all.ratePerSecond.toFixed(0)}/s  p50 ${(all.latency.p50 * 1e3).toFixed(2)}  p95 ${(all.latency.p95 * 1e3).toFixed(2)} ms  ${why.join('; ')}`,
          )
        }
      }
    }
    return { state, done: true }
  } finally {
    await session.close()
  }
}
