/** Runs that the command line keeps, read from a script. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { keptEvents, keptRuns, run, unwrap } from '../../lib/mod.ts';
import { makePlace } from '../rig/calling-place.ts';
import { createFakeIo } from '../rig/fake-io.ts';

test('runs of the command line are listed, the newest first, with their events; those of the library are not kept', async (t) => {
  const { cwd, env } = await makePlace(t);
  assert.deepEqual(unwrap(await keptRuns({ cwd, env })), []);
  unwrap(await run({ cwd, env }));
  assert.deepEqual(unwrap(await keptRuns({ cwd, env })), []);
  for (const build of ['web', 'api'])
    assert.equal(await runCli(createFakeIo(['run', build], { cwd, env })), 0);
  const runs = unwrap(await keptRuns({ cwd: path.join(cwd, 'web'), env }));
  assert.deepEqual(
    runs.map(({ result, builds }) => [result, builds.map((one) => one.build)]),
    [
      ['succeeded', ['base', 'api']],
      ['succeeded', ['web']],
    ],
  );
  const [last] = runs;
  assert.ok(last !== undefined);
  const types: string[] = [];
  for await (const { type } of keptEvents(last)) types.push(type);
  assert.deepEqual([types[0], types.at(-1)], ['run-started', 'run-finished']);
  const builds = new Set<string>();
  for await (const event of keptEvents(last, 'api')) if ('build' in event) builds.add(event.build ?? '');
  assert.deepEqual([...builds], ['api']);
});

test('what is no directory, no run and no option is said', async (t) => {
  const { cwd, env } = await makePlace(t);
  const missing = await keptRuns({ cwd: `${cwd}/nowhere`, env });
  assert.equal(missing.ok ? 'ok' : missing.error[0]?.message, `There is no directory ${cwd}/nowhere`);
  assert.throws(() => keptEvents('-1' as never), {
    name: 'TypeError',
    message: 'keptEvents() takes a run that keptRuns() returned',
  });
  for await (const event of keptEvents({ dir: `${cwd}/nowhere` } as never)) assert.fail(event.type);
});
