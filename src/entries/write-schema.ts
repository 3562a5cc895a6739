/** `node dist/entries/write-schema.js FOLDER` writes the JSON schemas of our languages into a folder. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { schemaFiles } from '../system/schema-files.js'

const folder = process.argv[2] ?? 'schema'
await mkdir(folder, { recursive: true })
for (const [file, text] of Object.entries(schemaFiles())) await writeFile(join(folder, file), text)
