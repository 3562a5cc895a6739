/** Arrivals of an open load, as `Clients` plans them. */
import type { Clients } from '../../client.js'
import { exponential } from './draw.js'
import type { Layout } from './layout.js'

/** `due` is when the next request arrives. */
export const nextArrival = (layout: Layout, clients: Clients): string => {
  const { steady } = clients
  if (steady === undefined)
    return `${layout.handle(clients)}.plan()
due = ${layout.array(clients.due)}[0]`
  const at = layout.field('F', [steady], 'at')()
  const [mean, seconds] = [steady.meanSeconds, steady.seconds].map((value) => layout.own('F', [value])())
  return `${exponential(layout, steady.stream)}
due = ${at} + x * ${mean}
${at} = due
if (due >= ${seconds}) due = Infinity`
}
