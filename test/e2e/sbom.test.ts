/** The image that makes an SBOM is an external image like any other: it counts, is pinned and can be locked. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { findBusybox } from '../rig/busybox.ts';
import { digestOf } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { assertOk, makeWorkspace } from './support.ts';

/** A scanner that states its own name (BuildKit docs/attestations/sbom-protocol.md). */
const scanner = (name: string) =>
  `FROM scratch\nCOPY busybox /\nENTRYPOINT ["/busybox", "sh", "-c", "echo '{\\"_type\\":\\"https://in-toto.io/Statement/v0.1\\",\\"predicateType\\":\\"https://spdx.dev/Document\\",\\"predicate\\":{\\"name\\":\\"${name}\\"}}' > $BUILDKIT_SCAN_DESTINATION/it.spdx.json"]\n`;

test('what makes an SBOM counts, is pinned and locked', {
  skip: realEngine.skip,
  timeout: 240_000,
}, async (t) => {
  const { host } = await startTestRegistry(t);
  const made = await makeWorkspace(t, {
    busybox: { content: await readFile(await findBusybox(t)), mode: 0o755 },
    Dockerfile: scanner('one'),
    'builds.yaml': `builds: { scan: { context: ., tags: ["${host}/sbom/scan:1"], push: true } }\n`,
  });
  assertOk(await made.bake());
  const work = await makeWorkspace(t, {
    Dockerfile: 'FROM scratch\nCOPY file /\n',
    file: '1\n',
    unread: '1\n',
    'builds.yaml': `builds: { app: { context: ., attest: ["type=sbom,generator=${host}/sbom/scan:1"], tags: ["${host}/sbom/app:1"], push: true } }\n`,
  });
  const first = await work.bake();
  assertOk(first);
  assert.deepEqual((await work.bake()).kinds, { app: 'unchanged' });

  await made.write({ Dockerfile: scanner('two') });
  assertOk(await made.bake());
  const second = await work.bake();
  assertOk(second);
  assert.deepEqual(second.kinds, { app: 'built' }, 'another scanner, another SBOM');
  assert.match(second.outcome('app').reason?.text ?? '', /image \S+sbom\/scan:1 moved/);
  assert.notEqual(second.outcome('app').digest, first.outcome('app').digest);

  const locked = await work.run(['lock']);
  assert.equal(locked.exitCode, 0, locked.stderr);
  const lock = await readFile(path.join(work.dir, 'builds.lock'), 'utf8');
  assert.ok(lock.includes((await digestOf(`${host}/sbom/scan:1`)) ?? 'none'), lock);
  await made.write({ Dockerfile: scanner('three') });
  assertOk(await made.bake());
  assert.deepEqual((await work.bake()).kinds, { app: 'unchanged' });
  await work.write({ file: '2\n' });
  const held = await work.bake();
  assertOk(held);
  const said = held.events.flatMap((event) => (event.type === 'vertex' ? [event.name] : [])).join('\n');
  const { digest } = (await work.bake()).outcome('app');
  assert.equal(digest, held.outcome('app').digest);
  assert.match(said, /generating sbom using/);
  assert.match(
    await statements(host, digest ?? ''),
    /"name": ?"two"/,
    'the locked scanner, not the one of now',
  );

  // A file that the Dockerfile does not read counts once the context may be scanned, too.
  await work.write({ unread: '2\n' });
  assert.deepEqual((await work.bake()).kinds, { app: 'unchanged' });
  await work.write({ Dockerfile: 'ARG BUILDKIT_SBOM_SCAN_CONTEXT=true\nFROM scratch\nCOPY file /\n' });
  assertOk(await work.bake());
  await work.write({ unread: '3\n' });
  assert.deepEqual((await work.bake()).kinds, { app: 'built' });
});

interface Described {
  readonly manifests?: readonly {
    readonly digest: string;
    readonly annotations?: Readonly<Record<string, string>>;
  }[];
  readonly layers?: readonly { readonly digest: string }[];
}

/** The attestations of an image, as text. */
async function statements(host: string, digest: string): Promise<string> {
  const get = async (what: string) =>
    (
      await fetch(`http://${host}/v2/sbom/app/${what}`, {
        headers: {
          accept: 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json',
        },
      })
    ).text();
  const index = JSON.parse(await get(`manifests/${digest}`)) as Described;
  const attestation = index.manifests?.find(
    (one) => one.annotations?.['vnd.docker.reference.type'] === 'attestation-manifest',
  );
  const manifest = JSON.parse(await get(`manifests/${attestation?.digest}`)) as Described;
  return (await Promise.all((manifest.layers ?? []).map((layer) => get(`blobs/${layer.digest}`)))).join('\n');
}
