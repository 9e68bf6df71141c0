/** Promotions between two registries within the process: what is put, and what stays where it is when something fails. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Problem, Result } from '../../lib/model/mod.ts';
import { type PromoteOptions, type Promotion, promote, readDestinations } from '../../lib/promote/mod.ts';
import { assertOk } from '../rig/baking.ts';
import { type FakeRegistry, startFakeRegistry } from '../rig/fake-registry.ts';
import { envOf, type FakeWorld, makeFakeWorld, prepareIn } from '../rig/fake-world.ts';
import type { TreeEntry } from '../rig/temp.ts';

interface Pair {
  readonly world: FakeWorld;
  readonly staging: FakeRegistry;
  readonly prod: FakeRegistry;
  /** Promotes to `prod`, unless told otherwise. */
  readonly promote: (
    options?: Partial<Omit<PromoteOptions, 'to'>> & {
      readonly to?: readonly string[];
      readonly builds?: readonly string[];
    },
  ) => Promise<Result<Promotion>>;
}

/** Three images: a on its own, b based on it, c for two platforms with attestations and two tags. */
const three = (host: string, top = '') => ({
  'builds.yaml': `${top}
builds:
  a: { context: a, push: true, tags: ["${host}/app/a:1"] }
  b: { context: b, contexts: { base: "build:a" }, push: true, tags: ["${host}/app/b:1"] }
  c:
    context: c
    platforms: [linux/amd64, linux/arm64]
    attest: [type=provenance]
    push: true
    tags: ["${host}/app/c:1", "${host}/more/c:1"]
`,
  'a/Dockerfile': 'FROM scratch\nCOPY file /\n',
  'a/file': 'a\n',
  'b/Dockerfile': 'FROM base\nCOPY file /b\n',
  'b/file': 'b\n',
  'c/Dockerfile': 'FROM scratch\nCOPY file /\nRUN make\n',
  'c/file': 'c\n',
});

async function makePair(
  t: TestContext,
  tree: (host: string) => Readonly<Record<string, TreeEntry>> = three,
): Promise<Pair> {
  const world = await makeFakeWorld(t, tree, { lax: true });
  // Nothing is named there before it is there: a lax one would take it, and says so.
  const prod = await startFakeRegistry(t, { lax: true });
  assertOk(await world.bake({ builds: ['*'] }));
  world.registry.forget();
  t.after(() => {
    assert.deepEqual(prod.earlyTags, []);
    assert.deepEqual(prod.store.brokenTags(), []);
    assert.deepEqual(prod.store.wrongBlobs(), []);
  });
  return {
    world,
    staging: world.registry,
    prod,
    promote: async ({ to = [prod.host], builds, ...rest } = {}) => {
      const { plan } = await prepareIn(world, builds);
      const read = readDestinations(to);
      assert(read.ok, JSON.stringify(read));
      return promote({ plan, env: envOf(world), ...rest, to: read.value });
    },
  };
}

function done(promoted: Result<Promotion>): Promotion {
  assert(promoted.ok, promoted.ok ? '' : JSON.stringify(promoted.error, undefined, 2));
  return promoted.value;
}

function problemsOf(promoted: Result<Promotion>): readonly Problem[] {
  assert(!promoted.ok, 'it was promoted');
  return promoted.error;
}

const codesOf = (promoted: Result<Promotion>) => problemsOf(promoted).map(({ code }) => code);
const actionsOf = ({ tags }: Promotion) => tags.map(({ action }) => action);

test('every tag of the plan is put by digest, and the second time all of them are in place', async (t) => {
  const { staging, prod, promote: run } = await makePair(t);
  const sent: number[] = [];
  const first = done(
    await run({ onBlob: ({ state, totalBytes }) => state === 'sent' && sent.push(totalBytes) }),
  );
  assert.deepEqual(prod.store.tags(), staging.store.tags());
  const tags = staging.store.tags();
  assert.deepEqual(
    first.tags,
    [
      ['a', 'app/a:1'],
      ['b', 'app/b:1'],
      ['c', 'app/c:1'],
      ['c', 'more/c:1'],
    ].map(([build, name]) => ({
      build,
      source: `${staging.host}/${name}`,
      target: `${prod.host}/${name}`,
      digest: tags[name ?? ''],
      action: 'put',
      previous: 'absent',
    })),
  );
  assert.deepEqual(first.passedOver, []);
  assert.deepEqual(first.problems, []);
  assert.equal(sent.length, first.blobs.copied);
  assert.equal(
    sent.reduce((sum, one) => sum + one, 0),
    first.copiedBytes,
  );
  assert.deepEqual(staging.writes(), []);
  // Everything was there before the first tag moved.
  const isTag = (line: string) => /PUT .*\/manifests\/1 /.test(line);
  const writes = prod.writes();
  assert.equal(writes.findIndex(isTag), writes.length - 4);

  prod.forget();
  const second = done(await run());
  assert.deepEqual(actionsOf(second), ['there', 'there', 'there', 'there']);
  assert.deepEqual(
    second.tags.map(({ digest, previous }) => previous === digest),
    [true, true, true, true],
  );
  assert.deepEqual(prod.writes(), []);
  assert.equal(prod.requests.length, 4);
});

test('a prefix within one registry: blobs are mounted, none is sent', async (t) => {
  const { staging, promote: run } = await makePair(t);
  const { host } = staging;
  const sent: string[] = [];
  const to = [`${host}/app=${host}/live`, `${host}/more=${host}/live/more`];
  const promoted = done(
    await run({ to, onBlob: ({ state, digest }) => state === 'sent' && sent.push(digest) }),
  );
  assert.deepEqual(
    promoted.tags.map(({ target }) => target.slice(host.length)),
    ['/live/a:1', '/live/b:1', '/live/c:1', '/live/more/c:1'],
  );
  const tags = staging.store.tags();
  assert.equal(tags['live/b:1'], tags['app/b:1']);
  assert.equal(tags['live/more/c:1'], tags['more/c:1']);
  assert.deepEqual(sent, []);
  assert.ok(promoted.blobs.mounted > 0);
  assert.deepEqual(staging.store.brokenTags(), []);
});

test('a dry run asks both sides and writes nothing', async (t) => {
  const { staging, prod, promote: run } = await makePair(t);
  const dry = done(await run({ dryRun: true }));
  assert.equal(dry.dryRun, true);
  assert.deepEqual(actionsOf(dry), ['put', 'put', 'put', 'put']);
  assert.deepEqual([...staging.writes(), ...prod.writes()], []);
  assert.deepEqual(prod.store.tags(), {});
  done(await run({ builds: ['a'] }));
  assert.deepEqual(actionsOf(done(await run({ dryRun: true }))), ['there', 'put', 'put', 'put']);
  // What is not known is said.
  prod.fault({ path: '/app/b/', act: { kind: 'status', status: 500 } });
  const unsure = done(await run({ dryRun: true }));
  assert.deepEqual(
    unsure.tags.map(({ previous }) => previous === 'unknown'),
    [false, true, false, false],
  );
  assert.deepEqual(
    unsure.problems.map(({ code }) => code),
    ['registry/unavailable'],
  );
});

test('where the third tag cannot be moved, the two before it are put back', async (t) => {
  const { world, prod, promote: run } = await makePair(t);
  done(await run());
  const before = prod.store.tags();
  await world.write({ 'a/file': 'new\n', 'c/file': 'new\n' });
  assertOk(await world.bake());
  for (const after of [false, true]) {
    const fault = prod.fault({
      method: 'PUT',
      path: '/app/c/manifests/1',
      nth: 1,
      act: { kind: 'status', status: 500, after },
    });
    const failed = await run();
    assert.deepEqual(codesOf(failed), ['registry/unavailable', 'run/publish-rolled-back']);
    assert.deepEqual(prod.store.tags(), before);
    fault.remove();
  }
  const healed = done(await run());
  assert.deepEqual(
    healed.tags.map(({ previous, target }) => previous === before[target.slice(prod.host.length + 1)]),
    [true, true, true, true],
  );
  assert.notDeepEqual(prod.store.tags(), before);
});

test('tags that exist move first, since they can be put back', async (t) => {
  const { world, prod, promote: run } = await makePair(t);
  done(await run({ builds: ['c'] }));
  await world.write({ 'c/file': 'new\n' });
  assertOk(await world.bake());
  const before = prod.store.tags();
  prod.fault({ method: 'PUT', path: '/more/c/manifests/1', nth: 1, act: { kind: 'status', status: 403 } });
  assert.deepEqual(codesOf(await run()), ['registry/denied', 'run/publish-rolled-back']);
  assert.deepEqual(prod.store.tags(), before);
});

test('a new tag cannot be taken back: it is said, and that the promotion failed', async (t) => {
  const { prod, staging, promote: run } = await makePair(t);
  prod.fault({ method: 'PUT', path: '/app/c/manifests/1', act: { kind: 'status', status: 403 } });
  const failed = await run();
  assert.deepEqual(codesOf(failed), ['registry/denied', 'run/publish-left']);
  assert.match(problemsOf(failed)[1]?.detail ?? '', /app\/b:1 \(it did not exist before\)\n.*app\/a:1/);
  const tags = staging.store.tags();
  assert.deepEqual(prod.store.tags(), { 'app/a:1': tags['app/a:1'], 'app/b:1': tags['app/b:1'] });
  prod.mend();
  done(await run());
  assert.deepEqual(prod.store.tags(), tags);
});

test('where a blob cannot be sent, no tag has moved, and nothing more is sent', async (t) => {
  for (const [method, status, code] of [
    ['PUT', 500, 'registry/unavailable'],
    ['POST', 403, 'registry/denied'],
  ] as const) {
    const { staging, prod, promote: run } = await makePair(t);
    const path = '/app/b/blobs/';
    const fault = prod.fault({ method, path, act: { kind: 'status', status } });
    assert.deepEqual([...new Set(codesOf(await run()))], [code]);
    assert.ok(fault.hits > 0);
    assert.deepEqual(prod.store.tags(), {});
    assert.ok(!prod.requests.some((one) => one.method === 'PUT' && one.path.endsWith('/manifests/1')));
    prod.mend();
    done(await run());
    assert.deepEqual(prod.store.tags(), staging.store.tags());
  }
});

test('where one image cannot be brought, the others are not waited for', { timeout: 60_000 }, async (t) => {
  const { prod, promote: run } = await makePair(t);
  // One blob, of whichever of its two repositories is first: more would take every place that there is for requests.
  const held = prod.fault({ method: 'PUT', path: '/c/blobs/', nth: 1, act: { kind: 'hold' } });
  prod.fault({
    method: 'PUT',
    path: '/app/b/blobs/',
    act: { kind: 'call', run: () => held.reached },
  });
  prod.fault({ method: 'PUT', path: '/app/b/manifests/', act: { kind: 'status', status: 500 } });
  assert.deepEqual(codesOf(await run()), ['registry/unavailable']);
  assert.deepEqual(prod.store.tags(), {});
});

test('repositories that may not be pushed to are all named before anything is sent', async (t) => {
  const { staging, prod, promote: run } = await makePair(t);
  for (const path of ['/app/c/blobs/uploads/', '/more/c/blobs/uploads/'])
    prod.fault({ method: 'POST', path, act: { kind: 'status', status: 403 } });
  const refused = await run();
  assert.deepEqual(codesOf(refused), ['registry/denied', 'registry/denied']);
  assert.ok(!prod.requests.some(({ method }) => method === 'PUT'));
  assert.ok(!staging.requests.some(({ path }) => path.includes('/blobs/')));
  // What was begun for that is ended.
  prod.mend();
  done(await run());
  assert.equal(prod.store.openUploads, 0);
});

test('a registry that hides what is not there yet is asked again once the bytes are there', async (t) => {
  const { staging, prod, promote: run } = await makePair(t);
  const hidden = prod.fault({ path: '/app/a/manifests/', act: { kind: 'status', status: 403 } });
  const unsure = done(await run({ dryRun: true, builds: ['a'] }));
  assert.deepEqual([unsure.tags[0]?.previous, unsure.problems[0]?.code], ['unknown', 'registry/denied']);
  prod.fault({
    method: 'PUT',
    path: '/app/a/blobs/',
    nth: 1,
    act: { kind: 'call', run: () => hidden.remove() },
  });
  const promoted = done(await run({ builds: ['a'] }));
  assert.equal(promoted.tags[0]?.previous, 'absent');
  assert.deepEqual(prod.store.tags(), { 'app/a:1': staging.store.tags()['app/a:1'] });
  // Where it goes on hiding them, no tag moves: nobody could put it back.
  prod.fault({ method: 'HEAD', path: /\/app\/b\/manifests\/1$/, act: { kind: 'status', status: 403 } });
  assert.deepEqual(codesOf(await run({ builds: ['b'] })), ['registry/denied']);
  assert.deepEqual(Object.keys(prod.store.tags()), ['app/a:1']);
});

test('source tags that are missing, or cannot be asked, are errors before anything is sent', async (t) => {
  const { staging, prod, promote: run } = await makePair(t);
  staging.store.deleteManifest('app/a', '1');
  staging.store.deleteManifest('more/c', '1');
  const missing = await run();
  assert.deepEqual(
    problemsOf(missing).map(({ code, build }) => `${code} of ${build}`),
    ['registry/not-found of a', 'registry/not-found of c'],
  );
  assert.match(problemsOf(missing)[1]?.message ?? '', /\/more\/c:1 is not in its registry$/);
  staging.fault({ path: '/app/b/', act: { kind: 'status', status: 403 } });
  assert.deepEqual(codesOf(await run()), ['registry/not-found', 'registry/denied', 'registry/not-found']);
  assert.deepEqual(prod.requests, []);
  // What is left out does not matter.
  staging.mend();
  assert.deepEqual(actionsOf(done(await run({ builds: ['b'] }))), ['put']);
});

test('tags of one build that point at different images are an error that names them', async (t) => {
  const { staging, prod, promote: run } = await makePair(t);
  const other = staging.store.manifest('app/a', '1') ?? assert.fail();
  staging.store.putManifest('more/c', '1', other);
  const apart = await run();
  assert.deepEqual(codesOf(apart), ['run/tags-apart']);
  const [found] = problemsOf(apart);
  assert.equal(found?.build, 'c');
  assert.match(
    found?.detail ?? '',
    new RegExp(`/app/c:1: sha256:[0-9a-f]{64}\n.*/more/c:1: ${other.digest}$`),
  );
  assert.deepEqual(prod.requests, []);
});

test('what is promoted is what the tags pointed at when they were asked, though they move meanwhile', async (t) => {
  const { staging, prod, promote: run } = await makePair(t);
  const before = staging.store.tags();
  const other = staging.store.manifest('app/b', '1') ?? assert.fail();
  prod.fault({
    method: 'POST',
    path: '/app/a/blobs/uploads/',
    nth: 1,
    act: { kind: 'call', run: () => void staging.store.putManifest('app/a', '1', other) },
  });
  done(await run());
  assert.notDeepEqual(staging.store.tags(), before);
  assert.deepEqual(prod.store.tags(), before);
});

test('what is put back is what stood there when the tags moved, not when the promotion began', async (t) => {
  const { world, prod, promote: run } = await makePair(t);
  done(await run());
  await world.write({ 'a/file': 'new\n' });
  assertOk(await world.bake());
  // Somebody else moves the tag while blobs are on their way.
  const other = prod.store.manifest('app/b', '1') ?? assert.fail();
  let theirs: unknown;
  prod.fault({
    method: 'POST',
    path: '/app/a/blobs/uploads/',
    nth: 1,
    act: {
      kind: 'call',
      run: () => {
        const below = JSON.parse(other.bytes.toString()) as {
          config: { digest: string };
          layers: readonly { digest: string }[];
        };
        for (const { digest } of [below.config, ...below.layers]) prod.store.mount('app/a', 'app/b', digest);
        theirs = prod.store.putManifest('app/a', '1', other).digest;
      },
    },
  });
  prod.fault({ method: 'PUT', path: '/app/b/manifests/1', act: { kind: 'status', status: 403 } });
  assert.deepEqual(codesOf(await run()), ['registry/denied', 'run/publish-rolled-back']);
  assert.equal(prod.store.tags()['app/a:1'], theirs);
});

test('what somebody else moved after us is not put back, and it is said', async (t) => {
  const { world, prod, promote: run } = await makePair(t);
  done(await run());
  await world.write({ 'a/file': 'new\n', 'b/file': 'new\n', 'c/file': 'new\n' });
  assertOk(await world.bake());
  const before = prod.store.tags();
  const other = prod.store.manifest('app/a', '1') ?? assert.fail();
  let theirs = '';
  const moveFirst = () => {
    const bytes = Buffer.from(`${other.bytes.toString()} `);
    theirs = prod.store.putManifest('app/a', '1', { ...other, bytes }).digest;
  };
  prod.fault({ method: 'PUT', path: '/app/b/manifests/1', nth: 1, act: { kind: 'call', run: moveFirst } });
  prod.fault({ method: 'PUT', path: '/app/c/manifests/1', act: { kind: 'status', status: 403 } });
  const failed = await run();
  assert.deepEqual(codesOf(failed), ['registry/denied', 'run/publish-rolled-back', 'run/publish-left']);
  assert.match(
    problemsOf(failed)[2]?.detail ?? '',
    /^\S+\/app\/a:1 \(it is sha256:\w{12}, was sha256:\w{12}\)$/,
  );
  assert.deepEqual(prod.store.tags(), { ...before, 'app/a:1': theirs });
});

test('immutable tags of the destination are refused before anything is sent', async (t) => {
  const {
    world,
    prod,
    promote: run,
  } = await makePair(t, (host) => three(host, `immutable: ["*/live/app/c:*"]`));
  const to = [`${prod.host}/live`];
  done(await run({ to }));
  assert.deepEqual(actionsOf(done(await run({ to }))), ['there', 'there', 'there', 'there']);
  const before = prod.store.tags();
  await world.write({ 'a/file': 'new\n', 'c/file': 'new\n' });
  assertOk(await world.bake());
  prod.forget();
  const refused = await run({ to });
  assert.deepEqual(
    problemsOf(refused).map(({ code, build }) => `${code} of ${build}`),
    ['run/immutable-tag of c'],
  );
  assert.deepEqual(codesOf(await run({ to, dryRun: true })), ['run/immutable-tag']);
  assert.deepEqual(prod.writes(), []);
  assert.deepEqual(prod.store.tags(), before);
  done(await run({ to, builds: ['a', 'b'] }));
});

test('two images for one name are refused; one image for it is put once', async (t) => {
  const {
    staging,
    prod,
    promote: run,
  } = await makePair(t, (host) => ({
    ...three(host),
    'builds.yaml': `builds:
  a: { context: a, push: true, tags: ["${host}/one/x:1", "${host}/two/x:1"] }
  c: { context: c, push: true, tags: ["${host}/three/x:1"] }
`,
  }));
  const { host } = staging;
  const to = (...from: readonly string[]) => from.map((one) => `${host}/${one}=${prod.host}/live`);
  const refused = await run({ to: to('one', 'two', 'three') });
  assert.deepEqual(codesOf(refused), ['plan/same-destination']);
  assert.match(problemsOf(refused)[0]?.detail ?? '', /\/one\/x:1: sha256:.*\n.*\/three\/x:1: sha256:/);
  assert.deepEqual(prod.writes(), []);
  const once = done(await run({ to: to('one', 'two'), builds: ['a'] }));
  assert.deepEqual(
    once.tags.map(({ source, target, action }) => [source, target, action]),
    [
      [`${host}/one/x:1`, `${prod.host}/live/x:1`, 'put'],
      [`${host}/two/x:1`, `${prod.host}/live/x:1`, 'put'],
    ],
  );
  assert.equal(prod.writes().filter((line) => /manifests\/1 /.test(line)).length, 1);
});

test('names that no destination fits, or that stay the same, are refused without a request', async (t) => {
  const { staging, prod, promote: run } = await makePair(t);
  staging.forget();
  const { host } = staging;
  const unmapped = await run({ to: [`${host}/app=${prod.host}`] });
  assert.deepEqual(
    problemsOf(unmapped).map(({ code, build, message }) => [code, build, message.replaceAll(host, 'HOST')]),
    [['plan/no-destination', 'c', 'The destination `HOST/app=…` is not for `HOST/more/c:1`']],
  );
  assert.doesNotMatch(problemsOf(unmapped)[0]?.hint ?? '', /Did you mean/);
  const tooLong = await run({
    to: [`${host}=${prod.host}/${'x'.repeat(250)}`],
    builds: ['a'],
  });
  assert.deepEqual(codesOf(tooLong), ['plan/no-destination']);
  assert.match(problemsOf(tooLong)[0]?.message ?? '', /has no valid name at any destination/);
  const own = await run({ to: [host, `${host}/more=${prod.host}`] });
  assert.deepEqual(codesOf(own), ['plan/own-destination', 'plan/own-destination', 'plan/own-destination']);
  assert.deepEqual([...staging.requests, ...prod.requests], []);
});

test('what is not selected or not pushed is passed over with a word', async (t) => {
  const { world, prod, promote: run } = await makePair(t);
  const only = done(await run({ builds: ['b'] }));
  assert.deepEqual(only.passedOver, [{ build: 'a', why: 'only-needed' }]);
  assert.deepEqual(Object.keys(prod.store.tags()), ['app/b:1']);
  const [yaml] = Object.values(three(world.registry.host));
  await world.write({ 'builds.yaml': (yaml ?? '').replace('push: true', 'push: always') });
  const always = done(await run({ builds: ['b'], dryRun: true }));
  assert.deepEqual([actionsOf(always), always.passedOver], [['put', 'there'], []]);
  await world.write({ 'builds.yaml': (yaml ?? '').replace('push: true', 'push: false') });
  assert.deepEqual(done(await run({ builds: ['b'] })).passedOver, []);
  const two = done(await run());
  assert.deepEqual(two.passedOver, [{ build: 'a', why: 'not-pushed' }]);
  assert.deepEqual(Object.keys(prod.store.tags()), ['app/b:1', 'app/c:1', 'more/c:1']);
  assert.deepEqual(codesOf(await run({ builds: ['a'] })), ['plan/empty-selection']);
});

test('a tag that is not valid fails it all', async (t) => {
  const { world, prod, promote: run } = await makePair(t);
  const [yaml] = Object.values(three(world.registry.host));
  await world.write({ 'builds.yaml': (yaml ?? '').replace('more/c:1', 'more/C:1') });
  assert.deepEqual(codesOf(await run()), ['build/bad-tag']);
  assert.deepEqual(prod.requests, []);
});

test('a slip in a destination is one problem, with what is near', async (t) => {
  const { staging, prod, promote: run } = await makePair(t);
  const { host } = staging;
  const [one, ...more] = problemsOf(
    await run({ to: [`${host}/apq=${prod.host}`, `${host}/more=${prod.host}`] }),
  );
  assert.deepEqual(more, []);
  const [message, hint, detail] = [one?.message, one?.hint, one?.detail].map((text = '') =>
    text.replaceAll(host, 'HOST'),
  );
  assert.equal(message, 'The destinations `HOST/apq=…`, `HOST/more=…` are not for `HOST/app/a:1` and 2 more');
  assert.match(hint ?? '', /^Did you mean "HOST\/app"\?\nAdd --to FROM=TO/);
  assert.equal(detail, 'HOST/app/a:1\nHOST/app/b:1\nHOST/app/c:1');
  assert.equal(one?.build, undefined);
});

test('sensitive values in names are shown nowhere', async (t) => {
  const { prod, promote: run } = await makePair(t, (host) => ({
    ...three(host),
    'builds.yaml': `vars: { WORD: { default: hush-hush, sensitive: true }, OTHER: { default: absent, sensitive: true } }
builds:
  a: { context: a, push: true, tags: ["${host}/app/\${{ vars.WORD }}:1"] }
`,
  }));
  const promoted = done(await run());
  assert.ok(!JSON.stringify(promoted).includes('hush-hush'));
  assert.match(promoted.tags[0]?.target ?? '', /\/app\/\(hidden\):1$/);
  assert.equal(promoted.tags[0]?.previous, 'absent');
  assert.deepEqual(Object.keys(prod.store.tags()), ['app/hush-hush:1']);
  const failed = await run({ to: ['nowhere.example=quay.io'] });
  assert.deepEqual(codesOf(failed), ['plan/no-destination']);
  assert.ok(!JSON.stringify(problemsOf(failed)).includes('hush-hush'));
});

test('what refers to the images comes along where it is asked for, also where tags are up to date', async (t) => {
  const { staging, prod, promote: run } = await makePair(t);
  const subject = staging.store.tags()['app/a:1'] ?? assert.fail();
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const empty = staging.store.putBlob('app/a', Buffer.from('{}'));
  const config = { mediaType: 'application/vnd.oci.empty.v1+json', digest: empty, size: 2 };
  const signature = { schemaVersion: 2, mediaType, config, layers: [config], subject: { digest: subject } };
  const put = (reference: string, type: string, json: object) =>
    staging.store.putManifest('app/a', reference, {
      mediaType: type,
      bytes: Buffer.from(JSON.stringify(json)),
    });
  const { digest, bytes } = put('sha256:unused', mediaType, signature);
  put(subject.replace(':', '-'), 'application/vnd.oci.image.index.v1+json', {
    schemaVersion: 2,
    manifests: [{ mediaType, digest, size: bytes.length }],
  });
  assert.equal(done(await run()).referrers, 0);
  assert.equal(prod.store.manifest('app/a', digest), undefined);
  const along = done(await run({ referrers: true }));
  assert.deepEqual(actionsOf(along), ['there', 'there', 'there', 'there']);
  assert.equal(along.referrers, 1);
  assert.deepEqual(prod.store.manifest('app/a', digest)?.bytes, bytes);
});

test('what is stopped moves no tag', async (t) => {
  const { world, prod, promote: run } = await makePair(t);
  done(await run());
  const before = prod.store.tags();
  await world.write({ 'a/file': 'new\n', 'c/file': 'new\n' });
  assertOk(await world.bake());
  const stops = [
    { method: 'PUT', path: '/c/blobs/' },
    // Between two tags: the one that moved is put back.
    { method: 'PUT', path: '/app/b/manifests/1' },
  ];
  for (const rule of stops) {
    const stop = new AbortController();
    const fault = prod.fault({ ...rule, nth: 1, act: { kind: 'hold' } });
    const running = run({ signal: stop.signal });
    await fault.reached;
    stop.abort();
    const stopped = await running;
    fault.remove();
    assert.ok(codesOf(stopped).includes('run/cancelled'));
    assert.ok(!codesOf(stopped).includes('run/publish-left'));
    // What was held is let go: it may still be answered, and has nothing that it could change.
    if (rule.path.includes('blobs')) assert.deepEqual(prod.store.tags(), before);
    else assert.equal(prod.store.tags()['app/a:1'], before['app/a:1']);
  }
});
