import { expect, test } from 'vitest'
import {
  counterColumn,
  fillStatement,
  maxRows,
  maxStoredBytes,
  quoteIdentifier,
  schemaStatements,
  storageOf,
  tablesOf,
} from '../../../src/catalog/postgres/schema.js'
import { rowOf, selectStatement, writeStatement } from '../../../src/catalog/postgres/statements.js'
import { data, request, service, step, store, topology } from '../../workload/topologies.js'

const product = data('product', { keys: 1000, bytes: 2048, counters: { stock: 100 } })
const shop = topology({
  components: [service('app'), store('db', 'postgres'), store('other', 'postgres'), store('cache', 'redis')],
  data: [product, data('user')],
  requests: [
    request('view', 'GET /p', [step.lookup('view/0', 'cache', 'product', [step.query('view/0.miss.0', 'db')])]),
    request('buy', 'POST /p', [
      step.write('buy/0', 'db', { table: 'orders' }),
      step.query('buy/1', 'other', { key: 'user' }),
      step.query('buy/2', 'db'),
    ]),
  ],
})

test('a query inside a lookup reads the data set of its key; a table that is no data set is appended to', () => {
  expect([...tablesOf(shop, 'db')]).toEqual([
    ['product', { kind: 'data', data: product }],
    ['orders', { kind: 'append', name: 'orders' }],
  ])
  expect([...tablesOf(shop, 'other').keys()]).toEqual(['user'])
})

test('the schema is the work function and one table for each', () => {
  const sql = schemaStatements(shop, 'db')
  expect(sql.filter((text) => text.startsWith('CREATE TABLE')).map((text) => text.split(' ')[5])).toEqual([
    '"product"',
    '"orders"',
  ])
  expect(sql[0]).toContain('FUNCTION plimsoll_work(iterations bigint, wait_seconds float8)')
})

test('identifiers are quoted, and long ones stay different within 63 bytes', () => {
  expect(quoteIdentifier('a"b; DROP TABLE x')).toBe('"a""b; DROP TABLE x"')
  const long = 'ü'.repeat(60)
  expect(quoteIdentifier(`${long}1`)).not.toBe(quoteIdentifier(`${long}2`))
  expect(Buffer.byteLength(quoteIdentifier(long))).toBeLessThanOrEqual(65)
  expect(counterColumn('version')).toBe('"counter_version"')
})

test('tables of production size are stored within the limits, and every key has a row', () => {
  const huge = data('huge', { keys: 100_000_000, bytes: 10_000 })
  const stored = storageOf(huge)
  expect(stored.rows).toBe(maxRows)
  expect(stored.rows * stored.payloadBytes).toBeLessThanOrEqual(maxStoredBytes)
  expect(rowOf({ kind: 'data', data: huge }, 99_999_999)).toBeLessThan(maxRows)
  expect(selectStatement({ kind: 'data', data: huge }, false).text).toContain('rpad(payload, 10000, payload)')
  expect(fillStatement(product)).toContain('generate_series(0, 999)')
})

test('statements take their parameters in the order of their placeholders, and only those that they use', () => {
  const table = { kind: 'data', data: product } as const
  expect(selectStatement(table, true).parameters).toEqual(['iterations', 'waitSeconds', 'row'])
  expect(selectStatement(table, false)).toMatchObject({
    text: 'SELECT (SELECT payload FROM "product" WHERE id = $1)',
    parameters: ['row'],
  })
  expect(writeStatement({ kind: 'append', name: 'orders' }, true).parameters).toEqual([
    'iterations',
    'waitSeconds',
    'requestId',
    'payload',
  ])
  expect(writeStatement({ kind: 'none' }, false)).toMatchObject({ text: 'SELECT 1', parameters: [] })
})
