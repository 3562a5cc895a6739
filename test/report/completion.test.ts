import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { commands } from '../../src/commands/index.js'
import { completionScript, shells } from '../../src/report/completion.js'

const table = commands.map(({ name, summary, options }) => ({ name, summary, options: options ?? [] }))

/** What bash would offer after these words, the last of which is being typed. */
const offered = (...words: string[]): string[] => {
  const folder = mkdtempSync(join(tmpdir(), 'completion-'))
  try {
    const file = join(folder, 'plimsoll.bash')
    writeFileSync(file, completionScript('bash', table))
    const list = words.map((word) => `'${word}'`).join(' ')
    const script = `source '${file}'; COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _plimsoll 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`
    return execFileSync('bash', ['-c', script], { encoding: 'utf8' })
      .split('\n')
      .filter((word) => word !== '')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('bash offers the commands that begin so', () => {
  expect(offered('plimsoll', 'ca')).toEqual(['calibrate'])
  expect(offered('plimsoll', '')).toEqual([...commands.map(({ name }) => name), '--help', '--version'])
})

test('bash offers the options of the command, and the choices of an option', () => {
  expect(offered('plimsoll', 'calibrate', '--d')).toEqual(['--dry-run'])
  expect(offered('plimsoll', 'run', '--on', '')).toEqual(['sim', 'stack', 'both'])
})

test.each(shells)('%s: every command and every long option is there', (shell) => {
  const script = completionScript(shell, table)
  for (const { name, options } of table) {
    expect(script).toContain(name)
    for (const { flags } of options) {
      const long = /--([\w-]+)/.exec(flags)?.[1] ?? ''
      expect(script).toContain(shell === 'fish' ? `-l ${long}` : `--${long}`)
    }
  }
})

test('quotes in summaries do not end a string', () => {
  const script = completionScript('zsh', [
    { name: 'run', summary: "the experiment's own", options: [{ flags: '--x <y>', summary: "it's [odd]: yes" }] },
  ])
  expect(script).toContain("'run:the experiment'\\''s own'")
  expect(script).toContain("'--x[it'\\''s \\[odd\\]\\: yes]:value:_files'")
})
