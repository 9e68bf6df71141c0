/** A network path with delay and packet loss for engines of tests (`.ci/wire`). */
import { ensurePrograms } from './programs.mjs';

/** The directory with `wire`; see `ensurePrograms`. */
export function ensureWire() {
  return ensurePrograms('wire', ['.'], ['wire']);
}
