/**
 * Secrets that a build is to be given and that are not there. BuildKit continues without one whose variable is not set
 * (measured, exit code 0), so they are checked before a build runs; a build that does not run needs none.
 */
import { stat } from 'node:fs/promises';
import { MOST_SECRET_BYTES, secretTooLarge } from '../buildctl/mod.ts';
import { type Build, type Problem, problem } from '../model/mod.ts';
import { throwDenied } from '../util/permission.ts';

/** What a build lacks: `build/secret-unset`, `build/secret-file`; and `build/secret-too-large`. */
export async function findMissingSecrets(
  build: Build,
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const { id, from, span, isUnset } of build.secrets) {
    if (isUnset === true) continue;
    const place = { build: build.name, ...(span === undefined ? {} : { span }) };
    if (from.kind === 'env' && env[from.variable] === undefined) {
      problems.push(
        problem('build/secret-unset', `the secret \`${id}\` comes from ${from.variable}, which is not set`, {
          ...place,
          hint: `Set ${from.variable} in the environment; BuildKit would build without the secret.`,
        }),
      );
    }
    const sizeBytes = from.kind === 'file' ? await sizeOf(from.path) : undefined;
    if (sizeBytes !== undefined && sizeBytes > MOST_SECRET_BYTES)
      problems.push({ ...secretTooLarge(id), ...place });
    if (from.kind === 'file' && sizeBytes === undefined) {
      problems.push(
        problem(
          'build/secret-file',
          `the secret \`${id}\` comes from a file that does not exist: ${from.path}`,
          { ...place, hint: 'Check the path: it is relative to the file that names it.' },
        ),
      );
    }
  }
  return problems;
}

/** Undefined where there is no file. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    return found.isDirectory() ? undefined : found.size;
  } catch (error) {
    throwDenied(error);
    return undefined;
  }
}
