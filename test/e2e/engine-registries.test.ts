/**
 * Registries that an engine does not get along with by itself: one with an authority of its own that wants to see a
 * client's certificate, and one that speaks plain http off loopback. Our client knows of them from builds.yaml; the
 * embedded engine has to be configured, and for another one the failure has to say how to do that. Needs root.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { downEngine, installEngine, neededParts, upEngine } from '../../lib/engine/mod.ts';
import { makeCertificates } from '../rig/certificates.ts';
import { realEngine } from '../rig/real-engine.ts';
import { startRegistry } from '../rig/registry.ts';
import { startRelay } from '../rig/relays.ts';
import { makeTempDir } from '../rig/temp.ts';
import { assertOk, makeWorkspace } from './support.ts';

/** An address of this machine that is not loopback. */
const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find((one) => !one.internal && one.family === 'IPv4')?.address;

const skip = realEngine.skip === false && outside === undefined ? 'no network but loopback' : realEngine.skip;

test('the embedded engine is configured with what builds.yaml says of registries', {
  skip,
  timeout: 180_000,
}, async (t) => {
  const certificates = await makeCertificates(t);
  const { caFile, server, client } = certificates;
  const guarded = await startRegistry(t, { tls: { ...server, clientCaFile: caFile } });
  const { host: plain } = await startRelay(t, (await startRegistry(t)).host, outside);
  const work = await makeWorkspace(
    t,
    {
      'builds.yaml': `
registries:
  ${guarded.host}: { ca: tls/ca.pem, cert: tls/cert.pem, key: tls/key.pem }
  ${plain}: { http: true }
builds:
  base: { context: ., dockerfile-inline: "FROM scratch\\nCOPY file /\\n", tags: ["${guarded.host}/configured/base:1"], push: true }
  app:
    context: .
    contexts: { base: build:base }
    dockerfile-inline: "FROM base\\nCOPY file /again\\n"
    tags: ["${plain}/configured/app:1"]
    push: true
  top:
    context: .
    contexts: { app: build:app }
    dockerfile-inline: "FROM app\\nCOPY file /once-more\\n"
    tags: ["${plain}/configured/top:1"]
    push: true
`,
      file: '1\n',
      'tls/ca.pem': await readFile(caFile, 'utf8'),
      'tls/cert.pem': await readFile(client.certFile, 'utf8'),
      'tls/key.pem': await readFile(client.keyFile, 'utf8'),
    },
    { PATH: `${realEngine.binDir}:${process.env['PATH'] ?? ''}` },
  );
  const { env } = work;
  t.after(() => downEngine({ env }));
  const installed = await installEngine({ env, from: 'path', parts: [...neededParts(), 'registry'] });
  assert(installed.ok, JSON.stringify(installed));
  const elsewhere = await upEngine({ env });
  assert(elsewhere.ok, JSON.stringify(elsewhere));
  // By its address, since the machine may have an engine of its own.
  const ours = { env: { BUILDKIT_HOST: elsewhere.value.address } };
  const again = 'Restart it here when no build runs: bake-ts engine down && bake-ts engine up';

  await t.test('an engine that runs already was started without it: a warning, and what to do', async () => {
    const baked = await work.bake(ours);
    const warned = baked.events.flatMap((event) => (event.type === 'warning' ? [event.problem] : []));
    assert.deepEqual(
      warned.map(({ code, hint }) => [code, hint]),
      [['engine/registries-untold', again]],
    );
    assert.match(warned[0]?.message ?? '', new RegExp(`${guarded.host}, ${plain}$`));
    assert.equal(baked.outcome('base').problem?.code, 'registry/http');
    assert.equal(baked.outcome('base').problem?.hint, again);
    const up = await work.run(['engine', 'up']);
    assert.equal(up.exitCode, 0, up.stderr);
    assert.match(up.stderr, /engine\/registries-untold/);
  });

  await t.test(
    'for an engine that is not ours the failure shows the lines of its configuration',
    async () => {
      const { problem } = (await work.bake()).outcome('base');
      assert.equal(problem?.code, 'registry/http');
      assert.equal(
        problem.hint,
        `Set it for the engine, too, in buildkitd.toml:
[registry."${guarded.host}"]
  http = false
  ca = ["${path.join(work.dir, 'tls/ca.pem')}"]
  [[registry."${guarded.host}".keypair]]
    cert = "${path.join(work.dir, 'tls/cert.pem')}"
    key = "${path.join(work.dir, 'tls/key.pem')}"

[registry."${plain}"]
  http = true`,
      );
    },
  );

  await t.test('started where builds.yaml lies, it pushes to and reads from both', async () => {
    assert((await downEngine({ env })).ok);
    const up = await work.run(['engine', 'up']);
    assert.equal(up.exitCode, 0, up.stderr);
    const baked = await work.bake(ours);
    assertOk(baked);
    assert.deepEqual(baked.kinds, { base: 'built', app: 'built', top: 'built' });
    assert.deepEqual(
      baked.events.filter((event) => event.type === 'warning'),
      [],
    );
  });

  await t.test('what it was configured with stays, wherever it is started the next time', async () => {
    assert((await downEngine({ env })).ok);
    const up = await work.run(['engine', 'up'], { cwd: await makeTempDir(t) });
    assert.equal(up.exitCode, 0, up.stderr);
    assert.equal(up.stderr.includes('registries'), false, up.stderr);
    const baked = await work.bake({ ...ours, force: true });
    assertOk(baked);
    assert.deepEqual(baked.kinds, { base: 'built', app: 'built', top: 'built' });
  });

  await t.test('a builds.yaml with errors does not keep it from starting', async () => {
    await work.write({ 'broken/builds.yaml': 'builds: { a: { contxt: . } }\n' });
    const up = await work.run(['engine', 'up'], { cwd: `${work.dir}/broken` });
    assert.equal(up.exitCode, 0, up.stderr);
    assert.match(up.stderr, /engine\/registries-untold[\s\S]*bake-ts validate/);
  });
});
