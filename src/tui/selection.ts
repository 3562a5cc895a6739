/** What the user has chosen to look at, and which keys change it. */
import { type Percentile, percentiles } from './moment.js'

export interface Selection {
  /** Which of both tables the arrows move in. */
  readonly focus: 'requests' | 'resources'
  readonly request: number
  readonly resource: number
  readonly percentile: Percentile
  /** The last minute instead of the whole run. */
  readonly isZoomed: boolean
  readonly isHelp: boolean
}

export const firstSelection: Selection = {
  focus: 'requests',
  request: 0,
  resource: 0,
  percentile: 'p95',
  isZoomed: false,
  isHelp: false,
}

/** What a key means to the selection. */
export type SelectionKey = 'up' | 'down' | 'other-table' | 'percentile' | 'zoom' | 'help' | 'back'

export const select = (
  selection: Selection,
  key: SelectionKey,
  counts: { readonly requests: number; readonly resources: number },
): Selection => {
  switch (key) {
    case 'up':
    case 'down': {
      const [row, count] =
        selection.focus === 'requests'
          ? (['request', counts.requests] as const)
          : (['resource', counts.resources] as const)
      const moved = selection[row] + (key === 'up' ? -1 : 1)
      return { ...selection, [row]: Math.max(0, Math.min(count - 1, moved)) }
    }
    case 'other-table':
      return { ...selection, focus: selection.focus === 'requests' ? 'resources' : 'requests' }
    case 'percentile': {
      const next = (percentiles.indexOf(selection.percentile) + 1) % percentiles.length
      return { ...selection, percentile: percentiles[next] ?? 'p95' }
    }
    case 'zoom':
      return { ...selection, isZoomed: !selection.isZoomed }
    case 'help':
      return { ...selection, isHelp: !selection.isHelp }
    case 'back':
      return { ...selection, isHelp: false }
  }
}
