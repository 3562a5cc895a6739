import { readFileSync } from 'node:fs'
import { allPids, stat } from '../proc.js'

/** Docker's user-space proxies that listen on these ports of loopback: each is a process of its own (`docker-proxy`). */
export const dockerProxies = (ports: readonly number[]): readonly number[] =>
  allPids().filter((pid) => {
    if (stat(pid)?.name !== 'docker-proxy') return false
    try {
      const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      return ports.includes(Number(args[args.indexOf('-host-port') + 1]))
    } catch {
      return false
    }
  })
