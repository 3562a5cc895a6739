import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { targetFailed } from '../lib/errors.js'
import { findProgram } from './programs.js'
import { runProgram } from './spawn.js'

/**
 * What `nginx -t` says of a generated configuration file. Rejects (exit code 6) when it refuses it. In its container the
 * server writes below /tmp; even a test makes those files and folders, so here they go to a folder that is removed.
 */
export const nginxAccepts = async (file: string): Promise<string> => {
  const program = findProgram({
    name: 'nginx',
    debianPackage: 'nginx',
    candidates: ['/usr/sbin/nginx', '/usr/local/nginx/sbin/nginx'],
    versionArgs: ['-v'],
  })
  if (program === undefined) return 'nginx is not installed'
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-nginx-'))
  const copy = join(folder, 'nginx.conf')
  writeFileSync(copy, readFileSync(file, 'utf8').replaceAll('"/tmp/', `"${folder}/`))
  try {
    const { code, stderr } = await runProgram({
      program,
      args: ['-t', '-p', folder, '-e', 'stderr', '-c', copy],
      env: {},
      cwd: folder,
      timeoutSeconds: 10,
    })
    const said = stderr.trim().split('\n')
    if (code !== 0) throw targetFailed(`nginx refuses ${file}`, said.join('\n    '))
    return 'the configuration is accepted'
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
