import assert from 'node:assert/strict';
import { copyFile, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import * as library from '../../lib/mod.ts';
import { VERSION } from '../../lib/util/version.ts';
import { runCommand } from '../rig/command.ts';
import { type FreshPlace, makeFreshPlace, withFile, withThreadCounter } from '../rig/fresh-place.ts';
import { listenOnLoopback } from '../rig/listen.ts';
import { repoPath } from '../rig/paths.ts';
import { runtimeFiles, handedOutSkip as skip, testRuntimes } from '../rig/runtimes.ts';

const NAME = 'bake.js';

/** A place with the file and nothing else of ours. */
async function placeWithFile(
  t: TestContext,
  files: Readonly<Record<string, string>> = {},
): Promise<FreshPlace & { file: string }> {
  const place = await makeFreshPlace(t, files);
  const file = path.join(place.home, NAME);
  await copyFile(repoPath('dist/bake.js'), file);
  return { ...place, file };
}

const say = ({
  exitCode,
  stdout,
  stderr,
}: {
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}) => `${stdout}${stderr}exit ${exitCode}`;

test('the one file is the command line from a file, and builds', { skip }, async (t) => {
  const place = await placeWithFile(t);
  for (const { name, command } of testRuntimes) {
    const version = await runCommand([...command, place.file, '--version'], place);
    assert.match(say(version), new RegExp(`^bake-ts ${VERSION} \\((?:node|deno) [\\d.]+\\)\\nexit 0$`), name);
    const run = await runCommand([...command, place.file, 'run', '--force'], place);
    assert.match(run.stderr, /^app +built /m, name);
    assert.equal(run.exitCode, 0, name);
  }
  await withFile({ ...place, cwd: place.home }, 'package.json', '{}');
  const itself = await runCommand([place.file, '--version'], place);
  assert.match(say(itself), /^bake-ts .*\(node .*\nexit 0$/);
});

test('the one file is the command line from standard input', { skip }, async (t) => {
  const place = await placeWithFile(t);
  const stdin = await readFile(place.file, 'utf8');
  for (const { name, fromStdin } of testRuntimes) {
    const plan = await runCommand([...fromStdin, 'plan', '--json'], { ...place, stdin });
    assert.deepEqual([plan.exitCode, plan.stderr], [0, ''], name);
    assert.equal(JSON.parse(plan.stdout).builds[0].name, 'app', name);
  }
});

test('Deno runs and imports the one file from an address', { skip }, async (t) => {
  const text = await readFile(repoPath('dist/bake.js'));
  const server = createServer((request, response) => {
    if (request.url !== `/${NAME}`) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': 'text/javascript' }).end(text);
  });
  const address = `http://127.0.0.1:${await listenOnLoopback(t, server)}/${NAME}`;
  const place = await makeFreshPlace(t, {
    'script.ts': `import { readBuilds } from '${address}'; console.log(typeof readBuilds);`,
    'builds.ts': `
      import { defineBuilds } from 'bake-ts';
      const name: string = 'typed';
      export default defineBuilds({ builds: { [name]: {} } });
    `,
  });
  const { command } = testRuntimes.find(({ name }) => name === 'Deno') ?? assert.fail();
  const list = await runCommand([...command, address, 'list', '-f', 'builds.ts'], place);
  assert.match(list.stdout, /^typed\b/m, say(list));
  const script = await runCommand([...command, 'script.ts'], place);
  assert.equal(script.stdout, 'function\n', say(script));
});

test('a script that imports the one file gets the whole library, and nothing is run', { skip }, async (t) => {
  const place = await placeWithFile(t);
  const names = Object.keys(library);
  assert.ok(names.includes('readBuilds'));
  const script = `
    import * as bake from '../home/${NAME}';
    const read = await bake.readBuilds({ cwd: process.cwd(), env: {} });
    console.log(JSON.stringify([Object.keys(bake), read.ok && [...read.value.set.builds.keys()]]));
  `;
  for (const { name, command } of testRuntimes) {
    const { stdout, stderr, exitCode } = await runCommand([...command, 'script.mjs', 'run'], {
      ...place,
      cwd: await withFile(place, 'script.mjs', script),
    });
    assert.deepEqual([exitCode, stderr], [0, ''], name);
    assert.deepEqual(JSON.parse(stdout), [names, ['app']], name);
  }
});

test('a script that imports the one file has its types, for TypeScript and for Deno', { skip }, async (t) => {
  const place = await placeWithFile(t);
  await copyFile(repoPath('dist/bake.d.ts'), path.join(place.cwd, 'bake.d.ts'));
  await copyFile(place.file, path.join(place.cwd, NAME));
  const docs = await readFile(repoPath('docs/install.md'), 'utf8');
  const [, line = assert.fail()] = /^(\/\/ @ts-types=.*)$/m.exec(docs) ?? [];
  const script = (options: string) =>
    `${line}\nimport { run, type RunResult, unwrap } from './${NAME}';\nexport const done: RunResult = await run(${options});\nconsole.log(unwrap(done).outcomes.map(({ build }) => build));\n`;
  await withFile(place, 'right.ts', script("{ patterns: ['app'] }"));
  await withFile(place, 'wrong.ts', script("{ pattern: ['app'] }"));
  await withFile(place, 'package.json', '{ "type": "module" }');
  const tsc = [process.execPath, repoPath('node_modules/typescript/bin/tsc')];
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2023'];
  const types = ['--typeRoots', repoPath('node_modules/@types'), '--types', 'node'];
  for (const [name, command] of [
    ['TypeScript', [...tsc, ...flags, ...types]],
    ['Deno', [runtimeFiles.deno, 'check']],
  ] as const) {
    const right = await runCommand([...command, 'right.ts'], place);
    assert.equal(right.exitCode, 0, `${name}: ${say(right)}`);
    const wrong = await runCommand([...command, 'wrong.ts'], place);
    assert.match(say(wrong), /'pattern' does not exist in type 'RunOptions'/, name);
  }
  const { command } = testRuntimes.find(({ name }) => name === 'Deno') ?? assert.fail();
  const done = await runCommand([...command, 'right.ts'], place);
  assert.equal(say(done), '[ "app" ]\nexit 0');
});

test('scripts that import the one file start by themselves', { skip }, async (t) => {
  const place = await placeWithFile(t);
  const body = `import { readBuilds } from '../home/${NAME}';\nconsole.log(typeof readBuilds);\n`;
  for (const line of ['#!/usr/bin/env -S deno run -A', '#!/usr/bin/env node']) {
    const cwd = await withFile(place, 'script.mjs', `${line}\n${body}`, 0o755);
    const done = await runCommand([path.join(cwd, 'script.mjs')], { ...place, cwd });
    assert.equal(say(done), 'function\nexit 0', line);
  }
});

test('the one file hashes in threads, for which it needs no file beside it', { skip }, async (t) => {
  const place = await placeWithFile(t);
  const counter = await withThreadCounter(place);
  for (const { name, command } of testRuntimes) {
    const preload = `--${name === 'Deno' ? 'preload' : 'import'}=./${counter}`;
    const env = { ...place.env, BAKE_TS_HOME: path.join(place.home, name) };
    const run = await runCommand([...command, preload, place.file, 'run'], { ...place, env });
    assert.match(run.stderr, /^hashed by threads: [1-9]/m, name);
    assert.equal(run.exitCode, 0, name);
  }
});
