/**
 * Frontends for the tests, compiled from the modules of the engine's BuildKit version: BuildKit's own Dockerfile
 * frontend, which under another name acts as a custom one, and `plain` (`.ci/frontends`), which is not based on it.
 */
import { ensurePrograms } from './programs.mjs';

/** The directory with `dockerfile-frontend` and `plain`; see `ensurePrograms`. */
export function ensureFrontends() {
  return ensurePrograms('frontends', ['./plain', 'tool'], ['dockerfile-frontend', 'plain']);
}
