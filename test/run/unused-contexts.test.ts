/** Whole runs of builds whose named contexts nothing reads, or only the trigger of a base from elsewhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertOk } from '../rig/baking.ts';
import { kindsText } from '../rig/failure-bench.ts';
import type { FakeRegistry } from '../rig/fake-registry.ts';
import { type FakeWorld, makeFakeWorld } from '../rig/fake-world.ts';
import type { Cleanup } from '../rig/temp.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

/** Puts an image of no files with a trigger into a registry, as `base:1`. */
function putTrigger({ store }: FakeRegistry, trigger: string): void {
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { OnBuild: [trigger] },
      rootfs: { type: 'layers', diff_ids: [] },
    }),
  );
  const mediaType = 'application/vnd.oci.image.config.v1+json';
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType, digest: store.putBlob('base', config), size: config.length },
    layers: [],
  };
  store.putManifest('base', '1', { mediaType: MANIFEST, bytes: Buffer.from(JSON.stringify(manifest)) });
}

/** `app` names the build `lib` as a context that its Dockerfile does not read. */
async function makeApp(t: Cleanup, more = ''): Promise<FakeWorld> {
  const world = await makeFakeWorld(
    t,
    (host) => ({
      'builds.yaml': `builds:
  lib: { context: lib }
  app: { context: app, contexts: { lib: "build:lib" }${more} }
`,
      'lib/Dockerfile': 'FROM scratch\nCOPY file /lib\n',
      'lib/file': 'lib\n',
      'app/Dockerfile': `FROM ${host}/base:1\nCOPY file /app\n`,
      'app/file': 'app\n',
    }),
    { lax: true },
  );
  return world;
}

test('a build that nothing reads is not built, and a change of it changes nothing', async (t) => {
  const world = await makeApp(t);
  putTrigger(world.registry, 'ENV A=b');
  const baked = await world.bake({ builds: ['app'] });
  assertOk(baked);
  assert.equal(kindsText(baked), 'app built');
  assert.deepEqual(
    world.engine.builds.filter((argv) => argv.some((one) => one.includes('context:lib'))),
    [],
  );
  await world.write({ 'lib/file': 'other\n' });
  assert.equal(kindsText(await world.bake({ builds: ['app'] })), 'app unchanged');
});

test('where a trigger of an external base reads it, the build fails and says how to plan it', async (t) => {
  const world = await makeApp(t);
  putTrigger(world.registry, 'COPY --from=lib /lib /lib');
  const baked = await world.bake({ builds: ['app'] });
  const { kind, problem } = baked.outcome('app');
  assert.deepEqual([kind, problem?.code, problem?.place?.line], ['failed', 'plan/context-unplanned', 3]);
  assert.deepEqual(world.engine.builds, []);
  const needing = await makeApp(t, ', needs: [lib]');
  putTrigger(needing.registry, 'COPY --from=lib /lib /lib');
  const both = await needing.bake({ builds: ['app'] });
  assertOk(both);
  assert.equal(kindsText(both), 'lib built, app built');
  assert(needing.engine.builds.at(-1)?.some((one) => one.includes('context:lib=')));
});
