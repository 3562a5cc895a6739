import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { engineRegistry } from '../../src/catalog/index.js'
import { parseTopology } from '../../src/topology/parse.js'
import type { Topology } from '../../src/topology/types.js'

/** A topology from the text of its file, without what every file begins with. */
export const topologyFrom = (text: string, calibration?: string): Topology =>
  parseTopology(`apiVersion: plimsoll/v1\nkind: Topology\nname: under-test\n${text}`, {
    file: 'topology.yaml',
    registry: engineRegistry,
    ...(calibration === undefined ? {} : { calibration: { file: 'calibration.yaml', text: calibration } }),
  })

/** A file of this repository, by its path from the root. */
export const topologyFile = (path: string): Topology =>
  parseTopology(readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8'), {
    file: path,
    registry: engineRegistry,
  })
