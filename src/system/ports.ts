/** Free loopback ports. */

import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'

const address = '127.0.0.1'
const lowest = 10_240

/**
 * Ports below the range that the kernel takes local ports of outgoing connections from: an instance that is down for a
 * while must find its port free when it comes back, however many connections the load opens meanwhile.
 */
const listeningRange = (): { readonly low: number; readonly high: number } | undefined => {
  try {
    const ephemeral = Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10)
    return ephemeral - lowest >= 1000 ? { low: lowest, high: ephemeral } : undefined
  } catch {
    return undefined
  }
}

/** Undefined: somebody has it. */
const hold = (port: number): Promise<Server | undefined> =>
  new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', () => resolve(undefined))
    server.listen({ port, host: address, exclusive: true }, () => resolve(server))
  })

const portOf = (server: Server): number => {
  const bound = server.address()
  return typeof bound === 'object' && bound !== null ? bound.port : 0
}

const close = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()))

/** `count` distinct ports, listened on until `release`, so that no other plimsoll can choose the same meanwhile. */
export const holdPorts = async (
  count: number,
): Promise<{ readonly ports: readonly number[]; readonly release: () => Promise<void> }> => {
  const range = listeningRange()
  const servers: Server[] = []
  const release = async (): Promise<void> => {
    await Promise.all(servers.splice(0).map(close))
  }
  for (let tries = 0; servers.length < count; tries++) {
    if (tries > 50 * count + 200) {
      await release()
      throw new Error(`no ${count} free ports on ${address}`)
    }
    const server = await hold(range === undefined ? 0 : randomInt(range.low, range.high))
    if (server !== undefined) servers.push(server)
  }
  return { ports: servers.map(portOf), release }
}
