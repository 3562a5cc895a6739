/** The form of a run folder: `.plimsoll/runs/<id>/`, written by src/system/run-folder.ts. */

/** Relative to the working directory. */
export const runsFolder = '.plimsoll/runs'

/** Files of a run folder. Topology, calibration and experiment are copies that run again as they stand. */
export const runFiles = {
  result: 'result.json',
  events: 'events.jsonl',
  topology: 'topology.yaml',
  calibration: 'calibration.yaml',
  experiment: 'experiment.yaml',
  origin: 'origin.json',
  /** What the simulator said of the same run: a RunResult. Absent: nobody asked it. */
  prediction: 'prediction.json',
} as const

/** Where the copies come from: absolute paths. `calibrate` writes beside that topology. */
export interface RunOrigin {
  readonly topology: string
  readonly experiment: string
}

/** `20261121-064430-lose-an-app-server-stack`: sorts by time, tells what it was; UTC. */
export const runId = (startedAt: Date, experiment: string, engine: 'sim' | 'stack'): string => {
  const [day = '', time = ''] = startedAt.toISOString().split('T')
  const name = experiment
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60)
  return [day.replaceAll('-', ''), time.slice(0, 8).replaceAll(':', ''), name || 'run', engine].join('-')
}
