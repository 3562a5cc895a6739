// Writes one section of docs/measurements/fidelity.md anew and leaves the others as they are.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const marks = (section) => [`<!-- ${section} -->`, `<!-- end of ${section} -->`]

const head = `# Fidelity: predictions beside measurements

Written by \`npm run bench:fidelity -- --write\` (bench/fidelity.js); no number is written by hand. How it is measured, and what the
model does, is in [calibration](../calibration.md) and [comparison](../comparison.md).
`

export const record = ({ root, placement: section, headline, lines, state }) => {
  const file = join(root, 'docs/measurements/fidelity.md')
  const text = existsSync(file) ? readFileSync(file, 'utf8') : head
  const [begin, end] = marks(section)
  const runs = state.sessions.flatMap(({ runs: all }) => Object.values(all))
  const first = JSON.parse(readFileSync(join(runs[0].folder, 'result.json'), 'utf8'))
  const dated = `Measured ${first.startedAt?.slice(0, 10)} on ${first.versions.machine}, probe ${(first.probe.beforeSeconds * 1e3).toFixed(2)} ms.`
  const body = `${begin}\n## ${section}\n\n${headline}. ${dated}\n\n${lines.join('\n')}\n${end}\n`
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  const whole = from < 0 || to < 0 ? `${text}\n${body}` : text.slice(0, from) + body + text.slice(to + end.length + 1)
  writeFileSync(file, whole)
}
