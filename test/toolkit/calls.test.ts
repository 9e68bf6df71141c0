/** Calls of the library, each in a repository, with an engine that only notes what it is called for. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import {
  affected,
  BakeError,
  type BakeEvent,
  build,
  explain,
  importBuilds,
  outdated,
  plan,
  print,
  propose,
  readBuilds,
  readImageRef,
  run,
  unwrap,
  verify,
} from '../../lib/mod.ts';
import { countBuilds, makePlace } from '../rig/calling-place.ts';
import { runCommand } from '../rig/command.ts';

test('run builds what is asked for and what it needs, and unwrap gives the summary', async (t) => {
  const { cwd, env, buildctl } = await makePlace(t);
  const { outcomes } = unwrap(await run({ cwd, env, patterns: ['api'] }));
  assert.deepEqual(
    outcomes.map((one) => [one.build, one.kind]),
    [
      ['base', 'built'],
      ['api', 'built'],
    ],
  );
  assert.equal(await countBuilds(buildctl), 2);
});

test('the working directory may be a URL', async (t) => {
  const { cwd, env } = await makePlace(t);
  const { document } = unwrap(await plan({ cwd: pathToFileURL(`${cwd}/`), env }));
  assert.deepEqual(
    document.builds.map(({ name }) => name),
    ['web'],
  );
});

test('events come to the callback and to the loop', async (t) => {
  const { cwd, env } = await makePlace(t);
  const told: BakeEvent[] = [];
  const seen: BakeEvent[] = [];
  const running = run({ cwd, env, onEvent: (event) => void told.push(event) });
  for await (const event of running) seen.push(event);
  assert.deepEqual(seen, told);
  assert.deepEqual([seen[0]?.type, seen.at(-1)?.type], ['run-started', 'run-finished']);
  assert.equal(unwrap(await running).ok, true);
});

test('a build that fails is a failure with its problem and the summary', async (t) => {
  const { cwd, env, buildctl } = await makePlace(t);
  await buildctl.setRules([
    { when: ['workers'], stdout: '[]' },
    { when: ['build'], exitCode: 1, stderr: 'error: failed to solve: no such thing' },
  ]);
  const result = await run({ cwd, env, patterns: ['*'] });
  assert.ok(!result.ok);
  assert.equal(
    result.error.some(({ code }) => code === 'build/failed'),
    true,
  );
  assert.deepEqual(
    result.summary?.outcomes.map((one) => [one.build, one.kind]),
    [
      ['base', 'failed'],
      ['api', 'blocked'],
      ['web', 'failed'],
    ],
  );
  assert.throws(
    () => unwrap(result),
    (error) =>
      error instanceof BakeError &&
      error.has('build/failed') &&
      error.has('build/') &&
      !error.has('run/') &&
      error.summary === result.summary &&
      /error\[build\/failed\]/.test(error.message),
  );
});

test('a run that was cancelled is no success', async (t) => {
  const { cwd, env } = await makePlace(t);
  const result = await run({ cwd, env, signal: AbortSignal.abort() });
  assert.ok(!result.ok);
  assert.deepEqual(
    result.error.map(({ code }) => code),
    ['run/cancelled'],
  );
  assert.equal(result.summary?.cancelled, true);
});

test('what cannot be read is a failure without a summary, and an error of the loop', async (t) => {
  const { cwd, env } = await makePlace(t, { 'builds.yaml': 'builds: { a: { contxt: . } }\n' });
  const running = run({ cwd, env });
  await assert.rejects(
    async () => {
      for await (const _ of running) assert.fail();
    },
    (error) => error instanceof BakeError && error.has('config/unknown-key'),
  );
  const result = await running;
  assert.ok(!result.ok && result.summary === undefined);
  assert.equal(result.error[0]?.code, 'config/unknown-key');
});

test('a missing Dockerfile does not hinder a plan, and fails a run before anything is built', async (t) => {
  const { cwd, env, buildctl } = await makePlace(t, { 'builds.yaml': 'builds: { a: { context: . } }\n' });
  const { document, missing } = unwrap(await plan({ cwd, env }));
  assert.deepEqual([document.builds.length, missing.map(({ code }) => code)], [1, ['dockerfile/missing']]);
  const result = await run({ cwd, env });
  assert.ok(!result.ok);
  assert.deepEqual(result.error, missing);
  assert.deepEqual(await buildctl.calls(), []);
});

test('one set and one plan serve many calls', async (t) => {
  const { cwd, env, write } = await makePlace(t);
  const builds = unwrap(await readBuilds({ cwd, env, vars: { TAG: 7 } }));
  // Read once: what the file says now does not count any more.
  await write({ 'builds.yaml': 'builds: {}\n' });
  const planned = unwrap(await plan({ builds, patterns: ['api'] }));
  assert.deepEqual(planned.document.builds.at(-1)?.tags, ['local/api:7']);
  const before = unwrap(await explain({ plan: planned }));
  assert.deepEqual(
    before.builds.map((one) => one.decision),
    ['build', 'build'],
  );
  assert.equal(unwrap(await run({ plan: planned })).outcomes.length, 2);
  assert.deepEqual(unwrap(await print({ builds, patterns: ['api'] })).builds?.['api']?.['tags'], [
    'local/api:7',
  ]);
});

test('definitions need no file, their paths start in the working directory, and mistakes in them have names', async (t) => {
  const { cwd, env } = await makePlace(t);
  const definition = {
    vars: { TAG: '1' },
    builds: {
      base: { context: 'base' },
      api: { context: 'api', contexts: { base: 'build:base' }, tags: ['local/x:${{ vars.TAG }}'] },
    },
  };
  const { document, plan: nodes } = unwrap(await plan({ cwd, env, definition, vars: { TAG: '2' } }));
  assert.deepEqual(
    document.builds.map(({ name, tags }) => [name, tags ?? []]),
    [
      ['base', []],
      ['api', ['local/x:2']],
    ],
  );
  assert.deepEqual(nodes.set.files, []);
  const wrong = await plan({ cwd, env, definition: { builds: { a: { contxt: '.' } as never } } });
  assert.ok(!wrong.ok);
  assert.match(wrong.error[0]?.message ?? '', /contxt/);
  const odd = await plan({ cwd, env, definition: { builds: { a: { context: () => '.' } as never } } });
  assert.ok(!odd.ok);
  assert.equal(
    odd.error[0]?.message,
    'definition exports a value that a builds file cannot hold: builds.a.context is a function',
  );
});

test('build builds one image and tells what became of it', async (t) => {
  const { cwd, env, buildctl } = await makePlace(t);
  const running = build({ cwd, env, context: 'web', args: { A: 1 }, labels: { x: 'y' } });
  const names = new Set<string>();
  for await (const event of running)
    if ('build' in event && event.build !== undefined) names.add(event.build);
  const outcome = unwrap(await running);
  assert.deepEqual([outcome.build, outcome.kind, [...names]], ['web', 'built', ['web']]);
  const [call] = (await buildctl.calls()).filter(({ argv }) => argv.includes('build'));
  assert.ok(call?.argv.includes('build-arg:A=1'), call?.argv.join(' '));
  const wrong = await build({ cwd, env, context: 'web', args: 3 } as never);
  assert.ok(!wrong.ok);
  assert.match(wrong.error[0]?.code ?? '', /^config\//);
});

test('only what changed since a commit runs, from all builds and not from the default', async (t) => {
  const { cwd, env, git, write } = await makePlace(t);
  await git('init', '-q', '-b', 'main');
  await git('add', '-A');
  await git('commit', '-q', '-m', 'state');
  const none = unwrap(await run({ cwd, env, since: 'HEAD' }));
  assert.deepEqual([none.ok, none.outcomes], [true, []]);
  await write({ 'base/file': 'x' });
  const builds = unwrap(await affected({ cwd, env, since: 'HEAD' }));
  assert.deepEqual(
    builds.map((one) => [one.build, one.reasons[0]?.code]),
    [
      ['base', 'file'],
      ['api', 'needs'],
    ],
  );
  assert.deepEqual(
    unwrap(await affected({ cwd, env, changed: ['web/file'] })).map((one) => one.build),
    ['web'],
  );
  const { outcomes } = unwrap(await run({ cwd, env, since: 'HEAD' }));
  assert.deepEqual(
    outcomes.map((one) => one.build),
    ['base', 'api'],
  );
  const unknown = await run({ cwd, env, since: 'nowhere' });
  assert.ok(!unknown.ok);
  assert.equal(unknown.error[0]?.code, 'cli/unknown-revision');
});

test('an empty list is nothing, and not everything', async (t) => {
  const { cwd, env, buildctl } = await makePlace(t);
  const { document } = unwrap(await plan({ cwd, env, patterns: [] }));
  assert.deepEqual(document.builds, []);
  assert.deepEqual(unwrap(await run({ cwd, env, patterns: [] })).outcomes, []);
  assert.deepEqual(unwrap(await print({ cwd, env, patterns: [] })).builds, {});
  assert.deepEqual(unwrap(await explain({ cwd, env, patterns: [] })).builds, []);
  assert.deepEqual(await buildctl.calls(), []);
});

test('a variable that is undefined is not given, and one that is no data is refused', async (t) => {
  const { cwd, env } = await makePlace(t);
  const { document } = unwrap(await plan({ cwd, env, patterns: ['api'], vars: { TAG: undefined } }));
  assert.deepEqual(document.builds.at(-1)?.tags, ['local/api:dev']);
  await assert.rejects(plan({ cwd, env, vars: { TAG: new Date(0) as never } }), {
    name: 'TypeError',
    message: 'the variable "TAG" takes text, a number, true, false, null, a list or a plain object',
  });
});

test('a call that looks and was stopped found nothing out, whatever it had', async (t) => {
  const { cwd, env, git } = await makePlace(t);
  await git('init', '-q', '-b', 'main');
  await git('add', '-A');
  await git('commit', '-q', '-m', 'state');
  const signal = AbortSignal.abort();
  const options = { cwd, env, signal };
  const ended = [
    await explain(options),
    await affected({ ...options, since: 'HEAD' }),
    await run({ ...options, since: 'HEAD' }),
    await outdated(options),
    await verify(options),
  ];
  for (const result of ended) assert.equal(result.ok ? 'ok' : result.error[0]?.code, 'run/cancelled');
});

test('whichever question git is at when a call is stopped, the call was cancelled, and git knows its commits', async (t) => {
  for (const at of ['--show-toplevel', '--verify', 'diff']) {
    const { cwd, env, git, write } = await makePlace(t);
    await git('init', '-q', '-b', 'main');
    await git('add', '-A');
    await git('commit', '-q', '-m', 'state');
    const real = (await runCommand(['sh', '-c', 'command -v git'])).stdout.trim();
    await write({
      'bin/git': {
        content: `#!/bin/sh\ncase " $* " in *" ${at} "*) touch "${cwd}/asked"; exec sleep 60;; esac\nexec ${real} "$@"\n`,
        mode: 0o755,
      },
    });
    const stopper = new AbortController();
    const ended = affected({
      cwd,
      env: { ...env, PATH: `${cwd}/bin:${env['PATH']}` },
      since: 'HEAD',
      signal: stopper.signal,
    });
    while (!existsSync(`${cwd}/asked`)) await delay(20);
    stopper.abort();
    const result = await ended;
    assert.deepEqual(result.ok ? 'ok' : result.error.map(({ code }) => code), ['run/cancelled'], at);
  }
});

test('a working directory that is not there is said, and not that it is empty', async (t) => {
  const { cwd, env } = await makePlace(t);
  for (const [dir, message] of [
    [`${cwd}/nowhere`, `There is no directory ${cwd}/nowhere`],
    [`${cwd}/builds.yaml`, `${cwd}/builds.yaml is not a directory`],
  ] as const) {
    const result = await plan({ cwd: dir, env });
    assert.ok(!result.ok);
    assert.deepEqual(
      result.error.map((one) => one.message),
      [message],
    );
  }
});

test('what is no result is refused by unwrap, and an error that nobody caught shows its words once', async (t) => {
  const { cwd, env } = await makePlace(t, { 'builds.yaml': 'builds: { a: { contxt: . } }\n' });
  assert.throws(() => unwrap(plan({ cwd, env }) as never), /await it first/);
  assert.throws(() => unwrap(undefined as never), TypeError);
  const result = await plan({ cwd, env });
  assert.throws(
    () => unwrap(result),
    (error) => error instanceof BakeError && error.problems.length === 1 && !/problems:/.test(inspect(error)),
  );
});

test('values that a definition would lose are refused', async (t) => {
  const { cwd, env } = await makePlace(t);
  const definition = { builds: { a: { context: 'web', args: new Map([['A', '1']]) as never } } };
  const result = await plan({ cwd, env, definition });
  assert.ok(!result.ok);
  assert.equal(
    result.error[0]?.message,
    'definition exports a value that a builds file cannot hold: builds.a.args is a Map',
  );
});

test('a plan remembers its environment and does not show it', async (t) => {
  const { cwd, env } = await makePlace(t);
  const planned = unwrap(await plan({ cwd, env: { ...env, SECRET_THING: 'do-not-show' } }));
  assert.equal(JSON.stringify(planned).includes('do-not-show'), false);
  assert.equal(Object.keys(planned).join(), 'plan,document,warnings,missing,builds');
});

test('importing and proposing write nothing and give YAML that reads back', async (t) => {
  const { cwd, env, write } = await makePlace(t, { 'app/Dockerfile': 'FROM scratch\n' });
  const { yaml } = unwrap(
    await importBuilds({ name: 'docker-bake.hcl', text: 'target "app" { context = "app" }\n' }),
  );
  assert.match(yaml, /app:/);
  const proposed = unwrap(await propose({ cwd, registry: 'registry.example.com/acme' }));
  assert.equal(proposed.origin, 'the Dockerfile it found');
  const none = await plan({ cwd, env });
  assert.ok(!none.ok);
  assert.equal(none.error[0]?.code, 'config/no-file');
  await write({ 'builds.yaml': proposed.yaml });
  const { document } = unwrap(await plan({ cwd, env, vars: { TAG: '1' } }));
  assert.deepEqual(document.builds[0]?.tags, ['registry.example.com/acme/app:1']);
});

test('a reference is read or a problem', () => {
  assert.equal(unwrap(readImageRef('alpine')).registry, 'docker.io');
  assert.throws(
    () => unwrap(readImageRef('bad//x')),
    (error) => error instanceof BakeError && error.has('cli/bad-reference'),
  );
});
