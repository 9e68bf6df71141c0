/**
 * Proxies of steps with the real engine: steps reach through them what nothing else leads to, and neither the cache nor the
 * image knows of them.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { downEngine, installEngine, neededParts, upEngine } from '../../lib/engine/mod.ts';
import { codesOf } from '../rig/baking.ts';
import { findBusybox } from '../rig/busybox.ts';
import { listenOnLoopback } from '../rig/listen.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { type ForwardProxy, startForwardProxy } from '../rig/relays.ts';
import { type Cleanup, writeTree } from '../rig/temp.ts';
import { assertOk, type Baked, makeWorkspace, type Workspace } from './support.ts';

const options = { skip: realEngine.skip, timeout: 180_000 };
const USER = 'user:pass-word';
const OPEN = /pass-word|dXNlcjpwYXNzLXdvcmQ/;

/** Of this run alone: an engine that other runs used has no step of it. */
const FILE = `http://files.test/${randomUUID()}`;
const WGET = `RUN ["/bin/busybox", "wget", "-q", "-O", "/got", "${FILE}"]`;
const dockerfile = (...lines: readonly string[]) =>
  ['FROM scratch', 'COPY busybox /bin/busybox', ...lines, ''].join('\n');
const shell = (command: string) => `RUN ["/bin/busybox", "sh", "-c", ${JSON.stringify(command)}]`;

/** A server that only proxies know how to reach, two of them, and a repository. */
async function setUp(
  t: Cleanup,
  tree: (host: string) => Readonly<Record<string, string>>,
  userinfo?: string,
) {
  const server = createServer((_, answer) => answer.end('found\n'));
  const routes = { 'files.test': `127.0.0.1:${await listenOnLoopback(t, server)}` };
  const start = () => startForwardProxy(t, { routes, ...(userinfo === undefined ? {} : { userinfo }) });
  const [one, two] = [await start(), await start()];
  const { host } = await startTestRegistry(t);
  const work = await makeWorkspace(t, {
    busybox: { content: await readFile(await findBusybox(t)), mode: 0o755 },
    ...tree(host),
  });
  return { work, one, two };
}

const stepsOf = (baked: Baked, build: string) => baked.outcome(build).steps;
const fetches = ({ requests }: ForwardProxy) => requests.filter(({ line }) => line === `GET ${FILE}`).length;

/** All that an OCI tar holds, layers and attestations too: nothing in it is compressed. */
const bytesOf = (work: Workspace, file: string) => readFile(path.join(work.dir, file), 'latin1');

test('steps go through a proxy, and another one changes nothing', options, async (t) => {
  const { work, one, two } = await setUp(t, (host) => ({
    'builds.yaml': `
templates:
  image: { context: ., reproducible: true, push: true, tags: ["${host}/proxies/\${{ build.name }}:1"] }
builds:
  fetched: { extends: image, dockerfile: Fetched }
  quiet: { extends: image, dockerfile: Quiet, no-cache: true }
  declared: { extends: image, dockerfile: Declared }
`,
    Fetched: dockerfile(WGET),
    Quiet: dockerfile(shell('echo one > /one')),
    Declared: dockerfile('ARG http_proxy', WGET),
  }));
  const env = (proxy: ForwardProxy) => ({ env: { HTTP_PROXY: proxy.url } });
  const all = await work.bake(env(one));
  assertOk(all);
  assert.equal(fetches(one), 2);

  const again = await work.bake({ ...env(two), builds: ['fetched'] });
  assert.deepEqual(again.kinds, { fetched: 'unchanged' });
  const forced = await work.bake({ ...env(two), builds: ['fetched'], force: true });
  assertOk(forced);
  const { total, cached } = stepsOf(forced, 'fetched') ?? { total: 0, cached: -1 };
  assert.equal(cached, total);
  assert.equal(fetches(two), 0);
  assert.equal(forced.outcome('fetched').digest, all.outcome('fetched').digest);

  // Run again for certain, with another proxy and with none: the same bytes.
  for (const how of [env(two), {}]) {
    const quiet = await work.bake({ ...how, builds: ['quiet'], force: true });
    assertOk(quiet);
    assert.equal(quiet.outcome('quiet').digest, all.outcome('quiet').digest);
  }

  const declared = await work.bake({ ...env(two), builds: ['declared'] });
  assertOk(declared);
  assert.deepEqual(declared.kinds, { declared: 'built' });
  assert.match(declared.outcome('declared').reason?.text ?? '', /^arg http_proxy: /);
  assert.equal(fetches(two), 1);
  assert.notEqual(declared.outcome('declared').digest, all.outcome('declared').digest);
  assert.deepEqual((await work.bake({ ...env(two), builds: ['declared'] })).kinds, { declared: 'unchanged' });
});

test('the docker config comes before the environment, and `args` before both', options, async (t) => {
  const { work, one, two } = await setUp(t, () => ({
    'builds.yaml': `
builds:
  configured: { context: ., dockerfile: Configured, no-cache: true }
  own: { context: ., dockerfile: Own, args: { http_proxy: "" } }
`,
    Configured: dockerfile(WGET),
    Own: dockerfile(shell('test -z "$HTTP_PROXY$http_proxy" && test "$NO_PROXY" = a,b')),
  }));
  const config = { proxies: { default: { httpProxy: two.url, noProxy: 'a,b' } } };
  await writeTree(path.join(work.home, 'docker'), { 'config.json': JSON.stringify(config) });
  assertOk(await work.bake({ env: { HTTP_PROXY: one.url } }));
  assert.deepEqual([fetches(one), fetches(two)], [0, 1]);
});

test('a password gets to the steps and into nothing else', options, async (t) => {
  const tree = {
    'builds.yaml': `
templates:
  image:
    context: .
    dockerfile: Printing
    no-cache: true
    outputs: ["type=oci,dest=out/\${{ build.name }}.tar,compression=uncompressed"]
builds:
  plain: { extends: image }
  min: { extends: image, attest: ["type=provenance,mode=min"] }
  max: { extends: image, dockerfile: Without, attest: ["type=provenance,mode=max"] }
  broken: { extends: image, dockerfile: Broken }
`,
    Printing: dockerfile(
      'ARG HTTP_PROXY http_proxy Http_Proxy hTtp_proxy',
      WGET,
      shell('echo it is $HTTP_PROXY; test "$http_proxy" = "$HTTP_PROXY"'),
    ),
    Without: dockerfile(shell('test -z "$HTTP_PROXY$http_proxy" && test "$NO_PROXY" = a')),
    Broken: dockerfile(shell('echo cannot reach $HTTP_PROXY; exit 1')),
  };
  const { work, one } = await setUp(t, () => tree, USER);
  const env = { HTTP_PROXY: one.url.replace('://', `://${USER}@`), NO_PROXY: 'a' };
  const baked = await work.bake({ env, builds: ['plain', 'min', 'max'] });
  assertOk(baked);
  const sent = `Basic ${Buffer.from(USER).toString('base64')}`;
  // Steps that are the same and run at the same time may be one.
  assert(one.requests.length > 0);
  for (const { headers } of one.requests) assert.equal(headers['proxy-authorization'], sent);
  assert.deepEqual(codesOf(baked), ['warning build/proxy-withheld of max']);
  assert.doesNotMatch(JSON.stringify([baked.summary, baked.events]), OPEN);
  for (const build of ['plain', 'min', 'max'])
    assert.doesNotMatch(await bytesOf(work, `out/${build}.tar`), OPEN, build);
  assert.match(await bytesOf(work, 'out/max.tar'), /build-arg:NO_PROXY/, 'provenance holds arguments');

  const shown = await work.run(['run', 'plain', '--progress=plain'], { env });
  assert.equal(shown.exitCode, 0, shown.stderr);
  assert.match(shown.stdout + shown.stderr, /it is \(hidden\)/);
  assert.doesNotMatch(shown.stdout + shown.stderr, OPEN);
  const failed = await work.run(['run', 'broken'], { env });
  assert.equal(failed.exitCode, 1, failed.stderr);
  assert.match(failed.stdout + failed.stderr, /cannot reach \(hidden\)/);
  assert.doesNotMatch(failed.stdout + failed.stderr, OPEN);
  assert.doesNotMatch((await work.buildctl.calls()).join('\n'), OPEN);
});

test('steps of strangers get proxies without a user only', options, async (t) => {
  const { work, one } = await setUp(t, () => ({
    'builds.yaml': 'builds:\n  theirs: { context: ., dockerfile: Theirs, no-cache: true }\n',
    Theirs: dockerfile(shell('test -z "$HTTPS_PROXY$https_proxy"'), WGET),
  }));
  const env = { HTTP_PROXY: one.url, HTTPS_PROXY: `http://${USER}@127.0.0.1:1` };
  const baked = await work.bake({ env, untrusted: true });
  assertOk(baked);
  assert.equal(fetches(one), 1);
  assert.deepEqual(codesOf(baked), ['warning build/proxy-withheld']);
});

test(
  'our own client and the embedded engine reach registries through the proxy that both were started with',
  options,
  async (t) => {
    const { host } = await startTestRegistry(t);
    const { url, requests } = await startForwardProxy(t, { routes: { 'images.test:5000': host } });
    const work = await makeWorkspace(
      t,
      {
        file: '1\n',
        'builds.yaml': `
registries: { "images.test:5000": { http: true } }
builds:
  base: { context: ., dockerfile-inline: "FROM scratch\\nCOPY file /\\n", tags: ["images.test:5000/base:1"], push: true }
  app: { context: ., dockerfile-inline: "FROM images.test:5000/base:1\\nCOPY file /again\\n", needs: [base], outputs: [out] }
`,
      },
      { PATH: `${realEngine.binDir}:${process.env['PATH'] ?? ''}`, HTTP_PROXY: url, HTTPS_PROXY: url },
    );
    const { env } = work;
    t.after(() => downEngine({ env }));
    const installed = await installEngine({ env, from: 'path', parts: [...neededParts(), 'registry'] });
    assert(installed.ok, JSON.stringify(installed));
    const up = await work.run(['engine', 'up']);
    assert.equal(up.exitCode, 0, up.stderr);
    const running = await upEngine({ env });
    assert(running.ok, JSON.stringify(running));
    assertOk(await work.bake({ env: { BUILDKIT_HOST: running.value.address } }));
    const agents = (pattern: RegExp) =>
      new Set(
        requests.flatMap(({ line, headers }) =>
          pattern.test(line) ? [/^\w+/.exec(headers['user-agent'] ?? '')?.[0] ?? ''] : [],
        ),
      );
    assert(agents(/^PUT .*\/blobs\//).has('buildkit'));
    assert.deepEqual([...agents(/^PUT .*\/manifests\/1$/)], ['bake']);
    assert(agents(/^(?:GET|HEAD) /).has('buildkit'));
  },
);
