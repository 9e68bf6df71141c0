/**
 * What a person sees: the real reporter in a process of its own, on a pseudo-terminal of the system, read by a terminal
 * emulator. Whole screens are compared.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import type { EventBody } from '../../lib/model/mod.ts';
import { assertGolden } from '../rig/golden.ts';
import { endOf, eventsUntil, FAILED_DOCKERFILE, type Member, membersOf } from '../rig/many-builds.ts';
import { compiled, repoPath } from '../rig/paths.ts';
import type { ReplayScript, ReplayStep } from '../rig/replay-run.ts';
import { makeTempDir } from '../rig/temp.ts';
import { noTerminal, startTerminal, type TestTerminal } from '../rig/terminal.ts';

const CTRL_C = '\u0003';
const CTRL_Z = '\u001a';

const options = { skip: noTerminal };

/** The command line of a process that shows what the script says. */
function replayCommand(script: string): readonly string[] {
  if (process.versions['deno'] !== undefined) {
    const config = repoPath('deno.json');
    return [process.execPath, 'run', '-A', '--config', config, repoPath('test/rig/replay-run.ts'), script];
  }
  const file = compiled ? 'dist/test/rig/replay-run.js' : 'test/rig/replay-run.ts';
  return [process.execPath, '--disable-warning=ExperimentalWarning', repoPath(file), script];
}

interface Replay {
  readonly terminal: TestTerminal;
  /** Lets the run go on where it holds. */
  readonly goOn: (word: string) => Promise<void>;
}

interface ReplayOptions {
  readonly columns?: number;
  readonly rows?: number;
  /** Keys are typed into a shell that runs the program. */
  readonly inShell?: boolean;
}

/** Shows a run in a terminal; `hold` gives the step that waits for a word. */
async function replay(
  t: TestContext,
  stepsOf: (hold: (word: string, orStopped?: true) => ReplayStep) => readonly ReplayStep[],
  { columns = 80, rows = 24, inShell = false }: ReplayOptions = {},
): Promise<Replay> {
  const dir = await makeTempDir(t, 'replay-');
  const hold = (word: string, orStopped?: true): ReplayStep => ({
    holdUntil: path.join(dir, word),
    ...(orStopped === undefined ? {} : { orStopped }),
  });
  const script: ReplayScript = {
    startMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    steps: stepsOf(hold),
    sources: { 'services/service-005/Dockerfile': FAILED_DOCKERFILE },
  };
  const file = path.join(dir, 'script.json');
  await writeFile(file, JSON.stringify(script));
  const command = replayCommand(file);
  const argv = inShell ? ['bash', '--norc', '--noprofile', '-i'] : command;
  const terminal = await startTerminal(t, argv, { columns, rows, env: { PS1: '> ', NO_COLOR: '1' } });
  if (inShell) {
    await terminal.until(/^> $|^>$/m);
    // Short on the screen, whatever the paths are.
    await writeFile(path.join(dir, 'run'), `exec ${command.map((word) => `'${word}'`).join(' ')}\n`);
    terminal.type(`cd ${dir}; clear\n`);
    await terminal.until((text) => text === '>');
    terminal.type('. ./run-it\n'.replace('. ./run-it', 'sh run'));
  }
  return { terminal, goOn: (word) => writeFile(path.join(dir, word), '') };
}

function withFailure(count: number): readonly Member[] {
  return membersOf(count).map((one) => (one.build === 'service-005' ? { ...one, is: 'failed' } : one));
}

const text = ({ screen }: TestTerminal): string => `${screen().join('\n')}\n`;

for (const [count, columns, rows] of [
  [6, 80, 24],
  [40, 100, 30],
  [200, 80, 24],
  [200, 200, 50],
] as const) {
  test(
    `a run of ${count} builds on ${columns}x${rows}: while it runs, and at its end`,
    options,
    async (t) => {
      const members = withFailure(count);
      const { terminal, goOn } = await replay(
        t,
        (hold) => [
          { events: eventsUntil(members) },
          { passMs: 1_500 },
          hold('end'),
          { events: endOf(members) },
        ],
        { columns, rows },
      );
      await terminal.until((shown) => shown.includes(`/${count} ·`) && !shown.includes('/0 ·'));
      assert.ok(!terminal.isCursorShown());
      assertGolden(text(terminal), `report/golden/screen-${count}-${columns}x${rows}.txt`);
      await goOn('end');
      assert.equal(await terminal.ended(), 0);
      assertGolden(
        `${terminal.everything().join('\n')}\n`,
        `report/golden/screen-${count}-${columns}x${rows}-end.txt`,
      );
      assert.ok(terminal.isCursorShown());
    },
  );
}

test('a terminal made narrower, wider, lower and higher shows each frame once', options, async (t) => {
  const members = membersOf(40);
  const { terminal, goOn } = await replay(t, (hold) => [
    { events: eventsUntil(members) },
    { passMs: 1_500 },
    hold('end'),
    { events: endOf(members) },
  ]);
  await terminal.until(/28\/40 · .* left · /);
  // What only a frame of that size has.
  const sizes = [
    [44, 24, /building step 3\/4: …/],
    [120, 30, /8 waiting · about/],
    [60, 10, /· 8 builds wait/],
    [80, 24, /usually [\s\S]* left · /],
  ] as const;
  for (const [columns, rows, mark] of sizes) {
    terminal.resize(columns, rows);
    await terminal.until((shown) => {
      const lines = shown.split('\n');
      return mark.test(shown) && lines.every((line) => line.length < columns);
    });
    assertGolden(text(terminal), `report/golden/screen-resized-${columns}x${rows}.txt`);
  }
  await goOn('end');
  assert.equal(await terminal.ended(), 0);
  assert.ok(terminal.isCursorShown());
});

test('Ctrl-C: the hint stays on the screen until the run has ended', options, async (t) => {
  const members = membersOf(6);
  const { terminal, goOn } = await replay(t, (hold) => [
    { events: eventsUntil(members) },
    hold('never', true),
    { passMs: 1_000 },
    hold('end'),
    { events: endOf(members) },
  ]);
  await terminal.until(/1\/6 · /);
  terminal.type(CTRL_C);
  await terminal.until(/press Ctrl-C again to stop at once[\s\S]* 7\.\ds$/);
  assertGolden(text(terminal), 'report/golden/screen-ctrl-c.txt');
  await goOn('end');
  assert.equal(await terminal.ended(), 130);
  assert.doesNotMatch(terminal.everything().join('\n'), /stopping|\^C/);
});

test('Ctrl-C twice: the terminal is given back, and what failed is not lost', options, async (t) => {
  const { terminal } = await replay(t, (hold) => [{ events: eventsUntil(withFailure(40)) }, hold('never')]);
  await terminal.until(/29\/40 · /);
  terminal.type(CTRL_C);
  await terminal.until(/press Ctrl-C again/);
  terminal.type(CTRL_C);
  assert.equal(await terminal.ended(), 130);
  assert.ok(terminal.isCursorShown());
  assertGolden(text(terminal), 'report/golden/screen-ctrl-c-twice.txt');
});

test('Ctrl-Z gives the terminal to the shell; fg draws the run again', options, async (t) => {
  const members = membersOf(6);
  const { terminal, goOn } = await replay(
    t,
    (hold) => [{ events: eventsUntil(members) }, hold('end'), { events: endOf(members) }],
    { inShell: true },
  );
  await terminal.until(/1\/6 · /);
  assert.ok(!terminal.isCursorShown());
  terminal.type(CTRL_Z);
  await terminal.until(/Stopped[\s\S]*>$/);
  assert.ok(terminal.isCursorShown());
  assert.doesNotMatch(text(terminal), /1\/6 · /);
  terminal.type('fg\n');
  await terminal.until(/1\/6 · /);
  assert.ok(!terminal.isCursorShown());
  const shown = text(terminal).replace(/Stopped +/, 'Stopped ');
  assertGolden(shown, 'report/golden/screen-fg.txt');
  await goOn('end');
  await terminal.until(/done in [\s\S]*>$/);
  assert.ok(terminal.isCursorShown());
});

test('what else the process writes stands above the view, once and whole', options, async (t) => {
  const { terminal } = await replay(t, (hold) => [
    { events: eventsUntil(membersOf(6)) },
    { warning: 'Possible EventTarget memory leak detected. 11 abort listeners added to [AbortSignal].' },
    { stderr: 'half a line, ' },
    { stderr: 'and its end\nanother one\n\u001b[2J' },
    { stdout: 'a line of standard output\n' },
    { events: [{ type: 'warning', problem: DEPRECATED }] },
    { events: [{ type: 'warning', build: 'base', problem: { ...DEPRECATED, build: 'base' } }] },
    hold('never'),
  ]);
  await terminal.until(/a line of standard output[\s\S]*1\/6 · /);
  assertGolden(text(terminal), 'report/golden/screen-stray.txt');
});

const DEPRECATED = {
  severity: 'warning',
  code: 'build/dockerfile-check',
  message: 'MaintainerDeprecated: MAINTAINER instruction is deprecated',
} as const;

test('wide characters take two columns, and no line is wider than the terminal', options, async (t) => {
  const members: readonly Member[] = [
    { build: '基础镜像', needs: [], is: 'building' },
    { build: 'サービス', needs: ['基础镜像'], is: 'waiting' },
  ];
  const log: EventBody = {
    type: 'log',
    build: '基础镜像',
    vertex: 'sha256:2',
    stream: 'stdout',
    text: `${'正在安装依赖项'.repeat(20)}\n`,
  };
  const { terminal } = await replay(
    t,
    (hold) => [{ events: eventsUntil(members, undefined) }, { events: [log] }, hold('never')],
    { columns: 61, rows: 12 },
  );
  await terminal.until(/0\/2 · /);
  assertGolden(text(terminal), 'report/golden/screen-wide.txt');
});

test(
  'a stalled build, a second attempt, an engine and a registry that do not answer: since when, and what comes next',
  options,
  async (t) => {
    const members = membersOf(6);
    const { terminal } = await replay(
      t,
      (hold) => [
        { events: eventsUntil(members) },
        {
          events: [
            {
              type: 'stalled',
              build: 'base-python',
              quietMs: 60_000,
              waitsFor: '[3/4] RUN npm ci --omit=dev',
              engineAnswers: true,
              endsInMs: 540_000,
            },
            {
              type: 'retry',
              build: 'service-001',
              attempt: 1,
              delayMs: 8_000,
              why: 'registry r.example answered 503',
            },
            {
              type: 'engine-waiting',
              address: 'unix:///run/b.sock',
              why: 'it cannot be reached',
              waitMs: 30_000,
            },
            {
              type: 'registry-waiting',
              registry: 'r.example',
              why: 'it answered 503',
              attempt: 2,
              delayMs: 4_000,
            },
          ],
        },
        { passMs: 2_000 },
        hold('never'),
      ],
      { columns: 110, rows: 24 },
    );
    await terminal.until(/answers 503, 1 request waits; next in[\s\S]*1\/6 · .* 8\.\ds$/);
    assertGolden(text(terminal), 'report/golden/screen-bad-day.txt');
  },
);
