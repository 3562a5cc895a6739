// Each session is calibrated by its own runs at 10 % and 45 %, and predicts its others; what counts is the median over the sessions.
import { placements, points } from './plan.js'
import { middle } from './statistics.js'

/** Requests that each prediction rests on, as replications of the measured length. */
const replications = 4

/** What is compared of a point: error as a ratio, or as a difference of utilizations. */
const quantities = [
  { name: 'p50', of: (r) => r.requests.all.latency.p50, unit: 'ms', relative: true, open: true },
  { name: 'p95', of: (r) => r.requests.all.latency.p95, unit: 'ms', relative: true, open: true },
  { name: 'host', of: (r) => r.hosts.local.utilization.cpu, unit: '%', relative: false, open: true },
  { name: 'throughput', of: (r) => r.requests.all.ratePerSecond, unit: '/s', relative: true, open: false },
]

/** CPU-seconds per answered request, by component and of the generator. */
const costs = ({ components, generator, requests }) =>
  Object.fromEntries(
    [...Object.entries(components), ['generator', generator]].map(([id, { cpuSeconds }]) => [
      id,
      cpuSeconds / requests.all.completed,
    ]),
  )

/** Predicted less measured. */
const costErrors = (predicted, measured) => {
  const [sims, stack] = [predicted.map(costs), costs(measured)]
  return Object.fromEntries(Object.keys(stack).map((id) => [id, middle(sims.map((sim) => sim[id])) - stack[id]]))
}

const play = ({ tools, topology, run, seed }) => {
  const experiment = tools.parseExperiment(run.text, { file: run.file, topology })
  const simulation = new tools.Simulation({ topology, experiment, placement: run.result.placement, seed })
  while (simulation.advance());
  return simulation.finish()
}

/** One session: how far each prediction is off. */
const evaluateSession = ({ session, tools, base }) => {
  const load = (name) => tools.readRun(session.runs[name])
  const used = points.filter(({ calibrates }) => calibrates).map(({ name }) => ({ name, result: load(name).result }))
  const { estimates } = tools.calibrate(base, used)
  const topology = { ...base, calibration: { ...estimates, digest: 'bench' } }
  const rows = points
    .filter(({ calibrates }) => !calibrates)
    .flatMap((point) => {
      const run = load(point.name)
      const predicted = Array.from({ length: replications }, (_, n) =>
        play({ tools, topology, run, seed: 7919 * (n + 1) }),
      )
      return quantities
        .filter(({ open }) => open === (point.users === undefined))
        .map(({ name, of, relative }) => {
          const [sim, stack] = [middle(predicted.map(of)), of(run.result)]
          return {
            point: point.name,
            quantity: name,
            predicted: sim,
            measured: stack,
            error: relative ? sim / stack - 1 : sim - stack,
            costs: costErrors(predicted, run.result),
          }
        })
    })
  return { rows, estimates }
}

const isWhole = ({ runs }) => points.every(({ name }) => runs[name] !== undefined)
const isValid = ({ runs }) => points.every(({ name }) => runs[name]?.valid)

export const evaluate = ({ state, placement, tools, base }) => {
  const whole = state.sessions.filter(isWhole)
  const valid = whole.filter(isValid)
  const { bounds } = placements[placement]
  const evaluated = valid.map((session) => evaluateSession({ session, tools, base }))
  const rows = (evaluated[0]?.rows ?? []).map(({ point, quantity }) => {
    const all = evaluated.map(({ rows }) => rows.find((row) => row.point === point && row.quantity === quantity))
    const error = middle(all.map((row) => row.error))
    const measured = all.map((row) => row.measured)
    return {
      point,
      quantity,
      predicted: middle(all.map((row) => row.predicted)),
      measured: middle(measured),
      spread: (Math.max(...measured) - Math.min(...measured)) / 2,
      errors: all.map((row) => row.error),
      costs: Object.fromEntries(Object.keys(all[0].costs).map((id) => [id, middle(all.map((row) => row.costs[id]))])),
      error,
      bound: bounds[quantity],
      holds: Math.abs(error) <= bounds[quantity],
    }
  })
  return { sessions: { whole: whole.length, valid: valid.length }, rows, kneePerSecond: state.kneePerSecond }
}

export const unitOf = (quantity) => quantities.find(({ name }) => name === quantity).unit
