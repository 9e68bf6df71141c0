import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNotifier } from '../../cli/notify.ts';
import type { RunSummary } from '../../lib/model/mod.ts';
import { failingRun, mixedRun, recordEvents } from '../rig/recorded-runs.ts';

async function notified(
  durationMs: number,
  env: Readonly<Record<string, string>> = {},
  { isTTY = true, changes = {} }: { isTTY?: boolean; changes?: Partial<RunSummary> } = {},
): Promise<string> {
  let text = '';
  const notifier = createNotifier({ env, stderr: { isTTY, write: (more) => (text += more) } });
  const end = (changes.ok === false ? failingRun() : mixedRun()).at(-1);
  assert.ok(end?.type === 'run-finished');
  const [event] = recordEvents([
    { type: 'run-finished', summary: { ...end.summary, durationMs, ...changes } },
  ]);
  if (event !== undefined) notifier.onEvent(event);
  assert.equal(text, '', 'nothing before the reporter is done');
  assert.deepEqual(await notifier.close(), []);
  return text;
}

test('a run of more than a minute is told to the terminal, a shorter one and what is no terminal are not', async () => {
  assert.equal(await notified(60_001), '\u001b]9;bake-ts: done after 1m00s\u0007');
  assert.equal(await notified(60_000), '');
  assert.equal(await notified(90_000, {}, { isTTY: false }), '');
});

test('how it ended is said, in the words of the terminal', async () => {
  const failed = { changes: { ok: false, cancelled: false } };
  assert.equal(
    await notified(90_000, { VTE_VERSION: '7600' }, failed),
    '\u001b]777;notify;bake-ts;1 failed after 1m30s\u0007',
  );
  assert.equal(
    await notified(90_000, { TERM: 'foot', TMUX: '/tmp/tmux,1,0' }, { changes: { cancelled: true } }),
    '\u001bPtmux;\u001b\u001b]777;notify;bake-ts;stopped after 1m30s\u0007\u001b\\',
  );
});

test('a run that never came to its end tells nothing', async () => {
  let text = '';
  const notifier = createNotifier({ env: {}, stderr: { isTTY: true, write: (more) => (text += more) } });
  for (const event of mixedRun().slice(0, -1)) notifier.onEvent(event);
  await notifier.close();
  assert.equal(text, '');
});
