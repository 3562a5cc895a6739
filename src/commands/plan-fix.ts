/** `plan --fix`: writes what the findings would have changed, shows the difference, and tells what is left. */
import { realpath } from 'node:fs/promises'
import type { PriceList } from '../catalog/prices/list.js'
import type { Finding } from '../contract/finding.js'
import { invalidInput } from '../lib/errors.js'
import { unifiedDiff } from '../lib/line-diff.js'
import { mend } from '../plan/fix/fix.js'
import { reviewedBy } from '../plan/rules/index.js'
import { type Document, renderMarkdown, renderText } from '../report/document.js'
import { findingSection, mendedSection } from '../report/findings.js'
import { paintFor } from '../report/paint.js'
import { readText } from '../system/files.js'
import { replaceFile } from '../system/replace-file.js'
import type { Topology } from '../topology/types.js'
import type { Invocation } from './command.js'
import type { Host } from './host.js'
import { printJson } from './json.js'

export interface FixRequest {
  readonly host: Host
  readonly options: Invocation['options']
  readonly path: string
  /** As messages name it. */
  readonly file: string
  /** As it was read. */
  readonly text: string
  readonly parse: (text: string) => Topology
  /** Rules whose findings are told and mended; undefined: all. */
  readonly only: ReadonlySet<string> | undefined
  readonly prices: PriceList | undefined
}

/** What is left; the file is replaced as a whole, and only if it still is what was read. */
export const fixTopology = async (request: FixRequest): Promise<{ readonly findings: readonly Finding[] }> => {
  const { host, options, path, file, text, parse, only, prices } = request
  const mended = mend(text, { parse, prices, accept: ({ rule }) => only === undefined || only.has(rule) })
  const plan = reviewedBy(mended.plan, only)
  const writes = options.dryRun !== true && mended.text !== text
  if (writes) {
    // A link stays one: what it leads to is replaced.
    const target = await realpath(path)
    if ((await readText(target, file)) !== text)
      throw invalidInput({ message: `${file} was changed meanwhile`, hint: 'nothing was written; run it again' })
    replaceFile(target, mended.text)
  }
  const diff = unifiedDiff(text, mended.text, file)
  if (options.json === true) {
    const { applied } = mended
    printJson(host, { apiVersion: 'plimsoll/v1', kind: 'PlanFix', file, written: writes, applied, diff, plan })
    return plan
  }
  const document: Document = {
    title: `${plan.topology.name}: ${mended.applied.length === 0 ? 'nothing to mend' : 'mended'}`,
    sections: [mendedSection(mended.applied), findingSection(plan.findings, 'Left')],
  }
  const columns = Math.min(host.stdout.columns, 100)
  if (options.md === true) {
    host.stdout.write(renderMarkdown(document))
    if (diff !== '') host.stdout.write(`\n## Changes\n\n\`\`\`diff\n${diff}\`\`\`\n`)
  } else {
    if (diff !== '') host.stdout.write(`${diff}\n`)
    host.stdout.write(renderText(document, { columns, paint: paintFor(host.stdout.color) }))
  }
  if (mended.text === text) host.stderr.write(`${file} is as it was\n`)
  else host.stderr.write(writes ? `wrote ${file}\n` : `${file} is as it was (--dry-run)\n`)
  return plan
}
