/** Environment variables that change how buildx builds (docker/buildx 0.38.2) and that bake-ts does not support. */
import { dirname } from 'node:path';
import { type Json, type Problem, problem } from '../model/mod.ts';
import { option } from '../util/option-words.ts';
import { isRemoteAddress } from '../util/remote-address.ts';
import { isTrue } from './outputs.ts';

/** The environment of the conversion. */
interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute: the directory in which bake would run. */
  readonly runDir: string;
  readonly exists: (file: string) => boolean;
}

/** Settings of a target that decide whether such a variable matters. */
interface Asked {
  readonly isLocal: boolean;
  readonly isAttested: boolean;
  readonly isWithoutPolicy: boolean;
}

interface Variable {
  readonly matters: (asked: Asked) => boolean;
  readonly found: Problem;
}

/**
 * Reports which variables of the environment affect a target. The problems are the same records for every target, so that
 * callers can report each once.
 */
export function createEnvironmentCheck(at: Surroundings): (asked: Asked) => readonly Problem[] {
  const variables = findVariables(at);
  return (asked) => variables.filter(({ matters }) => matters(asked)).map(({ found }) => found);
}

/** Of a converted target. */
export function askedOf(
  keys: ReadonlyMap<string, { readonly value: Json }>,
  isWithoutPolicy: boolean,
): Asked {
  const context = keys.get('context')?.value;
  return {
    isLocal: typeof context !== 'string' || !isRemoteAddress(context),
    isAttested: keys.has('attest'),
    isWithoutPolicy,
  };
}

function findVariables({ env, runDir, exists }: Surroundings): readonly Variable[] {
  const found: Variable[] = [];
  const add = (
    severity: Problem['severity'],
    message: string,
    hint: string,
    matters: Variable['matters'],
  ): void => {
    found.push({ matters, found: problem('bake/unsupported', message, { severity, hint }) });
  };
  // build/build.go, `ReadSourcePolicy`
  if ((env['EXPERIMENTAL_BUILDKIT_SOURCE_POLICY'] ?? '') !== '') {
    add(
      'error',
      'EXPERIMENTAL_BUILDKIT_SOURCE_POLICY names a policy for sources, which bake-ts does not support',
      'To build without the check, unset it.',
      () => true,
    );
  }
  // policy/default.go
  if (isTrue(env['BUILDX_DEFAULT_POLICY'])) {
    add(
      'error',
      'BUILDX_DEFAULT_POLICY requests a check of frontend images, which bake-ts does not do',
      `To build without the check, unset it, or: ${option("--set '*.policy=disabled=true'")}.`,
      ({ isWithoutPolicy }) => !isWithoutPolicy,
    );
  }
  // build/git.go
  const labels = env['BUILDX_GIT_LABELS'];
  if ((labels === 'full' || isTrue(labels)) && isInRepository(runDir, exists)) {
    add(
      'warning',
      'BUILDX_GIT_LABELS is set, with which bake labels images with the commit and the URL of the repository; bake-ts does not',
      'Set the labels: labels = { "org.opencontainers.image.revision" = … }. A label with the commit makes each commit a new image.',
      ({ isLocal }) => isLocal,
    );
  }
  // build/opt.go, `toSolveOpt`
  if (isTrue(env['BUILDX_NO_DEFAULT_OCI_ARTIFACT'])) {
    add(
      'warning',
      'BUILDX_NO_DEFAULT_OCI_ARTIFACT is set, with which bake writes attestations in an older form; bake-ts does not',
      'Set it in the output: type=image,oci-artifact=false.',
      ({ isAttested }) => isAttested,
    );
  }
  return found;
}

function isInRepository(start: string, exists: (file: string) => boolean): boolean {
  for (let dir = start; ; dir = dirname(dir)) {
    if (exists(`${dir}/.git`)) return true;
    if (dir === dirname(dir)) return false;
  }
}
