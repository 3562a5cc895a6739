/** What happened, the newest at the bottom; and everything about what is selected. */
import { formatNumber } from '../report/quantity.js'
import { cut, folded } from './cells.js'
import { classIds, classPair, type Frame, spanText } from './frame.js'
import type { Size } from './layout.js'
import { resourceDetail } from './resources.js'

export const logLines = ({ view, style: { paint, glyphs } }: Frame, { width, height }: Size): readonly string[] => {
  if (height <= 0) return []
  const shown = view.log.slice(-height).map(({ text, isBad }) => {
    const line = cut(text, width, glyphs.more)
    return isBad ? paint.bad(line) : line
  })
  return shown.length > 0 ? shown : [paint.dim('nothing has happened yet')]
}

export const detailLines = (frame: Frame, { width, height }: Size): readonly string[] => {
  const { glyphs, paint } = frame.style
  const text = frame.selection.focus === 'requests' ? requestDetail(frame) : resourceDetail(frame)
  return folded(text, width, height, glyphs.more).map((line) => paint.dim(line))
}

const requestDetail = (frame: Frame): string => {
  const ids = classIds(frame)
  const id = ids[Math.min(frame.selection.request, ids.length - 1)]
  if (id === undefined) return ''
  const { measured } = classPair(frame, id)
  const codes = Object.entries(measured?.codes ?? {})
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]) => `${code} × ${formatNumber(count)}`)
  const degraded = measured === undefined || measured.degraded === 0 ? [] : [`degraded × ${measured.degraded}`]
  const told = [...codes, ...degraded]
  return `${id}, ${spanText(frame)}: ${told.length === 0 ? 'no errors' : told.join(', ')}`
}
