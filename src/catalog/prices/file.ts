/** A price list of one's own: `kind: PriceList`. */
import { isMap } from 'yaml'
import { failOnProblems, readDocument } from '../../lib/document/document.js'
import { documentReader } from '../../lib/document/read.js'
import { currencyCode, price, reference, sizePrice, text, title } from '../../lib/document/scalars.js'
import { about, oneOf } from '../../lib/document/schema.js'
import { z } from '../../lib/document/zod.js'
import type { PriceList } from './list.js'

const shape = {
  apiVersion: oneOf(['plimsoll/v1']),
  kind: oneOf(['PriceList']),
  name: title,
  date: about('when it held, such as 2026-11', text),
  source: text,
  currency: about('ISO 4217 code', currencyCode),
  storage: about('of disks, per GiB and month', sizePrice),
  egress: about('of answers that leave for clients, per GiB', sizePrice),
  crossZone: about('of what passes between zones, per GiB', sizePrice),
  machines: z.record(reference, price),
} as const

/** Throws PlimsollError with everything that is wrong, in the order of the text. */
export const parsePriceList = (content: string, file: string): PriceList => {
  const document = readDocument(content, file)
  const reader = documentReader(document)
  const fields = isMap(document.root) ? reader.fields(shape, document.root, [], { what: 'a price list' }) : undefined
  if (!isMap(document.root))
    reader.tell(document.root, [], {
      message: 'expected a price list: a map with apiVersion, kind, name, date, source, currency, prices and machines',
    })
  const list: PriceList | undefined = fields && {
    name: fields.get('name') ?? '',
    date: fields.get('date') ?? '',
    source: fields.get('source') ?? '',
    currency: fields.get('currency') ?? '',
    storagePerGiBMonth: fields.get('storage') ?? 0,
    egressPerGiB: fields.get('egress') ?? 0,
    crossZonePerGiB: fields.get('crossZone') ?? 0,
    machines: Object.fromEntries(
      [...(fields.get('machines') ?? [])].flatMap(([name, perHour]) =>
        perHour === undefined ? [] : [[name, perHour]],
      ),
    ),
  }
  failOnProblems(document)
  if (list === undefined) throw new Error('a price list without problems could not be built')
  return list
}
