/** `bake-ts run` on a terminal, whole: the command line, its signals and its screens, with an engine that obeys the test. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { bakeTsCommand } from '../rig/command.ts';
import { type FakeBuildctl, type FakeRule, makeFakeBuildctl } from '../rig/fake-buildctl.ts';
import { assertGolden } from '../rig/golden.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';
import { noTerminal, startTerminal, type TestTerminal } from '../rig/terminal.ts';

interface Run {
  readonly terminal: TestTerminal;
  readonly buildctl: FakeBuildctl;
}

const NAMES = ['api', 'base', 'docs', 'migrate', 'web', 'worker'];

const DOCKERFILE = 'FROM scratch\nARG NAME\nCOPY Dockerfile /\nRUN make all\n';

/** What BuildKit says while the third step of a Dockerfile runs. */
function progress(error?: string): readonly unknown[] {
  const at = '2026-01-02T03:04:05Z';
  const vertex = { digest: 'sha256:1', name: '[2/2] RUN make all', started: at };
  const data = Buffer.from('cc -c main.c\nmain.c:3: error: expected ;\n').toString('base64');
  return [
    { vertexes: [vertex] },
    { logs: [{ vertex: 'sha256:1', stream: 2, data, timestamp: at }] },
    ...(error === undefined ? [] : [{ vertexes: [{ ...vertex, completed: at, error }] }]),
  ];
}

async function startRun(
  t: TestContext,
  rules: readonly FakeRule[],
  words: readonly string[] = [],
): Promise<Run> {
  const dir = await makeTempDir(t, 'shown-');
  await writeTree(dir, {
    Dockerfile: DOCKERFILE,
    'builds.yaml': `builds:\n${NAMES.map((name) => `  ${name}: { context: ., tags: ["x/${name}:1"], args: { NAME: ${name} }${name === 'base' ? '' : ', needs: [base]'} }\n`).join('')}`,
  });
  const socket = path.join(dir, 'engine.sock');
  const server = createServer((connection) => connection.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => server.close());
  const buildctl = await makeFakeBuildctl(t, rules);
  const terminal = await startTerminal(t, [...bakeTsCommand(), 'run', '-j', '6', ...words], {
    columns: 100,
    rows: 40,
    cwd: dir,
    env: {
      BUILDKIT_HOST: `unix://${socket}`,
      BUILDCTL: buildctl.path,
      BAKE_TS_HOME: path.join(dir, 'home'),
      DOCKER_CONFIG: path.join(dir, 'docker'),
      GITLAB_CI: undefined,
      NO_COLOR: '1',
      NODE_OPTIONS:
        process.versions['deno'] === undefined ? '--disable-warning=ExperimentalWarning' : undefined,
    },
  });
  return { terminal, buildctl };
}

/** Times and spinners are other ones each time. */
function steady(lines: readonly string[]): string {
  return `${lines
    .map((line) =>
      line
        .replace(/^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/u, '*')
        .replaceAll(/ +\d+(?:\.\d)?(?:ms|s)(?= |:|$)/g, ' TIME')
        .replaceAll(/ {2}[0-9a-f]{12}(?= )/g, '  DIGEST      ')
        .replaceAll(/unix:\/\/\S+/g, 'unix:SOCKET'),
    )
    .join('\n')
    // As long as the path of the home is, it wraps anywhere.
    .replaceAll(/full log: \/[^ ]+?\.log$/gms, 'full log: LOG')
    .replaceAll(/logs: \/[^ ]+?\/logs$/gms, 'logs: DIRECTORY')}\n`;
}

const options = { skip: noTerminal };

test('a run while it builds, what fails, and how it ends', options, async (t) => {
  const error = 'process "/bin/sh -c make all" did not complete successfully: exit code: 2';
  const { terminal, buildctl } = await startRun(t, [
    { when: ['NAME=base', '--progress=rawjson'], progress: progress(), holdUntil: 'base' },
    {
      when: ['NAME=api', '--progress=rawjson'],
      progress: progress(error),
      exitCode: 1,
      stderr: `error: failed to solve: ${error}\n`,
    },
    { when: ['NAME=', '--progress=rawjson'], progress: progress(), holdUntil: 'rest' },
  ]);
  await terminal.until(/base +building step 2\/2[\s\S]*main\.c:3[\s\S]*0\/6 · 1 running · 5 waiting/);
  assertGolden(steady(terminal.screen()), 'cli/golden/terminal-building.txt');
  await buildctl.release('base');
  await terminal.until(/api +failed[\s\S]*2\/6 · 1 failed · 1 built · 4 running/);
  await terminal.until((text) => text.match(/main\.c:3/g)?.length === 5);
  assertGolden(steady(terminal.screen()), 'cli/golden/terminal-failed.txt');
  await buildctl.release('rest');
  assert.equal(await terminal.ended(), 1);
  assertGolden(steady(terminal.everything()), 'cli/golden/terminal-end.txt');
  assert.ok(terminal.isCursorShown());
});

test('Ctrl-C stops a run cleanly, and says what it waits for as long as that lasts', options, async (t) => {
  const { terminal } = await startRun(t, [
    { when: ['--progress=rawjson'], progress: progress(), hang: true, ignoreSignals: true },
  ]);
  await terminal.until(/base +building step 2\/2/);
  terminal.type('\u0003');
  await terminal.until(/stopping; press Ctrl-C again to stop at once\n {2}until base has ended/);
  assert.equal(await terminal.ended(), 130);
  assert.ok(terminal.isCursorShown());
  assert.match(terminal.everything().join('\n'), /^cancelled in \S+: /m);
});

test('Ctrl-C twice ends a run at once', options, async (t) => {
  const { terminal } = await startRun(t, [
    { when: ['--progress=rawjson'], progress: progress(), hang: true, ignoreSignals: true },
  ]);
  await terminal.until(/base +building step 2\/2/);
  terminal.type('\u0003');
  await terminal.until(/press Ctrl-C again/);
  terminal.type('\u0003');
  assert.equal(await terminal.ended(), 130);
  assert.ok(terminal.isCursorShown());
  assert.match(
    terminal.everything().join('\n'),
    /stopped at once; 1 build was running: base; 5 had not started\n {2}logs: /,
  );
  assert.doesNotMatch(terminal.everything().join('\n'), /cancelled in |0\/6/);
});
