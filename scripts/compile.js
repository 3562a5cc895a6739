// Keeps the code that V8 makes of dist/bundle for the command lines that are to answer at once: beside each script, what these ran of it.
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import v8 from 'node:v8'

const root = fileURLToPath(new URL('..', import.meta.url))
const { scripts, start } = createRequire(import.meta.url)('../bin/compiled.js')

const topologies = ['optimization-api', 'optimization-api/replicated', 'flash-sale', 'task-queue', 'container-routing']
const commandLines = [
  ['--help'],
  ['check', ...topologies.map((name) => `${root}scenarios/${name}/topology.yaml`)],
  ...topologies.map((name) => ['plan', `${root}scenarios/${name}/topology.yaml`]),
]

// V8 takes code back only under the flags under which it was kept: those of a start, before a command changes any.
v8.setFlagsFromString = () => undefined

const [node, program] = process.argv
const exit = process.exit
/** The program ends itself; its end is the start of the next. */
const next = () => {
  const args = commandLines.shift()
  if (args === undefined) {
    for (const [name, script] of scripts) writeFileSync(`${root}dist/bundle/${name}.code`, script.createCachedData())
    exit()
  }
  process.argv = [node, program, ...args]
  start()
}
process.exit = (code) => (code === 0 ? next() : exit(code))
next()
