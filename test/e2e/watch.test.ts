/** `bake-ts run --watch` as people use it: with the real engine, edits of files, and a stopwatch beside it. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { BakeEvent } from '../../lib/model/mod.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import type { TreeEntry } from '../rig/temp.ts';
import { startWatchProcess } from '../rig/watch-process.ts';
import { makeWorkspace } from './support.ts';

const { skip } = realEngine;

/** Many times what it takes on a quiet machine: 300 ms. */
const MOST_MS = 1_500;

const SERVICES = ['api', 'web', 'jobs', 'mail'];

/** Six builds: a base, four services on it, and one by itself, each with its part of the files. */
function repositoryOf(host: string, pushes: boolean): Readonly<Record<string, TreeEntry>> {
  const services = SERVICES.map(
    (name) => `  ${name}: { extends: image, context: services/${name}, contexts: { base: "build:base" } }`,
  );
  const tree: Record<string, TreeEntry> = {
    'builds.yaml': `
templates: { image: { tags: ["${host}/\${{ build.name }}:1"], push: ${pushes} } }
builds:
  base: { extends: image, context: base }
  docs: { extends: image, context: docs }
${services.join('\n')}
`,
    'base/Dockerfile': 'FROM scratch\nCOPY etc /etc\n',
    'base/etc/os': 'one',
    'docs/Dockerfile': 'FROM scratch\nCOPY . /\n',
    'docs/.dockerignore': 'drafts\n',
    'docs/drafts/a': '',
  };
  for (const name of SERVICES) tree[`services/${name}/Dockerfile`] = 'FROM base\nCOPY . /srv\n';
  return tree;
}

/** Files of the services, in 97 directories each. Many, so that nobody waits for one after the other. */
function writeFiles(dir: string, files: number): void {
  for (let at = 0; at < files; at += 1) {
    const directory = path.join(
      dir,
      'services',
      SERVICES[at % SERVICES.length] ?? '',
      `src/d${(at >> 2) % 97}`,
    );
    if (at < 97 * SERVICES.length) mkdirSync(directory, { recursive: true });
    writeFileSync(path.join(directory, `f${at}.txt`), `${at}`);
  }
}

async function startIn(t: TestContext, files: number, ...args: readonly string[]) {
  const registry = await startTestRegistry(t);
  return startAt(t, repositoryOf(registry.host, true), files, ...args);
}

async function startAt(
  t: TestContext,
  tree: Readonly<Record<string, TreeEntry>>,
  files: number,
  ...args: readonly string[]
) {
  const workspace = await makeWorkspace(t, tree);
  writeFiles(workspace.dir, files);
  const startedAt = Date.now();
  const watch = startWatchProcess(t, ['--progress=json', ...args], {
    cwd: workspace.dir,
    env: workspace.env,
  });
  const runs = () => watch.events.filter((event) => event.type === 'run-finished');
  await watch.until('the first run', () => runs().length === 1);
  const started = watch.events.find((event) => event.type === 'run-started');
  const startMs = (started?.atMs ?? Number.NaN) - startedAt;
  /** Edits a file, and waits for the round: from the edit to the start of the build, and how each build ended. */
  const edit = async (file: string, text: string, build: string) => {
    const before = runs().length;
    const from = watch.events.length;
    // As editors do it.
    const target = path.join(workspace.dir, file);
    await writeFile(`${target}~`, text);
    const editedAt = Date.now();
    await rename(`${target}~`, target);
    await watch.until('a round', () => runs().length > before);
    const events = watch.events.slice(from);
    const begun = events.find((one) => one.type === 'node-started' && one.build === build);
    return { tookMs: (begun?.atMs ?? Number.NaN) - editedAt, kinds: kindsOf(events) };
  };
  return { ...workspace, ...watch, runs, edit, startMs };
}

function kindsOf(events: readonly BakeEvent[]): Readonly<Record<string, string>> {
  const finished = events.find((event) => event.type === 'run-finished');
  assert(finished?.type === 'run-finished');
  return Object.fromEntries(finished.summary.outcomes.map((one) => [one.build, one.kind]));
}

test('an edit starts the build that reads it, soon, and nothing else', { skip }, async (t) => {
  const { edit, dir, bake, stop, runs } = await startIn(t, 200);
  const times: number[] = [];
  for (const turn of ['two', 'three', 'four']) {
    const { tookMs, kinds } = await edit('services/api/src/d0/f0.txt', turn, 'api');
    assert.deepEqual(kinds, { base: 'unchanged', api: 'built' });
    times.push(tookMs);
  }
  const based = await edit('base/etc/os', 'two', 'base');
  assert.deepEqual(based.kinds, { base: 'built', api: 'built', web: 'built', jobs: 'built', mail: 'built' });
  t.diagnostic(`from the edit to the start of its build: ${times.join(', ')} ms`);
  assert(Math.min(...times) < MOST_MS, `${times} ms`);
  await writeFile(path.join(dir, 'docs/drafts/a'), 'ignored');
  const plain = await bake({ builds: ['*'] });
  assert.deepEqual([...new Set(Object.values(plain.kinds))], ['unchanged']);
  assert.equal(runs().length, 5);
  assert.equal(await stop('SIGINT'), 0);
});

test('builds that are not pushed start as soon', { skip }, async (t) => {
  const { edit, bake, stop } = await startAt(t, repositoryOf('watched.example', false), 200);
  const times: number[] = [];
  for (const turn of ['two', 'three', 'four', 'five']) {
    const { tookMs, kinds } = await edit('services/api/src/d0/f0.txt', turn, 'api');
    assert.equal(kinds['api'], 'built');
    times.push(tookMs);
  }
  t.diagnostic(`from the edit to the start of its build: ${times.join(', ')} ms`);
  assert(Math.min(...times) < MOST_MS, `${times} ms`);
  const plain = await bake({ builds: ['*'] });
  assert.deepEqual([...new Set(Object.values(plain.kinds))], ['unchanged']);
  assert.equal(await stop('SIGINT'), 0);
});

test('with 5,000 files it is as fast', { skip }, async (t) => {
  const { edit, stop, startMs } = await startIn(t, 5_000);
  const times: number[] = [];
  for (const turn of ['two', 'three', 'four'])
    times.push((await edit('services/api/src/d1/f4.txt', turn, 'api')).tookMs);
  t.diagnostic(`start ${startMs} ms; from the edit to the start of its build: ${times.join(', ')} ms`);
  assert(Math.min(...times) < MOST_MS, `${times} ms`);
  assert.equal(await stop('SIGTERM'), 0);
});

test('50,000 files are watched within seconds', { skip }, async (t) => {
  const { edit, stop, startMs } = await startIn(t, 50_000, '--dry-run');
  const { kinds } = await edit('services/api/src/d1/f4.txt', 'two', 'api');
  assert.deepEqual(kinds, { base: 'built', api: 'built' });
  t.diagnostic(`from the start of the process to the start of the first run: ${startMs} ms`);
  // Many times what it takes on a quiet machine.
  assert(startMs < 10_000, `${startMs} ms`);
  assert.equal(await stop('SIGINT'), 0);
});
