/** Sizes: many components, many users, many pending events, and ten simulated minutes of the scenario, each with its bound. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defaultExperiment } from '../../dist/experiment/default.js'
import { loadSeconds } from '../../dist/experiment/load.js'
import { simulate } from '../../dist/sim/des/simulate.js'
import { Simulation } from '../../dist/sim/des/simulation.js'
import { loadExperiment } from '../../dist/system/files.js'
import { timed } from './measure.js'
import { topologyOf } from './models.js'

const components = 100
const replicas = 1000

/** A balancer and a front, and 98 services that each call the next: 100 components × 1000 replicas. */
export const wide = (replicas) => {
  const service = (i) => {
    const call = i + 1 < components ? `, { call: s${i + 1}.work }` : ''
    return `  s${i}: { engine: service, replicas: ${replicas}, operations: { work: { flow: [{ compute: 100us }${call}] } } }`
  }
  return topologyOf(
    'wide',
    `
components:
  edge: { engine: nginx, replicas: ${replicas}, upstream: s1 }
${Array.from({ length: components - 1 }, (_, i) => service(i + 1)).join('\n')}
requests:
  get: { share: 100%, enter: edge, serve: s1, route: GET /, flow: [{ call: s2.work }] }
traffic: { rate: 1000/s }
`,
  )
}

/** `users` who ask 5,000 times a second together, whatever their number: so many events are pending, the work is the same. */
const crowd = (users) =>
  topologyOf(
    'crowd',
    `
components:
  server: { engine: service, execution: { model: event-loop, processes: 1 } }
requests:
  get: { share: 100%, serve: server, route: GET /, flow: [{ compute: 100us }] }
traffic: { users: ${users}, thinkTime: ${users / 5000}s }
`,
  )

const wideRun = () => {
  const { value, seconds } = timed(() => {
    const topology = wide(replicas)
    return simulate({ topology, experiment: defaultExperiment(topology, 2, 1), seed: 1 })
  })
  const { completed, ok } = value.requests.all
  const built = Object.values(value.components).reduce((sum, { instances }) => sum + instances.length, 0)
  return {
    what: `${components} components × ${replicas} replicas: build, and 2000 requests through all`,
    observed: `${built} instances, ${completed} requests in ${seconds.toFixed(1)} s`,
    bound: '',
    holds: built === components * replicas && ok === completed && completed > 1500,
  }
}

const crowdSeconds = (users) => {
  const topology = crowd(users)
  const simulation = new Simulation({ topology, experiment: defaultExperiment(topology, 60, 1), seed: 1 })
  // The first ten seconds compile, and fill the queue.
  while (simulation.now < 10) simulation.advance()
  const { seconds } = timed(() => {
    while (simulation.advance());
  })
  const { completed } = simulation.finish().requests.all
  return { secondsPerRequest: seconds / ((completed * 50) / 60), completed }
}

const crowds = () => {
  const few = crowdSeconds(1000)
  const many = crowdSeconds(1_000_000)
  const ratio = many.secondsPerRequest / few.secondsPerRequest
  return [
    {
      what: '1,000,000 users who think, 60 s at 5000/s',
      observed: `${many.completed} requests`,
      bound: '',
      holds: many.completed > 250_000,
    },
    {
      what: 'a request with 10⁶ users pending, beside one with 10³',
      observed: `${ratio.toFixed(2)}×`,
      bound: ' (at most 4×)',
      holds: ratio <= 4,
    },
  ]
}

const tenMinutes = async () => {
  const what = 'ten minutes of flash-sale, autoscaling, one fault'
  const file = 'scenarios/flash-sale/experiments/ten-minutes.yaml'
  const path = fileURLToPath(new URL(`../../${file}`, import.meta.url))
  if (!existsSync(path)) return { what, observed: 'not yet', bound: ' (below 8 s)', holds: false }
  const { topology, experiment } = await loadExperiment(path, { file })
  try {
    const { value, seconds } = timed(() => simulate({ topology, experiment, seed: experiment.seed }))
    return {
      what,
      observed: `${loadSeconds(experiment.load)} s, ${value.requests.all.completed} requests in ${seconds.toFixed(1)} s`,
      bound: ' (below 8 s)',
      holds: seconds < 8,
    }
  } catch (error) {
    if (error?.problems === undefined) throw error
    return { what, observed: `not yet: ${error.message.split('\n')[0]}`, bound: '', holds: false }
  }
}

export const scale = async (note) => {
  const checks = []
  const add = (check) => {
    checks.push(check)
    note(`${check.what}: ${check.observed}`)
  }
  add(wideRun())
  for (const check of crowds()) add(check)
  add(await tenMinutes())
  return { checks, holds: checks.every(({ holds }) => holds) }
}
