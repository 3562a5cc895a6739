import { dirname, join } from 'node:path'
import { documentKind } from '../lib/document/kind.js'
import { invalidInput, PlimsollError, type Problem } from '../lib/errors.js'
import { formatSeconds } from '../lib/units.js'
import { calibrationFile, loadExperiment, loadTopology, readText } from './files.js'

export interface FileCheck {
  /** As it was given. */
  readonly file: string
  /** Undefined when the file does not say or cannot be read. */
  readonly kind: 'Topology' | 'Experiment' | 'Calibration' | undefined
  /** What it holds, when nothing is wrong. */
  readonly summary: string
  readonly problems: readonly Problem[]
}

/** Checks a file by its `kind`; what is wrong is returned, not thrown. `file` is how messages name `path`. */
export const checkFile = async (file: string, path: string): Promise<FileCheck> => {
  let kind: FileCheck['kind']
  try {
    kind = documentKind(await readText(path, file), file)
    if (kind === 'Calibration') {
      const hint = `plimsoll check ${join(dirname(file), 'topology.yaml')} reads the ${calibrationFile} beside it, too`
      throw invalidInput({ message: `${file} is a calibration: it is checked with its topology`, hint })
    }
    const summary = kind === 'Experiment' ? experimentSummary : topologySummary
    return { file, kind, summary: await summary(path, file), problems: [] }
  } catch (error) {
    if (error instanceof PlimsollError) return { file, kind, summary: '', problems: error.problems }
    throw error
  }
}

const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`

const topologySummary = async (path: string, file: string): Promise<string> => {
  const topology = await loadTopology(path, { file })
  const classes = Object.values(topology.requests).filter((request) => request.derivedFrom === undefined)
  const parts = [
    counted(Object.keys(topology.components).length, 'component'),
    counted(classes.length, 'request class', 'request classes'),
    ...(topology.calibration === undefined ? [] : ['calibrated']),
  ]
  return `topology "${topology.name}": ${parts.join(', ')}`
}

const experimentSummary = async (path: string, file: string): Promise<string> => {
  const { experiment, topology } = await loadExperiment(path, { file })
  const seconds = experiment.load.stages.reduce((sum, stage) => sum + stage.durationSeconds, 0)
  const parts = [
    `${formatSeconds(seconds)} of ${experiment.load.mode} load`,
    counted(experiment.faults.length, 'fault'),
    `on topology "${topology.name}"`,
  ]
  return `experiment "${experiment.name}": ${parts.join(', ')}`
}
