/** `run --watch` as a command: what does not go with it, what it says, and how it ends. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCli } from '../../cli/app.ts';
import { textOfEvent } from '../../cli/commands/run-watch.ts';
import type { Io } from '../../cli/io.ts';
import type { BakeEvent } from '../../lib/model/mod.ts';
import { bakeTsCommand, runCommand } from '../rig/command.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { makeTempDir, makeTree, useTempDir, writeTree } from '../rig/temp.ts';
import { startWatchProcess } from '../rig/watch-process.ts';

const MOST_MS = 60_000;

const TREE = {
  'builds.yaml': 'builds: { web: { context: web } }\n',
  'web/Dockerfile': 'FROM scratch\nCOPY . /\n',
  'web/a/b/c/d/e': '',
  'web/f/g/h/i/j': '',
};

async function makePlace(t: TestContext) {
  const cwd = await makeTree(t, TREE);
  const home = await makeTempDir(t);
  return { cwd, env: { HOME: home, BAKE_TS_HOME: home, DOCKER_CONFIG: home } };
}

/** `run --watch` within the test: a process of its own takes long to start. */
function watchHere(args: readonly string[], place: { readonly cwd: string; readonly env: Io['env'] }) {
  const io = createFakeIo(['run', '--watch', ...args], place);
  let isOver = false;
  const ended = runCli(io).finally(() => {
    isOver = true;
  });
  return {
    io,
    until: async (what: string, isSo: () => boolean) => {
      const endsMs = Date.now() + MOST_MS;
      while (!isSo()) {
        if (isOver || Date.now() > endsMs)
          throw new Error(`${isOver ? 'it ended' : 'not in time'}: ${what}\n${io.err()}`);
        await sleep(5);
      }
    },
    stop: async (signal: string) => {
      io.send(signal);
      return ended;
    },
  };
}

test('what cannot be done again and again is refused', async (t) => {
  const place = await makePlace(t);
  await writeFile(path.join(place.cwd, 'm.json'), '{"version":1,"ok":true,"builds":{}}');
  for (const [option, ...words] of [
    ['--audit', '5%'],
    ['--untrusted'],
    ['--file', '-'],
    ['--parents-from', 'm.json'],
  ]) {
    const io = createFakeIo(['run', '--watch', option ?? '', ...words], place);
    assert.equal(await runCli(io), 2);
    assert.match(
      io.err(),
      /error\[cli\/conflict\]: --watch and --(?:audit|since|untrusted|parents-from|file -) cannot be combined/,
    );
  }
});

test('what is wrong at the start ends it as without --watch', async (t) => {
  const place = await makePlace(t);
  await writeFile(path.join(place.cwd, 'builds.yaml'), 'builds: { web: { contxt: web } }\n');
  const io = createFakeIo(['run', '--watch'], place);
  assert.equal(await runCli(io), 3);
  assert.match(io.err(), /config\/unknown-key/);
});

test('lines between rounds', () => {
  const changed = { type: 'changed', supersedes: false, builds: ['api', 'web'], total: 5 } as const;
  const paths = ['/repo/api/a', '/repo/b\u001b[31m', '/elsewhere/c'];
  assert.equal(
    textOfEvent({ ...changed, paths }, '/repo'),
    `\napi/a, b, /elsewhere/c and 2 more changed: api, web`,
  );
  assert.equal(
    textOfEvent({ ...changed, paths: ['/repo/a'], total: 1, supersedes: true }, '/repo'),
    '\na changed while it was built; again: api, web',
  );
  assert.equal(
    textOfEvent({ ...changed, paths: ['/repo/builds.yaml'], total: 1, builds: [] }, '/repo'),
    '\nbuilds.yaml changed: nothing to run',
  );
  assert.equal(textOfEvent({ ...changed, paths: [], total: 0 }, '/repo'), '\nmany files changed: api, web');
  const waiting = { type: 'waiting', builds: 6, files: 1234, failed: 0 } as const;
  assert.equal(
    textOfEvent(waiting, '/repo'),
    'waiting for changes in 6 builds, 1,234 files · Ctrl-C ends it',
  );
  assert.equal(
    textOfEvent({ ...waiting, builds: 1, files: 1, failed: 1 }, '/repo'),
    '1 build failed · waiting for changes in 1 build, 1 file · Ctrl-C ends it',
  );
  assert.equal(
    textOfEvent({ type: 'unwatched', contexts: ['https://example.com/a.git'], images: 2 }, '/repo'),
    'not watched, but checked by each run: https://example.com/a.git, 2 external images',
  );
  assert.equal(textOfEvent({ type: 'unwatched', contexts: [], images: 0 }, '/repo'), undefined);
});

test('Ctrl-C ends it: with 0 where all is as wanted, else with 130', async (t) => {
  const place = await makePlace(t);
  const idle = /waiting for changes in 1 build, 3 files · Ctrl-C ends it/g;
  const good = startWatchProcess(t, ['--dry-run'], place);
  await good.until('it waits', () => good.stderr().match(idle)?.length === 1);
  await writeFile(path.join(place.cwd, 'web/a/b/c/d/e'), 'changed');
  await good.until('it waits again', () => good.stderr().match(idle)?.length === 2);
  assert.match(good.stderr(), /\nweb\/a\/b\/c\/d\/e changed: web\n/);
  assert.equal(await good.stop('SIGINT'), 0);

  const bad = watchHere(['--addr', 'unix:///nowhere/buildkitd.sock'], place);
  await bad.until('it waits', () => bad.io.err().includes('1 build failed'));
  assert.equal(await bad.stop('SIGINT'), 130);
});

const LIMITED = ['unshare', '-Ur', 'sh', '-c'];
const canLimit =
  spawnSync(LIMITED[0] ?? '', [...LIMITED.slice(1), 'echo 5 > /proc/sys/user/max_inotify_watches']).status ===
  0;

test('where the system allows no more watches, that is said', {
  skip: !canLimit && 'a limit of this process needs user namespaces',
}, async (t) => {
  const { cwd, env } = await makePlace(t);
  const quoted = [...bakeTsCommand(), 'run', '--watch'].map((word) => `'${word}'`).join(' ');
  const end = await runCommand([...LIMITED, `echo 5 > /proc/sys/user/max_inotify_watches; exec ${quoted}`], {
    cwd,
    env,
  });
  assert.equal(end.exitCode, 1, end.stderr);
  assert.match(end.stderr, /error\[run\/watch-limit\]: the system allows no more watches/);
});

test('what a run is told to write into the repository starts no other one', async (t) => {
  const place = await makePlace(t);
  await writeTree(place.cwd, {
    'builds.yaml': 'builds: { web: { context: ., dockerfile: web/Dockerfile } }\n',
  });
  await writeTree(place.cwd, { 'tmp/': '', 'home/': '' });
  useTempDir(t, path.join(place.cwd, 'tmp'));
  const env = { ...place.env, BAKE_TS_HOME: path.join(place.cwd, 'home') };
  const watch = watchHere(['--dry-run', '--metadata-file', 'out.json', '--progress=json'], {
    cwd: place.cwd,
    env,
  });
  const events = () => {
    const lines = watch.io.out().split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as BakeEvent);
  };
  const runs = () => events().filter((one) => one.type === 'run-finished').length;
  await watch.until('the first run', () => runs() === 1);
  await writeTree(place.cwd, { 'web/new': '' });
  await watch.until('the second run', () => runs() === 2);
  await sleep(500);
  assert.equal(runs(), 2);
  assert.equal(new Set(events().flatMap((one) => (one.type === 'run-started' ? [one.runId] : []))).size, 2);
  assert.equal(await watch.stop('SIGTERM'), 0);
});

test('bake files are watched, also one that is not there yet', async (t) => {
  const place = await makePlace(t);
  await rm(path.join(place.cwd, 'builds.yaml'));
  await writeTree(place.cwd, { 'docker-bake.hcl': 'target "web" {\n  context = "web"\n}\n' });
  const watch = watchHere(['--dry-run'], place);
  const idle = /waiting for changes in 1 build, 3 files/g;
  await watch.until('it waits', () => watch.io.err().match(idle)?.length === 1);
  await writeTree(place.cwd, { 'docker-bake.override.hcl': 'target "web" {\n  args = { A = "1" }\n}\n' });
  await watch.until('it waits again', () => watch.io.err().match(idle)?.length === 2);
  assert.match(watch.io.err(), /\ndocker-bake\.override\.hcl changed/);
  assert.match(watch.io.err(), /argument `A`/);
  assert.equal(watch.io.err().match(/is read \(no builds.yaml here\)/g)?.length, 1);
  assert.equal(await watch.stop('SIGINT'), 0);
});
