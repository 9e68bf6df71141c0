import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { withoutComments } from '../rig/imports.ts';
import { compiled, repoPath } from '../rig/paths.ts';

test('the library exports its names one by one, so that nothing becomes public by accident; types may come by the package', () => {
  const code = withoutComments(readFileSync(repoPath('lib/mod.ts'), 'utf8'));
  assert.doesNotMatch(code, /export\s+\*/);
});

test('the values that the library has when it is loaded are those of the report of the public surface', async () => {
  const file = repoPath(compiled ? 'dist/lib/mod.js' : 'lib/mod.ts');
  const loaded = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  const report = readFileSync(repoPath('.ci/public-api.txt'), 'utf8');
  const reported = [...report.matchAll(/^(?:function|class|const) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(Object.keys(loaded).sort(), reported.sort());
});
