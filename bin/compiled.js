// Runs the scripts of dist/bundle with the code that V8 made of them when they were built, so that a start compiles next to nothing
// (docs/adr/0145). V8 itself refuses code of another version or under other flags; the script is then compiled as usual.
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { constants, Script } = require('node:vm')

const folder = join(__dirname, '..', 'dist', 'bundle')

// Node calls the loader of scripts experimental, and says so to whoever runs a command that imports a package later.
const { emitWarning } = process
process.emitWarning = (warning, ...rest) => {
  if (!String(warning).startsWith('vm.USE_MAIN_CONTEXT_DEFAULT_LOADER')) emitWarning.call(process, warning, ...rest)
}

/** By file name: for good, unlike what they export, which is of one start. */
const scripts = new Map()
const modules = new Map()

/** Undefined: nobody made any. */
const codeOf = (path) => {
  try {
    return readFileSync(`${path}.code`)
  } catch {
    return undefined
  }
}

const scriptOf = (name) => {
  let script = scripts.get(name)
  if (script === undefined) {
    const path = join(folder, name)
    const source = readFileSync(path, 'utf8')
    script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
      filename: path,
      cachedData: codeOf(path),
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    })
    scripts.set(name, script)
  }
  return script
}

/** What other scripts of the bundle ask for is of the bundle, all else of Node or a package. */
const requireFrom = (id) => (id.startsWith('./') ? load(id.slice(2)) : require(id))

const load = (name) => {
  const known = modules.get(name)
  if (known !== undefined) return known.exports
  const module = { exports: {} }
  modules.set(name, module)
  scriptOf(name).runInThisContext()(module.exports, requireFrom, module, join(folder, name), folder)
  return module.exports
}

/** Runs the command line, from its first statement on each time. */
const start = () => {
  modules.clear()
  load('cli.cjs')
}

module.exports = { scripts, start }
