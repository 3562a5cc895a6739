// Compiles src to dist with plain tsc; removes what no longer has a source, so that dist never holds dead code.
import { execFileSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Of every start: read together with our own files. */
const bundled = ['chalk', 'commander', 'simple-statistics', 'yaml', 'zod']
const { dependencies: packages } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
rmSync(`${root}dist`, { recursive: true, force: true })
execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', `${root}tsconfig.json`], {
  stdio: 'inherit',
  cwd: root,
})
// With isolatedModules tsc leaves the constants of hot files (`const enum Fixed`) as properties of an object; as literals they cost
// the event engine nothing (docs/adr/0017).
for (const path of readdirSync(`${root}dist`, { recursive: true }).filter((name) => name.endsWith('.js'))) {
  const file = `${root}dist/${path}`
  const text = readFileSync(file, 'utf8')
  const values = new Map(
    [...text.matchAll(/Fixed\[Fixed\["(\w+)"\] = (-?\d+)\] = "\w+";/g)].map(([, name, value]) => [name, value]),
  )
  if (values.size === 0) continue
  writeFileSync(
    file,
    text.replace(/\bFixed\.(\w+)\b/g, (whole, name) => {
      const value = values.get(name)
      return value === undefined ? whole : value.startsWith('-') ? `(${value})` : value
    }),
  )
}
// The command line once more in few files: of several hundred small ones a start would read each (docs/adr/0130).
const bundle = await rolldown({
  input: { cli: `${root}dist/cli.js` },
  platform: 'node',
  // Packages that commands load only when they need them, and those that look for files beside themselves, stay as they are.
  external: [/^node:/, ...Object.keys(packages).filter((name) => !bundled.includes(name)), 'react/jsx-runtime'],
  plugins: [
    {
      name: 'screen',
      // Ink waits at its top level, which only an ES module may: what draws is loaded from the files of tsc.
      resolveId: (id, importer) =>
        importer === `${root}dist/tui/open.js` && /^\.\/(live|replay)\.js$/.test(id)
          ? { id: `../tui/${id.slice(2)}`, external: true }
          : undefined,
    },
  ],
  onLog: (level, log, handler) => (level === 'warn' ? undefined : handler(level, log)),
})
await bundle.write({
  dir: `${root}dist/bundle`,
  // Scripts, not modules: only of these Node 20 takes code that was compiled before (docs/adr/0145).
  format: 'cjs',
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name]-[hash].cjs',
  codeSplitting: {
    groups: [
      { name: 'cli', test: /dist\/cli\.js$/, priority: 2 },
      { name: 'plan', test: /dist\/commands\/plan\.js$/, priority: 1 },
    ],
  },
})
await bundle.close()
execFileSync(process.execPath, [`${root}scripts/compile.js`], { stdio: ['ignore', 'ignore', 'inherit'], cwd: root })
chmodSync(`${root}bin/plimsoll.js`, 0o755)
