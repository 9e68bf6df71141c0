import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { makeSidebar, placeOf } from '../../docs/.vitepress/pages.ts';
import { listPages } from '../rig/pages.ts';
import { repoPath } from '../rig/paths.ts';

const docs = listPages().map((name) => `docs/${name}`);
const pages = ['README.md', 'CONTRIBUTING.md', ...docs, 'examples/README.md'];

test('every page of docs/ is in the sidebar, once', () => {
  const shown = makeSidebar(pages).flatMap(({ files }) => files);
  assert.deepEqual([...shown].sort(), [...pages].sort());
});

test('pages are in the group that they belong to', () => {
  const groups = new Map(makeSidebar(pages).map(({ text, files }) => [text, files]));
  assert.equal(groups.get('Start')?.[0], 'README.md');
  assert.ok(groups.get('Problem codes')?.includes('docs/failures/config.md'));
  assert.ok(groups.get('Reference')?.includes('docs/api/README.md'));
  assert.ok(groups.get('Internals')?.includes('docs/decisions.md'));
});

test('a page lies below docs/ or at the root, and a README is the page of its folder', () => {
  assert.equal(placeOf('docs/cli.md'), 'cli.md');
  assert.equal(placeOf('docs/api/README.md'), 'api/index.md');
  assert.equal(placeOf('README.md'), 'index.md');
  assert.equal(placeOf('examples/shop/README.md'), 'examples/shop/index.md');
});

test('two pages never lie at the same place', () => {
  const places = pages.map(placeOf);
  assert.equal(new Set(places).size, places.length);
});

test('VitePress is pinned, and installed for the site alone', () => {
  const own = JSON.parse(readFileSync(repoPath('docs/.vitepress/package.json'), 'utf8')) as {
    readonly devDependencies: Readonly<Record<string, string>>;
  };
  for (const version of Object.values(own.devDependencies)) assert.match(version, /^\d+\.\d+\.\d+$/);
  const lock = JSON.parse(readFileSync(repoPath('docs/.vitepress/package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<
      Record<string, { readonly resolved?: string; readonly optionalDependencies?: object }>
    >;
  };
  const { packages } = lock;
  assert.deepEqual(
    Object.values(packages).flatMap(({ resolved }) => resolved ?? []),
    [],
    'addresses of a registry',
  );
  const absent = Object.values(packages)
    .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
    .filter((name) => packages[`node_modules/${name}`] === undefined);
  assert.deepEqual(absent, [], 'npm ci refuses a lock file without them');
  assert.ok(existsSync(repoPath('docs/.vitepress/config.ts')));
});
