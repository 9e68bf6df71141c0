/** The problem codes that docs/failures/ explains. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './support.mjs';

const FOLDER = 'docs/failures';

/**
 * Every heading that is a code, in order.
 * @returns {{ code: string, file: string }[]} `file` is relative to the repository
 */
export function listFailureCodes() {
  return readdirSync(path.join(root, FOLDER)).flatMap((name) => {
    const file = `${FOLDER}/${name}`;
    const text = readFileSync(path.join(root, file), 'utf8');
    return [...text.matchAll(/^##+ `?([a-z]+\/[a-z0-9-]+)`?\s*$/gm)].map(([, code]) => ({ code, file }));
  });
}
