/** The ordinary day: configs of a base change, or labels, and no step runs in what is based on it. */
import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { buildctl } from '../rig/buildkit.ts';
import { findBusybox } from '../rig/busybox.ts';
import { sendRequest } from '../rig/http.ts';
import { digestOf } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { makeTempDir } from '../rig/temp.ts';
import { assertOk, type Baked, makeWorkspace, named } from './support.ts';

const options = { skip: realEngine.skip, timeout: 300_000 };

/** What a child's Dockerfile is, and what it is based on. */
const CHILDREN: Readonly<Record<string, { readonly base: string; readonly dockerfile: string }>> = {
  mid: {
    base: 'base',
    dockerfile: 'FROM base\nRUN ["/busybox", "sh", "-c", "echo mid > /mid"]\nLABEL of=mid\n',
  },
  leaf: {
    base: 'mid',
    dockerfile:
      'FROM mid AS one\nCMD ["one"]\nRUN ["/busybox", "sh", "-c", "echo $X > /leaf"]\nFROM one\nENTRYPOINT ["/leaf"]\nEXPOSE 81\n',
  },
  app: { base: 'leaf', dockerfile: 'FROM leaf\nWORKDIR /app\nCOPY file .\nHEALTHCHECK NONE\n' },
  // Only an intermediate stage is based on it: its labels do not reach the image.
  files: {
    base: 'base',
    dockerfile:
      'FROM base AS make\nRUN ["/busybox", "sh", "-c", "echo made > /made"]\nFROM scratch\nCOPY --from=make /made /\n',
  },
};
const NAMES = ['base', ...Object.keys(CHILDREN)];

function baseDockerfile({ label = '1', cmd = '["a"]', env = '1' }): string {
  return `FROM scratch\nCOPY busybox /\nENV X=${env}\nLABEL v=${label} same=1\nCMD ${cmd}\nEXPOSE 80\n`;
}

function repository(host: string, busybox: Uint8Array): Parameters<typeof makeWorkspace>[1] {
  const builds = Object.entries(CHILDREN).map(
    ([name, { base }]) =>
      `  ${name}: { extends: image, context: ${name}, contexts: { ${base}: "build:${base}" } }`,
  );
  return {
    'builds.yaml': `vars: { REV: { default: r1, env: [REV] } }
templates:
  image:
    push: true
    tags: ["${host}/day/\${{ build.name }}:dev", "${host}/again/\${{ build.name }}:dev"]
    labels: { org.opencontainers.image.revision: "\${{ vars.REV }}" }
builds:
  base: { extends: image, context: base }
${builds.join('\n')}
`,
    'base/busybox': { content: busybox, mode: 0o755 },
    'base/Dockerfile': baseDockerfile({}),
    ...Object.fromEntries(
      Object.entries(CHILDREN).flatMap(([name, { dockerfile }]) => [
        [`${name}/Dockerfile`, dockerfile],
        [`${name}/file`, `${name}\n`],
      ]),
    ),
  };
}

type Json = Readonly<Record<string, unknown>>;

async function getJson(url: string): Promise<Json> {
  const accept = 'application/vnd.oci.image.manifest.v1+json, application/octet-stream';
  const { status, body } = await sendRequest('GET', url, { headers: { accept } });
  assert.equal(status, 200, url);
  return JSON.parse(body);
}

/** A config without what differs each time that steps run: layers and times. */
async function plainConfig(host: string, name: string, digest: string): Promise<Json> {
  const manifest = await getJson(`http://${host}/v2/${name}/manifests/${digest}`);
  const { digest: blob } = manifest['config'] as { readonly digest: string };
  const config = await getJson(`http://${host}/v2/${name}/blobs/${blob}`);
  const { created: _, rootfs, history, ...rest } = config;
  const entries = history as readonly Json[];
  return {
    ...rest,
    layers: (rootfs as { readonly diff_ids: readonly string[] }).diff_ids.length,
    history: entries.map(({ created: __, ...entry }) => entry),
  };
}

test(
  'what changes in the config of a base, or in labels, runs no step of what is based on it',
  options,
  async (t) => {
    const registry = await startTestRegistry(t);
    const { host } = registry;
    const busybox = await readFile(await findBusybox(t));
    const work = await makeWorkspace(t, repository(host, busybox));
    const scratch = await makeTempDir(t, 'plain-');

    /** Every image is what a plain buildctl makes of the same inputs without its cache. */
    const compareWithPlain = async (baked: Baked, rev: string): Promise<void> => {
      for (const [name, { base }] of Object.entries(CHILDREN)) {
        const parent = `${host}/day/${base}@${baked.outcome(base).digest}`;
        const metadata = path.join(scratch, 'metadata.json');
        const built = await buildctl([
          'build',
          '--frontend=dockerfile.v0',
          '--no-cache',
          `--local=context=${path.join(work.dir, name)}`,
          `--local=dockerfile=${path.join(work.dir, name)}`,
          `--opt=context:${base}=docker-image://${parent}`,
          `--opt=label:org.opencontainers.image.revision=${rev}`,
          `--output=type=image,name=${host}/plain/${name},push=true,push-by-digest=true,store=false`,
          `--metadata-file=${metadata}`,
        ]);
        assert.equal(built.code, 0, built.stderr);
        const plain: string = JSON.parse(await readFile(metadata, 'utf8'))['containerimage.digest'];
        const digest = baked.outcome(name).digest ?? '';
        assert.deepEqual(
          await plainConfig(host, `day/${name}`, digest),
          await plainConfig(host, `plain/${name}`, plain),
          name,
        );
      }
    };
    const assertTagged = async (baked: Baked): Promise<void> => {
      for (const name of NAMES)
        for (const place of ['day', 'again'])
          assert.equal(await digestOf(`${host}/${place}/${name}:dev`), baked.outcome(name).digest, name);
    };
    const bake = async (
      more: Parameters<typeof work.bake>[0] = {},
    ): Promise<{ baked: Baked; calls: number }> => {
      await work.buildctl.reset();
      const baked = await work.bake(more);
      assertOk(baked);
      return { baked, calls: (await work.buildctl.builds()).length };
    };
    const stepsOf = (baked: Baked, name: string) => baked.outcome(name).steps;
    const NO_STEPS = { total: 0, cached: 0 };

    const first = await bake();
    assert.deepEqual(named(first.baked, 'built'), [...NAMES].sort());
    const other = await makeTempDir(t, 'other-home-');
    await cp(work.home, other, { recursive: true });

    await t.test('a label', async () => {
      await writeFile(path.join(work.dir, 'base/Dockerfile'), baseDockerfile({ label: '2' }));
      const { baked, calls } = await bake();
      assert.equal(calls, 0);
      assert.equal(baked.outcome('base').reason?.code, 'own-config');
      assert.deepEqual(baked.kinds, {
        base: 'built',
        mid: 'built',
        leaf: 'built',
        app: 'built',
        files: 'unchanged',
      });
      assert.deepEqual(
        ['mid', 'leaf', 'app'].map((name) => stepsOf(baked, name)),
        [NO_STEPS, NO_STEPS, NO_STEPS],
      );
      assert.deepEqual(baked.outcome('mid').reason, {
        code: 'parent-config',
        text: 'labels of base changed: no step runs',
        items: ['label v of base: "1" → "2"'],
      });
      assert.equal(
        baked.outcome('files').reason?.text,
        'labels of base do not reach it, all 2 tags are up to date',
      );
      await assertTagged(baked);
      await compareWithPlain(baked, 'r1');
      const again = await bake();
      assert.deepEqual(named(again.baked, 'unchanged'), [...NAMES].sort());
      assert.equal(again.calls, 0);
    });

    await t.test('a command', async () => {
      await writeFile(path.join(work.dir, 'base/Dockerfile'), baseDockerfile({ label: '2', cmd: '["b"]' }));
      const { baked, calls } = await bake();
      assert.equal(calls, 0);
      assert.deepEqual(baked.outcome('app').reason?.text, 'history of leaf changed: no step runs');
      assert.deepEqual(baked.outcome('mid').reason?.items, ['CMD of base: "a" → "b"']);
      await assertTagged(baked);
      await compareWithPlain(baked, 'r1');
    });

    await t.test('labels with the commit', async () => {
      const dry = await bake({ env: { REV: 'r2' }, dryRun: true });
      await registry.forget();
      const { baked, calls } = await bake({ env: { REV: 'r2' } });
      assert.equal(calls, 0);
      assert.deepEqual(
        NAMES.map((name) => stepsOf(baked, name)),
        NAMES.map(() => NO_STEPS),
      );
      assert.deepEqual(
        NAMES.map((name) => dry.baked.outcome(name).digest),
        NAMES.map((name) => baked.outcome(name).digest),
      );
      assert.deepEqual(baked.outcome('base').reason, {
        code: 'own-labels',
        text: 'only its labels changed: no step runs',
        items: ['label org.opencontainers.image.revision: "r1" → "r2"'],
      });
      assert.equal(baked.outcome('mid').reason?.text, 'labels of base and its labels changed: no step runs');
      await assertTagged(baked);
      await compareWithPlain(baked, 'r2');
      t.diagnostic(`requests: ${JSON.stringify(baked.summary.registryRequests)}`);
    });

    await t.test('another machine goes on from what it knows itself', async () => {
      const { baked, calls } = await bake({ env: { REV: 'r3', BAKE_TS_HOME: other } });
      assert.equal(calls, 0);
      assert.deepEqual(
        ['mid', 'leaf', 'app', 'files'].map((name) => stepsOf(baked, name)),
        Array(4).fill(NO_STEPS),
      );
      await compareWithPlain(baked, 'r3');
      const empty = await makeTempDir(t, 'empty-home-');
      const fresh = await bake({ env: { REV: 'r3', BAKE_TS_HOME: empty } });
      assert.equal(fresh.calls, NAMES.length);
    });

    await t.test('a variable runs every step', async () => {
      await writeFile(
        path.join(work.dir, 'base/Dockerfile'),
        baseDockerfile({ label: '2', cmd: '["b"]', env: '2' }),
      );
      const { baked, calls } = await bake({ env: { REV: 'r3' } });
      assert.equal(calls, NAMES.length);
      assert.deepEqual(named(baked, 'built'), [...NAMES].sort());
      assert.notDeepEqual(stepsOf(baked, 'mid'), NO_STEPS);
    });
  },
);
