import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Thinner } from '../../lib/history/thin.ts';
import type { BakeEvent, EventBody } from '../../lib/model/mod.ts';
import { recordEvents } from '../rig/recorded-runs.ts';

const LIMITS = { buildChars: 1_000, tailChars: 300, runChars: 2_500 };

function log(build: string, vertex: string, text: string): EventBody {
  return { type: 'log', build, vertex, stream: 'stdout', text };
}

function ended(build: string, digest: string): EventBody {
  return { type: 'vertex', build, digest, name: 'RUN', state: 'done' };
}

function thin(bodies: readonly EventBody[], stepMs = 100): readonly BakeEvent[] {
  const thinner = new Thinner(LIMITS);
  return [...recordEvents(bodies, stepMs).flatMap((event) => thinner.take(event)), ...thinner.rest()];
}

function textOf(events: readonly BakeEvent[], build: string): string {
  return events.map((event) => (event.type === 'log' && event.build === build ? event.text : '')).join('');
}

const lines = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from }, (_, at) => `line ${from + at}\n`);

test('what is little stays as it is', () => {
  const bodies = [log('api', 's1', 'a\n'), ended('api', 's1'), log('api', 's2', 'b')];
  assert.deepEqual(thin(bodies), recordEvents(bodies));
});

test('of a transfer the first event, one in five seconds and the last are kept', () => {
  const bodies = Array.from({ length: 100 }, (_, at): EventBody => {
    return { type: 'transfer', build: 'api', vertex: 's1', id: 'x', current: at, total: 99, done: at === 99 };
  });
  const kept = thin(bodies).map((event) => (event.type === 'transfer' ? event.current : -1));
  assert.deepEqual(kept, [0, 50, 99]);
});

test('of a step that prints too much the start and the end are kept, with a remark between them', () => {
  const bodies = [...lines(0, 1_000).map((text) => log('api', 's1', text)), ended('api', 's1')];
  const events = thin(bodies);
  const text = textOf(events, 'api');
  const [head = '', tail = ''] = text.split(/\n\[\d.* of output are not kept\]\n/);
  assert(head.startsWith('line 0\nline 1\n') && head.length === LIMITS.buildChars);
  assert(
    tail.endsWith('line 998\nline 999\n') && tail.startsWith('line ') && tail.length <= LIMITS.tailChars,
  );
  assert.equal(events.at(-1)?.type, 'vertex', 'before the step is done');
  const [, left = ''] = /\[(.*) of output/.exec(text) ?? [];
  assert.equal(left, '7.6 kB');
});

test('later steps keep their ends, and no line is lost where they say little', () => {
  const bodies = [
    ...lines(0, 500).map((text) => log('api', 's1', text)),
    ended('api', 's1'),
    ...lines(0, 5).map((text) => log('api', 's2', text)),
    log('api', 's3', 'other'),
    ended('api', 's2'),
  ];
  const text = textOf(thin(bodies), 'api');
  assert(text.endsWith(`line 499\n${lines(0, 5).join('')}other`), text.slice(-200));
});

test('one piece that is longer than all limits is cut on both sides', () => {
  const text = textOf(thin([log('api', 's1', `start${'x'.repeat(50_000)}end`)]), 'api');
  assert(text.startsWith('startx') && text.endsWith('xend'));
  assert(text.length < LIMITS.buildChars + LIMITS.tailChars + 100);
});

test('the whole run is bounded, and what ends after that still keeps its end', () => {
  const names = Array.from({ length: 20 }, (_, at) => `b${at}`);
  const events = thin(
    names.flatMap((name) => [...lines(0, 5_000).map((text) => log(name, 's', text)), ended(name, 's')]),
  );
  const total = names.reduce((sum, name) => sum + textOf(events, name).length, 0);
  assert(total < LIMITS.runChars + 20 * 8_400, String(total));
  for (const name of names) assert(textOf(events, name).endsWith('line 4999\n'), name);
});
