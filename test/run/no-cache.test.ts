/** Builds whose steps are to run anew: what they gave before proves nothing, whatever their inputs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertOk, type Baked } from '../rig/baking.ts';
import { kindsText } from '../rig/failure-bench.ts';
import { makeFakeWorld } from '../rig/fake-world.ts';

const tree =
  (more: string) =>
  (host: string): Readonly<Record<string, string>> => ({
    'builds.yaml': `builds:
  a: { context: ., push: true, tags: ["${host}/app/a:1"]${more} }
  b: { context: ., push: true, tags: ["${host}/app/b:1"] }
`,
    Dockerfile: 'FROM scratch AS one\nCOPY file /\n',
    file: 'x\n',
  });

const reasonOf = ({ events }: Baked, build: string) =>
  events.flatMap((event) =>
    event.type === 'node-decided' && event.build === build ? [event.reason.code] : [],
  );

for (const more of [', no-cache: true', ', no-cache-filter: [one]']) {
  test(`a build with${more.slice(1)} is built in each run, and others are not`, async (t) => {
    const world = await makeFakeWorld(t, tree(more));
    assertOk(await world.bake());
    const again = await world.bake();
    assertOk(again);
    assert.equal(kindsText(again), 'a built, b unchanged');
    assert.deepEqual(reasonOf(again, 'a'), ['forced']);
  });
}

test('without it both are unchanged', async (t) => {
  const world = await makeFakeWorld(t, tree(''));
  assertOk(await world.bake());
  assert.equal(kindsText(await world.bake()), 'a unchanged, b unchanged');
});
