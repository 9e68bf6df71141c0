import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { Thinner } from '../../lib/history/thin.ts';
import type { BakeEvent, EventBody } from '../../lib/model/mod.ts';
import { escapeControls } from '../../lib/util/control-characters.ts';
import { recordEvents } from '../rig/recorded-runs.ts';

const LIMITS = { buildBytes: 20_000, tailChars: 300, runBytes: 60_000 };

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

/** Bytes of the file of events. */
function bytesOf(events: readonly BakeEvent[]): number {
  const text = events.map((event) => `${escapeControls(JSON.stringify(event))}\n`).join('');
  return Buffer.byteLength(text);
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
  const [head = '', tail = ''] = text.split(/\n\[\d.* of output were not kept\]\n/);
  assert(head.startsWith('line 0\nline 1\n') && head.length > 1_000, String(head.length));
  assert(
    tail.endsWith('line 998\nline 999\n') && tail.startsWith('line ') && tail.length <= LIMITS.tailChars,
  );
  assert.equal(events.at(-1)?.type, 'vertex', 'before the step is done');
  const [, left = ''] = /\[(.*) of output/.exec(text) ?? [];
  const whole = lines(0, 1_000).join('').length;
  assert.equal(left, `${((whole - head.length - tail.length) / 1_000).toFixed(1)} kB`);
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
  assert(text.length < LIMITS.buildBytes + LIMITS.tailChars + 100);
});

test('what is counted is what is written: lines of one character, and those that are written as escapes', () => {
  const escapes = '\u001b\u202e\u00ad\ufeff\u{e0041}"\\\n'.repeat(5);
  for (const text of ['x\n', '.', escapes, '\u{1f600}äß€\n']) {
    const events = thin(Array.from({ length: 3_000 }, () => log('api', 's1', text)));
    const written = bytesOf(events);
    assert(
      written <= LIMITS.buildBytes + 6 * LIMITS.tailChars + 1_000,
      `${JSON.stringify(text)}: ${written}`,
    );
    assert(written > LIMITS.buildBytes / 3, `${JSON.stringify(text)}: ${written}`);
  }
});

test('the whole run is bounded by what is written, and what ends after that still keeps its end', () => {
  const names = Array.from({ length: 20 }, (_, at) => `b${at}`);
  const events = thin(
    names.flatMap((name) => [...lines(0, 500).map((text) => log(name, 's', text)), ended(name, 's')]),
  );
  const written = bytesOf(events);
  assert(written <= 1.25 * LIMITS.runBytes + 10_000, String(written));
  const ends = names.filter((name) => textOf(events, name).endsWith('line 499\n'));
  assert(ends.length > 3, ends.join(' '));
  for (const name of names) {
    const text = textOf(events, name);
    assert(text.endsWith('line 499\n') || /\[.* of output were not kept\]\n$/.test(text), name);
  }
});

test('output in single characters without end takes little memory, and its end is whole', () => {
  const thinner = new Thinner();
  const [piece] = recordEvents([log('api', 's1', '.')]);
  assert(piece !== undefined);
  for (let at = 0; at < 400_000; at++) assert(thinner.take(piece).length < 2);
  const held = thinner.rest();
  // As many events as characters are what took hundreds of megabytes.
  assert(held.length < 100, String(held.length));
  const text = textOf(held, 'api');
  assert(text.endsWith('.'.repeat(200_000)), String(text.length));
});
