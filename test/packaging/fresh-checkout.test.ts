/** What a fresh checkout starts before its packages are installed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { repoPath } from '../rig/paths.ts';

const IMPORT = /^(?:import\s+(?:[^'"`;]*?\bfrom\s*)?|export\s+[^'"`;]*?\bfrom\s*)['"]([^'"]+)['"]/gm;

/** Packages that a script and the scripts that it imports load as soon as they are loaded themselves. */
function packagesOf(file: string, seen = new Set<string>()): readonly string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const text = readFileSync(repoPath(file), 'utf8');
  return [...text.matchAll(IMPORT)].flatMap(([, name = '']) => {
    if (name.startsWith('node:')) return [];
    if (!name.startsWith('.')) return [`${file}: ${name}`];
    return packagesOf(path.posix.join(path.posix.dirname(file), name), seen);
  });
}

for (const script of ['.ci/check.mjs', '.ci/test.mjs', '.ci/demo.mjs'])
  test(`${script} loads no package before it has installed them`, () => {
    assert.deepEqual(packagesOf(script), []);
  });

test('a package is found, also behind another script', () => {
  assert.ok(packagesOf('.ci/site.mjs').some((found) => found.endsWith(': rolldown')));
});
