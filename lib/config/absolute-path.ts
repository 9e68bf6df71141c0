/** Paths: absolute for the machine, and relative to the root for people. */
import { isAbsolute, join, relative, resolve } from 'node:path';
import { homeOf, thisSystem } from '../system/mod.ts';
import { withSlashes } from '../util/path.ts';

/** Directories that paths are resolved and shown against. */
export interface PathOptions {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A path as written in a file of `dir`, absolute; `~/` is the home directory. */
export function absolutePath(text: string, dir: string, options: PathOptions): string {
  const home = homeOf(options.env);
  if (home !== undefined && isOfHome(text)) return join(home, text.slice(1));
  return resolve(dir, text);
}

function isOfHome(text: string): boolean {
  return text === '~' || text.startsWith('~/') || (thisSystem() === 'win32' && text.startsWith('~\\'));
}

/** The same path for `print`: as written where the file stands in the root, else relative to the root. */
export function shownInRoot(text: string, dir: string, options: PathOptions): string {
  if (dir === options.root || isAbsolute(text) || text.startsWith('~')) return text;
  return withSlashes(relative(options.root, resolve(dir, text))) || '.';
}
