/** Error codes as small integers; 0 is success. The text is what results and reports say. */
export const ok = 0

const known = [
  '',
  'refused',
  'reset',
  'timeout',
  'deadline',
  'pool-timeout',
  'breaker-open',
  'too-many-connections',
  'dependency',
  '502',
  '503',
  '504',
  '409',
  'sold-out',
  'conflict',
  'lock-timeout',
  'fenced',
  'connect-timeout',
  'queue-full',
] as const

export type KnownCode = (typeof known)[number]

const numbers = Object.fromEntries(known.map((text, number) => [text, number])) as Record<KnownCode, number>

export const refused = numbers.refused
export const reset = numbers.reset
export const timeout = numbers.timeout
export const deadline = numbers.deadline
export const poolTimeout = numbers['pool-timeout']
export const breakerOpen = numbers['breaker-open']
export const tooManyConnections = numbers['too-many-connections']
export const dependency = numbers.dependency
export const badGateway = numbers['502']
export const unavailable = numbers['503']
export const declined = numbers['409']
export const soldOut = numbers['sold-out']
export const conflict = numbers.conflict
export const lockTimeout = numbers['lock-timeout']
export const fenced = numbers.fenced
export const connectTimeout = numbers['connect-timeout']
export const queueFull = numbers['queue-full']

/** The business says no: an answer, which trying again would not change, and no failure of what gave it. */
export const isRefusal = (code: number): boolean => code === declined || code === soldOut

/** What a step fails with whose store or service answered this: its own word where it tells, else that a dependency failed. */
export const failureOf = (answer: number): number =>
  isRefusal(answer) || answer === conflict || answer === fenced || answer === queueFull ? answer : dependency

export class Codes {
  private readonly texts: string[] = [...known]
  private readonly byText = new Map<string, number>(Object.entries(numbers))

  /** The number of a code; a new text gets a new one. */
  of(text: string): number {
    let number = this.byText.get(text)
    if (number === undefined) {
      number = this.texts.length
      this.texts.push(text)
      this.byText.set(text, number)
    }
    return number
  }

  text(code: number): string {
    return this.texts[code] ?? ''
  }

  get count(): number {
    return this.texts.length
  }
}

/** From codes to codes by a rule over texts, looked up once per code. */
export class CodeMap {
  private readonly known: number[] = []

  constructor(
    private readonly codes: Codes,
    private readonly rule: (text: string) => string,
  ) {}

  get(code: number): number {
    let to = this.known[code]
    if (to === undefined) {
      to = this.codes.of(this.rule(this.codes.text(code)))
      for (let i = this.known.length; i < code; i++) this.known.push(this.codes.of(this.rule(this.codes.text(i))))
      this.known[code] = to
    }
    return to
  }
}
