/** What `verify` says of tags: builds from nothing and compares, with an engine and a registry within this process. */
import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { DifferenceRules } from '../../lib/compare/mod.ts';
import type { BakeEvent } from '../../lib/model/mod.ts';
import { readPathPattern } from '../../lib/util/path-pattern.ts';
import { type Verification, type VerifyReport, verifyBuilds } from '../../lib/verify/mod.ts';
import { assertOk } from '../rig/baking.ts';
import { rowTree } from '../rig/failure-bench.ts';
import type { EngineFault } from '../rig/fake-engine.ts';
import { accessTo, envOf, type FakeWorld, makeFakeWorld, prepareIn, putBase } from '../rig/fake-world.ts';
import type { Cleanup, TreeEntry } from '../rig/temp.ts';
import { changeImage, retimed } from './change-image.ts';

const NOWHERE = `sha256:${'0'.repeat(64)}` as const;

interface Verifying extends FakeWorld {
  readonly verify: (patterns?: readonly string[], more?: More) => Promise<VerifyReport>;
  readonly events: BakeEvent[];
}

interface More {
  readonly signal?: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
  readonly rules?: DifferenceRules;
}

async function makeVerifying(
  t: Cleanup,
  tree: (host: string) => Readonly<Record<string, TreeEntry>> = rowTree,
): Promise<Verifying> {
  const world = await makeFakeWorld(t, tree);
  putBase(world.registry, 'base', '1', 'one');
  const events: BakeEvent[] = [];
  const verify = async (patterns: readonly string[] = ['*'], { signal, env, rules }: More = {}) => {
    const { plan, dockerfiles } = await prepareIn(world, patterns);
    return verifyBuilds({
      plan,
      dockerfiles,
      env: { ...envOf(world), ...env },
      hostArchitecture: 'amd64',
      engines: accessTo(world.engine),
      sleep: async () => undefined,
      onEvent: (event) => events.push(event),
      ...(signal === undefined ? {} : { signal }),
      ...(rules === undefined ? {} : { rules }),
    });
  };
  return { ...world, verify, events };
}

function only({ builds }: VerifyReport): Verification {
  const [one, ...others] = builds;
  assert(one !== undefined && others.length === 0, JSON.stringify(builds));
  return one;
}

const verdicts = ({ builds }: VerifyReport) => builds.map(({ build, verdict }) => `${build} ${verdict}`);

test('what tags hold is the same to the byte, and nothing is pushed or remembered for it', async (t) => {
  const { verify, bake, registry, engine, home, events, records } = await makeVerifying(t);
  assertOk(await bake());
  const known = await records();
  registry.forget();
  engine.forgetCalls();
  const report = await verify();
  assert.deepEqual(verdicts(report), ['a same-bytes', 'b same-bytes', 'c same-bytes']);
  assert.deepEqual([report.problems, report.warnings], [[], []]);
  const [a] = report.builds;
  assert.equal(a?.ref, `${registry.host}/app/a:dev`);
  assert.equal(a.digest, registry.store.manifest('app/a', 'dev')?.digest);
  assert.deepEqual(a.differences, []);
  assert.deepEqual(
    a.platforms.map(({ platform, verdict }) => [platform, verdict]),
    [['linux/amd64', 'same-bytes']],
  );
  assert(!('problem' in a));
  assert.deepEqual(registry.writes(), []);
  assert.deepEqual(await records(), known);
  assert.equal(engine.builds.length, 3);
  for (const argv of engine.builds) {
    assert(argv.includes('--no-cache'), argv.join(' '));
    assert(
      argv.some((word) => word.startsWith('build-arg:SOURCE_DATE_EPOCH=')),
      argv.join(' '),
    );
    assert(
      argv.some((word) => word.includes('rewrite-timestamp=true')),
      argv.join(' '),
    );
    assert(!argv.some((word) => word.includes('push=true')));
  }
  assert.deepEqual(events.flatMap((event) => (event.type === 'node-started' ? [event.build] : [])).sort(), [
    'a',
    'b',
    'c',
  ]);
  assert.deepEqual(
    (await readdir(home)).filter((name) => name.startsWith('layout')),
    [],
  );
});

test('caches that a build names are not used, and none of its outputs are written', async (t) => {
  const { verify, bake, engine } = await makeVerifying(t, (host) => ({
    ...rowTree(host),
    'builds.yaml': `builds:
  a:
    context: a
    tags: ["${host}/app/a:dev"]
    push: true
    cache-from: ["type=registry,ref=${host}/cache"]
    cache-to: ["type=registry,ref=${host}/cache"]
    no-cache-filter: [x]
`,
  }));
  assertOk(await bake());
  engine.forgetCalls();
  assert.deepEqual(verdicts(await verify()), ['a same-bytes']);
  const [argv = []] = engine.builds;
  for (const word of ['--import-cache', '--export-cache']) assert(!argv.includes(word), word);
  assert(!argv.some((word) => word.startsWith('no-cache=x')), argv.join(' '));
  assert.equal(argv.filter((word) => word === '--output').length, 1);
});

test('other times are the same files; other contents are different, each in words', async (t) => {
  const { verify, bake, registry, write } = await makeVerifying(t);
  assertOk(await bake());
  const digest = changeImage(registry.store, 'app/c', { layer: retimed });
  const same = only(await verify(['c']));
  assert.deepEqual([same.verdict, same.digest, same.differences], ['same-files', digest, []]);
  await write({ 'c/file': 'longer\n', 'c/Dockerfile': 'FROM scratch\nCOPY file /\nLABEL who=me\n' });
  const other = only(await verify(['c']));
  assert.equal(other.verdict, 'different');
  assert.deepEqual(other.differences, [
    'linux/amd64 config.Labels.who: added "me"',
    'linux/amd64 history.2: added {"step":"LABEL who=me","empty":true}',
    'linux/amd64 layer 1 (COPY file /): changed file (content (2 → 7 bytes))',
  ]);
});

test('a build that gives something else each time is different', async (t) => {
  const { verify, bake, engine } = await makeVerifying(t, (host) => ({
    ...rowTree(host),
    'c/Dockerfile': 'FROM scratch\nCOPY file /\nRUN make\n',
  }));
  assertOk(await bake());
  engine.weather = 'rain';
  const report = await verify();
  assert.deepEqual(verdicts(report), ['a same-bytes', 'b same-bytes', 'c different']);
});

test('known noise and what is ignored are counted and make no difference, unless they are to', async (t) => {
  const { verify, bake, write } = await makeVerifying(t, (host) => ({
    ...rowTree(host),
    'c/Dockerfile': 'FROM scratch\nCOPY log /var/log/\nCOPY file /\n',
    'c/log/dpkg.log': 'monday\n',
  }));
  assertOk(await bake());
  await write({ 'c/log/dpkg.log': 'tuesday\n' });
  const noise = only(await verify(['c']));
  assert.equal(noise.verdict, 'same-but-noise');
  assert.deepEqual(noise.differences, []);
  assert.deepEqual(noise.notCounted, { knownNoise: 1, ignored: [] });
  // It is in what was found all the same.
  const [layer] = noise.platforms[0]?.comparison?.layers ?? [];
  assert.equal(layer?.kind, 'same-but-noise');
  assert.deepEqual(layer.files, [
    { path: 'var/log/dpkg.log', change: 'changed', what: ['content (7 → 8 bytes)'], noise: 'dpkg-log' },
  ]);
  const strict = only(await verify(['c'], { rules: { isStrict: true, ignore: [] } }));
  assert.equal(strict.verdict, 'different');
  assert.deepEqual(strict.notCounted, { knownNoise: 0, ignored: [] });
  assert.deepEqual(strict.differences, [
    'linux/amd64 layer 1 (COPY log /var/log/): changed var/log/dpkg.log (content (7 → 8 bytes))',
  ]);
  await write({ 'c/file': 'other\n' });
  const both = only(await verify(['c']));
  assert.deepEqual(
    [both.verdict, both.differences, both.notCounted.knownNoise],
    ['different', ['linux/amd64 layer 2 (COPY file /): changed file (content (2 → 6 bytes))'], 1],
  );
  const ignore = ['/none', '*.log', '/file'].flatMap((text) => readPathPattern(text) ?? []);
  const ignored = only(await verify(['c'], { rules: { isStrict: true, ignore } }));
  assert.equal(ignored.verdict, 'same-but-noise');
  assert.deepEqual(ignored.notCounted, {
    knownNoise: 0,
    ignored: [
      { pattern: '/none', count: 0 },
      { pattern: '*.log', count: 1 },
      { pattern: '/file', count: 1 },
    ],
  });
  // The config always counts.
  await write({ 'c/Dockerfile': 'FROM scratch\nCOPY log /var/log/\nCOPY file /\nLABEL who=me\n' });
  assert.equal(only(await verify(['c'], { rules: { isStrict: false, ignore } })).verdict, 'different');
});

test('its events are those of a run: what is planned, what runs, and how each build ends', async (t) => {
  const { verify, bake, engine, registry, events } = await makeVerifying(t);
  assertOk(await bake());
  await verify(['b']);
  const [started, planned] = events;
  assert(started?.type === 'run-started' && planned?.type === 'planned', JSON.stringify(events.slice(0, 2)));
  assert.deepEqual(
    planned.nodes.map(({ build, role }) => [build, role]),
    [
      ['a', 'needed'],
      ['b', 'asked'],
    ],
  );
  const ended = () =>
    events.flatMap((event) => {
      if (event.type !== 'node-finished') return [];
      const { build, kind, reason, problem, blockedBy, steps } = event.outcome;
      return [[build, kind, reason?.text ?? problem?.code ?? blockedBy ?? steps?.total]];
    });
  assert.deepEqual(ended(), [
    ['a', 'unchanged', 'read from its tag'],
    ['b', 'built', 1],
  ]);
  const name = `comparing with ${registry.host}/app/b:dev`;
  const steps = events.flatMap((event) =>
    event.type === 'vertex' && event.name === name ? [`${event.build} ${event.state}`] : [],
  );
  assert.deepEqual(steps, ['b running', 'b done']);
  assert(!events.some((event) => event.type === 'run-finished' || event.type === 'tag'));

  events.length = 0;
  registry.fault({ path: '/app/b/blobs/', from: 'bake-ts', nth: 2, act: { kind: 'status', status: 404 } });
  changeImage(registry.store, 'app/b', { layer: retimed });
  await verify(['b']);
  assert.deepEqual(ended().at(-1), ['b', 'failed', 'run/verify-unknown']);
  const failed = events.find((event) => event.type === 'vertex' && event.state === 'failed');
  assert(failed?.type === 'vertex' && failed.name === name && failed.error !== undefined);

  events.length = 0;
  registry.store.deleteManifest('app/a', 'dev');
  engine.fault({ when: '/a\n', at: 'built', act: { fail: 'error: no luck' } });
  await verify(['b']);
  assert.deepEqual(
    ended().map(([build, kind]) => [build, kind]),
    [
      ['a', 'failed'],
      ['b', 'blocked'],
    ],
  );
});

test('platforms are compared one by one, and one that only one of the images has is a difference', async (t) => {
  const tree = (platforms: string) => (host: string) => ({
    'builds.yaml': `builds:\n  a: { context: ., platforms: [${platforms}], push: true, tags: ["${host}/app/a:dev"] }\n`,
    Dockerfile: 'FROM scratch\nCOPY file /\n',
    file: 'a\n',
  });
  const world = await makeVerifying(t, tree('linux/amd64, linux/arm64'));
  assertOk(await world.bake());
  const both = only(await world.verify());
  assert.deepEqual(
    both.platforms.map(({ platform, verdict }) => [platform, verdict]),
    [
      ['linux/amd64', 'same-bytes'],
      ['linux/arm64', 'same-bytes'],
    ],
  );
  await world.write(tree('linux/amd64')(world.registry.host));
  const one = only(await world.verify());
  assert.equal(one.verdict, 'different');
  assert.deepEqual(one.differences, ['linux/arm64: only in the tag']);
  await world.write(tree('linux/amd64, linux/arm64, linux/s390x')(world.registry.host));
  assert.deepEqual(only(await world.verify()).differences, ['linux/s390x: only in the new image']);
});

test('what is not pushed or not there is not compared, and says what to do', async (t) => {
  const { verify, registry, engine } = await makeVerifying(t, (host) => ({
    ...rowTree(host),
    'builds.yaml': `builds:
  kept: { context: c, tags: ["${host}/app/kept:dev"], push: false }
  plain: { context: c }
  gone: { context: c, tags: ["${host}/app/gone:dev"], push: true }
  closed: { context: c, tags: ["${host}/app/closed:dev"], push: true }
  broken: { context: c, tags: ["${host}/app/broken:dev"], push: true }
`,
  }));
  registry.fault({ path: '/app/closed/', act: { kind: 'status', status: 403 } });
  registry.fault({ path: '/app/kept/', act: { kind: 'status', status: 500 } });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  registry.store.putManifest('app/broken', 'dev', { mediaType, bytes: Buffer.from('{}') });
  const { builds } = await verify();
  const found = new Map(builds.map((one) => [one.build, one]));
  assert(builds.every(({ verdict, differences }) => verdict === 'unknown' && differences.length === 0));
  assert(builds.every(({ build, problem }) => problem?.build === build));
  const said = (name: string) => {
    const problem = found.get(name)?.problem;
    return [problem?.code, problem?.message, problem?.hint];
  };
  const pushes =
    "Set `tags` and `push` in builds.yaml, or for one call use --push (`set: ['*.push=true']` in a script).";
  for (const name of ['kept', 'plain'])
    assert.deepEqual(said(name), [
      'run/verify-unknown',
      `\`${name}\` is not pushed, so there is nothing to compare it with`,
      pushes,
    ]);
  assert.deepEqual(said('gone'), [
    'run/verify-unknown',
    `${registry.host}/app/gone:dev is not in its registry`,
    'Push it: bake-ts run gone',
  ]);
  assert.equal(said('closed')[0], 'registry/denied');
  assert.match(said('broken')[1] ?? '', /^`broken` cannot be compared: /);
  assert.equal(said('broken')[2], 'Fix that and verify again: a layer that cannot be read proves nothing.');
  assert.deepEqual(engine.builds, []);
});

test('what is based on a tag reads what the registry has; only what is requested is built', async (t) => {
  const { verify, bake, registry, engine, write } = await makeVerifying(t);
  assertOk(await bake());
  await write({ 'a/file': 'changed, but not pushed\n' });
  engine.forgetCalls();
  const b = only(await verify(['b']));
  assert.equal(b.verdict, 'same-bytes');
  assert.equal(engine.builds.length, 1);
  const digest = registry.store.manifest('app/a', 'dev')?.digest ?? 'none';
  assert(engine.builds[0]?.some((word) => word.includes(digest)));
  assert.deepEqual(verdicts(await verify(['a', 'b'])), ['a different', 'b same-bytes']);
});

test('what is not in a registry is built from nothing for those that are based on it', async (t) => {
  const world = await makeVerifying(t, (host) => ({
    ...rowTree(host),
    'builds.yaml': `builds:
  a: { context: a }
  b: { context: b, contexts: { a: "build:a" }, tags: ["${host}/app/b:dev"], push: true }
`,
  }));
  assertOk(await world.bake());
  world.engine.forgetCalls();
  assert.deepEqual(verdicts(await world.verify(['b'])), ['b same-bytes']);
  assert.equal(world.engine.builds.length, 2);
  const all = await world.verify();
  assert.deepEqual(verdicts(all), ['a unknown', 'b same-bytes']);
  assert.match(all.builds[0]?.problem?.message ?? '', /is not pushed/);
  world.engine.fault({ when: '/a\n', at: 'built', act: { fail: 'error: no luck' } });
  const lost = only(await world.verify(['b']));
  assert.deepEqual(
    [lost.verdict, lost.problem?.code, lost.problem?.message, lost.problem?.hint],
    [
      'unknown',
      'run/verify-unknown',
      '`b` needs `a`, which is not available',
      'Push that build, or find out why it cannot be built.',
    ],
  );
  assert.equal(lost.problem?.build, 'b');
});

test('a parent whose build fails keeps only those from being compared that need it', async (t) => {
  const { verify, bake, engine } = await makeVerifying(t);
  assertOk(await bake());
  const fault: EngineFault = { when: '/c\n', at: 'start', act: { fail: 'error: failed to solve: no luck' } };
  engine.fault(fault);
  const report = await verify();
  assert.deepEqual(verdicts(report), ['a same-bytes', 'b same-bytes', 'c unknown']);
  const [, , c] = report.builds;
  assert.equal(c?.problem?.build, 'c');
  assert.match(`${c?.problem?.code}`, /^build\//);
});

test('an image whose layers cannot be read is not compared', async (t) => {
  const { verify, bake, registry } = await makeVerifying(t);
  assertOk(await bake());
  const layer = (bytes: Buffer) => retimed(bytes);
  changeImage(registry.store, 'app/c', { layer });
  registry.fault({ path: '/app/c/blobs/', from: 'bake-ts', nth: 2, act: { kind: 'status', status: 404 } });
  const found = only(await verify(['c']));
  assert.equal(found.verdict, 'unknown');
  assert.equal(found.problem?.code, 'run/verify-unknown');
  assert.match(found.problem.message, /^`c` cannot be compared: [\d.:]+ has nothing at GET /);
  assert.equal(found.problem.build, 'c');
});

test('inputs that cannot be read, a lock that is wrong and secrets that are not there stop it', async (t) => {
  const tree = (host: string) => ({
    ...rowTree(host),
    'builds.yaml': `builds:
  c: { context: c, tags: ["${host}/app/c:dev"], push: true, secrets: [{ id: pw, env: NOT_SET }], annotations: { Upper: x } }
  d: { context: d, needs: [c] }
`,
    'c/Dockerfile': 'FROM scratch\nCOPY file /\nRUN --mount=type=secret,id=pw make\n',
    'd/Dockerfile': 'FROM scratch\n',
  });
  const { verify, write, registry } = await makeVerifying(t, tree);
  const unset = await verify(['c']);
  assert.deepEqual(
    [unset.builds, unset.problems.map(({ code }) => code), unset.warnings.map(({ code }) => code)],
    [[], ['build/secret-unset'], ['build/annotation-case']],
  );
  const set = await verify(['c'], { env: { NOT_SET: 'x' } });
  assert.deepEqual([verdicts(set), set.problems], [['c unknown'], []]);
  assert.deepEqual(
    set.warnings.map(({ code }) => code),
    ['build/annotation-case'],
  );
  // Only what is requested needs its secrets.
  assert.deepEqual((await verify(['d'])).problems, []);
  await write({ 'builds.lock': '[]' });
  const wrong = await verify(['c'], { env: { NOT_SET: 'x' } });
  assert.deepEqual(
    [wrong.builds, wrong.problems.map(({ code }) => code), wrong.warnings],
    [[], ['config/bad-lock'], []],
  );
  await write({
    'builds.lock': '{ "version": 1, "images": {} }',
    'c/Dockerfile': 'FROM scratch\nCOPY none /\n',
  });
  registry.forget();
  const [broken] = (await verify(['c'], { env: { NOT_SET: 'x' } })).builds;
  assert.deepEqual([broken?.verdict, broken?.problem?.build], ['unknown', 'c']);
});

test('a value that is a secret is shown nowhere', async (t) => {
  const { verify, bake, write, registry } = await makeVerifying(t, (host) => ({
    'builds.yaml': `vars:
  PW: { default: hunter22, sensitive: true }
builds:
  a: { context: ., tags: ["${host}/app/\${{ vars.PW }}:dev"], push: true, labels: { l: "\${{ vars.PW }}" } }
`,
    Dockerfile: 'FROM scratch\nCOPY file /\n',
    file: 'a\n',
  }));
  const gone = only(await verify());
  assert(!('ref' in gone) && !('digest' in gone));
  assert.match(gone.problem?.message ?? '', /\(hidden\)/);
  assert.doesNotMatch(JSON.stringify(gone), /hunter22/);
  assertOk(await bake());
  changeImage(registry.store, 'app/hunter22', { config: ({ config: _, ...rest }) => rest });
  const found = only(await verify());
  assert.match(found.ref ?? '', /\(hidden\)/);
  assert.match(found.differences.join('\n'), /\(hidden\)/);
  assert.doesNotMatch(JSON.stringify(found), /hunter22/);
  await write({ Dockerfile: 'FROM scratch\nCOPY file /\nRUN exit 3 hunter22\n' });
  const failed = only(await verify());
  assert.equal(failed.verdict, 'unknown');
  assert.match(JSON.stringify(failed.problem), /\(hidden\)/);
  assert(failed.problem !== undefined && !('hint' in failed.problem) && !('detail' in failed.problem));
  // The Dockerfile itself is shown as it is.
  assert.doesNotMatch(JSON.stringify({ ...failed.problem, span: undefined }), /hunter22/);
});

test('who stops gets no verdict for what was not compared', async (t) => {
  const { verify, bake, engine } = await makeVerifying(t);
  assertOk(await bake());
  const controller = new AbortController();
  engine.fault({ at: 'start', act: () => controller.abort() });
  const c = only(await verify(['c'], { signal: controller.signal }));
  assert.deepEqual(
    [c.verdict, c.problem?.code, c.problem?.message, c.problem?.build],
    ['unknown', 'run/verify-unknown', '`c` was not compared: stopped', 'c'],
  );
});

test('words that programs go by stay though a sensitive value is the same', async (t) => {
  const words = ['linux/amd64', 'different', 'changed', 'second', 'same-content'];
  const { verify, bake, write } = await makeVerifying(t, (host) => ({
    'builds.yaml': `vars:
${words.map((word, at) => `  V${at}: { default: ${word}, sensitive: true }\n`).join('')}builds:
  a: { context: ., tags: ["${host}/app/a:dev"], push: true }
`,
    Dockerfile: 'FROM scratch\nCOPY file /\n',
    file: 'a\n',
  }));
  assertOk(await bake());
  await write({ file: 'other\n' });
  const [platform] = only(await verify()).platforms;
  assert.deepEqual([platform?.platform, platform?.verdict], ['linux/amd64', 'different']);
  const [layer] = platform?.comparison?.layers ?? [];
  assert.deepEqual([layer?.kind, layer?.files.map(({ change }) => change)], ['different', ['changed']]);
});

test('inputs that cannot be read are what is said of a build', async (t) => {
  const { verify, bake, write, dir } = await makeVerifying(t);
  assertOk(await bake());
  await rm(path.join(dir, 'c/file'));
  await write({ 'c/Dockerfile': 'FROM scratch\nCOPY file /\n', 'c/.dockerignore': '[\n' });
  const { verdict, problem } = only(await verify(['c']));
  assert.deepEqual([verdict, problem?.build], ['unknown', 'c']);
  assert.match(problem?.code ?? '', /^(?:context|dockerfile)\//);
});

test('only what is requested is reported, also where what it needs needs something that fails', async (t) => {
  const { verify, engine, registry } = await makeVerifying(t, (host) => ({
    ...rowTree(host),
    'builds.yaml': `builds:
  a: { context: a }
  b: { context: b, contexts: { a: "build:a" } }
  top: { context: top, contexts: { b: "build:b" }, tags: ["${host}/app/top:dev"], push: true }
`,
    'top/Dockerfile': 'FROM b\n',
  }));
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  registry.store.putManifest('app/top', 'dev', { mediaType, bytes: Buffer.from('{}') });
  engine.fault({ when: '/a\n', at: 'start', act: { fail: 'error: failed to solve: no luck' } });
  const top = only(await verify(['top']));
  assert.deepEqual([top.build, top.problem?.code], ['top', 'run/verify-unknown']);
  assert.match(top.problem?.message ?? '', /^`top` needs `\w`, which is not available$/);
});

test('a build that gives no image has no verdict', async (t) => {
  const { verify, bake, engine } = await makeVerifying(t);
  assertOk(await bake());
  engine.fault({
    at: 'end',
    act: ({ argv }) => rm(argv[argv.indexOf('--metadata-file') + 1] ?? ''),
  });
  const { verdict, problem } = only(await verify(['c']));
  assert.deepEqual(
    [verdict, problem?.code, problem?.message, problem?.build],
    ['unknown', 'run/verify-unknown', '`c` makes no image', 'c'],
  );
});

test('what copies by a variable of its parent is compared, whether that is in a registry or built for it', async (t) => {
  for (const push of [true, false]) {
    const world = await makeVerifying(t, (host) => ({
      'builds.yaml': `builds:
  a: { context: a, tags: ["${host}/app/a:dev"], push: ${push} }
  b: { context: b, contexts: { a: "build:a" }, tags: ["${host}/app/b:dev"], push: true }
`,
      'a/Dockerfile': 'FROM scratch\nENV NAME=file\n',
      'b/Dockerfile': 'FROM a\nCOPY $NAME /\n',
      'b/file': 'b\n',
      'b/other': 'other\n',
    }));
    assertOk(await world.bake());
    world.engine.forgetCalls();
    assert.deepEqual(verdicts(await world.verify(['b'])), ['b same-bytes']);
    assert.equal(world.engine.builds.length, push ? 1 : 2);
  }
});

test('hints and details hold no secret either, and which image alone has a platform stays', async (t) => {
  const tree = (platforms: string) => (host: string) => ({
    'builds.yaml': `vars:
  PW: { default: hunter22, sensitive: true }
  SIDE: { default: first, sensitive: true }
builds:
  a: { context: ., platforms: [${platforms}], tags: ["${host}/app/a:dev"], push: true }
`,
    'builds.lock': JSON.stringify({ version: 1, images: { [`${host}/hunter22:1`]: NOWHERE } }),
    Dockerfile: `FROM scratch\nCOPY file /\n`,
    file: 'a\n',
  });
  const world = await makeVerifying(t, tree('linux/amd64, linux/arm64'));
  assertOk(await world.bake());
  const { host } = world.registry;
  await world.write(tree('linux/amd64')(host));
  const { platforms } = only(await world.verify());
  assert.deepEqual(
    platforms.map(({ platform, only: side }) => [platform, side]),
    [
      ['linux/amd64', undefined],
      ['linux/arm64', 'first'],
    ],
  );
  world.engine.fault({ at: 'start', act: { fail: 'error: failed to solve: no hunter22' } });
  const failed = only(await world.verify());
  assert.match(failed.problem?.detail ?? '', /no \(hidden\)/);
  world.engine.mend();
  await world.write({ Dockerfile: `FROM scratch\nCOPY --from=${host}/hunter22:1 /file /\n` });
  const gone = only(await world.verify());
  assert.equal(gone.problem?.code, 'run/locked-image-gone');
  assert.match(gone.problem.hint ?? '', /bake-ts update '[\d.:]+\/\(hidden\):1'$/);
});
