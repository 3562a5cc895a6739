/** What `doctor` says: the programs that are needed, where they are, and how to get those that are missing. */
import type { Document } from './document.js'

export interface ProgramReport {
  readonly program: string
  readonly engine: string
  readonly debianPackage: string
  /** Null: not installed. */
  readonly path: string | null
  readonly version: string | null
}

/** `steps`: what remains to be done, where it is not one line for a package manager. */
export const programsDocument = (
  programs: readonly ProgramReport[],
  install: string | null,
  steps: readonly string[] = [],
): Document => ({
  title: install === null && steps.length === 0 ? 'every program that is needed is installed' : 'programs are missing',
  sections: [
    {
      table: {
        columns: [
          { name: 'program', align: 'left' },
          { name: 'for', align: 'left' },
          { name: 'version', align: 'left' },
          { name: 'found at', align: 'left', optional: true },
        ],
        rows: programs.map(({ program, engine, path, version }) => [
          program,
          engine,
          path === null ? { text: 'missing', tone: 'bad' } : (version ?? 'unknown'),
          path ?? '',
        ]),
      },
    },
    ...(steps.length === 0 ? [] : [{ lines: steps }]),
    ...(install === null
      ? []
      : [
          {
            lines: [
              'plimsoll doctor --install installs what is missing, without starting it; by hand, as root:',
              `  ${install}`,
            ],
          },
        ]),
  ],
})
