/** Text from files, steps, registries and the engine never makes a terminal do anything. */
import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import type { Io } from '../../cli/io.ts';
import { makeFakeBuildctl } from '../rig/fake-buildctl.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { acceptAt } from '../rig/listen.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

/** Clears the screen, sets its title, moves back, colours by a C1 character, conceals, and turns text around. */
const EVIL = '\r\bx\u001b[2J\u001b]0;owned\u0007\u009b31m\u001b[8m\u007f\u202e\u2066y';
const YAML = JSON.stringify(EVIL)
  .replaceAll('\u007f', '\\u007f')
  .replaceAll(/[\u0080-\uffff]/g, (one) => `\\u${one.codePointAt(0)?.toString(16).padStart(4, '0')}`);

/** What a terminal would obey or hide, but for our own colours and line breaks. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is for
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/** Our own colours (lib/report/palette.ts), and how the live view moves (lib/report/screen.ts). */
const OURS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is for
  /\u001b\[(?:0|1|2|22|39|3[1-6]|9[0-7])m|\u001b\[\?25[lh]|\u001b\[\?7[lh]|\u001b\[\?2026[lh]|\u001b\[\d*A\r|\u001b\[[JK]/g;

function assertHarmless(text: string, where: string): void {
  const found = OBEYED.exec(text.replaceAll(OURS, ''));
  if (found === null) return;
  const around = text.replaceAll(OURS, '').slice(Math.max(0, found.index - 120), found.index + 60);
  assert.fail(`${where}: ${JSON.stringify(around)}`);
}

const DEFINITION = `
vars: { V: { description: ${YAML}, default: ${YAML} } }
groups: { g: { description: ${YAML}, builds: [a] } }
builds:
  a:
    description: ${YAML}
    context: .
    target: ${YAML}
    args: { ${YAML}: ${YAML} }
    labels: { l: ${YAML} }
    annotations: { k: ${YAML} }
    tags: [x/a:1]
    needs: []
    extra-hosts: { ${YAML}: 1.2.3.4 }
    cgroup-parent: ${YAML}
  b: { description: ${YAML}, context: sub, tags: [x/b:1], labels: { l: "\${{ vars.V }}" } }
`;

async function makeEvil(t: TestContext, definition = DEFINITION) {
  const dir = await makeTempDir(t, 'evil-');
  const bad = `evil${EVIL.replaceAll('/', '')}`;
  await writeTree(dir, {
    'builds.yaml': definition,
    Dockerfile: `FROM scratch AS ${EVIL.replaceAll('\r', '').replaceAll('\u0007', '')}\nARG ${EVIL}\nCOPY . /\nRUN ${EVIL}\n`,
    'sub/Dockerfile': `FROM scratch\nCOPY . /\nLABEL a="${EVIL}"\n`,
    [`sub/${bad}`]: EVIL,
  });
  const address = await acceptAt(t, path.join(dir, 'engine.sock'));
  const vertex = { digest: 'sha256:a', name: `[1/2] RUN ${EVIL}`, started: '2026-01-01T00:00:00Z' };
  const buildctl = await makeFakeBuildctl(t, [
    { when: ['workers'], stdout: '[]' },
    {
      when: ['--progress=rawjson'],
      exitCode: 1,
      progress: [
        { vertexes: [vertex] },
        {
          logs: [
            {
              vertex: 'sha256:a',
              stream: 1,
              data: Buffer.from(`${EVIL}\n${EVIL}`).toString('base64'),
              timestamp: '',
            },
          ],
        },
        { statuses: [{ id: `pushing ${EVIL}`, vertex: 'sha256:a', current: 1, timestamp: '' }] },
        {
          warnings: [
            {
              short: Buffer.from(EVIL).toString('base64'),
              url: EVIL,
              detail: [Buffer.from(EVIL).toString('base64')],
            },
          ],
        },
        { vertexes: [{ ...vertex, completed: '2026-01-01T00:00:01Z', error: EVIL }] },
      ],
      stderr: `error: failed to solve: ${EVIL}\n`,
    },
  ]);
  const env = {
    PATH: process.env['PATH'],
    HOME: dir,
    BUILDKIT_HOST: address,
    BUILDCTL: buildctl.path,
    BAKE_TS_HOME: path.join(dir, 'home'),
  };
  return { dir, env };
}

async function say(argv: readonly string[], changes: Partial<Io>): Promise<string> {
  const io = createFakeIo(argv, changes);
  await runCli(io);
  return io.out() + io.err();
}

test('no command shows what a terminal would obey', async (t) => {
  const { dir, env } = await makeEvil(t);
  const commands: readonly (readonly string[])[] = [
    ['validate'],
    ['list'],
    ['list', '--json'],
    ['plan', '*'],
    ['plan', '*', '--json'],
    ['print', '*'],
    ['print', '*', '--json'],
    ['explain', '*'],
    ['explain', '*', '--json'],
    ['run', '*', '--dry-run'],
    ['explain', 'b'],
    ['run', 'b', '--dry-run'],
    ['run', 'b', '--progress=plain'],
    ['run', 'b', '--progress=json'],
    ['run', 'b', '--progress=quiet'],
    ['run', 'b', '--progress=tty'],
    ['run', 'b', '--progress=tty', '--color=always'],
    ['validate', '--color=always'],
    ['plan', EVIL],
    ['run', EVIL],
    [EVIL],
    ['plan', `--${EVIL}`],
    ['plan', '--var', `${EVIL}=1`],
    ['plan', '--set', `${EVIL}=1`],
    ['plan', '-C', EVIL],
    ['plan', '-f', EVIL],
    ['plan', '--filter', EVIL],
    ['run', '--jobs', EVIL],
    ['run', '--stall-timeout', EVIL],
    ['digest', EVIL],
    ['engine', 'logs', EVIL],
  ];
  for (const argv of commands) {
    const text = await say(argv, { cwd: dir, env });
    assert.notEqual(text, '', argv.join(' '));
    // What the step wrote is shown all the same.
    if (argv.includes('--progress=plain')) assert.match(text, /b \| .*x.*y failed: .*x.*y\n/);
    assertHarmless(text, argv.map((word) => (word.includes(EVIL) ? 'EVIL' : word)).join(' '));
  }
});

test('what print writes reads back to the same', async (t) => {
  const { dir, env } = await makeEvil(t);
  const json = await say(['print', '*', '--json'], { cwd: dir, env });
  const yaml = await say(['print', '*'], { cwd: dir, env });
  await writeFile(path.join(dir, 'builds.yaml'), yaml);
  assert.equal(await say(['print', '*', '--json'], { cwd: dir, env }), json);
  assert.ok(JSON.parse(json).builds.a.description === EVIL || json.includes('owned'));
});

test('neither do problems of files whose every text is like that', async (t) => {
  for (const definition of [
    `builds: { ${YAML}: { context: . } }\n`,
    `builds: { a: { ${YAML}: 1 } }\n`,
    `builds: { a: { context: ${YAML}, dockerfile: ${YAML}, tags: [${YAML}], platforms: [${YAML}], timeout: ${YAML} } }\n`,
    `builds: { a: { extends: ${YAML} } }\n`,
    `include: [${YAML}]\nbuilds: {}\n`,
    `groups: { ${YAML}: [${YAML}] }\nbuilds: { a: {} }\n`,
    `builds: { a: { tags: ["\${{ ${EVIL.replaceAll(/[\r\n]/g, '')} }}"] } }\n`,
    `a: ${EVIL}\n`,
    `builds: { a: { context: ., secrets: [{ id: ${YAML}, file: ${YAML} }], contexts: { ${YAML}: "build:${YAML.slice(1)} } } }\n`,
  ]) {
    const { dir, env } = await makeEvil(t, definition);
    await chmod(dir, 0o755);
    for (const argv of [
      ['validate'],
      ['validate', '--format', 'lines'],
      ['validate', '--format', 'github'],
      ['validate', '--format', 'json'],
      ['list'],
      ['plan', '*'],
      ['run', '*'],
      ['lint'],
    ])
      assertHarmless(
        await say(argv, { cwd: dir, env }),
        `${argv.join(' ')} of ${JSON.stringify(definition)}`,
      );
  }
});
