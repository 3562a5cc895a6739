/** Accounts of this machine, from /etc/passwd. */
import { readFileSync } from 'node:fs'
import type { Account } from '../contract/machine.js'

export const parsePasswd = (text: string): readonly Account[] =>
  text
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 4)
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter((account) => Number.isInteger(account.uid) && Number.isInteger(account.gid))

export const account = (names: readonly string[]): Account | undefined => {
  let all: readonly Account[]
  try {
    all = parsePasswd(readFileSync('/etc/passwd', 'utf8'))
  } catch {
    return undefined
  }
  return names.map((name) => all.find((one) => one.name === name)).find((one) => one !== undefined)
}
