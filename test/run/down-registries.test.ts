/** A registry that is down when a run begins is told of at once, and nothing is built for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodeOfRun } from '../../cli/exit-codes.ts';
import { assertOk, type Baked, codesOf } from '../rig/baking.ts';
import { kindsText } from '../rig/failure-bench.ts';
import { makeFakeWorld } from '../rig/fake-world.ts';

/** Nothing listens there. */
const NOBODY = '127.0.0.1:1';

/** a and (based on it) b go to one registry, c to another one, d nowhere. */
const tree =
  (away: string) =>
  (host: string): Readonly<Record<string, string>> => ({
    'builds.yaml': `builds:
  a: { context: ., push: true, tags: ["${away}/app/a:1", "${away}/app/a:2"] }
  b: { context: ., dockerfile-inline: "FROM a", contexts: { a: "build:a" }, push: true, tags: ["${host}/app/b:1"] }
  c: { context: ., push: true, tags: ["${host}/app/c:1"] }
  d: { context: ., tags: ["${away}/app/d:1"] }
`,
    Dockerfile: 'FROM scratch\nCOPY file /\n',
    file: 'x\n',
  });

const warnings = ({ events }: Baked) =>
  events.flatMap((event) => (event.type === 'warning' ? event.problem : []));

test('where nobody listens, what would be pushed there is not built, and the rest is', async (t) => {
  const world = await makeFakeWorld(t, tree(NOBODY), { lax: true });
  const baked = await world.bake();
  assert.equal(kindsText(baked), 'a failed, b blocked, c built, d built');
  assert.deepEqual(codesOf(baked), ['registry/unreachable of a', 'warning run/registry-down']);
  assert.equal(world.engine.builds.length, 2);
  const [told] = warnings(baked);
  assert.equal(told?.message, `${NOBODY} is down; builds that push to it are not run: a`);
  // What goes elsewhere does not wait for it.
  const toldAt = baked.events.findIndex((event) => event.type === 'warning');
  const ended = baked.events.findIndex((event) => event.type === 'node-finished' && event.build === 'a');
  assert(toldAt !== -1 && toldAt < ended);
  assert.equal(exitCodeOfRun(baked.summary), 6);
});

test('a registry that fails at everything is down, too', async (t) => {
  const world = await makeFakeWorld(t, (host) => tree(host)(host), { lax: true });
  const fault = world.registry.fault({ from: 'bake-ts', act: { kind: 'status', status: 500 } });
  const baked = await world.bake();
  assert.equal(kindsText(baked), 'a failed, b blocked, c failed, d built');
  assert.deepEqual([...codesOf(baked)].sort(), [
    'registry/unavailable of a',
    'registry/unavailable of c',
    'warning run/registry-down',
  ]);
  assert.match(warnings(baked)[0]?.message ?? '', /are not run: a, b, c$/);
  assert.equal(exitCodeOfRun(baked.summary), 6);
  fault.remove();
  assertOk(await world.bake());
});

test('trouble with some tags, or a refusal, is no reason to give up before the build', async (t) => {
  for (const rule of [
    { path: '/app/a/manifests/1', status: 500 },
    { path: '/app/', status: 403 },
  ]) {
    const world = await makeFakeWorld(t, (host) => tree(host)(host), { lax: true });
    const act = { kind: 'status', status: rule.status } as const;
    world.registry.fault({ from: 'bake-ts', method: 'HEAD', path: rule.path, act });
    const baked = await world.bake();
    assert.deepEqual(
      warnings(baked).filter(({ code }) => code === 'run/registry-down'),
      [],
    );
    assert(world.engine.builds.length > 0);
    assert(world.engine.builds.some((argv) => argv.join(' ').includes('/app/a')));
  }
});

test('of a registry with a single tag its base address is asked', async (t) => {
  for (const [path, kinds] of [
    ['/app/x/manifests/1', 'x built'],
    ['/v2/', 'x failed'],
  ] as const) {
    const world = await makeFakeWorld(
      t,
      (host) => ({
        'builds.yaml': `builds: { x: { context: ., push: true, tags: ["${host}/app/x:1"] } }\n`,
        Dockerfile: 'FROM scratch\nCOPY file /\n',
        file: 'x\n',
      }),
      { lax: true },
    );
    const act = { kind: 'status', status: 500 } as const;
    const fault = world.registry.fault({
      from: 'bake-ts',
      path,
      act,
      ...(path === '/v2/' ? {} : { method: 'HEAD' }),
    });
    world.engine.fault({ at: 'built', act: () => fault.remove() });
    assert.equal(kindsText(await world.bake()), kinds);
  }
});

test('a dry run decides as if it were there', async (t) => {
  const world = await makeFakeWorld(t, tree(NOBODY), { lax: true });
  const dry = await world.bake({ dryRun: true });
  assert.equal(kindsText(dry), 'a built, b built, c built, d built');
});
