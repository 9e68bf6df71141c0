/** Where the repository and its command line lie, whether the tests run as TypeScript or compiled below `dist/`. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');

/** True where the tests run compiled. */
export const compiled: boolean = path.basename(root) === 'dist';

/** Absolute path of the repository. Fixtures are read from below it: the compiler copies none to `dist/`. */
export const repoRoot: string = compiled ? path.dirname(root) : root;

/** Absolute path of a file of the repository, given relative to its root with `/`. */
export function repoPath(relative: string): string {
  return path.join(repoRoot, relative);
}
