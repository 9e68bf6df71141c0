import assert from 'node:assert/strict';
import { appendFile, chmod, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { findRun, KeptRounds, logFileOf, RunRecorder, readEvents } from '../../lib/history/mod.ts';
import type { BakeEvent, EventBody, Outcome } from '../../lib/model/mod.ts';
import { runProgram } from '../../lib/system/mod.ts';
import { assertGolden } from '../rig/golden.ts';
import { failingRun, mixedRun, RUN_STARTED_MS, recordEvents, unchangedRun } from '../rig/recorded-runs.ts';
import { writeTree } from '../rig/temp.ts';
import { filesIn, laterRun, makeKeptPlace } from './kept.ts';

async function collect(events: AsyncIterable<BakeEvent>): Promise<readonly BakeEvent[]> {
  const all: BakeEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

test('a run is kept: its events, what came of it, a log for each build that did something, for its owner alone', async (t) => {
  const place = await makeKeptPlace(t);
  const events = mixedRun();
  assert.deepEqual(await place.keep(events), []);
  const [run, ...more] = await place.list();
  assert(run !== undefined && more.length === 0);
  assert.deepEqual(
    [run.runId, run.startedAt, run.result, run.root],
    ['01JGEXAMPLE', new Date(RUN_STARTED_MS).toISOString(), 'succeeded', place.root],
  );
  const results = run.builds.map(({ build, result }) => `${build} ${result}`);
  assert.deepEqual(results, ['base built', 'api built', 'worker-python3.13 retagged', 'web unchanged']);
  assert.deepEqual(await collect(readEvents(run)), events);
  assert.deepEqual(
    await collect(readEvents(run, 'web')),
    events.filter((event) => 'build' in event && event.build === 'web'),
  );
  const files = filesIn(run);
  assert.deepEqual((await readdir(files.logs)).sort(), ['api.log', 'base.log', 'worker-python3.13.log']);
  assertGolden(await readFile(logFileOf(run.dir, 'api'), 'utf8'), 'history/golden/api.log');
  for (const dir of [path.join(place.home, 'state'), run.dir, files.logs])
    assert.equal((await stat(dir)).mode & 0o777, 0o700, dir);
  for (const file of [files.events, files.summary, logFileOf(run.dir, 'base')])
    assert.equal((await stat(file)).mode & 0o777, 0o600, file);
});

test('the log of a failed build ends with what was wrong, and says its last lines once', async (t) => {
  const place = await makeKeptPlace(t);
  await place.keep(failingRun());
  const [run] = await place.list();
  assert(run !== undefined);
  const failed = run.builds.find(({ result }) => result === 'failed');
  assert(run.result === 'cancelled' && failed?.problem !== undefined);
  assertGolden(await readFile(logFileOf(run.dir, failed.build), 'utf8'), 'history/golden/failed.log');
});

test('a run whose process is gone did not end, and what is kept of it can be read but for half a line', async (t) => {
  const place = await makeKeptPlace(t);
  const events = mixedRun().slice(0, -1);
  const recorder = new RunRecorder({ env: place.env, root: place.root });
  for (const event of events) recorder.onEvent(event);
  recorder.flush();
  assert.deepEqual(
    (await place.list()).map(({ result }) => result),
    ['running'],
    'we are alive',
  );
  await recorder.close();
  const [running] = await place.list();
  assert(running?.result === 'running');
  const { summary, events: file } = filesIn(running);
  await writeFile(summary, (await readFile(summary, 'utf8')).replace(/"startTicks":\d+/, '"startTicks":1'));
  await appendFile(file, '{"type":"node-finished","build":"api","outc');
  const [run] = await place.list();
  assert.equal(run?.result, process.platform === 'linux' ? 'did-not-end' : 'running');
  assert.equal(run?.durationMs, (events.at(-1)?.atMs ?? 0) - RUN_STARTED_MS);
  assert.deepEqual(
    run.builds.map(({ build }) => build),
    ['web', 'base', 'worker-python3.13', 'api'],
  );
  assert.deepEqual(await collect(readEvents(run)), events);
});

test('a run whose summary is damaged or lost is known by its events; what is no run is passed over', async (t) => {
  const place = await makeKeptPlace(t);
  await place.keep(mixedRun());
  await place.keep(laterRun(unchangedRun(), 'other', 5));
  const [, first] = await place.list();
  assert(first !== undefined);
  await truncate(filesIn(first).summary, 30);
  await writeTree(place.runsDir, { 'notes.txt': 'mine', '2026-01-02T03-04-05.000Z-empty/': '' });
  const [, again, ...more] = await place.list();
  assert.deepEqual(more, []);
  assert.deepEqual(again, { ...first, root: again?.root });
  await rm(filesIn(first).events);
  assert.equal((await place.list()).length, 1);
  assert.deepEqual(await collect(readEvents(first)), []);
});

test('runs are found by their number from the end and by the start of their ids', async (t) => {
  const place = await makeKeptPlace(t);
  const find = async (which?: string) => {
    const found = await findRun(place.runsDir, which);
    return found.ok ? found.value.runId : `${found.error.code}: ${found.error.message} ${found.error.hint}`;
  };
  assert.match(await find(), /^state\/no-runs: /);
  for (const [at, id] of ['abc111', 'abd222', 'abd'].entries())
    await place.keep(laterRun(unchangedRun(), id, at));
  assert.deepEqual(
    [await find(), await find('-1'), await find('-2'), await find('-3'), await find('abc')],
    ['abd', 'abd', 'abd222', 'abc111', 'abc111'],
  );
  assert.equal(await find('abd'), 'abd', 'a whole id is that run');
  assert.match(await find('ab'), /^state\/unknown-run: .*several.*abd, abd222, abc111/);
  assert.match(await find('-4'), /^state\/unknown-run: .*3 runs are kept/);
  assert.match(await find('abc112'), /^state\/unknown-run: .*Did you mean "abc111"/);
  for (const none of ['', '-0', '0']) assert.match(await find(none), /^state\/unknown-run: /);
});

test('a run can be found as soon as it is planned', async (t) => {
  const place = await makeKeptPlace(t);
  const recorder = new RunRecorder({ env: place.env, root: place.root });
  for (const event of mixedRun().slice(0, 2)) recorder.onEvent(event);
  const found = await findRun(place.runsDir);
  assert(found.ok && found.value.result === 'running');
  assert.equal((await collect(readEvents(found.value))).at(-1)?.type, 'planned');
  await recorder.close();
});

test('old runs of a project go, and of all projects where they are too many bytes, but none that goes on', async (t) => {
  const place = await makeKeptPlace(t);
  const other = await makeKeptPlace(t);
  const shared = { env: place.env };
  await other.keep(unchangedRun(), shared);
  const going = new RunRecorder({ env: place.env, root: place.root });
  for (const event of mixedRun().slice(0, -1)) going.onEvent(event);
  going.flush();
  for (const [at, id] of ['one', 'two', 'three', 'four'].entries())
    await place.keep(laterRun(unchangedRun(), id, at + 1), { mostRuns: 2 });
  assert.deepEqual(
    (await place.list()).map(({ runId }) => runId),
    ['four', 'three', '01JGEXAMPLE'],
  );
  await going.close();
  const otherRuns = path.join(path.dirname(place.runsDir), path.basename(other.runsDir));
  assert.equal((await readdir(otherRuns)).length, 1, 'another project');

  const [newest] = await place.list();
  assert(newest !== undefined);
  await truncate(filesIn(newest).events, 150_000_000);
  await place.keep(laterRun(unchangedRun(), 'five', 9));
  assert.deepEqual(
    (await place.list()).map(({ runId }) => runId),
    ['five', '01JGEXAMPLE'],
  );
  assert.deepEqual(await readdir(otherRuns), []);

  await place.keep(laterRun(unchangedRun(), 'six', 10), { mostRuns: 0 });
  assert.deepEqual(
    (await place.list()).map(({ runId }) => runId),
    ['01JGEXAMPLE'],
    'nothing is kept',
  );
});

test('rounds of a watch push no other run out: idle and superseded ones go, and of the others the last four stay', async (t) => {
  const place = await makeKeptPlace(t);
  const mostRuns = 3;
  for (const [at, id] of ['a', 'b', 'c'].entries())
    await place.keep(laterRun(mixedRun(), id, at), { mostRuns });
  const ids = async () => (await place.list()).map(({ runId }) => runId);
  const kept = new KeptRounds();
  let number = 0;
  const round = (events: readonly BakeEvent[], isSuperseded = false, most = mostRuns) => {
    number += 1;
    const own = { number, kept, isSuperseded: () => isSuperseded };
    return place.keep(laterRun(events, `round${number}`, 9 + number), { mostRuns: most, round: own });
  };
  await round(unchangedRun());
  assert.deepEqual(await ids(), ['round1', 'c', 'b'], 'the first one is a run as any other');
  for (let turn = 0; turn < 5; turn += 1) await round(unchangedRun());
  await round(failingRun(), true);
  assert.deepEqual(await ids(), ['round1', 'c', 'b']);
  await round(mixedRun(), false, 20);
  await round(failingRun(), false, 20);
  assert.deepEqual(await ids(), ['round9', 'round8', 'round1', 'c', 'b']);
  for (let turn = 0; turn < 4; turn += 1) await round(mixedRun(), false, 20);
  assert.deepEqual(await ids(), ['round13', 'round12', 'round11', 'round10', 'round1', 'c', 'b']);
  await round(mixedRun(), false, 0);
  assert.equal((await ids()).length, 0, 'nothing is kept');
});

test('what led to a round is kept', async (t) => {
  const place = await makeKeptPlace(t);
  const changed = { files: ['/repo/api/main.go'], total: 1 };
  await place.keep(mixedRun().map((event) => (event.type === 'run-started' ? { ...event, changed } : event)));
  const [run] = await place.list();
  assert.deepEqual(run?.changed, changed);
});

test('where nothing can be written that is one warning, also in the middle of a run', async (t) => {
  const place = await makeKeptPlace(t);
  await writeFile(path.join(place.home, 'state'), 'a file');
  const [found, ...more] = await place.keep(mixedRun());
  assert.deepEqual([found?.code, found?.severity, more], ['state/run-not-kept', 'warning', []]);
  assert.match(found?.message ?? '', /ENOTDIR|EEXIST/);

  await rm(path.join(place.home, 'state'));
  const recorder = new RunRecorder({ env: place.env, root: place.root });
  const [first, ...rest] = mixedRun();
  assert(first !== undefined);
  recorder.onEvent(first);
  assert.notEqual(recorder.logFileOf('api'), undefined);
  await rm(place.runsDir, { recursive: true, maxRetries: 5 });
  recorder.flush();
  for (const event of rest) recorder.onEvent(event);
  assert.deepEqual(
    (await recorder.close()).map(({ code }) => code),
    ['state/run-not-kept'],
  );
  assert.equal(recorder.logFileOf('api'), undefined, 'there is no log to point at');
});

test('the commit is noted, and whether the work tree was clean', async (t) => {
  const place = await makeKeptPlace(t);
  const env = { ...place.env, PATH: process.env['PATH'] ?? '', HOME: place.home };
  const git = (...argv: string[]) => runProgram({ program: 'git', argv, env, cwd: place.root });
  const user = ['-c', 'user.name=A', '-c', 'user.email=a@example.com'];
  await writeTree(place.root, { file: 'text' });
  await git('init', '-q');
  const keepSlowly = async (minutes: number) => {
    const recorder = new RunRecorder({ env, root: place.root });
    const [first, ...rest] = laterRun(unchangedRun(), `run${minutes}`, minutes);
    assert(first !== undefined);
    recorder.onEvent(first);
    // Whoever ends before git answers does not wait for it.
    const summary = path.join(recorder.logFileOf('x') ?? '', '../../summary.json');
    for (let turn = 0; minutes > 0 && turn < 2_000; turn++) {
      const text = await readFile(summary, 'utf8').catch(() => '');
      if (text.includes('"commit"')) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const event of rest) recorder.onEvent(event);
    await recorder.close();
    return (await place.list())[0]?.commit;
  };
  assert.equal(await keepSlowly(0), undefined, 'a repository without a commit');
  await git('add', '.');
  await git(...user, 'commit', '-qm', 'first');
  const id = (await git('rev-parse', 'HEAD')).stdout.toString().trim();
  assert.deepEqual(await keepSlowly(1), { id, clean: true });
  await writeTree(place.root, { new: 'text' });
  assert.deepEqual(await keepSlowly(2), { id, clean: false });
});

test('what steps print cannot move a cursor, neither in the log nor in the events', async (t) => {
  const place = await makeKeptPlace(t);
  const events = mixedRun().map((event) =>
    event.type === 'log'
      ? { ...event, text: `a\u001b[2Jb\u009b31mc\u202ed\u001b]0;title\u0007e\u0000f\n` }
      : event,
  );
  await place.keep(events);
  const [run] = await place.list();
  assert(run !== undefined);
  for (const file of [filesIn(run).events, filesIn(run).summary, logFileOf(run.dir, 'base')]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
    assert.doesNotMatch(await readFile(file, 'utf8'), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  }
  assert.deepEqual(await collect(readEvents(run)), events);
});

/** A run of builds with these names, each with a line of output. */
function runOf(names: readonly string[]): readonly BakeEvent[] {
  const outcomes: readonly Outcome[] = names.map((build) => ({
    build,
    kind: 'built',
    tags: [],
    durationMs: 1,
  }));
  const [started, ended] = [mixedRun()[0], mixedRun().at(-1)];
  assert(started?.type === 'run-started' && ended?.type === 'run-finished');
  return recordEvents([
    started,
    ...outcomes.flatMap((outcome): EventBody[] => [
      { type: 'log', build: outcome.build, vertex: 'v', stream: 'stdout', text: `I am ${outcome.build}\n` },
      { type: 'node-finished', build: outcome.build, outcome },
    ]),
    { ...ended, summary: { ...ended.summary, outcomes } },
  ]);
}

test('every build has a log of its own, whatever its name is and whatever the file system takes for the same', async (t) => {
  const place = await makeKeptPlace(t);
  const long = 'n'.repeat(252);
  const names = ['app', 'App', 'APP', long, `${long}x`, 'nul', 'con.v1', 'a/b', 'a_b', '..', '-', 'ä', 'a~b'];
  assert.deepEqual(await place.keep(runOf(names)), []);
  const [run] = await place.list();
  assert(run !== undefined);
  for (const name of names)
    assert.match(await readFile(logFileOf(run.dir, name), 'utf8'), new RegExp(`\n {2}I am ${name}\n`));
  const files = await readdir(filesIn(run).logs);
  assert.equal(new Set(files.map((file) => file.toLowerCase())).size, names.length);
  for (const file of files) {
    assert.doesNotMatch(file, /^(?:nul|con)\.|[^\w.~-]/);
    assert(file.length < 120, file);
  }
  assert.equal(path.basename(logFileOf(run.dir, 'app')), 'app.log');
});

test('a log that cannot be written is one warning, and the rest of the run is kept', async (t) => {
  const place = await makeKeptPlace(t);
  const [first, ...rest] = runOf(['one', 'two', 'three']);
  assert(first !== undefined);
  const recorder = new RunRecorder({ env: place.env, root: place.root });
  recorder.onEvent(first);
  for (const name of ['one', 'two']) await mkdir(recorder.logFileOf(name) ?? '');
  for (const event of rest) recorder.onEvent(event);
  const [warning, ...more] = await recorder.close();
  assert.match(warning?.message ?? '', /one\.log` cannot be written/);
  assert.deepEqual(more, []);
  const [run] = await place.list();
  assert(run !== undefined);
  assert.deepEqual([run.result, run.builds.length], ['succeeded', 3]);
  assert.deepEqual(await collect(readEvents(run)), [first, ...rest]);
  assert.match(await readFile(logFileOf(run.dir, 'three'), 'utf8'), /I am three/);
  assert.equal(recorder.logFileOf('two'), undefined);
  assert.notEqual(recorder.logFileOf('three'), undefined);
});

test('what came of a run is noted also where its events could not be written to their end', async (t) => {
  const place = await makeKeptPlace(t);
  const [first, ...rest] = runOf(['one']);
  assert(first !== undefined);
  const recorder = new RunRecorder({ env: place.env, root: place.root });
  recorder.onEvent(first);
  await mkdir(path.join(path.dirname(recorder.logFileOf('one') ?? ''), '../events.ndjson'));
  for (const event of rest) recorder.onEvent(event);
  assert.deepEqual(
    (await recorder.close()).map(({ code }) => code),
    ['state/run-not-kept'],
  );
  assert.deepEqual(
    (await place.list()).map(({ result }) => result),
    ['succeeded'],
  );
});

test('runs of a build that prints without end do not push those of other projects out', async (t) => {
  const place = await makeKeptPlace(t);
  const other = await makeKeptPlace(t);
  await other.keep(unchangedRun(), { env: place.env });
  const [started, ...rest] = runOf(Array.from({ length: 8 }, (_, at) => `b${at}`));
  assert(started !== undefined);
  const line = 'x'.repeat(200);
  for (const minutes of [1, 2]) {
    const many = rest.flatMap((event): readonly BakeEvent[] =>
      event.type === 'log'
        ? Array.from({ length: 40_000 }, () => ({ ...event, text: `${line}\n` }))
        : [event],
    );
    await place.keep(laterRun([started, ...many], `r${minutes}`, minutes));
  }
  const [run] = await place.list();
  assert(run !== undefined);
  assert((await stat(filesIn(run).events)).size < 41 << 20);
  await place.keep(laterRun(unchangedRun(), 'last', 9));
  const otherRuns = path.join(path.dirname(place.runsDir), path.basename(other.runsDir));
  assert.equal((await readdir(otherRuns)).length, 1);
  assert.equal((await place.list()).length, 3);
});

test('the directory of all runs is closed where it was left open', async (t) => {
  const place = await makeKeptPlace(t);
  await mkdir(place.runsDir, { recursive: true });
  const dirs = [path.dirname(place.runsDir), place.runsDir];
  for (const dir of dirs) await chmod(dir, 0o777);
  await place.keep(unchangedRun());
  for (const dir of dirs) assert.equal((await stat(dir)).mode & 0o777, 0o700, dir);
});

test('a directory that others may read is closed only where it is made', async (t) => {
  const place = await makeKeptPlace(t);
  await mkdir(path.join(place.home, 'state'), { mode: 0o755 });
  await chmod(path.join(place.home, 'state'), 0o755);
  await place.keep(unchangedRun());
  assert.equal((await stat(place.runsDir)).mode & 0o777, 0o700);
});
