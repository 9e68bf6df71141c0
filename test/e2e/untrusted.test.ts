/** Files of a stranger with the real engine: what a run leaves behind, and what `lint` fetches. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { findBusybox } from '../rig/busybox.ts';
import { listenOnLoopback } from '../rig/listen.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { makeWorkspace } from './support.ts';

test('a run of untrusted files builds with the engine and leaves nothing that counts later', {
  skip: realEngine.skip,
  timeout: 300_000,
}, async (t) => {
  const registry = await startTestRegistry(t);
  const { host } = registry;
  const busybox = { content: await readFile(await findBusybox(t)), mode: 0o755 };
  const work = await makeWorkspace(t, {
    'base/busybox': busybox,
    'base/Dockerfile': 'FROM scratch\nCOPY busybox /busybox\n',
    'app/Dockerfile': 'FROM base\nRUN ["/busybox", "sh", "-c", "echo one > /one"]\n',
    'builds.yaml': `
record: registry
builds:
  base: { context: base, tags: ["${host}/stranger/base:1"], push: always, cache-to: ["type=registry,ref=${host}/stranger/cache"] }
  app: { context: app, contexts: { base: "build:base" }, tags: ["${host}/stranger/app:1"], push: true, outputs: ["type=tar,dest=app.tar"] }
`,
  });
  const first = await work.run(['run', '--untrusted', '--progress=plain']);
  assert.equal(first.exitCode, 0, first.stdout + first.stderr);
  assert.match(
    first.stderr,
    /Skipped because the file is untrusted: pushing \(2 builds\), caches and outputs that leave\s+this\s+machine, `record`/,
  );
  assert(existsSync(path.join(work.dir, 'app.tar')));
  assert.deepEqual(await registry.writes(), []);
  const images = await work.run(['images', '--json']);
  assert.equal(images.stdout.includes(`${host}/stranger`), false, images.stdout);
  // Nothing of it is taken for a result.
  const own = await work.run(['run', '--dry-run', '--progress=plain']);
  assert.match(own.stdout + own.stderr, /not built here before/);
});

test('lint of untrusted files asks nobody but the engine, and runs no frontend that they name', {
  skip: realEngine.skip,
  timeout: 300_000,
}, async (t) => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.writeHead(404).end();
  });
  const host = `127.0.0.1:${await listenOnLoopback(t, server)}`;
  const work = await makeWorkspace(t, {
    'app/Dockerfile': `# syntax=${host}/evil/frontend:1
FROM ${host}/evil/base:1 AS one
maintainer me
FROM ${host}/evil/other:1
COPY --from=${host}/evil/files:1 /a /b
COPY --from=one /a /c
CMD echo
`,
    'builds.yaml': 'builds: { app: { context: app } }\n',
  });
  const linted = await work.run(['lint', '--untrusted', '--format=text']);
  assert.deepEqual(seen, []);
  assert.match(linted.stdout, /lint\/json-args-recommended/, linted.stdout + linted.stderr);
  await work.run(['lint', '--format=lines']);
  assert(seen.length > 0, 'trusted, the frontend is looked for');
});
