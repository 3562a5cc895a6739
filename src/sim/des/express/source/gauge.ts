/** Changes of a `Gauge` by one. */
import type { Gauge } from '../../gauge.js'
import type { Cell, Layout } from './layout.js'

export class GaugeCells {
  readonly value: Cell
  private readonly area: Cell
  private readonly max: Cell

  /** Of each member; all may be the same. */
  constructor(layout: Layout, gauges: readonly Gauge[]) {
    this.value = layout.field('N', gauges, 'value')
    this.area = layout.field('F', gauges, 'area')
    this.max = layout.field('N', gauges, 'max')
  }

  rise(index: number | string = 0): string {
    const { value, area, max } = this
    return `${area(index)} -= now
count = ${value(index)} + 1
${value(index)} = count
if (count > ${max(index)}) ${max(index)} = count`
  }

  fall(index: number | string = 0): string {
    return `${this.area(index)} += now
${this.value(index)} -= 1`
  }
}
