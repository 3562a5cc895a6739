import type { ServiceComponent } from '../../topology/types.js'
import type { Review } from '../facts/review.js'
import type { Rule, RuleFinding } from './rule.js'

/** Whoever can read the file, or its history, has it. */
export const plaintextSecret: Rule = {
  severity: 'error',
  explanation: 'A password, key or token stands in the file, where everybody who can read it has it.',
  formula: 'a value under a name such as *_PASSWORD, *_TOKEN, *_KEY, or user:password@ in an address',
  check: (review) => [
    ...review.services.flatMap((service) => [...inEnvironment(review, service), ...inCommand(review, service)]),
    ...inPatches(review),
  ],
}

const secretName =
  /(^|[_-])(pass(word|wd|phrase)?|pwd|secret|token|(api|access|private|signing|encryption)[_-]?key|credentials?)$/i
const credentials = /^[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:([^\s/@]+)@/i
/** `${NAME}`, `$NAME`, `<…>`: filled in elsewhere. */
const reference = /^(\$\{?[A-Za-z_]|<.*>$|\{\{)/

const isSecret = (name: string, value: string): boolean => {
  if (value.trim() === '' || reference.test(value)) return false
  const inAddress = credentials.exec(value)?.[1]
  return (inAddress !== undefined && !reference.test(inAddress)) || secretName.test(name)
}

const told = (
  review: Review,
  subject: string,
  name: string,
  length: number,
  path: readonly (string | number)[],
): RuleFinding => ({
  subject,
  message: `${name} of ${subject} is a secret in plain text`,
  arithmetic: `1 value of ${length} characters under ${name}, readable by everybody who has the file or its history`,
  fix: `${name}: { secret: ${secretId(name)} }, its value where secrets are kept, and a new one: this one is known`,
  decision: `where ${name} is kept from now on (a secret manager, secrets.env); then write { secret: ${secretId(name)} }, and change the value`,
  position: review.locate(...path),
})

const secretId = (name: string): string => {
  const id = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
  return id === '' ? 'secret' : id
}

const inEnvironment = (review: Review, service: ServiceComponent): readonly RuleFinding[] =>
  Object.entries(service.env ?? {}).flatMap(([name, entry]) =>
    'value' in entry && isSecret(name, entry.value)
      ? [told(review, service.id, name, entry.value.length, ['components', service.id, 'env', name])]
      : [],
  )

/** `--password=…`, `--token …`, addresses. */
const inCommand = (review: Review, service: ServiceComponent): readonly RuleFinding[] =>
  (service.command ?? []).flatMap((word, index, words) => {
    const [, name, value] = /^-{1,2}([A-Za-z][\w-]*)=(.+)$/.exec(word) ?? []
    const flag = /^-{1,2}([A-Za-z][\w-]*)$/.exec(words[index - 1] ?? '')?.[1]
    const [as, text] = name !== undefined && value !== undefined ? [name, value] : [flag ?? 'argument', word]
    return isSecret(as, text)
      ? [told(review, service.id, as, text.length, ['components', service.id, 'command', index])]
      : []
  })

/** Patches of what is generated: whatever they put under such a name. */
const inPatches = (review: Review): readonly RuleFinding[] =>
  Object.entries(review.topology.generate).flatMap(([target, { patches }]) =>
    patches.flatMap((patch, index) => search(review, target, patch, ['generate', target, 'patches', index])),
  )

const search = (
  review: Review,
  target: string,
  value: unknown,
  path: readonly (string | number)[],
): readonly RuleFinding[] => {
  if (typeof value === 'string') {
    const name = String(path.at(-1))
    return isSecret(name, value) ? [told(review, `generate.${target}`, name, value.length, path)] : []
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    search(review, target, inner, [...path, Array.isArray(value) ? Number(key) : key]),
  )
}
