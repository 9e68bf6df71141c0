/** `logs` and `history` on runs that are kept. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import type { Io } from '../../cli/io.ts';
import type { BakeEvent } from '../../lib/model/mod.ts';
import { type KeptPlace, laterRun, makeKeptPlace } from '../history/kept.ts';
import { createFakeIo, type FakeIo } from '../rig/fake-io.ts';
import { assertGolden } from '../rig/golden.ts';
import { repoPath } from '../rig/paths.ts';
import { failingRun, mixedRun, RUN_STARTED_MS, unchangedRun } from '../rig/recorded-runs.ts';
import { writeTree } from '../rig/temp.ts';

const MINUTE_MS = 60_000;

async function run(
  place: KeptPlace,
  argv: readonly string[],
  changes: Partial<Io> = {},
): Promise<FakeIo & { readonly code: number }> {
  const now = (): number => RUN_STARTED_MS + 90 * MINUTE_MS;
  const io = createFakeIo(argv, { env: place.env, cwd: place.root, now, ...changes });
  return Object.assign(io, { code: await runCli(io) });
}

/** As it came out of a commit with changes. */
function withCommand(events: readonly BakeEvent[], ...command: readonly string[]): readonly BakeEvent[] {
  return events.map((event) => (event.type === 'run-started' ? { ...event, command } : event));
}

async function makePlace(t: Parameters<typeof makeKeptPlace>[0]): Promise<KeptPlace> {
  const place = await makeKeptPlace(t);
  await writeTree(place.root, { 'builds.yaml': 'builds: {', 'images/base/': '' });
  await place.keep(withCommand(mixedRun(), 'run', '--push'));
  await place.keep(laterRun(unchangedRun(), 'b2b2b2', 30));
  await place.keep(laterRun(failingRun(), 'c3c3c3', 85));
  return place;
}

/** Times of day depend on the zone of the machine. */
function withoutZone(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d/g, 'YYYY-MM-DD hh:mm');
}

test('history lists runs, the newest first, wherever in the project one is, and with a builds.yaml that is broken', async (t) => {
  const place = await makePlace(t);
  const all = await run(place, ['history'], { cwd: `${place.root}/images/base` });
  assert.equal(all.code, 0);
  assertGolden(withoutZone(all.out()), 'cli/golden/history.txt');
  assert.match(all.out(), /^c3c3c3 .* 1 failed \(base\)/m);
  const one = await run(place, ['history', 'base']);
  assert.match(one.out(), /^c3c3c3 .* failed .* RUN make install ended with exit code 2/m);
  assertGolden(withoutZone(one.out()), 'cli/golden/history-build.txt');
  const unknown = await run(place, ['history', 'bse']);
  assert.deepEqual([unknown.code, unknown.out()], [2, '']);
  assert.match(unknown.err(), /state\/unknown-build[\s\S]*Did you mean "base"/);
});

test('history --json has what is documented, and an empty list where nothing is kept', async (t) => {
  const place = await makePlace(t);
  const { runs, version } = JSON.parse((await run(place, ['history', '--json'])).out());
  assert.equal(version, 1);
  assert.deepEqual(
    runs.map((one: { id: string; result: string }) => [one.id, one.result]),
    [
      ['c3c3c3', 'cancelled'],
      ['b2b2b2', 'succeeded'],
      ['01JGEXAMPLE', 'succeeded'],
    ],
  );
  const page = await readFile(repoPath('docs/history.md'), 'utf8');
  const documented = [...page.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
  // The runs of this test are of no repository, and of no watch.
  const always = documented.filter((name) => name !== 'commit' && name !== 'changed');
  assert.deepEqual(Object.keys(runs[2]).sort(), always.sort());
  assert.deepEqual(runs[2].command, ['run', '--push']);
  const of = JSON.parse((await run(place, ['history', 'web', '--json'])).out()).runs;
  assert.deepEqual(of[0].builds, [{ build: 'web', result: 'cancelled', durationMs: 2600 }]);
  const empty = await makeKeptPlace(t);
  assert.deepEqual(JSON.parse((await run(empty, ['history', '--json'])).out()), { version: 1, runs: [] });
  const none = await run(empty, ['history']);
  assert.deepEqual([none.code, none.out(), none.err()], [0, '', 'no kept run of this project\n']);
});

test('logs lists what there is, with the end of the one log that failed; --run takes numbers from the end and ids', async (t) => {
  const place = await makePlace(t);
  const failed = await run(place, ['logs']);
  assert.equal(failed.code, 0);
  assert.match(failed.out(), /^base +failed .*\/logs\/base\.log$/m);
  assert.match(
    failed.out(),
    /^the end of the log of base\n[\s\S]*make: \*\*\* \[main\.o\] Error 1\n[\s\S]* failed\n$/m,
  );
  assert.equal(failed.err(), 'run it again: bake-ts run base\n');
  const listed = await run(place, ['logs', '--run', '-3']);
  assert.deepEqual([listed.code, listed.err()], [0, '']);
  const text = withoutZone(listed.out()).replaceAll(`${place.runsDir}/`, '');
  assertGolden(text, 'cli/golden/logs-list.txt');
  assert.match(
    (await run(place, ['logs', 'base', '--run', '01J'])).out(),
    /adding group app\n[\s\S]*built: /,
  );
  assert.match((await run(place, ['logs', 'web', '--run=-3'])).out(), /unchanged: the inputs are the same/);
  assert.match((await run(place, ['logs', 'base', '--run', '01J', '--follow'])).out(), /adding group app/);
  const all = (await run(place, ['logs', '--run', '01J', '--follow'])).out();
  assert.match(all, /^base {14}\| {3}\+1\.8s {2}\[2\/4\] RUN adduser/m);
  assert.match(all, /^api {15}\| {3}compiling 41 files$/m);
});

test('logs of a run that did not end lists those that were running, and ended ones before them', async (t) => {
  const place = await makeKeptPlace(t);
  const events = mixedRun();
  const isEnd = ({ type }: BakeEvent): boolean => type === 'node-finished';
  const lastEnd = events.findIndex((event) => isEnd(event) && 'build' in event && event.build === 'api');
  await place.keep(events.slice(0, lastEnd));
  // Its process is gone, and the run without an end.
  const [kept] = await place.list();
  assert(kept !== undefined);
  const listed = (await run(place, ['logs'])).out();
  assert.match(listed, /^base +built .*\n[\s\S]*^api +(was )?running +\S*\/logs\/api\.log$/m);
  assert.doesNotMatch(listed, /nothing ran[\s\S]*api/);
});

test('the command to run it again has the options that the run had, and not what only showed it', async (t) => {
  const place = await makeKeptPlace(t);
  const words = ['run', '--push', '--var', 'TAG=1.10', '--progress', 'plain', 'web'];
  await place.keep(withCommand(failingRun(), ...words));
  const shown = await run(place, ['logs', 'base']);
  assert.equal(shown.err(), 'run it again: bake-ts run base --var TAG=1.10 --push\n');
  assert.doesNotMatch(shown.out(), /buildctl/);
  assert.equal((await run(place, ['logs', 'web'])).err().includes('run it again'), false);
});

test('colours of steps come through on a terminal that wants them, and nowhere else', async (t) => {
  const place = await makePlace(t);
  const argv = ['logs', 'api', '--run', '-3'];
  assert(
    (await run(place, [...argv, '--color', 'always']))
      .out()
      .includes('  \u001b[32mdone\u001b[22m\u001b[39m\n'),
  );
  assert(!(await run(place, argv)).out().includes('\u001b'));
});

test('what is not there is said, with what was meant', async (t) => {
  const place = await makePlace(t);
  for (const [argv, code, words] of [
    [['logs', 'wbe'], 2, /run c3c3c3 has no build "wbe"[\s\S]*Did you mean "web"/],
    [['logs', '--run', '-9'], 2, /state\/unknown-run[\s\S]*3 runs are kept/],
    [['logs', '--run', 'c3c3c4'], 2, /Did you mean "c3c3c3"/],
    [['logs', '--run'], 2, /cli\/missing-value/],
  ] as const) {
    const said = await run(place, argv);
    assert.deepEqual([said.code, said.out()], [code, ''], argv.join(' '));
    assert.match(said.err(), words);
  }
  const empty = await makeKeptPlace(t);
  const none = await run(empty, ['logs']);
  assert.deepEqual([none.code, none.out()], [1, '']);
  assert.match(none.err(), /state\/no-runs/);
  await empty.keep(mixedRun().slice(0, 3));
  const early = await run(empty, ['logs', 'api']);
  assert.deepEqual([early.code, early.out()], [1, '']);
  assert.match(early.err(), /state\/no-log[\s\S]*Wait for it with --follow/);
});

test('ids of runs are completed', async (t) => {
  const place = await makePlace(t);
  const offered = (await run(place, ['__complete', 'fish', 'logs', '--run', ''])).out();
  assert.match(offered, /^words\nc3c3c3\tcancelled, .* 5 min ago\nb2b2b2\tsucceeded, .*\n01JGEXAMPLE\t/);
  assert.equal((await run(place, ['__complete', 'bash', 'logs', '--run', 'b'])).out(), 'words\nb2b2b2\n');
});

test('BAKE_TS_KEEP_RUNS must be a whole number', async (t) => {
  const place = await makeKeptPlace(t);
  await writeTree(place.root, {
    Dockerfile: 'FROM scratch\n',
    'builds.yaml': 'builds: { a: { context: . } }\n',
  });
  const env = { ...place.env, BAKE_TS_KEEP_RUNS: 'many' };
  const said = await run(place, ['run'], { env });
  assert.equal(said.code, 2);
  assert.match(said.err(), /cli\/bad-value[\s\S]*BAKE_TS_KEEP_RUNS cannot be "many"/);
});
