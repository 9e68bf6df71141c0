/**
 * A base whose push takes seconds, before the real engine and a real registry: what is based on it runs in that time, and
 * is pushed when the base is there, so that no layer goes over the line twice.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { findBusybox } from '../rig/busybox.ts';
import { runCommand } from '../rig/command.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { startSlowRelay } from '../rig/relays.ts';
import { assertOk, makeWorkspace } from './support.ts';

const MB = 1_000_000;

test('two levels run and wait while their base is pushed over a slow line, and each layer is sent once', {
  skip: realEngine.skip,
  timeout: 180_000,
}, async (t) => {
  const registry = await startTestRegistry(t);
  const host = await startSlowRelay(t, registry.host, 3 * MB);
  const build = (name: string, parent?: string) =>
    `  ${name}: { context: ${name}, tags: ["${host}/${name}:1"], push: true${parent === undefined ? '' : `, contexts: { ${parent}: "build:${parent}" }`} }\n`;
  const work = await makeWorkspace(t, {
    'builds.yaml': `builds:\n${build('base')}${build('mid', 'base')}${build('leaf', 'mid')}`,
    'base/busybox': { content: await readFile(await findBusybox(t)), mode: 0o755 },
    'base/data': { content: randomBytes(18 * MB) },
    'base/Dockerfile':
      'FROM scratch\nCOPY busybox /bin/\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\nCOPY data /data\n',
    'mid/Dockerfile': 'FROM base\nRUN cat /proc/sys/kernel/random/uuid > /mid\n',
    'leaf/Dockerfile': 'FROM mid\nRUN cat /proc/sys/kernel/random/uuid > /leaf\n',
  });
  const baked = await work.bake({ builds: ['*'], slowPushMs: 1_000 });
  assertOk(baked);
  const order = baked.events.flatMap((event) => {
    if (event.type === 'early-finished') return `${event.build} ready`;
    return event.type === 'node-finished' ? `${event.build} ${event.outcome.kind}` : [];
  });
  assert.deepEqual(order, ['mid ready', 'leaf ready', 'base built', 'mid built', 'leaf built']);
  // A step that ran again would have made another file: what was pushed is what was built early.
  for (const name of ['mid', 'leaf']) assert.deepEqual(baked.outcome(name).steps, { total: 1, cached: 0 });
  const sent = (await registry.writes()).filter(
    (line) => line.startsWith('PUT') && line.includes('/uploads/'),
  );
  const base = sent.filter((line) => line.includes('/v2/base/'));
  const above = sent.filter((line) => /\/v2\/(?:mid|leaf)\//.test(line));
  // Three layers and two configs; and of each of the others one layer of its own, and what its config and layers-only config are.
  assert(base.length >= 4, sent.join('\n'));
  assert(above.length <= 5, above.join('\n'));
  const stored = await runCommand([
    path.join(realEngine.binDir, 'ctr'),
    ...['--address', realEngine.containerdSocket, '--namespace', 'buildkit', 'images', 'list'],
  ]);
  const project = /127\.0\.0\.1:1\/bake\/(?:base|mid)\S*\s+\S+\s+(sha256:\S+)\s+(\S+ \S+)/g;
  const kept = [...stored.stdout.matchAll(project)].filter(([, digest]) =>
    [baked.outcome('base').digest, baked.outcome('mid').digest].includes(digest as `sha256:${string}`),
  );
  assert.deepEqual(kept, [], 'an image that is pushed is kept in the store');
  const again = await work.bake({ builds: ['*'] });
  assert.deepEqual(again.kinds, { base: 'unchanged', mid: 'unchanged', leaf: 'unchanged' });
});
