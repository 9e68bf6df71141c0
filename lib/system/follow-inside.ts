/** Symlinks as an engine sees them after it was sent one directory. */
import { lstatSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { withSlashes } from '../util/path.ts';
import { isExactName } from './exact-name.ts';

const MAX_LINKS = 255;

/**
 * The target of a file in a directory as the engine sees it: it has only this directory, as its root. Undefined: no
 * target (measured: an ignore file that points out of its context excludes nothing), or a target with another exact
 * name (`dockerfile`, which macOS and Windows find as `Dockerfile`).
 *
 * @throws if something on the way does not exist or cannot be checked
 */
export function followInside(root: string, name: string): string | undefined {
  let rest = [name];
  let at: string[] = [];
  for (let links = 0; ; ) {
    const [part, ...after] = rest;
    if (part === undefined) return path.join(root, ...at);
    rest = after;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      at.pop();
      continue;
    }
    const full = path.join(root, ...at, part);
    const found = lstatSync(full);
    if (!isExactName(path.dirname(full), part)) return undefined;
    if (!found.isSymbolicLink()) {
      at.push(part);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) return undefined;
    const target = withSlashes(readlinkSync(full));
    if (target.startsWith('/')) at = [];
    rest = [...target.split('/'), ...rest];
  }
}
