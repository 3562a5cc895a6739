/** What a calibration changes, for a reader. */
import type { Difference } from '../calibrate/difference.js'
import { type Document, renderText } from './document.js'
import { paintFor } from './paint.js'
import { formatQuantity, formatSignedRatio, missing } from './quantity.js'
import type { FormatOptions } from './result.js'

const oldText = (difference: Difference): string => {
  if (difference.old === null) return missing
  const text = formatQuantity(difference.old, difference.unit)
  return difference.oldFrom === 'topology' ? `${text} declared` : text
}

const newText = (difference: Difference): string => {
  const text = formatQuantity(difference.new, difference.unit)
  return difference.halfWidth === null ? text : `${text} ± ${formatQuantity(difference.halfWidth, difference.unit)}`
}

const change = ({ old, new: value }: Difference): string =>
  old === null || old === 0 ? missing : formatSignedRatio((value - old) / old)

export const calibrationDocument = (
  title: string,
  differences: readonly Difference[],
  warnings: readonly string[],
): Document => ({
  title,
  sections: [
    {
      table: {
        columns: [
          { name: 'entry', align: 'left' },
          { name: 'before', align: 'right' },
          { name: 'after', align: 'right' },
          { name: 'change', align: 'right' },
          { name: 'samples', align: 'right', optional: true },
        ],
        rows: differences.map((difference) => [
          difference.entry,
          oldText(difference),
          newText(difference),
          change(difference),
          difference.samples === null ? missing : String(difference.samples),
        ]),
      },
    },
    ...(warnings.length === 0 ? [] : [{ title: 'less certain because', lines: warnings }]),
  ],
})

export const formatCalibrationChange = (
  title: string,
  differences: readonly Difference[],
  warnings: readonly string[],
  { columns, color }: FormatOptions,
): string => renderText(calibrationDocument(title, differences, warnings), { columns, paint: paintFor(color) })
