/** Calls of the library with a real engine and a real registry, as a script makes them. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import {
  build,
  createRegistryClient,
  explain,
  openEngine,
  plan,
  promote,
  readImageRef,
  run,
  unwrap,
  verify,
} from '../../lib/mod.ts';
import { digestOf } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { makeWorkspace } from './support.ts';

const options = { skip: realEngine.skip, timeout: 180_000 };

const TREE = {
  'base/Dockerfile': 'FROM scratch\nCOPY file /\n',
  'base/file': 'base\n',
  'api/Dockerfile': 'FROM base\nCOPY file /api\n',
  'api/file': 'api\n',
};

test(
  'a script builds, is told that nothing changed, verifies, promotes and asks the registry',
  options,
  async (t) => {
    const registry = await startTestRegistry(t);
    const { dir: cwd, env, write } = await makeWorkspace(t, TREE);
    const definition = {
      builds: {
        base: { context: 'base' },
        api: {
          context: 'api',
          contexts: { base: 'build:base' },
          tags: [`${registry.host}/stage/api:1`],
          push: true,
        },
      },
    };
    const planned = unwrap(await plan({ cwd, env, definition, patterns: ['api'] }));
    const first = unwrap(await run({ plan: planned }));
    assert.deepEqual(
      first.outcomes.map((one) => [one.build, one.kind]),
      [
        ['base', 'built'],
        ['api', 'built'],
      ],
    );
    const digest = first.outcomes[1]?.digest;
    assert.equal(await digestOf(`${registry.host}/stage/api:1`), digest);

    const again = unwrap(await run({ cwd, env, definition, patterns: ['api'] }));
    assert.deepEqual([...new Set(again.outcomes.map((one) => one.kind))], ['unchanged']);
    assert.equal(again.buildctlCalls, 0);

    await write({ 'api/file': 'changed\n' });
    const { builds } = unwrap(await explain({ cwd, env, definition, patterns: ['api'] }));
    assert.deepEqual(
      builds.map((one) => [one.build, one.decision]),
      [
        ['base', 'unchanged'],
        ['api', 'build'],
      ],
    );
    const [verdict] = unwrap(await verify({ cwd, env, definition, patterns: ['api'] }));
    assert.deepEqual([verdict?.build, verdict?.verdict], ['api', 'different']);

    const { tags } = unwrap(
      await promote({ plan: planned, to: [`${registry.host}/stage=${registry.host}/live`] }),
    );
    assert.deepEqual(
      tags.map((one) => [one.target, one.digest]),
      [[`${registry.host}/live/api:1`, digest]],
    );
    const client = createRegistryClient({ env });
    const ref = unwrap(readImageRef(`${registry.host}/live/api:1`));
    assert.equal(unwrap(await client.resolveDigest(ref)), digest);
    assert.deepEqual(unwrap(await client.inspect(ref)).digest, digest);
    await client.close();
  },
);

test('one image of a script, and a failing one whose step is told', options, async (t) => {
  const registry = await startTestRegistry(t);
  const { dir: cwd, env, write } = await makeWorkspace(t, TREE);
  const image = { cwd, env, context: 'base', tags: [`${registry.host}/one:1`], push: true } as const;
  const { kind, digest, tags } = unwrap(await build(image));
  assert.deepEqual([kind, tags.map((one) => one.action)], ['built', ['pushed']]);
  assert.equal(await digestOf(`${registry.host}/one:1`), digest);
  assert.equal(unwrap(await build(image)).kind, 'unchanged');

  await write({ 'base/Dockerfile': 'FROM scratch\nCOPY missing /\n' });
  const steps: string[] = [];
  const failing = build(image);
  await assert.rejects(async () => {
    for await (const event of failing)
      if (event.type === 'vertex' && event.state === 'failed') steps.push(event.name);
  }, /missing/);
  assert.match(steps.join('\n'), /COPY missing/);
  const failed = await failing;
  assert.equal(failed.ok, false);
});

test('an engine as a part: its cache, its histories, its buildctl', options, async (t) => {
  const { dir, env } = await makeWorkspace(t, TREE);
  const engine = unwrap(await openEngine({ env }));
  assert.equal(engine.engine.address, realEngine.address);
  unwrap(await build({ cwd: dir, env, context: 'base' }));
  const cache = unwrap(await engine.cache());
  assert.ok(
    cache.some(
      (one) => one.kind === 'source.local' && one.sizeBytes > 0 && !Number.isNaN(Date.parse(one.createdAt)),
    ),
  );
  // What others of this engine need is not thrown away: nothing is larger than that.
  assert.deepEqual(unwrap(await engine.prune({ keepBytes: 1e15 })), []);
  for (const limits of [
    { keepbytes: 1 },
    { keepBytes: Number.NaN },
    { keepBytes: '1GB' },
    { keepMs: -1 },
    { keepBytes: undefined },
    { keepBytes: 1e300 },
    { keepMs: 1e300 },
    { only: ['* --all'] },
  ])
    await assert.rejects(engine.prune(limits as never), TypeError);
  assert.deepEqual(unwrap(await engine.prune({ only: [] })), []);
  unwrap(await engine.histories());
  const listed = await engine.buildctl(['debug', 'workers']);
  assert.equal(listed.exitCode, 0);
  assert.equal((await engine.buildctl(['no-such-command'])).exitCode === 0, false);
  const nowhere = await openEngine({ env, address: `unix://${path.join(dir, 'nothing.sock')}` });
  assert.ok(!nowhere.ok);
  assert.equal(nowhere.error[0]?.code, 'engine/unreachable');
});
