// Each session is calibrated by its own runs at 10 % and 45 %, and predicts its others; what counts is the median over the sessions.
import { enoughOf, placements, points } from './plan.js'
import { middle } from './statistics.js'

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
  const [sims, stacks] = [predicted.map(costs), measured.map(costs)]
  const middleOf = (all, id) => middle(all.map((one) => one[id]))
  return Object.fromEntries(Object.keys(stacks[0]).map((id) => [id, middleOf(sims, id) - middleOf(stacks, id)]))
}

const play = ({ tools, topology, run, seed }) => {
  const experiment = tools.parseExperiment(run.text, { file: run.file, topology })
  const simulation = new tools.Simulation({ topology, experiment, placement: run.result.placement, seed })
  while (simulation.advance());
  return simulation.finish()
}

/** One session: how far each prediction is off. What was measured is the median of the rounds. */
const evaluateSession = ({ session, tools, base }) => {
  const load = (name) => session.runs[name].filter(({ valid }) => valid).map((slice) => tools.readRun(slice))
  const used = points
    .filter(({ calibrates }) => calibrates)
    .flatMap(({ name }) => load(name).map(({ result }) => ({ name, result })))
  const { estimates } = tools.calibrate(base, used)
  const topology = { ...base, calibration: { ...estimates, digest: 'bench' } }
  const rows = points
    .filter(({ calibrates }) => !calibrates)
    .flatMap((point) => {
      const runs = load(point.name)
      // With the seed of the run: the same requests at the same times.
      const predicted = runs.map((run) => play({ tools, topology, run, seed: run.result.seed }))
      const measured = runs.map(({ result }) => result)
      return quantities
        .filter(({ open }) => open === (point.users === undefined))
        .map(({ name, of, relative }) => {
          const [sim, stack] = [middle(predicted.map(of)), middle(measured.map(of))]
          return {
            point: point.name,
            quantity: name,
            predicted: sim,
            measured: stack,
            error: relative ? sim / stack - 1 : sim - stack,
            costs: costErrors(predicted, measured),
          }
        })
    })
  return { rows, estimates }
}

const isWhole = ({ runs }, rounds) => points.every(({ name }) => (runs[name]?.length ?? 0) >= rounds)
const isValid = ({ runs }, rounds) =>
  points.every(({ name }) => runs[name].filter(({ valid }) => valid).length >= enoughOf(rounds))

export const evaluate = ({ state, placement, tools, base }) => {
  const whole = state.sessions.filter((session) => isWhole(session, state.rounds))
  const valid = whole.filter((session) => isValid(session, state.rounds))
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
