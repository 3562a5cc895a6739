/** Where an instance works and logs, below the system's folder. */
import { join } from 'node:path'

export const instancePaths = (
  systemFolder: string,
  component: string,
  index: number,
): { readonly folder: string; readonly logFile: string } => ({
  folder: join(systemFolder, `${component}-${index}`),
  logFile: join(systemFolder, 'logs', `${component}-${index}.log`),
})
