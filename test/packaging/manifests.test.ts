import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readModules, withoutComments } from '../rig/imports.ts';
import { listPages } from '../rig/pages.ts';
import { repoPath } from '../rig/paths.ts';

interface PackageJson {
  readonly version: string;
  readonly license: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly engines: { readonly node: string };
}

interface DenoJson {
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
}

const npm = readJson('package.json') as PackageJson;
const deno = readJson('deno.json') as DenoJson;

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(repoPath(file), 'utf8'));
}

/** The source file that a file of dist/ is made of. */
function sourceOf(target: string): string {
  if (target === 'dist/bin/bake-ts.cjs') return '.ci/start.cjs';
  if (/^\.\/dist\/library\.(?:d\.ts|js)$/.test(target)) return 'lib/mod.ts';
  return target.replace(/^\.\//, '');
}

test('package.json and deno.json agree on version and licence', () => {
  assert.equal(deno.version, npm.version);
  assert.equal(deno.license, npm.license);
});

test('Deno maps every package to the range that npm installs', () => {
  const ranges = { ...npm.devDependencies, ...npm.dependencies };
  for (const [name, target] of Object.entries(deno.imports)) {
    assert.equal(target, `npm:${name}@${ranges[name]}`, `imports of deno.json: ${name}`);
  }
  const missing = Object.keys(npm.dependencies).filter((name) => deno.imports[name] === undefined);
  assert.deepEqual(missing, [], 'dependencies that deno.json does not map');
});

test('every package that lib and cli import is a dependency, and every dependency is imported', () => {
  const used = new Set<string>();
  for (const { file, imports } of [...readModules('lib'), ...readModules('cli')]) {
    // Bundled when bake-ts is developed, with what it imports.
    if (/^lib\/page\/(app|playground)\//.test(file)) continue;
    for (const target of imports) {
      if (/^(node:|lib\/|cli\/|schemas\/|\.)/.test(target)) continue;
      const [first = '', second = ''] = target.split('/');
      used.add(first.startsWith('@') ? `${first}/${second}` : first);
    }
  }
  // In the bundle of the command line, so that nobody has to install them; the library knows nothing of them.
  const bundled = [...used].filter((name) => name.startsWith('@opentelemetry/'));
  for (const name of bundled) assert(npm.devDependencies[name] !== undefined, name);
  const installed = [...used].filter((name) => !bundled.includes(name));
  assert.deepEqual(installed.sort(), Object.keys(npm.dependencies).sort());
  const inLib = readModules('lib').flatMap(({ imports }) => imports);
  assert(inLib.length > 0 && !inLib.some((name) => name.startsWith('@opentelemetry/')));
});

test('what package.json exports and runs is there in the sources', () => {
  const targets = Object.values(npm.exports).flatMap((one) =>
    typeof one === 'string' ? [one] : Object.values(one),
  );
  for (const target of [...targets, ...Object.values(npm.bin)]) {
    const file = target.startsWith('./dist/') || target.startsWith('dist/') ? sourceOf(target) : target;
    assert.ok(existsSync(repoPath(file)), `${target} has no ${file}`);
  }
});

test('the lock file holds every optional package, without which `npm ci` refuses it on every platform', () => {
  const { packages } = readJson('package-lock.json') as {
    readonly packages: Readonly<
      Record<
        string,
        { readonly optionalDependencies?: Readonly<Record<string, string>>; readonly resolved?: string }
      >
    >;
  };
  const missing = Object.entries(packages).flatMap(([parent, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => {
      const place = `node_modules/${name}`;
      return packages[place] === undefined && packages[`${parent}/${place}`] === undefined;
    }),
  );
  assert.deepEqual(missing, [], 'run node .ci/complete-lock.mjs');
  const foreign = Object.values(packages).filter(({ resolved }) => resolved !== undefined);
  assert.deepEqual(foreign, [], 'the lock file must not name the registry of whoever wrote it');
});

test('types come first among the conditions of an export', () => {
  for (const [name, target] of Object.entries(npm.exports)) {
    if (typeof target !== 'string') assert.equal(Object.keys(target)[0], 'types', name);
  }
});

test('what deno.json exports is there, and is what npm exports', () => {
  for (const file of Object.values(deno.exports)) assert.ok(existsSync(repoPath(file)), file);
  const main = npm.exports['.'];
  assert.ok(typeof main === 'object');
  assert.equal(`./${sourceOf(main['default'] ?? '')}`, deno.exports['.']);
});

test('the command line starts with the line that makes npm run it with node', () => {
  const [first] = readFileSync(repoPath(sourceOf(npm.bin['bake-ts'] ?? '')), 'utf8').split('\n');
  assert.equal(first, '#!/usr/bin/env node');
});

test('lib has no top-level await, so that require() of the package works', () => {
  // The formatter indents everything inside a function, so a line that starts at the margin is at the top level.
  const found = readModules('lib').flatMap(({ file, text }) =>
    withoutComments(text)
      .split('\n')
      .filter((line) => /^\S.*\bawait\b/.test(line) && !/\b(async|function)\b|=>/.test(line))
      .map((line) => `${file}: ${line}`),
  );
  assert.deepEqual(found, []);
});

test('the runtime that carries the package is not a dependency of it', () => {
  // The npm packages `node` and `deno` would shadow the user's own on PATH in npm scripts.
  const all = { ...npm.dependencies, ...npm.devDependencies };
  assert.deepEqual([all['node'], all['deno']], [undefined, undefined]);
});

test('nobody is sent to a package named bake-ts, which is not ours on npm', () => {
  // Installing says what holds where the package is installed, or in a registry of one's own.
  const pages = listPages()
    .filter((name) => name !== 'install.md')
    .map((name) => `docs/${name}`);
  const printed = [...readModules('lib'), ...readModules('cli')].map(({ file }) => file);
  const found = ['README.md', 'action.yml', ...pages, ...printed].flatMap((file) =>
    readFileSync(repoPath(file), 'utf8')
      .replaceAll(/`[^`\n]*`/g, (quoted) => (file.endsWith('.md') ? '' : quoted))
      .split('\n')
      .filter((line) => /\b(?:npm (?:i|install|ci|exec)\b.* |npx |npm:)bake-ts(?:@|\s|$)/.test(line))
      .map((line) => `${file}: ${line}`),
  );
  assert.deepEqual(found, []);
});
