/**
 * A parent of which nothing but the config changed: no step of what is based on it runs, and yet every image gets the new
 * labels, commands and the like, as plain buildctl gives them.
 */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { explainFailure, ProgressReader } from '../../lib/buildctl/mod.ts';
import { buildctl, contextAsOwnSource } from '../rig/buildkit.ts';
import { findBusybox } from '../rig/busybox.ts';
import { configsInRegistry, configsInStore, type ImageConfig, timeless } from '../rig/image-config.ts';
import { digestOf } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import type { Cleanup } from '../rig/temp.ts';
import { assertOk, type Baked, makeWorkspace, type Workspace } from './support.ts';

const options = { skip: realEngine.skip, timeout: 240_000 };

/** Never twice the same, so that nothing comes from what another run built; each test adds to it. */
const RUN = `${process.pid}-${Date.now()}`;
const UUID = 'cat /proc/sys/kernel/random/uuid';

/** What of the base's Dockerfile the tests change. */
interface Base {
  readonly label?: string;
  readonly command?: string;
  readonly health?: string;
  readonly env?: string;
  readonly more?: string;
}

const baseOf = ({
  label = 'one',
  command = 'one',
  health = 'one',
  env = 'one',
  more = '',
}: Base) => `FROM scratch
COPY busybox /bin/
RUN ["/bin/busybox", "--install", "-s", "/bin"]
ENV PATH=/bin E=${env}
COPY base /base
LABEL label=${label}
CMD ["${command}"]
HEALTHCHECK CMD ["${health}"]
${more}`;

const CHILD = `FROM base AS one
RUN ${UUID} > /one
FROM base
COPY file /file
COPY --from=one /one /one
COPY --from=base /bin/busybox /copied
RUN --mount=type=bind,from=base,source=/bin,target=/mounted ls /mounted && ${UUID} > /two
LABEL own=child
`;
const GRANDCHILD = `FROM child
RUN ${UUID} > /three
ENTRYPOINT ["/bin/sh"]
`;

async function treeOf(t: Cleanup, mark: string, tags: (name: string) => string) {
  const build = (name: string, more: string) => `
  ${name}:
    context: ${name}
    ${tags(name)}
    ${more}`;
  return {
    'builds.yaml': `builds:${build('base', '')}${build('child', 'contexts: { base: "build:base" }')}${build('grandchild', 'contexts: { child: "build:child" }')}\n`,
    'base/busybox': { content: await readFile(await findBusybox(t)), mode: 0o755 },
    'base/base': `${RUN}-${mark}\n`,
    'base/Dockerfile': baseOf({}),
    'child/Dockerfile': CHILD,
    'child/file': 'one\n',
    'grandchild/Dockerfile': GRANDCHILD,
  };
}

/** Steps that were executed and did not come from the cache, as `BUILD INSTRUCTION`. */
function executed({ events }: Baked): readonly string[] {
  const last = new Map<string, { readonly step: string; readonly state: string }>();
  for (const event of events) {
    if (event.type !== 'vertex') continue;
    const instruction = /^\[[^\]]*\d+\/\d+\] ([A-Z]+) /.exec(event.name)?.[1];
    if (instruction === undefined || instruction === 'FROM') continue;
    last.set(`${event.build} ${event.digest}`, { step: `${event.build} ${instruction}`, state: event.state });
  }
  return [...last.values()].flatMap(({ step, state }) => (state === 'cached' ? [] : [step])).sort();
}

const ofBase = (steps: readonly string[]) => steps.filter((step) => step.startsWith('base '));
const ofOthers = (steps: readonly string[]) => steps.filter((step) => !step.startsWith('base '));

/** All steps of what is based on the base. */
const ALL = ['child COPY', 'child COPY', 'child COPY', 'child RUN', 'child RUN', 'grandchild RUN'];

function inherited([image]: readonly ImageConfig[]): readonly unknown[] {
  const { Labels, Cmd, Healthcheck, Env } = image?.config ?? {};
  return [
    (Labels as Readonly<Record<string, string>> | undefined)?.['label'],
    Cmd,
    (Healthcheck as { readonly Test: readonly string[] } | undefined)?.Test,
    (Env as readonly string[] | undefined)?.at(-1),
  ];
}

/** Digest of what plain buildctl makes of a directory on the images of other builds, without any cache. */
async function plain(work: Workspace, dir: string, output: string, opts: readonly string[]): Promise<string> {
  const metadata = path.join(work.home, `plain-${dir}.json`);
  const { code, stderr } = await buildctl([
    'build',
    '--frontend=dockerfile.v0',
    '--no-cache',
    ...contextAsOwnSource(path.join(work.dir, dir)).args,
    `--local=dockerfile=${path.join(work.dir, dir)}`,
    ...opts.map((opt) => `--opt=${opt}`),
    `--output=${output}`,
    `--metadata-file=${metadata}`,
  ]);
  assert.equal(code, 0, stderr);
  return JSON.parse(await readFile(metadata, 'utf8'))['containerimage.digest'];
}

test('what only a config of a parent says runs no step, and every image gets it', options, async (t) => {
  const registry = await startTestRegistry(t);
  const { host } = registry;
  const work = await makeWorkspace(
    t,
    await treeOf(t, 'registry', (name) => `tags: ["${host}/config/${name}:1"]\n    push: true`),
  );
  const configs = (name: string, baked: Baked) =>
    configsInRegistry(`${host}/config/${name}@${baked.outcome(name).digest}`);
  const assertAsPlain = async (baked: Baked) => {
    for (const [name, parent] of [
      ['child', 'base'],
      ['grandchild', 'child'],
    ] as const) {
      const digest = await plain(work, name, `type=image,name=${host}/plain/${name},push=true`, [
        `context:${parent}=docker-image://${host}/config/${parent}@${baked.outcome(parent).digest}`,
      ]);
      const expected = await configsInRegistry(`${host}/plain/${name}@${digest}`);
      assert.deepEqual((await configs(name, baked)).map(timeless), expected.map(timeless), name);
      // The tag points at it, too: nothing that is made for steps alone is ever tagged.
      assert.equal(await digestOf(`${host}/config/${name}:1`), baked.outcome(name).digest);
    }
  };
  const first = await work.bake();
  assertOk(first);
  assert.deepEqual(ofOthers(executed(first)), ALL);
  await assertAsPlain(first);
  const layers = (await configs('grandchild', first))[0]?.rootfs.diff_ids;

  const edits: readonly Base[] = [
    { label: 'two' },
    { label: 'two', command: 'two' },
    { label: 'two', command: 'two', health: 'two' },
    { label: 'two', command: 'two', health: 'two', more: 'EXPOSE 80\nVOLUME /v\nSTOPSIGNAL 9\n' },
  ];
  for (const edit of edits) {
    await work.write({ 'base/Dockerfile': baseOf(edit) });
    const baked = await work.bake();
    assertOk(baked);
    assert.deepEqual(baked.kinds, { base: 'built', child: 'built', grandchild: 'built' });
    assert.deepEqual(executed(baked), []);
    const { label, command = 'one', health = 'one' } = edit;
    assert.deepEqual(inherited(await configs('child', baked)), [label, [command], ['CMD', health], 'E=one']);
    // An ENTRYPOINT takes the command away.
    assert.deepEqual(inherited(await configs('grandchild', baked)), [
      label,
      undefined,
      ['CMD', health],
      'E=one',
    ]);
    assert.deepEqual((await configs('grandchild', baked))[0]?.rootfs.diff_ids, layers);
  }
  const last = await work.bake();
  assert.deepEqual(last.kinds, { base: 'unchanged', child: 'unchanged', grandchild: 'unchanged' });
  await assertAsPlain(last);

  const asked = (await registry.requests()).length;
  await work.bake();
  const more = (await registry.requests()).slice(asked);
  assert.deepEqual(
    more.sort(),
    ['base', 'child', 'grandchild'].map((name) => `HEAD /v2/config/${name}/manifests/1`),
    'a run in which nothing changed asks for tags alone',
  );
  assert.equal(last.summary.buildctlCalls, 0);

  // What steps can see runs them.
  await work.write({ 'base/Dockerfile': baseOf({ label: 'two', env: 'two' }) });
  const env = await work.bake();
  assertOk(env);
  assert.deepEqual(
    ofOthers(executed(env)).filter((step) => step.endsWith('RUN')),
    ALL.filter((step) => step.endsWith('RUN')),
  );
  assert.deepEqual(inherited(await configs('child', env)).at(-1), 'E=two');
  await work.write({ 'base/base': 'two\n' });
  const file = await work.bake();
  assertOk(file);
  assert.deepEqual(ofBase(executed(file)), ['base COPY']);
  assert.deepEqual(
    ofOthers(executed(file)).filter((step) => step.endsWith('RUN')),
    ['child RUN', 'child RUN', 'grandchild RUN'],
  );
  await assertAsPlain(file);
});

test('parents that lie in the engine alone are no different', options, async (t) => {
  const work = await makeWorkspace(t, await treeOf(t, 'store', () => 'push: false'));
  const first = await work.bake();
  assertOk(first);
  assert.deepEqual(ofOthers(executed(first)), ALL);
  await work.write({ 'base/Dockerfile': baseOf({ label: 'a,"b"', command: 'two' }) });
  const second = await work.bake();
  assertOk(second);
  assert.deepEqual(executed(second), []);
  const { digest } = second.outcome('child');
  assert.deepEqual(inherited(await configsInStore(digest ?? '')), ['a,b', ['two'], ['CMD', 'one'], 'E=one']);
  const expected = await plain(work, 'child', 'type=image,name=127.0.0.1:1/plain/child', [
    `context:base=docker-image://${storeNameIn(second)}`,
  ]);
  assert.deepEqual(
    (await configsInStore(digest ?? '')).map(timeless),
    (await configsInStore(expected)).map(timeless),
  );
  await work.write({ 'base/Dockerfile': baseOf({ env: 'two' }) });
  const third = await work.bake();
  assert.deepEqual(ofOthers(executed(third)).filter((step) => step.endsWith('RUN')).length, 3);
});

/** What the child was linked to, as bake-ts wrote it. */
function storeNameIn({ events }: Baked): string {
  for (const event of events) {
    if (event.type !== 'node-started' || event.build !== 'child') continue;
    const found = event.argv.flatMap((word) => /^context:base=docker-image:\/\/(.+)$/.exec(word)?.[1] ?? []);
    // The alias goes by the digest, whatever its tag is.
    return found[0] ?? '';
  }
  return '';
}

const PLATFORMS = 'platforms: [linux/amd64, linux/arm64]';

for (const push of [true, false]) {
  test(`so it is with two platforms, ${push ? 'pushed' : 'in the engine alone'}`, options, async (t) => {
    const { host } = await startTestRegistry(t);
    const base = (label: string) =>
      `FROM scratch\nARG TARGETARCH\nCOPY file /file\nENV ARCH=$TARGETARCH\nLABEL label="${label} <&>"\n`;
    const build = (name: string, more: string) =>
      `  ${name}: { context: ., dockerfile: ${name}, ${PLATFORMS}, tags: ["${host}/two/${name}:1"], push: ${push}${more} }\n`;
    const work = await makeWorkspace(t, {
      'builds.yaml': `builds:\n${build('base', '')}${build('child', ', contexts: { base: "build:base" }')}`,
      base: base('one'),
      child: 'FROM base\nCOPY file /more\nWORKDIR /work\n',
      file: `${RUN}-${push}\n`,
      '.dockerignore': 'base\nchild\nbuilds.yaml\n',
    });
    assertOk(await work.bake());
    await work.write({ base: base('two') });
    const baked = await work.bake();
    assertOk(baked);
    assert.deepEqual(executed(baked), []);
    const { digest } = baked.outcome('child');
    const configs = push
      ? await configsInRegistry(`${host}/two/child@${digest}`)
      : await configsInStore(digest ?? '');
    assert.deepEqual(
      configs.map((one) => inherited([one])[0]),
      ['two <&>', 'two <&>'],
    );
    assert.deepEqual(
      baked.events.filter(({ type }) => type === 'warning'),
      [],
    );
  });
}

test(
  'a layers-only image cannot pass for an image, and one that is gone is known by its name',
  options,
  async (t) => {
    const registry = await startTestRegistry(t);
    const { host } = registry;
    const work = await makeWorkspace(
      t,
      await treeOf(t, 'guard', (name) => `tags: ["${host}/guard/${name}:1"]\n    push: true`),
    );
    assertOk(await work.bake());
    const base = await digestOf(`${host}/guard/base:1`);
    const [layersOnly] = (await registry.writes()).flatMap((line) => {
      const digest = /^PUT \/v2\/guard\/base\/manifests\/(sha256:.+)$/.exec(line)?.[1];
      return digest === undefined || digest === base ? [] : [digest];
    });
    assert(layersOnly !== undefined);
    const build = async (from: string, policy: unknown) => {
      const dir = path.join(work.home, 'guard');
      await mkdir(dir, { recursive: true });
      await writeFile(path.join(dir, 'policy.json'), JSON.stringify(policy));
      const reader = new ProgressReader('child', () => undefined, undefined);
      const { code, stderr } = await buildctl([
        'build',
        '--frontend=dockerfile.v0',
        '--progress=rawjson',
        ...contextAsOwnSource(path.join(work.dir, 'child')).args,
        `--local=dockerfile=${path.join(work.dir, 'child')}`,
        `--opt=context:base=docker-image://${from}`,
        `--source-policy-file=${path.join(dir, 'policy.json')}`,
      ]);
      for (const line of stderr.split('\n')) reader.line(line);
      return code === 0 ? undefined : explainFailure('child', code, reader.summary());
    };
    const guarded = await build(`${host}/guard/base@${layersOnly}`, { rules: [] });
    assert.equal(guarded?.code, 'build/links-not-split', guarded?.detail);
    const gone = `sha256:${'0'.repeat(64)}`;
    const lost = await build(`${host}/guard/base:bake-ts@${base}`, {
      rules: [
        {
          action: 'CONVERT',
          selector: { identifier: `docker-image://${host}/guard/base:bake-ts@${base}`, match_type: 'EXACT' },
          updates: {
            identifier: `docker-image://${host}/guard/base@${base}`,
            attrs: { 'bake-ts.config': 'yes' },
          },
        },
        {
          action: 'CONVERT',
          selector: {
            identifier: `docker-image://${host}/guard/base@${base}`,
            match_type: 'EXACT',
            constraints: [{ key: 'bake-ts.config', condition: 'NOTEQUAL', value: 'yes' }],
          },
          updates: { identifier: `docker-image://${host}/guard/base@${gone}` },
        },
      ],
    });
    assert.equal(lost?.code, 'build/image-lost', lost?.detail);
    assert(lost?.message.includes(gone), lost?.message);
  },
);
