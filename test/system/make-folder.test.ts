import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { makeFolder } from '../../src/system/make-folder.js'

const base = mkdtempSync(join(tmpdir(), 'plimsoll-folder-'))
afterAll(() => rmSync(base, { recursive: true }))

describe('makeFolder', () => {
  it('makes what is missing on the way, and is content with what is there', () => {
    const deep = join(base, 'a', 'b', 'c')
    makeFolder(deep)
    makeFolder(deep)
    expect(existsSync(deep)).toBe(true)
  })

  it('throws below a file, and where a file has the name', () => {
    const file = join(base, 'file')
    writeFileSync(file, '')
    expect(() => makeFolder(file)).toThrow('EEXIST')
    expect(() => makeFolder(join(file, 'below'))).toThrow('ENOTDIR')
  })

  // Node's mkdirSync({ recursive: true }) loops for ever there.
  it('throws where a file system refuses folders by ENOENT', () => {
    expect(() => makeFolder('/proc/plimsoll/runs')).toThrow('ENOENT')
  })
})
