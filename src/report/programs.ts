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

export const programsDocument = (programs: readonly ProgramReport[], install: string | null): Document => ({
  title: install === null ? 'every program that is needed is installed' : 'programs are missing',
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
