/** Dockerfiles and the real engine: what the frontend finds and cannot know, and where a failed step is shown. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { realEngine } from '../rig/real-engine.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

const { skip } = realEngine;

interface Found {
  readonly code: string;
  readonly severity: string;
  readonly message: string;
  readonly build?: string;
  readonly place?: { readonly file: string; readonly line: number };
}

function engineEnv(home: string): Readonly<Record<string, string>> {
  return {
    HOME: home,
    PATH: '/usr/bin:/bin',
    BUILDCTL: path.join(realEngine.binDir, 'buildctl'),
    BUILDKIT_HOST: realEngine.address,
  };
}

async function lint(t: Cleanup, tree: Readonly<Record<string, string>>, argv: readonly string[] = []) {
  const cwd = await makeTempDir(t);
  await writeTree(cwd, tree);
  const env = engineEnv(cwd);
  const io = createFakeIo(['lint', '--format', 'json', ...argv], { cwd, env });
  const code = await runCli(io);
  assert.equal(io.err(), '');
  const { problems } = JSON.parse(io.out()) as { problems: readonly Found[] };
  const reported = problems.map(
    (one) =>
      `${one.place?.file ?? '-'}:${one.place?.line ?? '-'} ${one.severity} ${one.code} ${one.build ?? ''}`,
  );
  return { code, problems, reported: reported.map((one) => one.trimEnd()) };
}

test('a RUN that fails is shown at its lines of the Dockerfile, as a step and not as buildctl', {
  skip,
}, async (t) => {
  const cwd = await makeTempDir(t);
  await writeTree(cwd, {
    'builds.yaml': 'builds:\n  api: { context: ., dockerfile: docker/Dockerfile }\n',
    'docker/Dockerfile': 'FROM scratch\nCOPY builds.yaml /\nRUN ["/nope", \\\n  "x"]\n',
  });
  const io = createFakeIo(['run', '--progress', 'quiet'], { cwd, env: engineEnv(cwd) });
  assert.equal(await runCli(io), 1);
  const shown = io.err();
  assert.match(shown, /error\[build\/step-failed\]: a step could not start: its image has no `\/nope`/);
  assert.match(shown, /┌─ docker\/Dockerfile:3:1\n/);
  assert.match(shown, /3 │ ╭ RUN \["\/nope"/);
});

const LINKED = {
  'builds.yaml': `builds:
  base: { context: base }
  middle: { context: middle, contexts: { base: build:base } }
  top: { context: top, contexts: { middle: build:middle } }
`,
  // Building this one would fail: nothing may depend on it being built.
  'base/Dockerfile': 'FROM scratch\nENV APP_DIR=/app\nRUN ["/nope"]\n',
  'middle/Dockerfile': 'FROM base\nENV LEVEL=2\n',
  'top/Dockerfile':
    'FROM middle AS build\nWORKDIR $APP_DIR\nENV A=$LEVEL B=$NOWHERE\nFROM build\nCMD echo hi\n',
};

test('a build that is based on others is checked to its end, with none of them built', {
  skip,
}, async (t) => {
  const { code, reported, problems } = await lint(t, LINKED);
  assert.deepEqual(reported, [
    'top/Dockerfile:3 warning lint/undefined-var',
    'top/Dockerfile:5 warning lint/json-args-recommended',
  ]);
  // $APP_DIR and $LEVEL come from the builds below.
  assert.match(problems[0]?.message ?? '', /\$NOWHERE/);
  assert.equal(code, 0);
});

test('--strict ends with 1 for warnings; only what is asked for is checked', { skip }, async (t) => {
  assert.equal((await lint(t, LINKED, ['--strict'])).code, 1);
  assert.deepEqual(await lint(t, LINKED, ['--strict', 'middle']), { code: 0, reported: [], problems: [] });
});

test('check directives count: skip leaves out, error=true makes errors', { skip }, async (t) => {
  const bad = 'FROM scratch\nCMD echo hi\nMAINTAINER x\n';
  const { reported, code } = await lint(t, {
    'builds.yaml': 'builds:\n  skip: { context: skip }\n  hard: { context: hard }\n',
    'skip/Dockerfile': `# check=skip=JSONArgsRecommended\n${bad}`,
    'hard/Dockerfile': `# check=skip=MaintainerDeprecated;error=true\n${bad}`,
  });
  assert.deepEqual([...reported].sort(), [
    'hard/Dockerfile:3 error lint/json-args-recommended',
    'skip/Dockerfile:4 warning lint/maintainer-deprecated',
  ]);
  assert.equal(code, 1);
});

test('a Dockerfile that several builds use is reported once, with the builds where not all are concerned', {
  skip,
}, async (t) => {
  const { reported } = await lint(t, {
    'builds.yaml': `builds:
  one: { context: ., args: { DIR: /app } }
  two: { context: ., args: { DIR: app } }
`,
    Dockerfile: 'FROM scratch\nARG DIR\nWORKDIR $DIR\nCMD echo hi\n',
  });
  assert.deepEqual(reported, [
    'Dockerfile:3 warning lint/workdir-relative-path two',
    'Dockerfile:4 warning lint/json-args-recommended',
  ]);
});

test('what keeps a file from being checked is an error, whoever finds it', { skip }, async (t) => {
  const { reported, code } = await lint(t, {
    'builds.yaml': `builds:
  ours: { context: ours }
  theirs: { context: theirs }
  none: { context: none }
  inline: { context: ., dockerfile-inline: "FROM scratch\\nMAINTAINER x\\n" }
`,
    'ours/Dockerfile': 'FROM scratch\nCOPPY a /\n',
    'theirs/Dockerfile': 'FROM scratch\nCMD echo\nCOPY --nonsense a /\n',
  });
  assert.deepEqual([...reported].sort(), [
    'builds.yaml:4 error context/missing none',
    'inline: dockerfile-inline:2 warning lint/maintainer-deprecated',
    'ours/Dockerfile:2 error dockerfile/unknown-instruction ours',
    'theirs/Dockerfile:3 error build/dockerfile-syntax',
  ]);
  assert.equal(code, 3);
});

test('a base image that is nowhere is reported, and the rest is checked all the same', {
  skip,
}, async (t) => {
  const { reported } = await lint(t, {
    'builds.yaml': 'builds:\n  api: { context: . }\n',
    Dockerfile: 'FROM 127.0.0.1:1/no/such:1\nENV A=$MAYBE_SET\nCMD echo hi\n',
  });
  assert.deepEqual(reported, [
    'Dockerfile:1 warning lint/base-unknown',
    'Dockerfile:3 warning lint/json-args-recommended',
  ]);
});

test('a frontend that is nowhere is reported as that, and the other files are checked all the same', {
  skip,
  timeout: 120_000,
}, async (t) => {
  const { reported, problems, code } = await lint(t, {
    'builds.yaml': 'builds:\n  api: { context: . }\n  web: { context: ., dockerfile: Other }\n',
    Dockerfile: '# syntax=127.0.0.1:1/no/frontend:1\nFROM scratch as x\nCOPY . /\n',
    Other: 'FROM scratch as x\nCOPY . /\n',
  });
  assert.deepEqual(reported, [
    'Dockerfile:1 error build/base-unreachable',
    'Other:1 warning lint/from-as-casing',
  ]);
  assert.equal(
    problems[0]?.message,
    'the frontend 127.0.0.1:1/no/frontend:1 of the `# syntax` line is not available',
  );
  assert.equal(code, 6);
});
