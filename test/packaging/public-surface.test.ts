import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { assertGolden } from '../rig/golden.ts';
import { withoutComments } from '../rig/imports.ts';
import { compiled, repoPath } from '../rig/paths.ts';

interface PublicName {
  readonly name: string;
  readonly isType: boolean;
}

/** The names that lib/mod.ts exports, types included; it must list them one by one. */
function readPublicNames(): readonly PublicName[] {
  const code = withoutComments(readFileSync(repoPath('lib/mod.ts'), 'utf8'));
  const lists = [...code.matchAll(/export\s+(type\s+)?\{([^}]*)\}/g)].flatMap(([, type, list = '']) =>
    list
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
      .map((item) => ({
        name: item.replace(/^type\s+/, '').replace(/^.*\sas\s+/, ''),
        isType: type !== undefined || /^type\s/.test(item),
      })),
  );
  const declared = [
    ...code.matchAll(/export\s+(?:(type|interface)|(?:async\s+)?function|const|class)\s+(\w+)/g),
  ].map(([, type, name = '']) => ({ name, isType: type !== undefined }));
  return [...lists, ...declared].sort((a, b) => (a.name < b.name ? -1 : 1));
}

test('the library exports its names one by one, so that nothing becomes public by accident; types may come by the package', () => {
  const code = withoutComments(readFileSync(repoPath('lib/mod.ts'), 'utf8'));
  assert.doesNotMatch(code, /export\s+\*/);
});

test('the public names are the ones that were agreed on', () => {
  const lines = readPublicNames().map(({ name, isType }) => `${isType ? 'type ' : ''}${name}\n`);
  assertGolden(lines.join(''), 'packaging/golden/public-names.txt');
});

test('every public value is there when the library is loaded', async () => {
  const file = repoPath(compiled ? 'dist/lib/mod.js' : 'lib/mod.ts');
  const loaded = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  const values = readPublicNames().filter(({ isType }) => !isType);
  assert.deepEqual(
    Object.keys(loaded).sort(),
    values.map(({ name }) => name),
  );
});
