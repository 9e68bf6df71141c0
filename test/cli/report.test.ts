import assert from 'node:assert/strict';
import { mkdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { EXIT } from '../../cli/exit-codes.ts';
import type { FakeRule } from '../rig/fake-buildctl.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { makeFakePlace } from '../rig/fake-place.ts';
import { writeTree } from '../rig/temp.ts';

const timeout = { timeout: 120_000 };

const TREE = {
  'builds.yaml': 'builds:\n  base: { context: . }\n  app: { context: ., needs: [base] }\n',
};

/** A step that prints something. */
function says(text: string): FakeRule {
  const vertex = { digest: 'sha256:1', name: '[1/1] RUN say', started: '2026-01-01T00:00:00.000Z' };
  return {
    progress: [
      { vertexes: [vertex] },
      { logs: [{ vertex: 'sha256:1', stream: 1, data: Buffer.from(text).toString('base64') }] },
      { vertexes: [{ ...vertex, completed: '2026-01-01T00:00:01.000Z' }] },
    ],
  };
}

async function makePlace(t: TestContext, rules: readonly FakeRule[]) {
  const place = await makeFakePlace(t, TREE, rules);
  const call = async (...argv: readonly string[]) => {
    const io = createFakeIo(argv, { cwd: place.cwd, env: place.env });
    const code = await runCli(io);
    return { code, out: io.out(), err: io.err() };
  };
  const read = (file: string) => readFile(path.resolve(place.cwd, file), 'utf8');
  return { ...place, call, read };
}

interface Data {
  readonly kind: string;
  readonly timeline: {
    readonly runId: string;
    readonly builds: readonly { readonly build: string; readonly outcome?: { readonly kind: string } }[];
  };
  readonly previous: Readonly<Record<string, { readonly durationMs?: number }>>;
  readonly logs: Readonly<Record<string, { readonly size: number }>>;
  readonly rerun: string;
}

/** What a page carries. */
function dataOf(page: string): Data {
  assert.match(page, /^<!doctype html>\n/);
  const [, json = ''] = /<script[^>]*id="run"[^>]*>(.*?)<\/script>/s.exec(page) ?? [];
  return JSON.parse(json) as Data;
}

const kindsOf = ({ timeline }: Data) => timeline.builds.map(({ build, outcome }) => [build, outcome?.kind]);

test(
  'run --report writes the page of the run, with its logs and the figures of the run before',
  timeout,
  async (t) => {
    const { call, read, cwd } = await makePlace(t, [says('hello from a step\n')]);
    const first = await call('run', '--report', 'first.html');
    assert.equal(first.code, EXIT.ok, first.err);
    const page = await read('first.html');
    assert.match(page, /hello from a step/);
    const data = dataOf(page);
    assert.deepEqual(
      [data.kind, kindsOf(data)],
      [
        'run',
        [
          ['base', 'built'],
          ['app', 'built'],
        ],
      ],
    );
    assert.deepEqual([data.previous, Object.keys(data.logs)], [{}, ['0', '1']]);

    await writeTree(cwd, { more: 'changed' });
    assert.equal((await call('run', '--force', '--report', 'second.html')).code, EXIT.ok);
    const { previous } = dataOf(await read('second.html'));
    assert.deepEqual(Object.keys(previous).toSorted(), ['app', 'base']);
    assert.equal(typeof previous['app']?.durationMs, 'number');
  },
);

test('the page is written where a build fails', timeout, async (t) => {
  const { call, read } = await makePlace(t, [{ exitCode: 1, stderr: 'error: failed to solve: broken' }]);
  const { code, err } = await call('run', '--report', 'page.html');
  assert.equal(code, EXIT.buildFailed, err);
  assert.deepEqual(kindsOf(dataOf(await read('page.html'))), [
    ['base', 'failed'],
    ['app', 'blocked'],
  ]);
});

test(
  'the page has the command that runs again what failed, without values that are hidden',
  timeout,
  async (t) => {
    const { call, read, cwd } = await makePlace(t, [
      { exitCode: 1, stderr: 'error: failed to solve: broken' },
    ]);
    await writeTree(cwd, {
      'other.yaml': `vars:
  PIN: { default: none, sensitive: true }
  TAG: x
${TREE['builds.yaml']}`,
    });
    const words = ['-f', 'other.yaml', '--var', 'PIN=hunter22', '--var', 'TAG=1.10', '--no-push', '--force'];
    const { code, err } = await call('run', ...words, '--report', 'page.html');
    assert.equal(code, EXIT.buildFailed, err);
    const rerun = "bake-ts run --file other.yaml --var 'PIN=(hidden)' --var TAG=1.10 --no-push";
    assert.equal(dataOf(await read('page.html')).rerun, rerun);
    const kept = await call('report', '-f', 'other.yaml', '-o', '-');
    assert.equal(dataOf(kept.out).rerun, rerun);
    assert.doesNotMatch(kept.out, /hunter22/);
  },
);

test('report makes the page of a kept run, and prints where it is', timeout, async (t) => {
  const { call, read, cwd } = await makePlace(t, [says('kept words\n')]);
  const none = await call('report');
  assert.equal(none.code, EXIT.buildFailed);
  assert.match(none.err, /error\[state\/no-runs\]/);
  await call('run');
  await call('run', 'base', '--force');

  const last = await call('report');
  assert.equal(last.code, EXIT.ok, last.err);
  const file = last.out.trimEnd();
  assert.equal(path.basename(file), 'report.html');
  assert.equal((await stat(file)).mode & 0o77, 0);
  assert.deepEqual(kindsOf(dataOf(await read(file))), [['base', 'built']]);

  const before = await call('report', '--run', '-2', '-o', 'before.html');
  assert.equal(before.out, `${path.join(cwd, 'before.html')}\n`);
  const page = await read('before.html');
  assert.match(page, /kept words/);
  assert.deepEqual(kindsOf(dataOf(page)).length, 2);
  assert.deepEqual(dataOf(page).previous, {});

  const shown = await call('report', '-o', '-');
  assert.deepEqual(kindsOf(dataOf(shown.out)), [['base', 'built']]);

  await mkdir(path.join(cwd, 'folder'));
  const folder = await call('report', '-o', 'folder');
  assert.equal(folder.code, EXIT.usage);
  assert.match(folder.err, /error\[cli\/unwritable-file\]: folder cannot be written/);
});

test('plan --html is the page of what has not begun', timeout, async (t) => {
  const { call } = await makePlace(t, []);
  const { code, out, err } = await call('plan', '--html');
  assert.equal(code, EXIT.ok, err);
  const data = dataOf(out);
  assert.deepEqual(
    [data.kind, kindsOf(data)],
    [
      'plan',
      [
        ['base', undefined],
        ['app', undefined],
      ],
    ],
  );
  const both = await call('plan', '--html', '--dot');
  assert.equal(both.code, EXIT.usage);
  const named = await call('plan', '--html', 'out.html');
  assert.deepEqual([named.code === EXIT.ok, named.out], [false, '']);
  assert.match(named.err, /hint: The page goes to stdout: bake-ts plan --html > out\.html/);
});
