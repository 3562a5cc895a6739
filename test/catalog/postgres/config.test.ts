import { describe, expect, it } from 'vitest'
import { pgHbaConf, postgresqlConf } from '../../../src/catalog/postgres/config.js'
import type { StoreComponent } from '../../../src/topology/types.js'
import { contextOf, store } from '../../support/config-context.js'

const context = (over: Partial<StoreComponent> = {}, folder = '/tmp/db') =>
  contextOf(store({ id: 'db', engine: 'postgres', persistence: 'disk', ...over }), {
    folder,
    listen: { host: '127.0.0.1', port: 5500 },
  })
const lines = (over: Partial<StoreComponent> = {}, folder?: string) => postgresqlConf(context(over, folder)).split('\n')

describe('postgresql.conf', () => {
  it('accepts as many connections as the topology says, with those kept for the administrator', () => {
    expect(lines({ maxConnections: 60, reservedConnections: 3 })).toEqual(
      expect.arrayContaining(['max_connections = 60', 'superuser_reserved_connections = 3']),
    )
  })

  it('keeps fewer for the administrator than there are, which PostgreSQL insists on', () => {
    expect(lines({ maxConnections: 2, reservedConnections: 3 })).toContain('superuser_reserved_connections = 1')
  })

  it('writes only into its folder and needs no shared memory of the system', () => {
    expect(lines()).toEqual(
      expect.arrayContaining([
        "unix_socket_directories = ''",
        "data_directory = '/tmp/db/data'",
        'shared_memory_type = mmap',
        'dynamic_shared_memory_type = mmap',
      ]),
    )
  })

  it('doubles a quote in a path', () => {
    expect(lines({}, "/tmp/o'db")).toContain("data_directory = '/tmp/o''db/data'")
  })

  it('takes a quarter of its memory for buffers, within what one machine has', () => {
    expect(lines({ memoryBytes: 1024 ** 3 })).toContain('shared_buffers = 256MB')
    expect(lines({ memoryBytes: undefined })).toContain('shared_buffers = 128MB')
    expect(lines({ memoryBytes: 1 })).toContain('shared_buffers = 1MB')
  })

  it('flushes to disk unless the topology says that nothing must last', () => {
    expect(lines()).toContain('fsync = on')
    expect(lines({ persistence: 'none' })).toContain('fsync = off')
  })
})

describe('pg_hba.conf', () => {
  it('lets in this machine alone', () => {
    const entries = pgHbaConf(context(), 'scram-sha-256')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    expect(entries).toEqual(['host all all 127.0.0.1/32 scram-sha-256', 'host all all ::1/128 scram-sha-256'])
  })
})
