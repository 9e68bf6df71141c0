/**
 * Secrets that a build is to be given and that are not there. BuildKit goes on without one whose variable is not set
 * (measured, exit code 0), so they are asked for before a build runs; a build that does not run needs none.
 */
import { stat } from 'node:fs/promises';
import { type Build, type Problem, problem } from '../model/mod.ts';

/** What a build lacks: `build/secret-unset`, `build/secret-file`. */
export async function findMissingSecrets(
  build: Build,
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const { id, from, span } of build.secrets) {
    const place = { build: build.name, ...(span === undefined ? {} : { span }) };
    if (from.kind === 'env' && env[from.variable] === undefined) {
      problems.push(
        problem('build/secret-unset', `the secret \`${id}\` comes from ${from.variable}, which is not set`, {
          ...place,
          hint: `Set ${from.variable} in the environment; BuildKit would go on without the secret.`,
        }),
      );
    }
    if (from.kind === 'file' && !(await isFile(from.path))) {
      problems.push(
        problem(
          'build/secret-file',
          `the secret \`${id}\` comes from a file that is not there: ${from.path}`,
          { ...place, hint: 'Paths are relative to the file they are written in.' },
        ),
      );
    }
  }
  return problems;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return !(await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
