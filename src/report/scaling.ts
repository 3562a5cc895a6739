/** What autoscalers did. */
import type { RunResult } from '../result/run-result.js'
import type { Section } from './document.js'

/** More are counted, not listed. */
const most = 12

export const scalingSections = (result: RunResult): Section[] => {
  const scaled = result.events.filter((event) => event.type === 'scaled')
  if (scaled.length === 0) return []
  const more = scaled.length - most
  return [
    {
      title: (result.replications ?? 1) > 1 ? 'scaling (of the first replication)' : 'scaling',
      table: {
        columns: [
          { name: 'at', align: 'right' },
          { name: 'component', align: 'left' },
          { name: 'replicas', align: 'left' },
          { name: 'why', align: 'left' },
        ],
        rows: scaled
          .slice(0, most)
          .map(({ at, component, from, to, reason }) => [`${at.toFixed(1)} s`, component, `${from} → ${to}`, reason]),
      },
      lines: more > 0 ? [`and ${more} more`] : [],
    },
  ]
}
