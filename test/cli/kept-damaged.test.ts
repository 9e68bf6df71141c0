/** Kept runs whose files are damaged, or were written by somebody else. */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { runCli } from '../../cli/app.ts';
import { filesIn, type KeptPlace, laterRun, makeKeptPlace } from '../history/kept.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { failingRun, mixedRun, RUN_STARTED_MS, unchangedRun } from '../rig/recorded-runs.ts';
import { writeTree } from '../rig/temp.ts';

const COMMANDS: readonly (readonly string[])[] = [
  ['history'],
  ['history', 'api'],
  ['history', '--json'],
  ['logs'],
  ['logs', 'api'],
  ['report', '-o', '-'],
];

/** Runs every command that reads kept runs; none may end as a bug does, or say that something is no number. */
async function readEverything(place: KeptPlace, what: string): Promise<void> {
  for (const argv of COMMANDS) {
    const io = createFakeIo(argv, { env: place.env, cwd: place.root, now: () => RUN_STARTED_MS + 9e6 });
    const code = await runCli(io);
    assert(code === 0 || code === 2, `${argv.join(' ')}: ${code}\n${what}\n${io.err()}`);
    if (argv[0] !== 'report') assert.doesNotMatch(io.out(), /NaN|undefined|\[object/, what);
  }
}

async function makeDamagedPlace(t: Parameters<typeof makeKeptPlace>[0]) {
  const place = await makeKeptPlace(t);
  await writeTree(place.root, { 'builds.yaml': 'builds: {}' });
  await place.keep(unchangedRun());
  await place.keep(laterRun([...mixedRun().slice(0, -1), ...failingRun()], 'damaged', 5));
  const [run] = await place.list();
  assert(run !== undefined);
  return { place, files: filesIn(run) };
}

test('one bad line or a bad summary spoils neither history nor logs nor the report', async (t) => {
  const { place, files } = await makeDamagedPlace(t);
  const events = await readFile(files.events, 'utf8');
  const summary = JSON.parse(await readFile(files.summary, 'utf8'));
  await rm(files.summary);
  for (const line of [
    '{"type":"node-finished","seq":1,"atMs":1,"build":"api"}',
    '{"type":"run-finished","seq":1,"atMs":1}',
    '{"type":"run-started","seq":1,"atMs":1e99}',
    '{"type":"planned","seq":1,"atMs":1}',
    '{"type":"vertex","seq":1,"atMs":1,"build":"api"}',
    '{"type":"log","seq":1,"atMs":1,"build":"api"}',
  ]) {
    await writeFile(files.events, `${line}\n${events}${line}\n`);
    await readEverything(place, line);
    const [run] = await place.list();
    assert.deepEqual([run?.runId, run?.result], ['damaged', 'cancelled'], line);
  }
  await writeFile(files.summary, JSON.stringify({ ...summary, startedAt: 'zzz' }));
  await readEverything(place, 'startedAt');
});

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
const JSON_VALUE: fc.Arbitrary<Json> = fc.oneof(
  fc.jsonValue() as fc.Arbitrary<Json>,
  fc.constantFrom<Json>(null, -1, 1e99, 0.5, '', '\u0000', '\ud800', [null], {}, '__proto__'),
);
const DAMAGE = fc.record({
  /** Where in the file, as a share of it. */
  line: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  /** Which field, and how far down. */
  steps: fc.array(fc.nat(30), { minLength: 1, maxLength: 5 }),
  value: fc.option(JSON_VALUE, { nil: undefined }),
  /** Bytes that are put there as they are. */
  bytes: fc.option(fc.string({ unit: 'binary', maxLength: 20 }), { nil: undefined }),
});
type Damage = typeof DAMAGE extends fc.Arbitrary<infer T> ? T : never;

/** Replaces a field somewhere in a value, or takes it away. */
function change(value: Json, [step, ...rest]: readonly number[], by: Json | undefined): Json | undefined {
  if (step === undefined || typeof value !== 'object' || value === null) return by;
  const entries: [string, Json][] = Object.entries(value);
  const at = step % Math.max(1, entries.length);
  const changed = entries.flatMap(([name, one], place): [string, Json][] => {
    const now = place === at ? change(one, rest, by) : one;
    return now === undefined ? [] : [[name, now]];
  });
  return Array.isArray(value) ? changed.map(([, one]) => one) : Object.fromEntries(changed);
}

function damage(text: string, damages: readonly Damage[]): string {
  const lines = text.split('\n');
  for (const { line, steps, value, bytes } of damages) {
    const at = Math.floor(line * (lines.length - 1));
    const old = lines[at] ?? '';
    if (bytes !== undefined) {
      const from = Math.floor(line * old.length);
      lines[at] = old.slice(0, from) + bytes + old.slice(from + bytes.length);
    } else {
      try {
        lines[at] = JSON.stringify(change(JSON.parse(old), steps, value)) ?? '';
      } catch {
        // Damaged by one before.
      }
    }
  }
  return lines.join('\n');
}

test('files that are damaged anyhow are never a bug', async (t) => {
  const { place, files } = await makeDamagedPlace(t);
  const events = await readFile(files.events, 'utf8');
  const summary = await readFile(files.summary, 'utf8');
  const summaries = fc.option(fc.array(DAMAGE, { maxLength: 3 }), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(fc.array(DAMAGE, { minLength: 1, maxLength: 20 }), summaries, async (lines, ends) => {
      const damaged = damage(events, lines);
      await writeFile(files.events, damaged);
      // Without a summary everything comes from the events.
      if (ends === undefined) await rm(files.summary, { force: true });
      else await writeFile(files.summary, damage(`${summary}\n`, ends));
      await readEverything(place, damaged);
    }),
    { numRuns: 40 },
  );
});
