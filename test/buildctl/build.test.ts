/** One call of buildctl from its start to its end, with a buildctl that obeys the test. */
import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BuildCall, type Buildctl, childEnvironment, runBuild } from '../../lib/buildctl/mod.ts';
import type { EventBody } from '../../lib/model/mod.ts';
import type { ProgramCall } from '../../lib/system/mod.ts';
import { makeFakeBuildctl } from '../rig/fake-buildctl.ts';
import { makeBuild } from '../rig/sets.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

const env = childEnvironment(process.env);

async function makeCall(
  t: Cleanup,
  rest: Partial<BuildCall> = {},
): Promise<{ call: BuildCall; events: EventBody[] }> {
  const events: EventBody[] = [];
  const dir = await makeTempDir(t);
  const call: BuildCall = {
    build: makeBuild('a'),
    root: dir,
    links: [],
    locals: { named: new Map() },
    pins: [],
    outputs: [{ kind: 'store', names: ['n:1'] }],
    workDir: path.join(dir, 'work'),
    attempt: 1,
    emit: (event) => events.push(event),
    ...rest,
  };
  return { call, events };
}

test('a build gives the digest of its metadata file and the steps of its progress', async (t) => {
  const buildctl = await makeFakeBuildctl(t, [
    {
      progress: [
        {
          vertexes: [{ digest: 'd', name: '[2/2] COPY . .', started: '2026-01-01T00:00:00Z', cached: true }],
        },
      ],
    },
  ]);
  const { call, events } = await makeCall(t);
  const built = await runBuild({ program: buildctl.path, address: 'unix:///x', env }, call);
  assert(built.ok, JSON.stringify(built));
  assert.match(built.value.digest ?? '', /^sha256:[0-9a-f]{64}$/);
  assert.equal(built.value.mediaType, 'application/vnd.oci.image.manifest.v1+json');
  assert.deepEqual(built.value.steps, { total: 1, cached: 1 });
  assert.equal(events[0]?.type, 'node-started');
});

test('where buildctl writes no metadata there is no digest, though an old file lay there', async (t) => {
  const buildctl = await makeFakeBuildctl(t, [{ times: 1 }, { metadata: false }]);
  const { call } = await makeCall(t);
  const tool = { program: buildctl.path, address: 'unix:///x', env };
  assert((await runBuild(tool, call)).ok);
  assert.match(await readFile(path.join(call.workDir, 'metadata.json'), 'utf8'), /sha256/);
  const again = await runBuild(tool, call);
  assert(again.ok);
  assert.equal(again.value.digest, undefined);
});

test('a failed call is a problem with its words', async (t) => {
  const buildctl = await makeFakeBuildctl(t, [
    { exitCode: 1, stderr: 'error: failed to solve: target stage "x" could not be found\n' },
  ]);
  const { call } = await makeCall(t);
  const built = await runBuild({ program: buildctl.path, address: 'unix:///x', env }, call);
  assert(!built.ok && built.error.kind === 'failed');
  assert.equal(built.error.problem.code, 'build/target-missing');
});

test('a call that dies of a signal is a failure and not a cancellation', async (t) => {
  const buildctl = await makeFakeBuildctl(t, [{ dieBy: 'SIGKILL' }]);
  const { call } = await makeCall(t);
  const built = await runBuild({ program: buildctl.path, address: 'unix:///x', env }, call);
  assert(!built.ok && built.error.kind === 'failed');
  assert.match(built.error.problem.message, /signal|killed/);
});

test('external images are pinned to their digests by a policy file', async (t) => {
  const buildctl = await makeFakeBuildctl(t, []);
  const digest = `sha256:${'b'.repeat(64)}` as const;
  const { call } = await makeCall(t, {
    pins: [{ ref: { registry: 'docker.io', repository: 'library/alpine', tag: 'latest' }, digest }],
  });
  assert((await runBuild({ program: buildctl.path, address: 'unix:///x', env }, call)).ok);
  assert.deepEqual(JSON.parse(await readFile(path.join(call.workDir, 'source-policy.json'), 'utf8')), {
    rules: [
      {
        action: 'CONVERT',
        selector: { identifier: 'docker-image://docker.io/library/alpine:latest' },
        updates: { identifier: `docker-image://docker.io/library/alpine:latest@${digest}` },
      },
    ],
  });
});

test('steps are based on the layers-only image while its config stays that of the image itself', async (t) => {
  const buildctl = await makeFakeBuildctl(t, []);
  const ref = { registry: 'r:5', repository: 'x', digest: `sha256:${'c'.repeat(64)}` } as const;
  const layersOnly = { ...ref, digest: `sha256:${'d'.repeat(64)}` } as const;
  const digest = `sha256:${'b'.repeat(64)}` as const;
  const { call } = await makeCall(t, {
    pins: [{ ref: { registry: 'docker.io', repository: 'library/alpine', tag: 'latest' }, digest }],
    links: [
      { contextName: 'plain', kind: 'image', ref: { ...ref, repository: 'y' } },
      { contextName: 'base', kind: 'image', ref, layersOnly },
      { contextName: 'the-same', kind: 'image', ref, layersOnly },
    ],
  });
  assert((await runBuild({ program: buildctl.path, address: 'unix:///x', env }, call)).ok);
  const image = `docker-image://r:5/x@sha256:${'c'.repeat(64)}`;
  assert.deepEqual(JSON.parse(await readFile(path.join(call.workDir, 'source-policy.json'), 'utf8')), {
    rules: [
      {
        action: 'CONVERT',
        selector: { identifier: 'docker-image://docker.io/library/alpine:latest' },
        updates: { identifier: `docker-image://docker.io/library/alpine:latest@${digest}` },
      },
      {
        action: 'CONVERT',
        selector: {
          identifier: `docker-image://r:5/x:bake-ts@sha256:${'c'.repeat(64)}`,
          match_type: 'EXACT',
        },
        updates: { identifier: image, attrs: { 'bake-ts.config': 'yes' } },
      },
      {
        action: 'CONVERT',
        selector: {
          identifier: image,
          match_type: 'EXACT',
          constraints: [{ key: 'bake-ts.config', condition: 'NOTEQUAL', value: 'yes' }],
        },
        updates: { identifier: `docker-image://r:5/x@sha256:${'d'.repeat(64)}` },
      },
    ],
  });
});

test('a program that is not there is reported by its name', async (t) => {
  const { call } = await makeCall(t);
  const built = await runBuild({ program: '/nowhere/buildctl', address: 'unix:///x', env }, call);
  assert(!built.ok && built.error.kind === 'failed');
  assert.equal(built.error.problem.code, 'engine/no-buildctl');
  assert.match(built.error.problem.message, /\/nowhere\/buildctl/);
});

test('cancelling sends TERM and waits for the end', async (t) => {
  const buildctl = await makeFakeBuildctl(t, [{ hang: true }]);
  const controller = new AbortController();
  const { call } = await makeCall(t, { signal: controller.signal });
  const running = runBuild({ program: buildctl.path, address: 'unix:///x', env }, call);
  const [made] = await buildctl.waitForCalls(1);
  await sleep(100);
  controller.abort();
  const built = await running;
  assert(!built.ok && built.error.kind === 'cancelled');
  assert.deepEqual(await buildctl.signals(), [`${made?.pid} SIGTERM`]);
});

test('a call that was cancelled before it began is not begun', async (t) => {
  const buildctl = await makeFakeBuildctl(t, []);
  const { call } = await makeCall(t, { signal: AbortSignal.abort() });
  const built = await runBuild({ program: buildctl.path, address: 'unix:///x', env }, call);
  assert(!built.ok && built.error.kind === 'cancelled');
  assert.deepEqual(await buildctl.calls(), []);
});

test('what would change the image or the trace behind our back is kept from buildctl', async (t) => {
  const names = [
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'TRACEPARENT',
    'SOURCE_DATE_EPOCH',
    'BUILDKIT_HOST',
    'DOCKER_CONFIG',
  ];
  const buildctl = await makeFakeBuildctl(t, [{ logEnv: names }]);
  const { call } = await makeCall(t);
  const full = { ...env, ...Object.fromEntries(names.map((name) => [name, 'set'])) };
  await runBuild({ program: buildctl.path, address: 'unix:///x', env: full }, call);
  const [made] = await buildctl.calls();
  assert.deepEqual(made?.env, { DOCKER_CONFIG: 'set' });
  assert.deepEqual(childEnvironment({ A: undefined, B: '1' }, { C: '2' }), { B: '1', C: '2' });
});

test('a secret’s command that fails stops the build and shows nothing it wrote', async (t) => {
  const buildctl = await makeFakeBuildctl(t, []);
  const argv = ['sh', '-c', 'echo the-secret; echo the-secret >&2; exit 3'];
  const { call } = await makeCall(t, {
    build: makeBuild('a', { secrets: [{ id: 'x', from: { kind: 'command', argv } }] }),
  });
  const built = await runBuild({ program: buildctl.path, address: 'unix:///x', env }, call);
  assert(!built.ok && built.error.kind === 'failed');
  assert.equal(built.error.problem.code, 'build/secret-command');
  assert(!JSON.stringify(built).includes('the-secret'));
  assert.deepEqual(await buildctl.calls(), []);
});

test('what steps write has no values of secrets, wherever they come from', async (t) => {
  const dir = await makeTempDir(t);
  const [token, large, key] = ['token', 'large', 'key'].map((name) => path.join(dir, name));
  assert(token !== undefined && large !== undefined && key !== undefined);
  await writeFile(token, 'file-word\n');
  await writeFile(large, 'x'.repeat(4097));
  await writeFile(key, 'two-words\nin-a-file\n');
  const told = 'env-word, line-one, line-two, abc, short, file-word, said-word, two-words x';
  const data = Buffer.from(`${told}\n`).toString('base64');
  const step = { digest: 'sha256:1', name: 'RUN cat', started: '2026-01-01T00:00:00Z' };
  const error = 'process "cat env-word" did not complete successfully: exit code: 1';
  const buildctl = await makeFakeBuildctl(t, [
    {
      progress: [
        { vertexes: [step], logs: [{ vertex: 'sha256:1', stream: 1, data }] },
        { vertexes: [{ ...step, completed: '2026-01-01T00:00:01Z', error: `${error}: env-word` }] },
      ],
      exitCode: 1,
      stderr: `error: failed to solve: ${error}\n`,
    },
  ]);
  const { call, events } = await makeCall(t, {
    build: makeBuild('a', {
      secrets: [
        { id: 'env', from: { kind: 'env', variable: 'ONE' } },
        { id: 'lines', from: { kind: 'env', variable: 'LINES' } },
        { id: 'few', from: { kind: 'env', variable: 'FEW' } },
        { id: 'unset', from: { kind: 'env', variable: 'UNSET' } },
        { id: 'command', from: { kind: 'command', argv: ['echo', 'said-word'] } },
        ...[token, large, key, path.join(dir, 'gone')].map((file, at) => ({
          id: `file-${at}`,
          from: { kind: 'file', path: file } as const,
        })),
      ],
    }),
  });
  const values = { ONE: 'env-word', LINES: 'line-one\nline-two\nshort', FEW: 'abc' };
  const tool = { program: buildctl.path, address: 'unix:///x', env: { ...env, ...values } };
  const built = await runBuild(tool, call);
  assert(!built.ok && built.error.kind === 'failed');
  const shown = '(hidden), (hidden), (hidden), abc, short, (hidden), (hidden), two-words x';
  assert.deepEqual(
    events.flatMap((event) => (event.type === 'log' ? [event.text.trimEnd()] : [])),
    [shown],
  );
  assert.match(built.error.problem.detail ?? '', /^\(hidden\), /);
  assert.doesNotMatch(JSON.stringify([events, built]), /env-word|line-one|file-word|said-word/);
});

test('any bytes can be a secret: as a variable where it can be one, else in a file for us alone, which is gone afterwards', async (t) => {
  const dir = await makeTempDir(t);
  const rows: readonly (readonly [Buffer, 'variable' | 'file' | 'too large'])[] = [
    [Buffer.from('word'), 'variable'],
    [Buffer.from('käse\n\n'), 'variable'],
    [Buffer.from('a\0b'), 'file'],
    [Buffer.from([0xff, 0xfe, 0x0a, 0x80]), 'file'],
    [Buffer.alloc(64 * 1024, 'a'), 'variable'],
    [Buffer.alloc(64 * 1024 + 1, 'a'), 'file'],
    [Buffer.alloc(500 * 1024, 'a'), 'file'],
    [Buffer.alloc(500 * 1024 + 1, 'a'), 'too large'],
    [Buffer.alloc(5_000_000, 'a'), 'too large'],
  ];
  for (const [value, how] of rows) {
    const file = path.join(dir, 'value');
    await writeFile(file, Buffer.concat([value, Buffer.from('\r\n')]));
    let seen:
      | { readonly how: string; readonly bytes: Buffer; readonly mode?: number; readonly at?: string }
      | undefined;
    const tool: Buildctl = {
      program: 'buildctl',
      address: 'unix:///x',
      env: { PATH: process.env['PATH'] },
      run: async (one) => {
        const [, key = '', where = ''] =
          /^id=x,(env|src)=(.*)$/.exec(one.argv[one.argv.indexOf('--secret') + 1] ?? '') ?? [];
        seen =
          key === 'env'
            ? { how: 'variable', bytes: Buffer.from(one.env[where] ?? '') }
            : {
                how: 'file',
                bytes: await readFile(where),
                mode: (await stat(where)).mode & 0o777,
                at: where,
              };
        return { ended: 'by-itself', exitCode: 1, stdout: Buffer.alloc(0), stderr: '' };
      },
    };
    const { call } = await makeCall(t, {
      build: makeBuild('a', { secrets: [{ id: 'x', from: { kind: 'command', argv: ['cat', file] } }] }),
    });
    const built = await runBuild(tool, call);
    assert(!built.ok && built.error.kind === 'failed');
    if (how === 'too large') {
      assert.equal(built.error.problem.code, 'build/secret-too-large');
      assert.equal(seen, undefined);
      continue;
    }
    assert.equal(seen?.how, how);
    assert.ok(seen?.bytes.equals(value));
    if (how === 'variable') continue;
    assert.equal(seen?.mode, 0o600);
    assert.equal(await stat(seen?.at ?? '').catch(() => 'gone'), 'gone');
  }
});

test('a result that cannot be read is a failure, and no crash', async (t) => {
  for (const text of ['', '{"containerimage.digest":', '[1', 'null', '5']) {
    const tool: Buildctl = {
      program: 'buildctl',
      address: 'unix:///x',
      env: {},
      run: async (one) => {
        await writeFile(one.argv[one.argv.indexOf('--metadata-file') + 1] ?? '', text);
        return { ended: 'by-itself', exitCode: 0, stdout: Buffer.alloc(0), stderr: '' };
      },
    };
    const { call } = await makeCall(t);
    const built = await runBuild(tool, call);
    assert(!built.ok && built.error.kind === 'failed', text);
    assert.match(built.error.problem.message, /--metadata-file.*cannot be read/);
  }
});

test('what stands in for buildctl sees real calls and answers as buildctl does', async (t) => {
  const calls: ProgramCall[] = [];
  const tool: Buildctl = {
    program: 'buildctl',
    address: 'unix:///x',
    env: { HOME: '/h', TRACEPARENT: 'x' },
    run: async (call) => {
      calls.push(call);
      call.onErrorLine?.(JSON.stringify({ vertexes: [{ digest: 'd', name: '[1/1] COPY', started: 'now' }] }));
      const metadata = call.argv[call.argv.indexOf('--metadata-file') + 1];
      if (call.argv.includes('build') && metadata !== undefined) {
        await writeFile(metadata, JSON.stringify({ 'containerimage.digest': `sha256:${'c'.repeat(64)}` }));
      }
      return { ended: 'by-itself', exitCode: 0, stdout: Buffer.alloc(0), stderr: '' };
    },
  };
  const { call } = await makeCall(t);
  const built = await runBuild(tool, call);
  assert(built.ok);
  assert.deepEqual(built.value, { digest: `sha256:${'c'.repeat(64)}`, steps: { total: 1, cached: 0 } });
  assert.deepEqual(
    calls.map(({ program, env, argv }) => [program, env, argv.find((word) => /^[a-z]+$/.test(word))]),
    ['build'].map((command) => ['buildctl', { HOME: '/h' }, command]),
  );
});
