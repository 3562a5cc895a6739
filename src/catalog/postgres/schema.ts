/**
 * The tables that a topology's flows need in one SQL store, and the SQL that makes them. Pure; `seed.ts` runs it.
 *
 * A data set is a table `<data>(id, payload, version, <counters>)` with a row per key. A `table:` that is no data set is
 * an append table, which `write` inserts into.
 */
import { innerFlows, type Step } from '../../topology/flow.js'
import { flowsOf } from '../../topology/flows.js'
import type { ComponentId, DataId, DataSet, Topology } from '../../topology/types.js'

/** What a SQL step works on: a row of a data set, an append table, or (neither table nor key) nothing but its time. */
export type SqlTable =
  | { readonly kind: 'data'; readonly data: DataSet }
  | { readonly kind: 'append'; readonly name: string }
  | { readonly kind: 'none' }

type SqlStep = Extract<Step, { kind: 'query' | 'write' }>

/** The table of a query or write; `inheritedKey` is the key of the lookup around it. `table:` wins over a key. */
export const tableOf = (step: SqlStep, inheritedKey: DataId | undefined, topology: Topology): SqlTable => {
  const name = step.table ?? step.key ?? inheritedKey
  if (name === undefined) return { kind: 'none' }
  const data = topology.data[name]
  return data === undefined ? { kind: 'append', name } : { kind: 'data', data }
}

/** The tables that steps aimed at `component` use, by name. */
export const tablesOf = (topology: Topology, component: ComponentId): ReadonlyMap<string, SqlTable> => {
  const tables = new Map<string, SqlTable>()
  const add = (table: SqlTable): void => {
    if (table.kind !== 'none') tables.set(table.kind === 'data' ? table.data.id : table.name, table)
  }
  const visit = (steps: readonly Step[], key: DataId | undefined): void => {
    for (const step of steps) {
      if ((step.kind === 'query' || step.kind === 'write') && step.target.component === component)
        add(tableOf(step, key, topology))
      if ((step.kind === 'reserve' || step.kind === 'release') && step.via.component === component) {
        const data = topology.data[step.data]
        if (data !== undefined) add({ kind: 'data', data })
      }
      const inner = step.kind === 'lookup' || step.kind === 'lock' ? (step.key ?? key) : key
      for (const flow of innerFlows(step)) visit(flow, inner)
    }
  }
  for (const flow of flowsOf(topology)) visit(flow, undefined)
  return tables
}

/** PostgreSQL cuts identifiers at 63 bytes without an error; two long names could then mean one table. */
const identifierBytes = 63

/** FNV-1a, 32 bit, base 36. */
export const shortHash = (text: string): string => {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0
  return hash.toString(36)
}

/** A quoted identifier, whatever characters the name has; names that are too long keep their start and gain a hash. */
export const quoteIdentifier = (name: string): string => {
  const clean = name.replaceAll('\0', '')
  const short =
    new TextEncoder().encode(clean).length <= identifierBytes
      ? clean
      : `${[...clean].slice(0, Math.floor((identifierBytes - 8) / 4)).join('')}_${shortHash(clean)}`
  return `"${short.replaceAll('"', '""')}"`
}

/** A quoted literal; standard_conforming_strings is on by default since PostgreSQL 9.1. */
export const quoteLiteral = (text: string): string => `'${text.replaceAll('\0', '').replaceAll("'", "''")}'`

const ownColumns = ['id', 'payload', 'version']

/** The column of a data set's counter. */
export const counterColumn = (counter: string): string =>
  quoteIdentifier(ownColumns.includes(counter) ? `counter_${counter}` : counter)

/** Limits of what is stored per table, so that a topology of production's size still starts on a laptop. */
export const maxRows = 2_000_000
export const maxStoredBytes = 512 * 1024 * 1024

/**
 * How a data set is stored: `rows` (key k is row k mod rows) and the bytes of payload per row. What is read is always
 * `data.bytes` long: a shortened payload is padded by the query.
 */
export const storageOf = (data: DataSet): { readonly rows: number; readonly payloadBytes: number } => {
  const rows = Math.max(1, Math.min(data.keys, maxRows))
  return { rows, payloadBytes: Math.max(1, Math.min(data.bytes, Math.floor(maxStoredBytes / rows))) }
}

/**
 * Burns CPU by `iterations` of a loop, then waits. How many iterations are a CPU-second is measured by `seed.ts`.
 */
export const workFunction = `CREATE OR REPLACE FUNCTION plimsoll_work(iterations bigint, wait_seconds float8) RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $work$
DECLARE
  x integer := 1;
BEGIN
  FOR i IN 1..iterations LOOP
    x := (x * 31 + 7) % 65521;
  END LOOP;
  IF wait_seconds > 0 THEN
    PERFORM pg_sleep(wait_seconds);
  END IF;
  RETURN x;
END
$work$`

const createTable = (name: string, table: SqlTable): readonly string[] => {
  const id = quoteIdentifier(name)
  if (table.kind === 'append')
    return [
      `CREATE TABLE IF NOT EXISTS ${id} (id bigserial PRIMARY KEY, request_id text NOT NULL, payload text NOT NULL, created_at timestamptz NOT NULL DEFAULT now())`,
      `CREATE INDEX IF NOT EXISTS ${quoteIdentifier(`${name}_request_id`)} ON ${id} (request_id)`,
    ]
  if (table.kind === 'none') return []
  const counters = Object.keys(table.data.counters).map((counter) => `, ${counterColumn(counter)} integer NOT NULL`)
  return [
    `CREATE TABLE IF NOT EXISTS ${id} (id integer PRIMARY KEY, payload text NOT NULL, version integer NOT NULL DEFAULT 0${counters.join('')}) WITH (fillfactor = 90)`,
    // Real values hardly compress; a payload of repeated text would, and the database would burn CPU on it.
    `ALTER TABLE ${id} ALTER COLUMN payload SET STORAGE EXTERNAL`,
  ]
}

/** Statements that make the function and the tables; each may be run again. */
export const schemaStatements = (topology: Topology, component: ComponentId): readonly string[] => [
  workFunction,
  ...[...tablesOf(topology, component)].flatMap(([name, table]) => createTable(name, table)),
]

/** Fills a data set's table in one statement; rows that exist stay as they are. */
export const fillStatement = (data: DataSet): string => {
  const { rows, payloadBytes } = storageOf(data)
  const counters = Object.entries(data.counters)
  const columns = ['id', 'payload', ...counters.map(([counter]) => counterColumn(counter))]
  const payload = `rpad(md5(k::text), ${payloadBytes}, md5((k + 1)::text))`
  const values = ['k', payload, ...counters.map(([, value]) => String(Math.trunc(value)))]
  return `INSERT INTO ${quoteIdentifier(data.id)} (${columns.join(', ')}) SELECT ${values.join(', ')} FROM generate_series(0, ${rows - 1}) AS k ON CONFLICT (id) DO NOTHING`
}
