/** Paths: absolute internally, and relative to the root in output. */
import { isAbsolute, join, relative, resolve } from 'node:path';
import { homeOf, thisSystem } from '../system/mod.ts';
import { withSlashes } from '../util/path.ts';

/** Directories that paths are resolved and shown against. */
export interface PathOptions {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The absolute form of a path in a file of `dir`; `~/` is the home directory. */
export function absolutePath(text: string, dir: string, options: PathOptions): string {
  const home = homeOf(options.env);
  if (home !== undefined && isOfHome(text)) return join(home, text.slice(1));
  return resolve(dir, text);
}

function isOfHome(text: string): boolean {
  return text === '~' || text.startsWith('~/') || (thisSystem() === 'win32' && text.startsWith('~\\'));
}

/** A path for `print`: as written if the file is in the root directory, otherwise relative to the root. */
export function shownInRoot(text: string, dir: string, options: PathOptions): string {
  if (dir === options.root || isAbsolute(text) || text.startsWith('~')) return text;
  return withSlashes(relative(options.root, resolve(dir, text))) || '.';
}
