/** What requests had to wait for and were refused where they contend for locks and counters. */
import type { RunResult } from '../result/run-result.js'
import type { Cell, Section } from './document.js'
import { formatRatio, formatSeconds } from './quantity.js'

const right = (name: string, optional = false) => ({ name, align: 'right', optional }) as const
const left = (name: string) => ({ name, align: 'left' }) as const

const bad = (count: number): Cell => (count > 0 ? { text: String(count), tone: 'bad' } : '0')

export const contentionSections = (result: RunResult): Section[] => [
  ...lockSections(result),
  ...counterSections(result),
]

const lockSections = ({ components }: RunResult): Section[] => {
  const rows = Object.entries(components).flatMap(([id, { locks = {} }]) =>
    Object.entries(locks).map(([name, of]): Cell[] => [
      `${id}: ${name}`,
      String(of.acquired),
      formatRatio(of.acquired === 0 ? 0 : of.waited / of.acquired),
      formatSeconds(of.wait.mean),
      formatSeconds(of.wait.max),
      formatSeconds(of.held.mean),
      bad(of.gaveUp),
      bad(of.expired),
      bad(of.overlaps),
      String(of.fencedOff),
    ]),
  )
  if (rows.length === 0) return []
  return [
    {
      title: 'locks (of all keys together; overlaps: entered while another still worked)',
      table: {
        columns: [
          left('lock'),
          right('acquired'),
          right('waited'),
          right('wait mean'),
          right('max'),
          right('held', true),
          right('gave up'),
          right('expired'),
          right('overlaps'),
          right('fenced off', true),
        ],
        rows,
      },
    },
  ]
}

const counterSections = ({ components }: RunResult): Section[] => {
  const rows = Object.entries(components).flatMap(([id, { counters = {} }]) =>
    Object.entries(counters).map(([name, of]): Cell[] => [
      `${id}: ${name}`,
      String(of.reserved),
      String(of.released),
      String(of.soldOut),
      String(of.conflicts),
      formatSeconds(of.wait.mean),
      formatSeconds(of.wait.max),
      bad(of.oversold),
    ]),
  )
  if (rows.length === 0) return []
  return [
    {
      title: 'counters (of all keys together; waits are for their rows)',
      table: {
        columns: [
          left('counter'),
          right('reserved'),
          right('released'),
          right('sold out'),
          right('conflicts', true),
          right('row wait mean', true),
          right('max', true),
          right('oversold'),
        ],
        rows,
      },
    },
  ]
}
