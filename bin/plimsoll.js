#!/usr/bin/env node
// Plain syntax on purpose: an old Node must be able to read this far and say what is wrong.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `plimsoll needs Node.js 20.19 or newer; this is ${process.versions.node}. Install a newer Node.js and try again.\n`,
  )
  process.exit(5)
}
require('./compiled.js').start()
