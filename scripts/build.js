// Compiles src to dist with plain tsc; removes what no longer has a source, so that dist never holds dead code.
import { execFileSync } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
rmSync(`${root}dist`, { recursive: true, force: true })
execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', `${root}tsconfig.json`], {
  stdio: 'inherit',
  cwd: root,
})
chmodSync(`${root}bin/plimsoll.js`, 0o755)
