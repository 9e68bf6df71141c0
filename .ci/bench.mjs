/**
 * `npm run bench [name]…`: compiles, and runs the benchmarks of bench/ one after another: critical-path, hash, kept,
 * label-day, mutations, plan, pool-cpu, pool-faults, scale, unchanged, wire. Each compares bake-ts with a peer in the
 * same run if it is available (BUILDX names a buildx binary), and reports if it is not. Engines that the environment
 * does not name are started: one for bake-ts, one for the peer.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { build } from './build.mjs';
import { ensureEngineBinaries, startEngine } from './engine.mjs';
import { ensureModules, heading, must, root } from './support.mjs';
import { ensureWire } from './wire.mjs';

const WITHOUT_ENGINE = new Set(['hash', 'plan', 'scale', 'wire']);
/** Benchmarks whose peer uses its own engine. */
const WITH_PEER = new Set(['critical-path', 'label-day']);

const wanted = process.argv.slice(2);
await ensureModules();
await build();
const names = readdirSync(path.join(root, 'bench'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replace(/\.ts$/, ''))
  .filter((name) => wanted.length === 0 || wanted.includes(name))
  .sort();
const engines = [];
try {
  for (const name of names) {
    heading(name);
    await must([process.execPath, path.join(root, 'dist/bench', `${name}.js`)], {
      show: 'always',
      env: {
        ...(WITHOUT_ENGINE.has(name) ? {} : await engineEnvironment(name)),
        ...(name === 'wire' ? { BAKE_TS_TEST_WIRE: await ensureWire() } : {}),
      },
    });
  }
} finally {
  for (const engine of engines) await engine.stop();
}

/** Separate engines for one benchmark, so that none is affected by the one before. */
async function engineEnvironment(name) {
  if (process.env.BAKE_TS_TEST_BUILDKIT || process.env.BUILDKIT_HOST) return {};
  const binaries = await ensureEngineBinaries();
  const own = await startEngine(binaries);
  engines.push(own);
  if (!WITH_PEER.has(name)) return own.env;
  const peer = await startEngine(binaries);
  engines.push(peer);
  return { ...own.env, BAKE_TS_BENCH_PEER_BUILDKIT: peer.env.BAKE_TS_TEST_BUILDKIT };
}
