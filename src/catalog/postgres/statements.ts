/**
 * The SQL that a query or write of a flow runs. The time of the step is spent in `plimsoll_work` before the row is
 * touched, so that a row lock is held only for as long as the statement and its commit themselves take.
 */
import { quoteIdentifier, type SqlTable, shortHash, storageOf } from './schema.js'

/** What a parameter of the statement is bound to, in order of $1, $2, …. */
export type Parameter = 'iterations' | 'waitSeconds' | 'row' | 'requestId' | 'payload'

export interface Statement {
  /** Of the server's prepared statement: short (PostgreSQL cuts at 63 bytes) and the same for the same text. */
  readonly name: string
  readonly text: string
  readonly parameters: readonly Parameter[]
}

/** `number` gives the placeholder of a parameter, in the order in which the text first asks for it. */
const build = (text: (number: (parameter: Parameter) => string) => string): Statement => {
  const parameters: Parameter[] = []
  const made = text((parameter) => {
    if (!parameters.includes(parameter)) parameters.push(parameter)
    return `$${parameters.indexOf(parameter) + 1}`
  })
  return { name: `plimsoll_${shortHash(made)}`, text: made, parameters }
}

export const selectStatement = (table: SqlTable, work: boolean): Statement =>
  build((number) => {
    const time = work ? `plimsoll_work(${number('iterations')}, ${number('waitSeconds')}), ` : ''
    if (table.kind === 'none') return `SELECT ${time}1`
    if (table.kind === 'append')
      return `SELECT ${time}(SELECT payload FROM ${quoteIdentifier(table.name)} ORDER BY id DESC LIMIT 1)`
    const { data } = table
    const payload = storageOf(data).payloadBytes < data.bytes ? `rpad(payload, ${data.bytes}, payload)` : 'payload'
    return `SELECT ${time}(SELECT ${payload} FROM ${quoteIdentifier(data.id)} WHERE id = ${number('row')})`
  })

export const writeStatement = (table: SqlTable, work: boolean): Statement =>
  build((number) => {
    const time = work ? `plimsoll_work(${number('iterations')}, ${number('waitSeconds')})` : '1'
    if (table.kind === 'none') return `SELECT ${time}`
    if (table.kind === 'append')
      return `WITH work AS MATERIALIZED (SELECT ${time} AS done) INSERT INTO ${quoteIdentifier(table.name)} (request_id, payload) SELECT ${number('requestId')}, ${number('payload')} FROM work`
    return `WITH work AS MATERIALIZED (SELECT ${time} AS done) UPDATE ${quoteIdentifier(table.data.id)} SET version = version + 1 FROM work WHERE id = ${number('row')}`
  })

/** The row of a data set's table that holds a key. */
export const rowOf = (table: SqlTable, key: number): number =>
  table.kind === 'data' ? key % storageOf(table.data).rows : 0
