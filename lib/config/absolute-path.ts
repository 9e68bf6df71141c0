/** Paths: absolute for the machine, and relative to the root for people. */
import { isAbsolute, join, relative, resolve } from 'node:path';

/** Directories that paths are resolved and shown against. */
export interface PathOptions {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A path as written in a file of `dir`, absolute; `~/` is the home directory. */
export function absolutePath(text: string, dir: string, options: PathOptions): string {
  const home = options.env['HOME'] ?? options.env['USERPROFILE'];
  if (home !== undefined && (text === '~' || text.startsWith('~/'))) return join(home, text.slice(1));
  return resolve(dir, text);
}

/** The same path for `print`: as written where the file stands in the root, else relative to the root. */
export function shownInRoot(text: string, dir: string, options: PathOptions): string {
  if (dir === options.root || isAbsolute(text) || text.startsWith('~')) return text;
  return relative(options.root, resolve(dir, text)) || '.';
}
