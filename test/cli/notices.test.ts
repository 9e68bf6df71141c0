/** What an installation writes into a log. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNoticeView } from '../../cli/notices.ts';
import { createFakeIo } from '../rig/fake-io.ts';

const NO_ARGS = { positionals: [], values: new Map(), flags: new Map() };

test('hundreds of compiled packages are some lines of a log', () => {
  let nowMs = 100_000;
  const io = createFakeIo([], { now: () => nowMs });
  const view = createNoticeView(NO_ARGS, io);
  view.notify({ part: 'buildkit', step: 'building', text: 'building buildkitd with go' });
  for (let count = 1; count <= 800; count += 1) {
    nowMs += 50;
    view.notify({
      part: 'buildkit',
      step: 'building',
      text: `compiling package ${count}: p`,
      isPassing: true,
    });
  }
  view.notify({ part: 'buildkit', step: 'done', text: 'buildkitd 1.0' });
  view.close();
  assert.equal(
    io.err(),
    'buildkit: building buildkitd with go\nbuildkit: compiling package 300: p\nbuildkit: compiling package 600: p\nbuildkit: buildkitd 1.0\n',
  );
});
