/** The screen: header, charts, tables, what happened, keys. Everything that is written in them comes from pure functions. */
import { Box, useInput } from 'ink'
import { chartNames, chartOf } from './charts.js'
import { classIds, type Frame, resources } from './frame.js'
import { headerLines } from './header.js'
import { helpLines, type Key, keyLine } from './keys.js'
import { footerHeight, headerHeight, type Layout, layoutOf, least } from './layout.js'
import { detailLines, logLines } from './notes.js'
import { Panel } from './Panel.js'
import { requestLines } from './requests.js'
import { resourceLines } from './resources.js'

interface DashboardProps {
  readonly frame: Frame
  readonly columns: number
  /** Of the terminal: one more than are drawn. */
  readonly rows: number
}

export const Dashboard = ({ frame, columns, rows }: DashboardProps) => {
  const content = { requests: classIds(frame).length, resources: resources(frame).length }
  const layout = layoutOf(columns, rows, content)
  if (layout === undefined)
    return <Panel width={columns} height={1} lines={[`needs ${least.columns} × ${least.rows} cells`]} />
  const height = rows - 1 - headerHeight - footerHeight
  return (
    <Box flexDirection="column" height={rows - 1}>
      <Panel width={columns} height={headerHeight} lines={headerLines(frame, columns)} />
      <Body frame={frame} layout={layout} columns={columns} height={height} />
      <Panel width={columns} height={footerHeight} lines={[keyLine(frame, columns)]} />
    </Box>
  )
}

interface BodyProps {
  readonly frame: Frame
  readonly layout: Layout
  readonly columns: number
  readonly height: number
}

const Body = ({ frame, layout, columns, height }: BodyProps) => {
  if (frame.selection.isHelp) return <Panel width={columns} height={height} lines={helpLines(frame, columns, height)} />
  if (frame.view.started === undefined)
    return <Panel width={columns} height={height} lines={logLines(frame, { width: columns, height })} />
  return (
    <>
      <Charts frame={frame} layout={layout} />
      {layout.isBeside ? <Beside frame={frame} layout={layout} /> : <Stacked frame={frame} layout={layout} />}
    </>
  )
}

const Charts = ({ frame, layout }: { readonly frame: Frame; readonly layout: Layout }) => {
  const names = chartNames(
    layout.charts.reduce((sum, { widths }) => sum + widths.length, 0),
    frame.selection.focus,
  )
  let next = 0
  return layout.charts.map(({ height, widths }, row) => (
    // Rows have neither names nor an order that changes.
    // biome-ignore lint/suspicious/noArrayIndexKey: the row's place is what it is
    <Box key={row}>
      {widths.map((width) => {
        const name = names[next++]
        return name === undefined ? null : (
          <Panel key={name} width={width} height={height} lines={chartOf(frame, name, width, height)} />
        )
      })}
    </Box>
  ))
}

const Stacked = ({ frame, layout }: { readonly frame: Frame; readonly layout: Layout }) => (
  <>
    <Panel {...layout.requests} lines={requestLines(frame, layout.requests)} />
    <Panel {...layout.resources} lines={resourceLines(frame, layout.resources)} />
    <Panel {...layout.detail} lines={detailLines(frame, layout.detail)} />
    <Panel {...layout.log} lines={logLines(frame, layout.log)} />
  </>
)

const Beside = ({ frame, layout }: { readonly frame: Frame; readonly layout: Layout }) => (
  <Box>
    <Box flexDirection="column">
      <Panel {...layout.requests} lines={requestLines(frame, layout.requests)} />
      <Panel {...layout.log} lines={logLines(frame, layout.log)} />
    </Box>
    <Box flexDirection="column">
      <Panel {...layout.resources} lines={resourceLines(frame, layout.resources)} />
      <Panel {...layout.detail} lines={detailLines(frame, layout.detail)} />
    </Box>
  </Box>
)

/** Reads keys, as long as it is there. */
export const Keyboard = ({ onKey }: { readonly onKey: (input: string, key: Key) => void }) => {
  useInput(onKey)
  return null
}
