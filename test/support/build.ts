import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Tests that call the program call the built one: a stale dist would test yesterday's code. */
export const setup = (): void => {
  execFileSync('bash', [fileURLToPath(new URL('../../scripts/build-if-stale.sh', import.meta.url))], {
    stdio: 'inherit',
  })
}
