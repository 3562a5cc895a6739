import { describe, expect, test } from 'vitest'
import { Servers } from '../../src/workload/servers.js'

interface Connection {
  readonly port: number
  standby: boolean | undefined
  closed: boolean
  close(): void
}

/** Three servers, of which `primary` takes writes and `down` do not answer. */
const make = (session: 'primary' | 'replica') => {
  const state = { primary: 0, down: new Set<number>(), now: 10, asked: [] as number[] }
  const servers = new Servers<Connection>({
    session,
    addresses: [0, 1, 2].map((port) => ({ host: 'h', port })),
    now: () => state.now,
  })
  const connect = async ({ port }: { readonly port: number }): Promise<Connection> => {
    state.asked.push(port)
    if (state.down.has(port)) throw new Error(`refused by ${port}`)
    const connection: Connection = {
      port,
      standby: port !== state.primary,
      closed: false,
      close: () => {
        connection.closed = true
      },
    }
    return connection
  }
  const open = () => servers.open(connect)
  const many = async (count: number): Promise<readonly Connection[]> => {
    const list: Connection[] = []
    for (let i = 0; i < count; i++) list.push(await open())
    return list
  }
  return { state, servers, open, many }
}

const ports = (connections: readonly Connection[]) => connections.map(({ port }) => port).sort()

describe('writes', () => {
  test('go to the server that is no standby, wherever it stands in the list', async () => {
    const { state, many } = make('primary')
    state.primary = 2
    expect(ports(await many(3))).toEqual([2, 2, 2])
  })

  test('find the successor of a primary that is gone, without being told', async () => {
    const { state, servers, open } = make('primary')
    servers.closed(await open())
    state.down.add(0)
    await expect(open()).rejects.toThrow('no server is primary: refused by 0')
    state.primary = 1
    state.now += 0.2
    expect((await open()).port).toBe(1)
  })

  test('are refused without a question for a tenth of a second after all servers were asked in vain', async () => {
    const { state, open } = make('primary')
    state.down = new Set([0, 1, 2])
    await expect(open()).rejects.toThrow('no server is primary')
    const asked = state.asked.length
    state.now += 0.05
    await expect(open()).rejects.toThrow('no server is primary')
    expect(state.asked.length).toBe(asked)
    state.now += 0.06
    await expect(open()).rejects.toThrow('no server is primary')
    expect(state.asked.length).toBe(asked + 3)
  })
})

describe('reads', () => {
  test('have the same number of connections to each standby, and none to the primary', async () => {
    const { many } = make('replica')
    expect(ports(await many(6))).toEqual([1, 1, 1, 2, 2, 2])
  })

  test('are served by the standbys in turn, whichever connection was last used', async () => {
    const { servers, many } = make('replica')
    const idle = [...(await many(4))]
    const served: number[] = []
    for (let i = 0; i < 6; i++) {
      const [taken] = idle.splice(servers.pick(idle), 1) as [Connection]
      served.push(taken.port)
      idle.push(taken)
    }
    expect(served.map((port, i) => port === served[i % 2])).toEqual(Array(6).fill(true))
    expect(new Set(served.slice(0, 2))).toEqual(new Set([1, 2]))
  })

  test('are refused when no standby is left, though the primary is there', async () => {
    const { state, open } = make('replica')
    state.down = new Set([1, 2])
    await expect(open()).rejects.toThrow('no server is a standby')
  })

  test('are answered by a promoted standby when there is no other', async () => {
    const { state, open } = make('replica')
    state.primary = 1
    state.down = new Set([0, 2])
    expect((await open()).port).toBe(1)
  })

  test('move to a standby that came back', async () => {
    const { state, servers, open, many } = make('replica')
    state.down.add(2)
    const all = [...(await many(4))]
    expect(ports(all)).toEqual([1, 1, 1, 1])
    state.down.clear()
    expect(servers.unbalanced).toBe(false)
    state.now += 1.1
    while (servers.unbalanced) {
      const fresh = await open()
      const worse = servers.worseThan(fresh)
      expect(worse?.port).toBe(1)
      if (worse === undefined) break
      servers.closed(worse)
      all.splice(all.indexOf(worse), 1, fresh)
    }
    expect(ports(all)).toEqual([1, 1, 2, 2])
  })

  test('leave a server that was promoted as soon as another is a standby', async () => {
    const { state, servers, open, many } = make('replica')
    const all = await many(2)
    for (const connection of all) if (connection.port === 1) connection.standby = false
    state.primary = 1
    state.now += 2
    expect(servers.unbalanced).toBe(true)
    expect(servers.worseThan(await open())?.port).toBe(1)
  })

  test('that a promoted server answers alone are not moved from it to itself', async () => {
    const { state, servers, open, many } = make('replica')
    state.primary = 1
    state.down = new Set([0, 2])
    await many(2)
    state.now += 2
    expect(servers.worseThan(await open())).toBeUndefined()
  })
})
