/** inspect, digest, tag, copy and push against the real registry. */
import assert from 'node:assert/strict';
import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { EXIT } from '../../cli/exit-codes.ts';
import type { Io } from '../../cli/io.ts';
import { runCommand } from '../rig/command.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { makeLayout, packTar, sha256Of } from '../rig/oci-layout.ts';
import { digestOf } from '../rig/puller.ts';
import { realEngine } from '../rig/real-engine.ts';
import { startRegistry, testUser } from '../rig/registry.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

async function call(argv: readonly string[], changes: Partial<Io> = {}) {
  const io = createFakeIo(argv, changes);
  const code = await runCli(io);
  return { code, out: io.out(), err: io.err() };
}

/** A directory without a builds.yaml above it, with a layout in `layout`, and a registry. */
async function setUp(t: TestContext, names: readonly string[] = ['1']) {
  const cwd = await makeTempDir(t);
  const made = await makeLayout(path.join(cwd, 'layout'), names);
  const registry = await startRegistry(t);
  const [digest = ''] = made.digests;
  const bake = (...argv: string[]) => call(argv, { cwd, env: { HOME: cwd } });
  return { cwd, registry, host: registry.host, digest, ...made, bake };
}

test('a layout is pushed with its digest, and nothing is sent the second time', {
  skip: realEngine.skip,
}, async (t) => {
  const { host, registry, digest, bake } = await setUp(t);
  const ref = `${host}/team/app:1`;
  const first = await bake('push', 'layout', ref);
  assert.deepEqual([first.code, first.out], [EXIT.ok, `${ref}  ${digest}  (new)\n`]);
  assert.match(first.err, /^sent sha256:[0-9a-f]{64} {2}11\.0 kB$/m);
  assert.match(first.err, /^5 blobs sent/m);
  assert.equal(await digestOf(ref), digest);
  const before = (await registry.requests()).length;
  const second = await bake('push', 'layout', ref);
  assert.deepEqual(
    [second.code, second.out, second.err],
    [EXIT.ok, `${ref}  ${digest}  (already there)\n`, ''],
  );
  assert.equal(
    (await registry.requests()).slice(before).filter((line) => /^(PUT|POST|PATCH)/.test(line)).length,
    0,
  );
});

test('the same layout as an archive, in every form that tar writes, gives the same image', {
  skip: realEngine.skip,
}, async (t) => {
  const { cwd, host, digest, bake } = await setUp(t);
  for (const format of ['ustar', 'gnu', 'pax', 'oldgnu']) {
    await packTar(path.join(cwd, 'layout'), path.join(cwd, `${format}.tar`), [`--format=${format}`]);
    const { code, err } = await bake('push', `${format}.tar`, `${host}/tar/${format}:1`);
    assert.equal(code, EXIT.ok, err);
    assert.equal(await digestOf(`${host}/tar/${format}:1`), digest, format);
  }
});

test('what buildctl writes with type=oci is pushed as it is', { skip: realEngine.skip }, async (t) => {
  const { cwd, host, bake } = await setUp(t);
  await writeTree(cwd, { 'src/Dockerfile': 'FROM scratch\nCOPY a /\n', 'src/a': 'a\n' });
  const metadata = path.join(cwd, 'metadata.json');
  const built = await runCommand(
    [
      path.join(realEngine.binDir, 'buildctl'),
      ...['--addr', realEngine.address, 'build', '--frontend=dockerfile.v0', '--local=context=src'],
      ...['--local=dockerfile=src', '--opt=platform=linux/amd64,linux/arm64', '--opt=attest:provenance='],
      ...['--output=type=oci,dest=image.tar,name=example.com/any/name:1', `--metadata-file=${metadata}`],
    ],
    { cwd },
  );
  assert.equal(built.exitCode, 0, built.stderr);
  const digest = (JSON.parse(await readFile(metadata, 'utf8')) as Record<string, string>)[
    'containerimage.digest'
  ];
  const { code, err } = await bake('push', 'image.tar', `${host}/built/app:1`);
  assert.equal(code, EXIT.ok, err);
  assert.equal(await digestOf(`${host}/built/app:1`), digest);
  const { out } = await bake('inspect', `${host}/built/app:1`);
  assert.match(out, /^linux\/arm64 /m);
  assert.match(out, /^[0-9a-f]{12} +linux\/arm64 +https:\/\/slsa\.dev\/provenance/m);
});

test('what is not a valid layout is refused before anything is sent', {
  skip: realEngine.skip,
}, async (t) => {
  const { cwd, host, registry, bake } = await setUp(t);
  const file = (name: string) => path.join(cwd, name);
  await packTar(file('layout'), file('packed.tar.gz'), ['-z']);
  await writeFile(file('words.tar'), 'no archive '.repeat(100));
  await writeFile(file('none.tar'), '');
  for (const [name, why] of [
    ['./nowhere', /it\s+is\s+not\s+there/],
    ['packed.tar.gz', /it\s+is\s+compressed/],
    ['words.tar', /not\s+a\s+tar\s+archive/],
    ['none.tar', /it\s+has\s+no\s+oci-layout/],
    ['.', /it\s+has\s+no\s+oci-layout/],
  ] as const) {
    const { code, out, err } = await bake('push', name, `${host}/team/app:1`);
    assert.deepEqual([code, out], [EXIT.invalid, ''], name);
    assert.match(err, /registry\/bad-layout/);
    assert.match(err, why, name);
  }
  assert.deepEqual(await registry.requests(), []);
});

test('a layout with other bytes than its digests say does not become an image', {
  skip: realEngine.skip,
}, async (t) => {
  const { cwd, host, layer, bake } = await setUp(t);
  const blob = path.join(cwd, 'layout/blobs', layer.replace(':', '/'));
  const right = await readFile(blob);
  await writeFile(blob, Buffer.from(right).fill(0x20, 0, 1));
  const changed = await bake('push', 'layout', `${host}/bad/app:1`);
  assert.equal(changed.code, EXIT.invalid);
  assert.match(changed.err, /registry\/bad-layout[\s\S]*has another digest/);
  await writeFile(blob, right);
  await truncate(blob, 100);
  assert.match((await bake('push', 'layout', `${host}/bad/app:1`)).err, /has another digest \(100\s+bytes\)/);
  await packTar(path.join(cwd, 'layout'), path.join(cwd, 'cut.tar'));
  await writeFile(blob, right);
  await appendFile(blob, 'more');
  assert.match((await bake('push', 'layout', `${host}/bad/app:1`)).err, /has another digest \(more\s+than/);
  assert.equal(await digestOf(`${host}/bad/app:1`), undefined);
});

test('of several images the one of that name is pushed, or the one of that digest', {
  skip: realEngine.skip,
}, async (t) => {
  const { host, digests, bake } = await setUp(t, ['1', '2']);
  assert.equal((await bake('push', 'layout', `${host}/two/app:2`)).code, EXIT.ok);
  assert.equal(await digestOf(`${host}/two/app:2`), digests[1]);
  assert.equal((await bake('push', 'layout', `${host}/two/app@${digests[0]}`)).code, EXIT.ok);
  const neither = await bake('push', 'layout', `${host}/two/app:3`);
  assert.equal(neither.code, EXIT.invalid);
  assert.ok(digests.every((digest) => neither.err.includes(digest)));
  const other = await bake('push', 'layout', `${host}/two/app@${sha256Of('x')}`);
  assert.match(other.err, /registry\/bad-layout|registry\/bad-digest/);
});

test('digest prints the digest alone', { skip: realEngine.skip }, async (t) => {
  const { host, digest, bake } = await setUp(t);
  await bake('push', 'layout', `${host}/team/app:1`);
  assert.deepEqual(await bake('digest', `${host}/team/app:1`), {
    code: EXIT.ok,
    out: `${digest}\n`,
    err: '',
  });
  const missing = await bake('digest', `${host}/team/app:none`);
  assert.deepEqual([missing.code, missing.out], [EXIT.registry, '']);
  assert.match(missing.err, /registry\/not-found/);
});

test('inspect shows platforms, labels, attestations and referrers', { skip: realEngine.skip }, async (t) => {
  const { host, digest, bake } = await setUp(t);
  await bake('push', 'layout', `${host}/team/app:1`);
  const referrer = await refer(host, 'team/app', digest);
  const { code, out, err } = await bake('inspect', `${host}/team/app:1`);
  assert.deepEqual([code, err], [EXIT.ok, '']);
  assert.match(out, new RegExp(`^${host}/team/app:1\\n {2}digest {2}${digest}\\n`));
  assert.match(out, /^linux\/arm64 .* 1 *$/m);
  assert.match(out, /^team +test$/m);
  assert.match(out, /^arch \(linux\/arm64\) +arm64$/m);
  assert.match(out, /^[0-9a-f]{12} +linux\/amd64 +https:\/\/slsa\.dev\/provenance\/v1$/m);
  assert.match(out, new RegExp(`^${referrer.slice(7, 19)} +application/vnd.test.signature`, 'm'));
  const json = JSON.parse((await bake('inspect', `${host}/team/app:1`, '--json')).out) as {
    readonly digest: string;
    readonly platforms: readonly {
      readonly platform: string;
      readonly labels: Readonly<Record<string, string>>;
    }[];
    readonly attestations: readonly { readonly predicates: readonly string[] }[];
    readonly referrers: readonly { readonly digest: string; readonly artifactType: string }[];
  };
  assert.equal(json.digest, digest);
  assert.deepEqual(
    json.platforms.map((one) => [one.platform, one.labels['arch']]),
    [
      ['linux/amd64', 'amd64'],
      ['linux/arm64', 'arm64'],
    ],
  );
  assert.deepEqual(json.attestations[0]?.predicates, ['https://slsa.dev/provenance/v1']);
  assert.deepEqual(
    json.referrers.map((one) => one.digest),
    [referrer],
  );
});

test('tag puts names beside the image and elsewhere, and says what they pointed at', {
  skip: realEngine.skip,
}, async (t) => {
  const { host, digests, bake } = await setUp(t, ['1', '2']);
  await bake('push', 'layout', `${host}/team/app:1`);
  await bake('push', 'layout', `${host}/team/app:2`);
  const [one = '', two = ''] = digests;
  const first = await bake('tag', `${host}/team/app:1`, ':stable', `${host}/other/app`, `${host}/team/app:2`);
  assert.deepEqual(first.out.split('\n'), [
    `${host}/team/app:stable  ${one}  (new)`,
    `${host}/other/app:1  ${one}  (new)`,
    `${host}/team/app:2  ${one}  (was ${two})`,
    '',
  ]);
  assert.equal(first.code, EXIT.ok);
  for (const name of ['team/app:stable', 'other/app:1', 'team/app:2'])
    assert.equal(await digestOf(`${host}/${name}`), one);
  const again = await bake('tag', `${host}/team/app:1`, ':stable', '--json');
  assert.deepEqual(
    (JSON.parse(again.out) as readonly { readonly action: string; readonly previous: string }[]).map(
      (put) => [put.action, put.previous],
    ),
    [['there', one]],
  );
});

test('a lone word does not name an image, and nothing is moved when one name is wrong', {
  skip: realEngine.skip,
}, async (t) => {
  const { host, registry, bake } = await setUp(t);
  const { code, err } = await bake('tag', `${host}/team/app:1`, ':ok', 'latest', ':not ok');
  assert.equal(code, EXIT.usage);
  assert.match(err, /"latest" does not name a repository[\s\S]*Write :latest/);
  assert.match(err, /":not ok" is not a valid image reference/);
  assert.deepEqual(await registry.requests(), []);
});

test('copy brings an image to another registry, what refers to it only when asked', {
  skip: realEngine.skip,
}, async (t) => {
  const { host, digest, bake } = await setUp(t);
  const target = await startRegistry(t);
  await bake('push', 'layout', `${host}/team/app:1`);
  const referrer = await refer(host, 'team/app', digest);
  const plain = await bake('copy', `${host}/team/app:1`, `${target.host}/prod/app`);
  assert.equal(plain.code, EXIT.ok, plain.err);
  assert.equal(plain.out, `${target.host}/prod/app:1  ${digest}  (new)\n`);
  assert.match(plain.err, /^sent sha256:/m);
  assert.equal(await digestOf(`${target.host}/prod/app:1`), digest);
  assert.equal(await digestOf(`${target.host}/prod/app@${referrer}`), undefined);
  const whole = await bake('copy', `${host}/team/app:1`, `${target.host}/prod/app`, '--referrers', '--json');
  const json = JSON.parse(whole.out) as { readonly action: string; readonly referrers: number };
  assert.deepEqual([json.action, json.referrers], ['there', 1]);
  assert.equal(await digestOf(`${target.host}/prod/app@${referrer}`), referrer);
});

test('credentials come from the Docker config, settings from registries: of a builds.yaml', {
  skip: realEngine.skip,
}, async (t) => {
  const cwd = await makeTempDir(t);
  await makeLayout(path.join(cwd, 'layout'));
  const { host } = await startRegistry(t, { auth: true });
  const auth = Buffer.from(`${testUser.username}:${testUser.password}`).toString('base64');
  const bake = (env: Record<string, string>, ...argv: string[]) =>
    call(argv, { cwd, env: { HOME: cwd, ...env } });
  const push = ['push', 'layout', `${host}/team/app:1`];
  const stranger = await bake({}, ...push);
  assert.equal(stranger.code, EXIT.registry);
  assert.match(stranger.err, /registry\/unauthorized/);
  const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [host]: { auth } } }) };
  const known = await bake(env, ...push);
  assert.equal(known.code, EXIT.ok, known.err);
  assert.ok(!`${known.out}${known.err}`.includes(testUser.password));
  // https where there is none: proof that the file was read.
  await writeFile(
    path.join(cwd, 'builds.yaml'),
    `registries: { "${host}": { http: false } }\nbuilds: { a: { context: . } }\n`,
  );
  assert.match((await bake(env, 'digest', `${host}/team/app:1`)).err, /registry\/tls/);
  await writeFile(path.join(cwd, 'builds.yaml'), 'builds: { a: { contxt: . } }\n');
  const invalid = await bake(env, 'digest', `${host}/team/app:1`);
  assert.equal(invalid.code, EXIT.ok);
  assert.match(invalid.err, /warning\[cli\/settings-unread\]/);
  assert.equal((await bake(env, 'digest', `${host}/team/app:1`, '-f', 'builds.yaml')).code, EXIT.invalid);
});

test('commands say what they need', async () => {
  for (const argv of [
    ['inspect'],
    ['digest'],
    ['tag', 'a/b:1'],
    ['copy', 'a/b:1'],
    ['push', './layout'],
    ['push'],
  ]) {
    const { code, err } = await call(argv);
    assert.equal(code, EXIT.usage, argv.join(' '));
    assert.match(err, /cli\/missing-argument/);
  }
  assert.match((await call(['digest', 'a b'])).err, /cli\/bad-reference/);
  assert.match((await call(['digest', 'a/b', 'c/d'])).err, /takes no argument "c\/d"/);
});

/** Puts a manifest that refers to an image, as a signing tool would. */
async function refer(host: string, repository: string, subject: string): Promise<string> {
  const base = `http://${host}/v2/${repository}`;
  const send = async (method: string, url: string, body?: string, type?: string) => {
    const answer = await fetch(url, {
      method,
      ...(body === undefined ? {} : { body }),
      ...(type === undefined ? {} : { headers: { 'content-type': type } }),
    });
    await answer.arrayBuffer();
    return answer;
  };
  const begun = await send('POST', `${base}/blobs/uploads/`);
  const target = new URL(begun.headers.get('location') ?? '', base);
  target.searchParams.set('digest', sha256Of('{}'));
  await send('PUT', target.href, '{}');
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const config = { mediaType: 'application/vnd.oci.empty.v1+json', digest: sha256Of('{}'), size: 2 };
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: type,
    artifactType: 'application/vnd.test.signature',
    config,
    layers: [config],
    subject: { mediaType: 'application/vnd.oci.image.index.v1+json', digest: subject, size: 1 },
  });
  const digest = sha256Of(manifest);
  assert.equal((await send('PUT', `${base}/manifests/${digest}`, manifest, type)).status, 201);
  // This registry has no referrers API: clients keep the list under a tag.
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      { mediaType: type, digest, size: manifest.length, artifactType: 'application/vnd.test.signature' },
    ],
  };
  const tag = subject.replace(':', '-');
  assert.equal(
    (await send('PUT', `${base}/manifests/${tag}`, JSON.stringify(index), index.mediaType)).status,
    201,
  );
  return digest;
}
