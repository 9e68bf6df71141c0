/** The wire that engines of the tests hang on where packets are to be late or lost (`.ci/wire`). */
import { ensurePrograms } from './programs.mjs';

/** The directory with `wire`; see `ensurePrograms`. */
export function ensureWire() {
  return ensurePrograms('wire', ['.'], ['wire']);
}
