/** Which programs a topology needs, where they are, and the one line that installs what is missing. */
import type { Engine, LiveFacet, ProgramNeed } from '../../../contract/engine.js'
import type { Machine } from '../../../contract/machine.js'
import { missingProgram, type PlimsollError } from '../../../lib/errors.js'

export interface FoundProgram {
  readonly need: ProgramNeed
  /** The engine that needs it. */
  readonly engine: string
  readonly path: string | undefined
}

export const liveFacetsOf = async (
  names: Iterable<string>,
  engines: ReadonlyMap<string, Engine>,
): Promise<ReadonlyMap<string, LiveFacet>> => {
  const facets = new Map<string, LiveFacet>()
  for (const name of new Set(names)) {
    const facet = await engines.get(name)?.live?.()
    if (facet !== undefined) facets.set(name, facet)
  }
  return facets
}

export const findPrograms = (facets: ReadonlyMap<string, LiveFacet>, machine: Machine): readonly FoundProgram[] =>
  [...facets].flatMap(([engine, facet]) =>
    facet.programs.map((need) => ({ need, engine, path: machine.findProgram(need) })),
  )

export const missingPackages = (found: readonly FoundProgram[]): readonly string[] =>
  [...new Set(found.filter(({ path }) => path === undefined).map(({ need }) => need.debianPackage))].sort()

export const aptLine = (packages: readonly string[]): string =>
  `apt-get install --no-install-recommends ${packages.join(' ')}`

/** Undefined: nothing is missing. */
export const missingPrograms = (found: readonly FoundProgram[]): PlimsollError | undefined => {
  const missing = found.filter(({ path }) => path === undefined)
  if (missing.length === 0) return undefined
  const names = missing.map(({ need, engine }) => `${need.name} (${engine})`).join(', ')
  return missingProgram(
    `${missing.length === 1 ? 'a program is' : 'programs are'} not installed: ${names}`,
    `plimsoll doctor --install, or: ${aptLine(missingPackages(found))}`,
  )
}

/** `nginx version: nginx/1.22.1` and its like → `1.22.1`. */
export const parseVersion = (text: string): string | undefined => /(\d+\.\d+(?:\.\d+)*)/.exec(text)?.[1]

export const versionOf = async (found: FoundProgram, machine: Machine): Promise<string | undefined> => {
  if (found.path === undefined) return undefined
  try {
    const { stdout, stderr } = await machine.run({
      program: found.path,
      args: found.need.versionArgs,
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
      cwd: '/',
      timeoutSeconds: 10,
    })
    return parseVersion(stdout) ?? parseVersion(stderr)
  } catch {
    return undefined
  }
}
