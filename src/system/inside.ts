/** Which processes work inside a folder: how `down` finds what a plimsoll that was killed left behind. */
import type { Account, ProcessStat } from '../contract/machine.js'
import { allPids, isInside, stat, workingDirectory } from './proc.js'
import { runProgram } from './spawn.js'

/** This process and all above it: a shell that stands in the folder must survive the `down` typed into it. */
const ownLine = (): ReadonlySet<number> => {
  const line = new Set<number>()
  for (let pid = process.pid; pid > 0 && !line.has(pid); pid = stat(pid)?.parent ?? 0) line.add(pid)
  return line
}

/**
 * Root in a container without CAP_SYS_PTRACE may not read the working directory of another user's process; that user
 * itself may. So it is asked, by running `readlink` as it.
 */
const askAs = async (account: Account, pids: readonly number[]): Promise<ReadonlyMap<number, string>> => {
  const script = 'for p; do printf "%s %s\\n" "$p" "$(readlink "/proc/$p/cwd")"; done'
  const { stdout } = await runProgram({
    program: '/bin/sh',
    args: ['-c', script, 'sh', ...pids.map(String)],
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
    account,
    timeoutSeconds: 10,
  })
  return new Map(
    stdout
      .split('\n')
      .map((line): [number, string] => [Number.parseInt(line, 10), line.slice(line.indexOf(' ') + 1)])
      .filter(([pid, directory]) => Number.isInteger(pid) && directory !== ''),
  )
}

const isCandidate = (one: ProcessStat | undefined, sinceSeconds: number): one is ProcessStat =>
  // Start times are cut to a hundredth of a second, and so is the uptime that the ledger holds.
  one !== undefined && one.state !== 'Z' && one.terminal === 0 && one.startSeconds >= sinceSeconds - 0.02

export const inside = async (
  folder: string,
  sinceSeconds: number,
  accounts: readonly Account[],
): Promise<readonly ProcessStat[]> => {
  const own = ownLine()
  const candidates = allPids()
    .filter((pid) => !own.has(pid))
    .map(stat)
    .filter((one) => isCandidate(one, sinceSeconds))
  const found: ProcessStat[] = []
  const hidden: ProcessStat[] = []
  for (const one of candidates) {
    const directory = workingDirectory(one.pid)
    if (directory === undefined) hidden.push(one)
    else if (isInside(directory, folder)) found.push(one)
  }
  if (hidden.length === 0 || process.getuid?.() !== 0) return found
  for (const account of accounts) {
    const answers = await askAs(
      account,
      hidden.map((one) => one.pid),
    )
    for (const one of hidden) {
      const directory = answers.get(one.pid)
      if (directory !== undefined && isInside(directory, folder) && !found.includes(one)) found.push(one)
    }
  }
  return found
}
