/**
 * Frontends for the tests, compiled from the modules of the BuildKit that the engine is of: BuildKit's own Dockerfile
 * frontend, which under another name is anybody's, and `plain` (`.ci/frontends`), which is built on nothing of it.
 */
import { ensurePrograms } from './programs.mjs';

/** The directory with `dockerfile-frontend` and `plain`; see `ensurePrograms`. */
export function ensureFrontends() {
  return ensurePrograms('frontends', ['./plain', 'tool'], ['dockerfile-frontend', 'plain']);
}
