/** The processes of a Docker engine on this machine, by the names that the kernel has for them (15 characters). */
import { readFileSync } from 'node:fs'
import type { ProcessStat } from '../../contract/machine.js'
import { allPids, stat } from '../proc.js'

const daemonNames: ReadonlySet<string> = new Set(['dockerd', 'containerd', 'containerd-shim'])

export const dockerDaemons = (): readonly ProcessStat[] =>
  allPids().flatMap((pid) => {
    const one = stat(pid)
    return one !== undefined && daemonNames.has(one.name) ? [one] : []
  })

/** User-space proxies that listen on these ports of loopback: each is a process of its own (`docker-proxy`). */
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
