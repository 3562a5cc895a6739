import { Box, Text } from 'ink'

interface PanelProps {
  readonly width: number
  readonly height: number
  /** As wide as the panel at most. */
  readonly lines: readonly string[]
}

/** A rectangle of text. The lines are one text, since each element costs a layout. */
export const Panel = ({ width, height, lines }: PanelProps) =>
  width <= 0 || height <= 0 ? null : (
    <Box width={width} height={height} flexShrink={0} overflow="hidden">
      <Text wrap="truncate-end">{lines.slice(0, height).join('\n')}</Text>
    </Box>
  )
