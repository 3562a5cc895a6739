// Writes one section of docs/measurements/fidelity.md anew and leaves the others as they are.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const head = `# Fidelity: predictions beside measurements

Written by \`npm run bench:fidelity -- --write\` and \`npm run bench:kill -- --write\`; no number is written by hand. How it is measured,
and what the model does, is in [calibration](../calibration.md) and [comparison](../comparison.md).
`

/** `first`: the result of a run, which tells date and machine. */
export const record = ({ root, section, headline, lines, first }) => {
  const file = join(root, 'docs/measurements/fidelity.md')
  const text = existsSync(file) ? readFileSync(file, 'utf8') : head
  const [begin, end] = [`<!-- ${section} -->`, `<!-- end of ${section} -->`]
  const dated = `Measured ${first.startedAt?.slice(0, 10)} on ${first.versions.machine}; the fixed computation took ${(first.probe.beforeSeconds * 1e3).toFixed(2)} ms.`
  const body = `${begin}\n## ${section}\n\n${headline}. ${dated}\n\n${lines.join('\n')}\n${end}\n`
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  const whole = from < 0 || to < 0 ? `${text}\n${body}` : text.slice(0, from) + body + text.slice(to + end.length + 1)
  writeFileSync(file, whole)
}
