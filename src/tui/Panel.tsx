import { Box, Text, Transform } from 'ink'
import { gutter } from './layout.js'
import { standIn } from './stand-ins.js'

interface PanelProps {
  readonly width: number
  readonly height: number
  /** As wide as the panel at most. */
  readonly lines: readonly string[]
}

/** A rectangle of text. What Ink measures is the same each time, since it keeps whatever it has measured for good. */
export const Panel = ({ width, height, lines }: PanelProps) =>
  width <= 0 || height <= 0 ? null : (
    <Box width={1} height={height} flexShrink={0}>
      <Transform transform={(_, line) => standIn(lines[line] ?? '', width + gutter)}>
        <Text>{Array.from({ length: height }, () => '.').join('\n')}</Text>
      </Transform>
    </Box>
  )
