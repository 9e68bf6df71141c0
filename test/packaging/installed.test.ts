/** The ways to get bake-ts, word for word as docs/install.md has them, each with an empty home and empty caches, outside of the checkout. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { copyFile, readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { VERSION } from '../../lib/util/version.ts';
import { runCommand } from '../rig/command.ts';
import { type FreshPlace, makeFreshPlace, withFile, withThreadCounter } from '../rig/fresh-place.ts';
import { listenOnLoopback } from '../rig/listen.ts';
import { startNpmRegistry } from '../rig/npm-registry.ts';
import { repoPath, repoRoot } from '../rig/paths.ts';
import { handedOutSkip as skip } from '../rig/runtimes.ts';
import { makeTempDir } from '../rig/temp.ts';

const TARBALL = `bake-ts-${VERSION}.tgz`;

/** What `npm pack` makes of the checkout. */
async function pack(t: TestContext): Promise<string> {
  const dir = await makeTempDir(t);
  const done = await runCommand(['npm', 'pack', '--ignore-scripts', '--pack-destination', dir], {
    cwd: repoRoot,
  });
  assert.deepEqual([done.exitCode, await readdir(dir)], [0, [TARBALL]], done.stderr);
  return path.join(dir, TARBALL);
}

/** Runs what a person types, in the project; it must do well. */
async function type(line: string, place: FreshPlace): Promise<{ stdout: string; stderr: string }> {
  const done = await runCommand(['sh', '-c', line], { ...place, timeoutMs: 120_000 });
  assert.equal(done.exitCode, 0, `${line}\n${done.stdout}${done.stderr}`);
  return done;
}

const docs = readFileSync(repoPath('docs/install.md'), 'utf8');

/** The same for a line that docs/install.md tells people to type. */
async function install(line: string, place: FreshPlace): Promise<void> {
  assert.ok(docs.includes(line), `docs/install.md has not: ${line}`);
  await type(line, place);
}

async function builds(line: string, place: FreshPlace): Promise<void> {
  const { stderr } = await type(line, place);
  assert.match(stderr, /^app +built /m, line);
}

/** A place that knows a registry which has the package. */
async function placeWithRegistry(t: TestContext, tarball: string): Promise<FreshPlace> {
  const place = await makeFreshPlace(t);
  const { stdout } = await runCommand(['npm', 'config', 'get', 'registry'], { cwd: repoRoot });
  const registry = await startNpmRegistry(t, tarball, stdout.trim());
  return { ...place, env: { ...place.env, npm_config_registry: registry, NPM_CONFIG_REGISTRY: registry } };
}

/** A place with the tarball or the one file beside the project. */
async function placeWith(t: TestContext, file: string): Promise<FreshPlace> {
  const place = await makeFreshPlace(t);
  await copyFile(file, path.join(place.cwd, path.basename(file)));
  return place;
}

test('every way to get bake-ts works on an empty machine', { skip, timeout: 170_000 }, async (t) => {
  const tarball = await pack(t);
  await t.test('npm i -g of the tarball', async (t) => {
    const place = await placeWith(t, tarball);
    await install(`npm i -g ./${TARBALL}`, place);
    await builds('bake-ts run', place);
  });
  await t.test('npm i -D of the tarball, for a project', async (t) => {
    const place = await placeWith(t, tarball);
    await install(`npm i -D ./${TARBALL}`, place);
    const counter = `--import=./${await withThreadCounter(place)}`;
    const { stderr } = await type(`node ${counter} node_modules/.bin/bake-ts run`, place);
    assert.match(stderr, /^app +built [\s\S]*^hashed by threads: [1-9]/m);
    const { stdout } = await type('npx bake-ts init -o -', place);
    assert.match(stdout, /^# yaml-language-server: \$schema=\.\/node_modules\/bake-ts\//);
  });
  await t.test('deno install of the one file', async (t) => {
    const place = await placeWith(t, repoPath('dist/bake.js'));
    await install('deno install -gA -n bake-ts ./bake.js', place);
    await builds('bake-ts run', place);
  });
  await t.test('deno install of the checkout', async (t) => {
    const place = await makeFreshPlace(t);
    await install('deno install -gA -n bake-ts ./cli/main.ts', { ...place, cwd: repoRoot });
    await builds('bake-ts run', place);
  });
  await t.test('deno run of the checkout, from another directory', async (t) => {
    const place = await makeFreshPlace(t);
    await builds(`deno run -A ${repoPath('cli/main.ts')} run`, place);
  });
  await t.test('what jobs of a printed pipeline type', async (t) => {
    const bytes = await readFile(tarball);
    const server = createServer((_request, response) => response.end(bytes));
    const address = `http://127.0.0.1:${await listenOnLoopback(t, server)}/${TARBALL}`;
    for (const system of ['github', 'gitlab']) {
      const place = await makeFreshPlace(t);
      const printed = await type(
        `node ${repoPath('dist/bin/bake-ts.cjs')} ci ${system} --package=${address}`,
        place,
      );
      const { env, variables } = parse(printed.stdout) as Readonly<Record<string, Record<string, string>>>;
      const [line = assert.fail()] = /[(]?(?:cd . && )?npm install .*$/m.exec(printed.stdout) ?? [];
      const temp = path.join(place.home, 'temp');
      const job = { ...place, env: { ...place.env, ...env, ...variables, RUNNER_TEMP: temp } };
      await type(line, job);
      const bin = system === 'github' ? `${temp}/bake-ts/node_modules/.bin/` : '';
      await builds(`${bin}bake-ts run`, job);
    }
  });
  // From a registry of packages that has it.
  for (const line of ['npx bake-ts run', 'deno run -A npm:bake-ts run'])
    await t.test(line, async (t) => builds(line, await placeWithRegistry(t, tarball)));
  await t.test('a script of Deno imports npm:bake-ts', async (t) => {
    const place = await placeWithRegistry(t, tarball);
    const script =
      "import { plan, unwrap } from 'npm:bake-ts'; console.log(...unwrap(await plan()).plan.nodes.keys());";
    await withFile(place, 'script.ts', script);
    assert.equal((await type('deno run -A script.ts', place)).stdout, 'app\n');
    await type('deno check script.ts', place);
  });
  await t.test('deno install -gA npm:bake-ts', async (t) => {
    const place = await placeWithRegistry(t, tarball);
    await install('deno install -gA npm:bake-ts', place);
    await builds('bake-ts run', place);
  });
});
