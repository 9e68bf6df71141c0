import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '../../lib/model/mod.ts';
import { MAX_BUILD_CHARACTERS, MAX_PAGE_CHARACTERS, sizeOfLog } from '../../lib/page/fit-logs.ts';
import { type BuildLog, collectLogs, fitLogs } from '../../lib/page/mod.ts';
import { recordEvents } from '../rig/recorded-runs.ts';

function outcome(build: string, kind: Outcome['kind']): [string, Outcome] {
  return [build, { build, kind, tags: [], durationMs: 1 }];
}

test('a log is kept by step and attempt, in the order in which they began', () => {
  const collector = collectLogs();
  const line = (vertex: string, text: string) =>
    ({ type: 'log', build: 'api', vertex, stream: 'stdout', text }) as const;
  const start = (attempt: number) => ({ type: 'node-started', build: 'api', attempt, argv: [] }) as const;
  for (const event of recordEvents([
    start(1),
    line('a', 'one\n'),
    line('b', 'two\n'),
    line('a', 'three\n'),
    start(2),
    line('a', 'again\n'),
  ])) {
    collector.onEvent(event);
  }
  assert.deepEqual(
    [...collector.logs()],
    [
      [
        'api',
        {
          parts: [
            { step: 'a', attempt: 1, text: 'one\nthree\n' },
            { step: 'b', attempt: 1, text: 'two\n' },
            { step: 'a', attempt: 2, text: 'again\n' },
          ],
          omitted: 0,
        },
      ],
    ],
  );
});

test('what a build prints before its turn belongs to no attempt', () => {
  const collector = collectLogs();
  const line = (text: string) =>
    ({ type: 'log', build: 'api', vertex: 'a', stream: 'stdout', text }) as const;
  const start = { type: 'node-started', build: 'api', attempt: 1, argv: [] } as const;
  const reason = { code: 'changed', text: '' } as const;
  for (const event of recordEvents([
    { type: 'early-started', build: 'api', waitsFor: ['base'], reason },
    start,
    line('early\n'),
    { type: 'early-finished', build: 'api', steps: { total: 1, cached: 0 } },
    line('late\n'),
    start,
    line('in its turn\n'),
  ]))
    collector.onEvent(event);
  assert.deepEqual(collector.logs().get('api')?.parts, [
    { step: 'a', attempt: 0, text: 'early\nlate\n' },
    { step: 'a', attempt: 1, text: 'in its turn\n' },
  ]);
});

test('of a log that never ends the last characters are kept, and how many went is known', () => {
  const collector = collectLogs();
  const lines = 50_000;
  const events = Array.from({ length: lines }, (_, at) => {
    const text = `${String(at).padStart(19, '0')}\n`;
    return { type: 'log', build: 'api', vertex: 'a', stream: 'stdout', text } as const;
  });
  for (const event of recordEvents(events)) collector.onEvent(event);
  const log = collector.logs().get('api');
  assert.ok(log !== undefined);
  assert.equal(sizeOfLog(log), MAX_BUILD_CHARACTERS);
  assert.equal(log.omitted, lines * 20 - MAX_BUILD_CHARACTERS);
  assert.ok(log.parts[0]?.text.endsWith(`${String(lines - 1).padStart(19, '0')}\n`));
});

test('where logs do not all fit, those of failed builds stay whole and every other one keeps its end', () => {
  const size = 250_000;
  const logs = new Map(
    Array.from({ length: 200 }, (_, at): [string, BuildLog] => [
      `build-${at}`,
      { parts: [{ step: 's', attempt: 1, text: `${'x'.repeat(size - 4)}end\n` }], omitted: 0 },
    ]),
  );
  const fitted = fitLogs(logs, new Map([outcome('build-199', 'failed'), outcome('build-0', 'built')]));
  const sizes = [...fitted.values()].map(sizeOfLog);
  const sum = sizes.reduce((total, one) => total + one, 0);
  assert.ok(sum <= MAX_PAGE_CHARACTERS, `${sum} characters`);
  assert.ok(sum > MAX_PAGE_CHARACTERS * 0.99, `${sum} characters`);
  const failed = fitted.get('build-199');
  assert.deepEqual(failed, logs.get('build-199'));
  for (const [name, log] of fitted) {
    assert.ok(log.parts.at(-1)?.text.endsWith('end\n'), name);
    assert.equal(sizeOfLog(log) + log.omitted, size, name);
  }
});

test('of more logs than there is room for ends, the last get nothing', () => {
  const logs = new Map(
    Array.from({ length: 3000 }, (_, at): [string, BuildLog] => [
      `build-${at}`,
      { parts: [{ step: 's', attempt: 1, text: 'x'.repeat(9000) }], omitted: 0 },
    ]),
  );
  const sizes = [...fitLogs(logs, new Map()).values()].map(sizeOfLog);
  assert.ok(sizes.reduce((total, one) => total + one, 0) <= MAX_PAGE_CHARACTERS);
  assert.equal(sizes.at(-1), 0);
});
