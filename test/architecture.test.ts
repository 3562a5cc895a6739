/**
 * The architecture as a test: imports point down, siblings in one tier do not know each other, the core is pure, and the
 * libraries that would spread stay where they belong. The tiers are those of docs/adr/0001-architecture.md.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../src/', import.meta.url))

/** From the bottom up. Folders in one row are siblings. */
const tiers: readonly (readonly string[])[] = [
  ['lib'],
  ['policy', 'result'],
  ['topology'],
  ['experiment'],
  ['contract'],
  ['catalog'],
  ['sim', 'deploy', 'workload', 'load', 'chaos', 'system'],
  ['run', 'plan', 'calibrate'],
  ['report'],
  ['tui'],
  ['commands'],
  ['cli.ts', 'entries'],
]

interface SourceFile {
  /** Relative to src, with forward slashes. */
  readonly path: string
  readonly unit: string
  readonly text: string
  readonly imports: readonly { readonly specifier: string; readonly typeOnly: boolean; readonly lazy: boolean }[]
}

const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')

/** Without comments and the contents of strings: generated scripts may do what their generator may not. */
const codeOf = (text: string): string => withoutComments(text).replace(/'[^'\n]*'|"[^"\n]*"|`[^`]*`/g, "''")

const importsOf = (text: string): SourceFile['imports'] => {
  const code = withoutComments(text)
  const found: { specifier: string; typeOnly: boolean; lazy: boolean }[] = []
  for (const match of code.matchAll(/^\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/gm))
    found.push({ specifier: match[2] ?? '', typeOnly: match[1] !== undefined, lazy: false })
  for (const match of code.matchAll(/(typeof\s+)?\bimport\(\s*['"]([^'"]+)['"]\s*\)(\.[A-Z])?/g))
    found.push({ specifier: match[2] ?? '', typeOnly: match[1] !== undefined || match[3] !== undefined, lazy: true })
  return found
}

const sourceFile = (path: string, text: string): SourceFile => ({
  path,
  unit: path.split('/')[0] ?? path,
  text,
  imports: importsOf(text),
})

const files: readonly SourceFile[] = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => /\.tsx?$/.test(path))
  .map((path) => sourceFile(path, readFileSync(join(root, path), 'utf8')))

const tierOf = (unit: string): number => tiers.findIndex((tier) => tier.includes(unit))

const unitOfImport = (file: SourceFile, specifier: string): string | undefined => {
  if (!specifier.startsWith('.')) return undefined
  const target = relative(root, resolve(join(root, dirname(file.path)), specifier)).replaceAll('\\', '/')
  return target.startsWith('..') ? undefined : target.replace(/\.js$/, '.ts').split('/')[0]
}

/** Facets that are loaded only when something is started; the rest of `catalog` is pure. */
const isLiveFacet = (path: string): boolean => /^catalog\/[^/]+\/((live|seed)[a-z-]*\.ts$|live\/)/.test(path)

const isPure = (file: SourceFile): boolean =>
  ['lib', 'policy', 'result', 'topology', 'experiment', 'contract', 'sim', 'plan', 'report'].includes(file.unit) ||
  file.path.startsWith('deploy/generate/') ||
  (file.unit === 'catalog' && !isLiveFacet(file.path))

const upwardImports = (sources: readonly SourceFile[]): string[] =>
  sources.flatMap((file) =>
    file.imports.flatMap(({ specifier }) => {
      const unit = unitOfImport(file, specifier)
      if (unit === undefined || unit === file.unit) return []
      return tierOf(unit) < tierOf(file.unit) ? [] : [`${file.path} imports ${specifier}`]
    }),
  )

const impureModules =
  /^(node:)?(fs|fs\/promises|net|http|https|http2|dgram|dns|tls|child_process|worker_threads|cluster|process|os|perf_hooks|timers|timers\/promises)$/
const impureCode =
  /\b(process\.[a-zA-Z]+|Date\.now|new Date\(\)|Math\.random|performance\.now|setTimeout|setInterval|setImmediate|fetch\()/

const impurities = (sources: readonly SourceFile[]): string[] =>
  sources.filter(isPure).flatMap((file) => [
    ...file.imports
      .filter(({ specifier, typeOnly }) => !typeOnly && impureModules.test(specifier))
      .map(({ specifier }) => `${file.path} imports ${specifier}`),
    ...codeOf(file.text)
      .split('\n')
      .flatMap((line) => (impureCode.test(line) ? [`${file.path}: ${line.trim()}`] : [])),
  ])

const eagerLiveFacets = (sources: readonly SourceFile[]): string[] =>
  sources
    .filter((file) => file.unit === 'catalog' && !isLiveFacet(file.path))
    .flatMap((file) =>
      file.imports
        .filter(({ specifier, typeOnly, lazy }) => !typeOnly && !lazy && /\/(live|seed)[a-z-]*\.js$/.test(specifier))
        .map(({ specifier }) => `${file.path} imports ${specifier} eagerly`),
    )

/** Libraries that would spread, and the only places that may know them. */
const homes: Readonly<Record<string, RegExp>> = {
  ink: /^tui\//,
  react: /^tui\//,
  commander: /^(commands\/|cli\.ts)/,
  execa: /^system\//,
  'node:child_process': /^system\//,
  fastify: /^(workload|entries)\//,
  ioredis: /^(workload\/|catalog\/redis\/)/,
  pg: /^(workload\/|catalog\/postgres\/)/,
  undici: /^(load|workload|system)\//,
}

const strayLibraries = (sources: readonly SourceFile[]): string[] =>
  sources.flatMap((file) =>
    file.imports.flatMap(({ specifier, typeOnly }) => {
      const home = homes[specifier]
      return home === undefined || typeOnly || home.test(file.path) ? [] : [`${file.path} imports ${specifier}`]
    }),
  )

const exits = (sources: readonly SourceFile[]): string[] =>
  sources
    .filter((file) => file.path !== 'cli.ts' && file.unit !== 'entries')
    .filter((file) => /\bprocess\.exit\(/.test(codeOf(file.text)))
    .map((file) => file.path)

describe('the source tree', () => {
  test('has files, all of them in a known tier', () => {
    expect(files.length).toBeGreaterThan(40)
    expect(files.filter((file) => tierOf(file.unit) < 0).map((file) => file.path)).toEqual([])
  })

  test('has imports that point down only, and siblings that do not import each other', () => {
    expect(upwardImports(files)).toEqual([])
  })

  test('has a pure core: no file, network, process, clock or chance of its own', () => {
    expect(impurities(files)).toEqual([])
  })

  test('loads live facets lazily, so that a plan never loads a database driver', () => {
    expect(eagerLiveFacets(files)).toEqual([])
  })

  test('keeps each library in its place', () => {
    expect(strayLibraries(files)).toEqual([])
  })

  test('ends the process in cli.ts and in entry points only', () => {
    expect(exits(files)).toEqual([])
  })

  test('loads commands lazily: the table of commands imports no handler', () => {
    const table = files.find((file) => file.path === 'commands/index.ts')
    expect(table?.imports.filter(({ typeOnly, lazy }) => !typeOnly && !lazy)).toEqual([])
    expect(table?.imports.filter(({ lazy }) => lazy).length).toBeGreaterThan(10)
  })

  test('does not depend on anything outside the project', () => {
    const outside = files.filter((file) => /\.\.\/shared\b|\/work\//.test(file.text)).map((file) => file.path)
    expect(outside).toEqual([])
  })
})

describe('the checks above', () => {
  const planted = (path: string, text: string) => [sourceFile(path, text)]

  test('find an import that points up, and one between siblings', () => {
    expect(upwardImports(planted('lib/a.ts', "import { x } from '../plan/x.js'\n"))).toHaveLength(1)
    expect(upwardImports(planted('sim/des/a.ts', "import type {\n  X,\n} from '../../load/x.js'\n"))).toHaveLength(1)
    expect(upwardImports(planted('plan/a.ts', "export * from '../lib/x.js'\n"))).toHaveLength(0)
  })

  test('find a clock, chance, a file and a process in the pure core, but not in its comments', () => {
    const impure = [
      "import { readFileSync } from 'node:fs'",
      'const t = Date.now()',
      'x = Math.random()',
      'process.env.X',
    ]
    for (const line of impure) expect(impurities(planted('sim/a.ts', `${line}\n`))).toHaveLength(1)
    expect(impurities(planted('sim/a.ts', '// unlike Date.now()\nconst a = "Math.random"\n'))).toHaveLength(0)
    expect(impurities(planted('system/a.ts', 'Date.now()\n'))).toHaveLength(0)
  })

  test('find an eager live facet, a stray library and an exit', () => {
    expect(eagerLiveFacets(planted('catalog/index.ts', "import { live } from './redis/live.js'\n"))).toHaveLength(1)
    expect(eagerLiveFacets(planted('catalog/index.ts', "const l = () => import('./redis/live.js')\n"))).toHaveLength(0)
    expect(strayLibraries(planted('run/a.ts', "import { execa } from 'execa'\n"))).toHaveLength(1)
    expect(exits(planted('run/a.ts', 'process.exit(1)\n'))).toHaveLength(1)
  })
})
