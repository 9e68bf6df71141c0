/**
 * Makes docs/recording.svg, the picture at the head of the README: commands that are really run in a terminal, as an animation.
 *
 *   node .ci/recording.mjs
 *
 * Needs what the demo has left: an engine that is up, with its registry (`npm run demo`). The commands run in a copy of what the demo
 * bakes, with records of their own and tags that nobody else has. The times are the real ones, but waits are cut to a second and a half.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import xterm from '@xterm/headless';
import { build } from './build.mjs';
import { ensureModules, must, root, run, say } from './support.mjs';

const TARGET = 'docs/recording.svg';
const COLUMNS = 96;
const ROWS = 24;
const CELL = { width: 7.8, height: 17 };
const MARGIN = 14;
/** Least time between frames, in seconds, and longest pause. */
const FRAME_S = 0.12;
const LONGEST_WAIT_S = 1.5;
/** How long the end of a command is shown, and that of the last one. */
const READ_S = 2.5;
const LAST_S = 6;
const TYPED_S = 0.05;

/** The typed commands. */
const SCENES = [
  'bake-ts run',
  'bake-ts run',
  "echo '<p>Sale!</p>' >> examples/shop/assets/src/foot.html",
  'bake-ts explain',
  'bake-ts run',
];

/** The 16 colours of a dark terminal, and the default text and background colours. */
const PALETTE = [
  '#3b4252',
  '#e06c75',
  '#98c379',
  '#e5c07b',
  '#61afef',
  '#c678dd',
  '#56b6c2',
  '#dcdfe4',
  '#7f848e',
  '#ef7a83',
  '#a5d38a',
  '#f0cf8c',
  '#74bcf7',
  '#d38aea',
  '#69c5d1',
  '#ffffff',
];
const TEXT = '#d8dee9';
const BACKGROUND = '#1e222a';

await ensureModules();
await build();
const dir = mkdtempSync(path.join(tmpdir(), 'bake-ts-recording-'));
try {
  const frames = await record(dir);
  const said = frames
    .flatMap(({ lines }) => lines.flatMap((line) => line.map(({ text }) => text)))
    .join('\n');
  if (/\bfailed\b|\bblocked\b/.test(said))
    throw new Error('a command of the recording fails: nothing is written');
  writeFileSync(path.join(root, TARGET), draw(frames));
  say(`${TARGET}: ${frames.length} frames, ${frames.at(-1).at.toFixed(1)} s`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

/** Runs the scenes in order; returns what the terminal showed, and when. */
async function record(dir) {
  const repository = path.join(dir, 'shop');
  mkdirSync(repository);
  for (const name of ['builds.yaml', 'examples/shop', '.cache/demo/busybox'])
    cpSync(path.join(root, name), path.join(repository, name), { recursive: true });
  const bin = path.join(dir, 'bin');
  mkdirSync(bin);
  const program = path.join(root, 'dist/bin/bake-ts.cjs');
  writeFileSync(path.join(bin, 'bake-ts'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, {
    mode: 0o755,
  });
  const { stdout } = await run([path.join(bin, 'bake-ts'), 'engine', 'status', '--json'], { show: 'never' });
  const { address, registry, containerd } = JSON.parse(stdout);
  if (address === undefined || registry === undefined)
    throw new Error('no engine with a registry is up: npm run demo');
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    BAKE_TS_HOME: path.join(dir, 'home'),
    BUILDKIT_HOST: address,
    BUILDCTL: path.join(path.dirname(containerd.ctr), 'buildctl'),
    REGISTRY: registry.replace(/^127\.0\.0\.1:/, 'localhost:'),
    TAG: `v${Date.now() % 1000}`,
    TERM: 'xterm-256color',
    COLORTERM: undefined,
    NO_COLOR: undefined,
    CI: undefined,
  };
  const terminal = new xterm.Terminal({ cols: COLUMNS, rows: ROWS, allowProposedApi: true, scrollback: 0 });
  const frames = [];
  let at = 0;
  const show = async (text) => {
    await new Promise((resolve) => terminal.write(text, resolve));
    const lines = linesOf(terminal);
    const last = frames.at(-1);
    if (last !== undefined && at - last.at < FRAME_S) last.lines = lines;
    else frames.push({ at, lines });
  };
  for (const typed of SCENES) {
    await show('\u001b[32m$\u001b[0m ');
    for (const letter of typed) {
      at += TYPED_S;
      await show(letter);
    }
    at += 0.4;
    await show('\r\n');
    for (const { waitS, text } of await runInTerminal(typed, dir, repository, env)) {
      at += Math.min(waitS, LONGEST_WAIT_S);
      await show(text);
    }
    at += READ_S;
  }
  at += LAST_S - READ_S;
  frames.push({ at, lines: linesOf(terminal) });
  return frames;
}

/** The terminal output of a command in pieces, with the time before each. */
async function runInTerminal(command, dir, cwd, env) {
  const [log, timing] = ['log', 'timing'].map((name) => path.join(dir, name));
  const line = `stty cols ${COLUMNS} rows ${ROWS}; ${command}`;
  const argv = ['script', '-q', '-e', '-E', 'never', '--log-out', log, '--log-timing', timing, '-c', line];
  await must(argv, { cwd, env, show: 'never' });
  const bytes = readFileSync(log);
  // The first and last line of the log come from `script` itself.
  let from = bytes.indexOf('\n') + 1;
  return readFileSync(timing, 'utf8')
    .trim()
    .split('\n')
    .map((entry) => {
      const [waitS = 0, length = 0] = entry.split(' ').slice(-2).map(Number);
      const text = bytes.subarray(from, from + length).toString();
      from += length;
      return { waitS, text };
    });
}

/** Each line as runs of equally styled cells. */
function linesOf(terminal) {
  const { active } = terminal.buffer;
  return Array.from({ length: ROWS }, (_, row) => {
    const line = active.getLine(active.baseY + row);
    const runs = [];
    for (let column = 0; column < COLUMNS; column += 1) {
      const cell = line?.getCell(column);
      const text = cell?.getChars() || ' ';
      const look = cell === undefined ? '' : lookOf(cell);
      const last = runs.at(-1);
      if (last !== undefined && last.look === look) last.text += text;
      else runs.push({ column, look, text });
    }
    return runs.map((one) => ({ ...one, text: one.text.trimEnd() })).filter(({ text }) => text !== '');
  });
}

function lookOf(cell) {
  const colour = cell.isFgPalette() ? (PALETTE[cell.getFgColor()] ?? TEXT) : TEXT;
  return [
    ...(colour === TEXT ? [] : [`fill="${colour}"`]),
    ...(cell.isBold() ? ['font-weight="bold"'] : []),
    ...(cell.isDim() ? ['opacity="0.6"'] : []),
  ].join(' ');
}

/** An SVG that shows each frame from its time to the next. Repeated lines are included once. */
function draw(frames) {
  const total = frames.at(-1).at;
  const names = new Map();
  const nameOf = (line) => {
    const code = line.map(drawRun).join('');
    if (code !== '' && !names.has(code)) names.set(code, `l${names.size}`);
    return names.get(code);
  };
  const drawn = frames.slice(0, -1).map(({ at, lines }, index) => {
    const uses = lines.flatMap((line, row) => {
      const name = nameOf(line);
      return name === undefined ? [] : [`<use href="#${name}" y="${row * CELL.height}"/>`];
    });
    const [from, to] = [at, frames[index + 1].at].map((time) => ((time / total) * 100).toFixed(3));
    return {
      style: `@keyframes k${index}{0%,${from}%{visibility:hidden}${from}%,${to}%{visibility:visible}${to}%,100%{visibility:hidden}}`,
      code: `<g class="f" style="animation-name:k${index}">${uses.join('')}</g>`,
    };
  });
  const width = Math.round(COLUMNS * CELL.width + 2 * MARGIN);
  const height = Math.round(ROWS * CELL.height + 2 * MARGIN);
  const rules = drawn.map(({ style }) => style).join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="A recording of bake-ts in a terminal">
<style>
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:${TEXT};white-space:pre}
.f{visibility:hidden;animation-duration:${total.toFixed(2)}s;animation-iteration-count:infinite;animation-timing-function:step-end}
${rules}
</style>
<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>
<defs>
${[...names].map(([code, name]) => `<text id="${name}">${code}</text>`).join('\n')}
</defs>
<g transform="translate(${MARGIN} ${MARGIN + 13})">
${drawn.map(({ code }) => code).join('\n')}
</g>
</svg>
`;
}

function drawRun({ column, look, text }) {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const x = (column * CELL.width).toFixed(1);
  // An explicit width keeps columns aligned with any font.
  const length = ([...text].length * CELL.width).toFixed(1);
  return `<tspan x="${x}" textLength="${length}" ${look}>${escaped}</tspan>`;
}
