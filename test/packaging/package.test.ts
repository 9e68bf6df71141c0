/** What npm would publish: how large it is, that our code is in it once, and that it needs no more than what it declares. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { runCommand } from '../rig/command.ts';
import { readModules, withoutComments } from '../rig/imports.ts';
import { repoPath, repoRoot } from '../rig/paths.ts';
import { handedOutSkip as skip, testRuntimes } from '../rig/runtimes.ts';
import { makeTempDir } from '../rig/temp.ts';

const MOST_BYTES = 3_000_000;

interface Packed {
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

let answer: Promise<Packed> | undefined;

/** What `npm pack` would put into the package, of what was built. */
function pack(): Promise<Packed> {
  answer ??= (async () => {
    const argv = ['npm', 'pack', '--dry-run', '--json', '--ignore-scripts'];
    const { stdout, stderr, exitCode } = await runCommand(argv, { cwd: repoRoot });
    assert.equal(exitCode, 0, stderr);
    const [packed] = JSON.parse(stdout) as readonly Packed[];
    return packed ?? assert.fail(stdout);
  })();
  return answer;
}

/** The scripts of the package. */
async function readScripts(): Promise<readonly { readonly file: string; readonly text: string }[]> {
  const { files } = await pack();
  return files
    .filter((one) => /\.[cm]?[jt]s$/.test(one.path) && !/\.d\.[cm]?ts$/.test(one.path))
    .map((one) => ({ file: one.path, text: readFileSync(repoPath(one.path), 'utf8') }));
}

test('the package has at most 3 MB: the bundle, in which the documentation is, and nothing else', {
  skip,
}, async () => {
  const { unpackedSize, files } = await pack();
  const largest = [...files].sort((a, b) => b.size - a.size).slice(0, 10);
  assert.ok(
    unpackedSize <= MOST_BYTES,
    `${unpackedSize} bytes, the largest: ${largest.map((one) => `${one.path} ${one.size}`).join(', ')}`,
  );
  const names = files.map((one) => one.path);
  assert.deepEqual(names.filter((one) => /^dist\/(?!bin\/)/.test(one)).sort(), [
    'dist/library.d.ts',
    'dist/library.js',
  ]);
  assert.deepEqual(
    names.filter((one) => !/\.(?:cjs|js|ts|md|json|txt)$|^LICENSE$/.test(one)),
    [],
  );
  // The documentation is in the bundle.
  assert.deepEqual(
    names.filter((one) => one.endsWith('.md')),
    ['CHANGELOG.md', 'README.md'].filter((one) => names.includes(one)),
  );
  // An address without its file makes debuggers and bundlers look for it in vain.
  for (const { file, text } of await readScripts()) assert.doesNotMatch(text, /sourceMappingURL=/, file);
});

test('each function of ours is in the package once', { skip }, async () => {
  // Of three words, since others have functions of the same names.
  const declared = /^(?:export )?(?:async )?(?:function\*?|class) ([a-zA-Z][a-z]+[A-Z][a-z]+[A-Z]\w+)/gm;
  const counts = new Map<string, number>();
  for (const { text } of [...readModules('lib'), ...readModules('cli')].filter(
    ({ file }) => !file.startsWith('lib/page/app/'),
  ))
    for (const [, name = ''] of withoutComments(text).matchAll(declared))
      counts.set(name, (counts.get(name) ?? 0) + 1);
  const unique = [...counts].filter(([, count]) => count === 1).map(([name]) => name);
  const found = new Map<string, string[]>();
  for (const { file, text } of await readScripts())
    for (const [, name = ''] of text.matchAll(/\b(?:function\*?|class) (\w+)/g))
      found.set(name, [...(found.get(name) ?? []), file]);
  const twice = unique.filter((name) => (found.get(name)?.length ?? 0) > 1);
  assert.deepEqual(
    twice.map((name) => `${name}: ${found.get(name)?.join(', ')}`),
    [],
  );
  // Names of functions are what a report of a bug consists of.
  const kept = unique.filter((name) => found.has(name)).length;
  assert.ok(
    kept > unique.length * 0.75,
    `only ${kept} of ${unique.length} names of functions are in the bundle`,
  );
});

test('what the package requires is in it, of the runtime, or a dependency', { skip }, async () => {
  const { dependencies } = JSON.parse(readFileSync(repoPath('package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const required = new Set<string>();
  for (const { file, text } of await readScripts()) {
    for (const [, , name = ''] of text.matchAll(/\b(?:require|import)\((["'`])([^"'`$]+)\1\)/g)) {
      if (isBuiltin(name)) continue;
      if (!name.startsWith('.')) required.add(name);
      else assert.ok(existsSync(path.join(path.dirname(repoPath(file)), name)), `${file}: ${name}`);
    }
  }
  assert.ok(required.size > 3, 'nothing was found');
  const { resolve } = createRequire(repoPath('dist/bin/bake-ts.cjs'));
  for (const name of required) {
    assert.ok(existsSync(resolve(name)), name);
    const [scope = '', rest] = name.split('/');
    const range = dependencies[scope.startsWith('@') ? `${scope}/${rest}` : scope];
    assert.ok(range !== undefined, `${name} is no dependency`);
    // Of a part of a package, and of what the start keeps compiled, the bundle has to know the version.
    if (name.includes('/lib/') || name === 're2js') assert.match(range, /^\d+\.\d+\.\d+$/, name);
  }
});

test('the library of the package has the public names, by import and by require', { skip }, async () => {
  const report = readFileSync(repoPath('.ci/public-api.txt'), 'utf8');
  const reported = [...report.matchAll(/^(?:function|class|const) (\w+)/gm)].map(([, name]) => name).sort();
  const file = repoPath('dist/library.js');
  const imported = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  assert.deepEqual(Object.keys(imported).sort(), reported);
  const script = `console.log(JSON.stringify(Object.keys(require(${JSON.stringify(file)}))))`;
  const { stdout } = await runCommand([process.execPath, '-e', script]);
  assert.deepEqual((JSON.parse(stdout) as string[]).filter((name) => name !== '__esModule').sort(), reported);
});

test('the types of the package are one file that names every public type', { skip }, () => {
  const types = readFileSync(repoPath('dist/library.d.ts'), 'utf8');
  assert.doesNotMatch(types, /^(?:import|export) .*\bfrom\b|\bimport\(/m);
  const report = readFileSync(repoPath('.ci/public-api.txt'), 'utf8');
  const reported = [...report.matchAll(/^(?:type class|function|class|const|interface|type) (\w+)/gm)].map(
    ([, name]) => name,
  );
  const list = /^export type \{ (.*) \};$/m.exec(types)?.[1]?.split(', ') ?? [];
  const values = [...types.matchAll(/^export declare (?:function|class|const) (\w+)/gm)].map(
    ([, name]) => name,
  );
  assert.deepEqual([...new Set([...list, ...values])].sort(), [...new Set(reported)].sort());
  assert.equal(readFileSync(repoPath('dist/bake.d.ts'), 'utf8'), types);
});

test('the bundle, the one file and every runtime print the documentation', { skip }, async (t) => {
  const cwd = await makeTempDir(t);
  const page = readFileSync(repoPath('docs/failures.md'), 'utf8');
  for (const file of ['dist/bin/bake-ts.cjs', 'dist/bake.js', 'dist/cli/main.js']) {
    for (const { name, command } of testRuntimes) {
      const run = (...argv: readonly string[]) => runCommand([...command, repoPath(file), ...argv], { cwd });
      const docs = await run('docs', 'failures');
      assert.deepEqual([docs.exitCode, docs.stdout, docs.stderr], [0, page, ''], `${name} ${file}`);
      const why = await run('why', 'plan/cycle');
      assert.match(why.stdout, /^## plan\/cycle\n\S/, `${name} ${file}`);
    }
  }
});
