/** `doctor --runtime compose`: a client, an engine that answers, the compose plugin, and the image of the workload service. */
import { digestLabel } from '../contract/containers.js'
import { images } from '../deploy/generate/container.js'
import { packageDigest } from '../deploy/runtime/compose/image.js'
import { aptLine } from '../deploy/runtime/process/needs.js'
import { type ExitCode, exitCodes } from '../lib/exit-codes.js'
import { renderText } from '../report/document.js'
import { paintFor } from '../report/paint.js'
import { type ProgramReport, programsDocument } from '../report/programs.js'
import { dockerNeed } from '../system/docker/engine.js'
import { installPackages } from '../system/install.js'
import { machine } from '../system/machine.js'
import type { Invocation } from './command.js'
import type { Host } from './host.js'
import { printJson } from './json.js'

interface Found {
  readonly programs: readonly ProgramReport[]
  /** Debian's packages that bring what is missing. */
  readonly missing: readonly string[]
  /** What no package manager does. */
  readonly steps: readonly string[]
}

const look = async (host: Host): Promise<Found> => {
  const engine = machine.containers()
  const client = machine.findProgram(dockerNeed)
  const version = await engine.version().catch(() => undefined)
  const compose = await engine.composeVersion()
  const labels = version === undefined ? undefined : await engine.imageLabels(images.service)
  const built = labels?.[digestLabel] === (await packageDigest(host.packageFolder))
  const report = (program: string, debianPackage: string, path: string | undefined, found: string | undefined) => ({
    program,
    engine: 'compose',
    debianPackage,
    path: path ?? null,
    version: found ?? null,
  })
  return {
    programs: [
      report('docker', 'docker.io', client, client === undefined ? undefined : 'client'),
      report('docker engine', 'docker.io', version === undefined ? undefined : engine.endpoint, version),
      report('docker compose', 'docker-compose', compose === undefined ? undefined : 'plugin of docker', compose),
      report(`image ${images.service}`, '', 'Dockerfile of this package', built ? 'built' : 'built by the next up'),
    ],
    missing: client === undefined ? ['docker.io'] : [],
    steps: [
      ...(client !== undefined && version === undefined
        ? [`no engine answers at ${engine.endpoint}: systemctl start docker, or as root: dockerd`]
        : []),
      ...(compose === undefined
        ? ['docker compose: apt-get install docker-compose (Debian 13) or docker-compose-plugin (of Docker packages)']
        : []),
    ],
  }
}

export const doctorOfCompose = async ({ host, options }: Invocation): Promise<ExitCode> => {
  let found = await look(host)
  if (options.install === true && found.missing.length > 0) {
    host.stderr.write(`installing ${found.missing.join(', ')} (the engine is not started by it)\n`)
    await installPackages({ packages: found.missing, line: aptLine(found.missing), signal: host.signal })
    found = await look(host)
  }
  const { programs, missing, steps } = found
  const install = missing.length === 0 ? null : aptLine(missing)
  const ok = install === null && steps.length === 0
  if (options.json === true)
    printJson(host, { apiVersion: 'plimsoll/v1', kind: 'Doctor', ok, programs, missing, install, steps })
  else {
    const { columns, color } = host.stdout
    host.stdout.write(renderText(programsDocument(programs, install, steps), { columns, paint: paintFor(color) }))
  }
  return ok ? exitCodes.ok : exitCodes.missingProgram
}
