/**
 * `npm run build:exe`: the command line as a program for machines that have neither Node nor Deno, dist/exe/bake-ts-linux-x64. It is the
 * pinned Node with the one file in it (Node's "single executable application").
 *
 *   node .ci/executable.mjs [--arch x64|arm64] [--built] [--output FILE]
 *
 * --built uses the existing dist/bake.js. For another architecture, Node comes from npm, like the pinned runtimes.
 */
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { inject } from 'postject';
import { build } from './build.mjs';
import { readCommandLine } from './one-file.mjs';
import { ensureModules, ensureNode, ensureRuntimes, must, node24, root, say } from './support.mjs';

/** Marks the place for the application in Node's binary (its documentation, "Single executable applications"). */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

const { values: options } = parseArgs({
  options: {
    arch: { type: 'string', default: process.arch },
    built: { type: 'boolean', default: false },
    output: { type: 'string' },
  },
});
await ensureModules();
await ensureRuntimes();
if (!options.built) await build();
const output = path.resolve(options.output ?? path.join(root, `dist/exe/bake-ts-linux-${options.arch}`));
const { binary, licence } = await ensureNode(options.arch);
const dir = mkdtempSync(path.join(tmpdir(), 'bake-ts-exe-'));
try {
  const main = path.join(dir, 'bake-ts.cjs');
  const blob = path.join(dir, 'blob');
  const config = path.join(dir, 'config.json');
  writeFileSync(main, `${readCommandLine()}\n/*\n${licence.replaceAll('*/', '* /')}\n*/\n`);
  writeFileSync(config, JSON.stringify({ main, output: blob, disableExperimentalSEAWarning: true }));
  await must([node24, '--experimental-sea-config', config]);
  mkdirSync(path.dirname(output), { recursive: true });
  // Deleted first, because it may be running and then cannot be overwritten.
  rmSync(output, { force: true });
  copyFileSync(binary, output);
  chmodSync(output, 0o755);
  // Suppresses warnings about symbols of Node's binary, which are unrelated to the injected file.
  console.warn = () => {};
  await inject(output, 'NODE_SEA_BLOB', readFileSync(blob), { sentinelFuse: FUSE });
  say(output);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
