/**
 * A mirror that only builds.yaml knows. Our own client finds base images through it; the embedded engine is told of it, and
 * for another one the failure has to say how.
 */
import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { downEngine, installEngine, neededParts, upEngine } from '../../lib/engine/mod.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import type { Cleanup } from '../rig/temp.ts';
import { assertOk, makeWorkspace } from './support.ts';

const options = { skip: realEngine.skip, timeout: 120_000 };

/** A registry with a base image, and builds that read it by a host that nobody can reach. */
async function setUp(t: Cleanup, env: Readonly<Record<string, string>> = {}) {
  const { host } = await startTestRegistry(t);
  const yaml = (digest: string) => `
registries: { away.invalid: { mirrors: ["${host}"] } }
builds:
  base: { context: ., dockerfile-inline: "FROM scratch\\nCOPY file /\\n", tags: ["${host}/mirrored/base:1"], push: true }
  tagged: { context: ., dockerfile-inline: "FROM away.invalid/mirrored/base:1\\nCOPY file /again\\n" }
  copied: { context: ., dockerfile-inline: "FROM scratch\\nCOPY --from=away.invalid/mirrored/base:1 /file /again\\n" }
  pinned: { context: ., dockerfile-inline: "FROM away.invalid/mirrored/base@${digest}\\nCOPY file /again\\n" }
  wrong: { context: ., dockerfile-inline: "FROM away.invalid/mirrored/other:1\\n" }
`;
  const work = await makeWorkspace(t, { 'builds.yaml': yaml(`sha256:${'0'.repeat(64)}`), file: '1\n' }, env);
  const pushed = await work.bake({ builds: ['base'] });
  assertOk(pushed);
  await work.write({ 'builds.yaml': yaml(pushed.outcome('base').digest ?? '') });
  return { work, host };
}

const READING = ['tagged', 'copied', 'pinned'];

test(
  'an engine that does not know the mirror: the failure shows the lines of its configuration',
  options,
  async (t) => {
    const { work, host } = await setUp(t);
    const failed = await work.bake({ builds: [...READING, 'wrong'] });
    const hint = `Set it for the engine, too, in buildkitd.toml:
[registry."away.invalid"]
  mirrors = ["${host}"]`;
    for (const build of READING) {
      const { problem } = failed.outcome(build);
      assert.equal(problem?.code, 'build/base-unreachable', build);
      assert.equal(problem.hint, hint, build);
    }
    // What the mirror does not have either needs something else.
    assert.match(failed.outcome('wrong').problem?.hint ?? '', /that the engine can reach its registry/);
  },
);

test('the embedded engine, started where builds.yaml lies, reads through the mirror', options, async (t) => {
  const { work } = await setUp(t, { PATH: `${realEngine.binDir}:${process.env['PATH'] ?? ''}` });
  const { env } = work;
  t.after(() => downEngine({ env }));
  const installed = await installEngine({ env, from: 'path', parts: [...neededParts(), 'registry'] });
  assert(installed.ok, JSON.stringify(installed));
  const elsewhere = await upEngine({ env });
  assert(elsewhere.ok, JSON.stringify(elsewhere));
  const ours = { env: { BUILDKIT_HOST: elsewhere.value.address }, builds: READING };
  const untold = await work.bake(ours);
  for (const build of READING) {
    const { problem } = untold.outcome(build);
    assert.equal(problem?.code, 'build/base-unreachable', build);
    assert.match(problem.hint ?? '', /^Restart it here/);
  }
  assert((await downEngine({ env })).ok);
  const up = await work.run(['engine', 'up']);
  assert.equal(up.exitCode, 0, up.stderr);
  assertOk(await work.bake(ours));
});
