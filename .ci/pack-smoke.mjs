/**
 * Installs the packed tarball as a user would and uses it: the command line and the library, on Node 20 (or whatever
 * runs this), Node 24 and Deno. `node .ci/pack-smoke.mjs [TARBALL]`; without one, it packs what lies in dist/.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { rolldown } from 'rolldown';
import { build } from './build.mjs';
import { deno, ensureModules, ensureRuntimes, must, node24, root, say } from './support.mjs';

const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const dir = mkdtempSync(path.join(tmpdir(), 'bake-ts-smoke-'));

/** A consumer, checked by the compiler and by running it. */
const CONSUMER = `
import * as bake from 'bake-ts';
import schema from 'bake-ts/schema.json' with { type: 'json' };
const functions = Object.values(bake).filter((value) => typeof value === 'function').length;
if (functions === 0) throw new Error('the library exports no function');
if (typeof schema.$schema !== 'string') throw new Error('the schema is none');
const { plan } = bake.unwrap(await bake.plan({ cwd: import.meta.dirname ?? process.argv[2] }));
console.log([...plan.nodes.keys()].join());
`;

/** Uses what is not loaded at start: a schema (ajv) and a regular expression (re2js), which are required from their packages. */
const BUILDS = `
vars:
  SERVICES: { default: [api, web], schema: { type: array, items: { type: string, maxLength: 9 } } }
builds:
  service:
    matrix: { service: "\${{ vars.SERVICES }}" }
    name: "\${{ matrix.service.matches('^a') ? 'first' : matrix.service }}"
    dockerfile-inline: FROM scratch
`;
const NAMES = 'first,web';

try {
  let [tarball] = process.argv.slice(2);
  if (tarball === undefined) {
    await ensureModules();
    await build();
    await must(['npm', 'pack', '--pack-destination', dir, '--ignore-scripts']);
    tarball = path.join(
      dir,
      readdirSync(dir).find((name) => name.endsWith('.tgz')),
    );
  }
  await ensureRuntimes();
  writeFileSync(path.join(dir, 'package.json'), '{ "private": true, "type": "module" }\n');
  writeFileSync(path.join(dir, 'consumer.mjs'), CONSUMER);
  writeFileSync(path.join(dir, 'builds.yaml'), BUILDS);
  symlinkSync(dir, path.join(dir, 'elsewhere'));
  await must(['npm', 'install', '--no-audit', '--no-fund', path.resolve(tarball)], { cwd: dir });

  const cli = path.join(dir, 'node_modules/bake-ts/dist/bin/bake-ts.cjs');
  const installed = path.join(dir, 'node_modules/.bin/bake-ts');
  // Deno uses npm's node_modules, because this tests the tarball and not the registry.
  const denoRun = [deno, 'run', '-A', '--no-lock', '--node-modules-dir=manual'];
  await expect('the installed command', [installed, '--version'], version);
  await expect('Node 24', [node24, cli, '--version'], version);
  await expect('Deno', [...denoRun, cli, '--version'], version);
  for (const runtime of [[process.execPath], [node24], denoRun]) {
    await expect('a plan, by a link', [...runtime, cli.replace(dir, `${dir}/elsewhere`), 'list'], 'first');
    await expect('import of the library', [...runtime, path.join(dir, 'consumer.mjs'), dir], NAMES);
  }
  await bundleConsumer();
  await expect('the library in a bundle', [process.execPath, path.join(dir, 'bundled.mjs'), dir], NAMES);
  await expect(
    'require of the library',
    [process.execPath, '-e', "require('bake-ts'); console.log('ok')"],
    'ok',
  );
  await checkTypes();
} catch (error) {
  process.stderr.write(`pack-smoke: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function expect(what, argv, text) {
  const { stdout } = await must(argv, { cwd: dir, env: { NO_COLOR: '1' } });
  if (!stdout.includes(text)) throw new Error(`${what}: expected ${text}, got ${stdout}`);
  say(`✔ ${what}: ${path.basename(argv[0])} says ${stdout.trim().split('\n')[0]}`);
}

/** Bundles a consumer of the library. */
async function bundleConsumer() {
  const built = await rolldown({
    input: path.join(dir, 'consumer.mjs'),
    cwd: dir,
    platform: 'node',
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(`bundling a program that uses the library: ${log.message}`);
    },
  });
  await built.write({ file: path.join(dir, 'bundled.mjs'), format: 'esm', codeSplitting: false });
  await built.close();
}

/** The declarations must also be valid for a strict consumer that checks libraries. */
async function checkTypes() {
  writeFileSync(
    path.join(dir, 'consumer.ts'),
    "import * as bake from 'bake-ts';\nexport const all: object = bake;\n",
  );
  const compiler = path.join(root, 'node_modules/typescript/bin/tsc');
  const types = path.join(root, 'node_modules/@types');
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2023'];
  await must([process.execPath, compiler, ...flags, '--typeRoots', types, '--types', 'node', 'consumer.ts'], {
    cwd: dir,
  });
  say('✔ the declarations compile for a strict consumer');
}
