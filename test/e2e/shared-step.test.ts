/** Two builds with a step in common, which BuildKit runs once for both and which fails. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { problemToJson } from '../../lib/model/mod.ts';
import { findBusybox } from '../rig/busybox.ts';
import { realEngine } from '../rig/real-engine.ts';
import { makeWorkspace } from './support.ts';

test('a failing step that two builds share is shown to each at its lines in its own Dockerfile', {
  skip: realEngine.skip,
  timeout: 120_000,
}, async (t) => {
  // Files of their own for each run of the test, so that builds of other runs share nothing with these.
  const salt = String(Math.random());
  const work = await makeWorkspace(t, {
    'builds.yaml': `builds:
  one: { context: ., dockerfile: one.Dockerfile }
  two: { context: ., dockerfile: two.Dockerfile, target: main }
`,
    busybox: { content: await readFile(await findBusybox(t)), mode: 0o755 },
    salt,
    '.dockerignore': '*\n!busybox\n!salt\n',
    'one.Dockerfile':
      'FROM scratch\nCOPY busybox salt /\nRUN ["/busybox", "sh", "-c", "echo broken; sleep 3; exit 7"]\n',
    'two.Dockerfile': `FROM scratch AS main
LABEL of=two
COPY busybox salt /
RUN ["/busybox","sh", \\
  "-c", "echo broken; sleep 3; exit 7"]
FROM main AS other
RUN ["/busybox", "true"]
`,
  });
  const { outcome, events } = await work.bake();
  const failed = events.filter((event) => event.type === 'vertex' && event.state === 'failed');
  const digests = failed.map((event) => event.type === 'vertex' && event.digest);
  assert.equal(digests.length, 2);
  assert.equal(digests[0], digests[1], 'the step was not shared: this shows nothing');
  const found = ['one', 'two'].map((name) => {
    const { problem } = outcome(name);
    assert.ok(problem !== undefined);
    const { code, place, detail } = problemToJson(problem);
    return [code, place?.file, place?.line, place?.endLine, detail];
  });
  assert.deepEqual(found, [
    ['build/step-failed', 'one.Dockerfile', 3, 3, 'broken'],
    ['build/step-failed', 'two.Dockerfile', 4, 5, 'broken'],
  ]);
});
