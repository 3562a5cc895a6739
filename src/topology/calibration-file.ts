import { invalidInput } from '../lib/errors.js'
import type { Calibration } from './calibration.js'

export const parseCalibration = (
  _text: string,
  options: { readonly file: string; readonly components: readonly string[]; readonly steps: readonly string[] },
): Calibration => {
  throw invalidInput({ message: `${options.file}: calibration files are not read yet` })
}
