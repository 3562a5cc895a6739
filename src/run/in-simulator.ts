/** One experiment in the simulator, with the run folder that a run on a stack has too. */
import { refusedFaults } from '../chaos/supported.js'
import { judged } from '../experiment/verdict.js'
import type { Placement } from '../result/placement.js'
import { simulate } from '../sim/des/simulate.js'
import { createRunFolder } from '../system/run-folder.js'
import type { Run, RunContext } from './context.js'

/** `placement`: of the run on a stack that it is compared with; undefined: what the experiment, else the topology says. */
export const runInSimulator = async (context: RunContext, placement: Placement | undefined): Promise<Run> => {
  const { topology, experiment, seed } = context
  const refused = refusedFaults(experiment.faults)
  if (refused !== undefined) throw refused
  const folder = createRunFolder({
    cwd: context.cwd,
    runsFolder: context.runsFolder,
    startedAt: new Date(),
    engine: 'sim',
    experimentName: experiment.name,
    topologyText: topology.source.text,
    calibrationText: context.calibrationText,
    experimentText: experiment.source.text,
    origin: { topology: context.topologyFile, experiment: context.experimentFile },
  })
  try {
    const result = judged(
      simulate({
        topology,
        experiment,
        placement,
        seed,
        onEvent: (event) => {
          folder.append(event)
          context.onEvent(event)
        },
      }),
      experiment,
      topology,
    )
    folder.finish(result)
    return { result, folder: folder.path }
  } finally {
    folder.close()
  }
}
