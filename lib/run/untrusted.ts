/** The surroundings of a run of untrusted files. */

import path from 'node:path';
import type { Environment } from '../model/mod.ts';
import { KEY_VARIABLE } from './record-keys.ts';

/**
 * The environment without credentials for registries, for our own requests as for buildctl, which hands on to the engine
 * what it finds (`DOCKER_CONFIG`; DOCKER_AUTH_CONFIG is our own).
 *
 * @param workDir a directory of this run
 */
export function withoutCredentials(env: Environment, workDir: string): Environment {
  return {
    ...env,
    DOCKER_CONFIG: path.join(workDir, 'no-credentials'),
    DOCKER_AUTH_CONFIG: undefined,
    [KEY_VARIABLE]: undefined,
  };
}
