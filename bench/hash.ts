/**
 * Hashing a large context against the tools everybody has: warm against `git status`, cold against two sha256sums.
 *
 *     node bench/hash.ts [files] [bytes in each]     (Node ≥ 22.18 or Deno)
 *
 * Makes 100,000 files of 10 KB in a temporary directory, which takes half a minute. Whole processes are timed, with the
 * start of the runtime in ours. `git status` is what it is by default in a clean repository of those files: its index
 * was refreshed, and no file system monitor or untracked cache helps it. Rounds take turns, so that what else the
 * machine does weighs on all of them alike, and the median counts; where the system has it, the processor time of
 * both is shown too, which says more on a busy machine.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { compileRules } from '../lib/dockerfile/mod.ts';
import { ContextHasher } from '../lib/fingerprint/mod.ts';

const WARM_ROUNDS = 9;
const COLD_ROUNDS = 3;
const FILES_IN_DIRECTORY = 100;
const SMALL_CONTEXTS = 40;
const SMALL_FILES = 20;
/** Longer than the time for which a fresh file is not remembered. */
const SETTLE_MS = 4000;
/** Of processor times in /proc, on every Linux. */
const TICKS_A_SECOND = 100;
const SELF = fileURLToPath(import.meta.url);
const RUNTIME = 'Deno' in globalThis ? [process.execPath, 'run', '-A', '--no-check'] : [process.execPath];

interface Time {
  readonly wallMs: number;
  /** User and system; NaN where the system does not have it. */
  readonly processorMs: number;
}

const [first = '100000', second = '10737', ...rest] = process.argv.slice(2);
if (first === 'once') await hashOnce(second, rest);
else await compare(Number(first), Number(second));

/** What is timed: every context, from the start of the process to the list of files and back to disk. */
async function hashOnce(stateDirectory: string, roots: readonly string[]): Promise<void> {
  const hasher = new ContextHasher(stateDirectory === '' ? {} : { stateDirectory });
  let files = 0;
  for (const root of roots) {
    const result = await hasher.hash({ root, written: '.', reads: 'all', ignore: compileRules(['.git']) });
    if (result.ok) files += result.value.fileCount;
  }
  await hasher.save();
  await hasher.close();
  console.log(files);
}

async function compare(files: number, bytes: number): Promise<void> {
  const temp = mkdtempSync(path.join(tmpdir(), 'bake-ts-bench-'));
  const root = path.join(temp, 'context');
  const state = path.join(temp, 'state');
  const small = Array.from({ length: SMALL_CONTEXTS }, (_, index) => path.join(temp, `small${index}`));
  try {
    makeTree(root, files, bytes);
    for (const one of small) makeTree(one, SMALL_FILES, bytes);
    git(root, 'init', '--quiet');
    git(root, 'add', '.');
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    ours(files, state, [root]);
    ours(SMALL_CONTEXTS * SMALL_FILES, state, small);
    git(root, 'status', '--short');
    const times: Record<'status' | 'warm' | 'sums' | 'cold' | 'small' | 'nothing', Time[]> = {
      status: [],
      warm: [],
      sums: [],
      cold: [],
      small: [],
      nothing: [],
    };
    for (let round = 0; round < WARM_ROUNDS; round += 1) {
      times.status.push(timed(() => git(root, 'status', '--short')));
      times.warm.push(timed(() => ours(files, state, [root])));
      times.small.push(timed(() => ours(SMALL_CONTEXTS * SMALL_FILES, state, small)));
      times.nothing.push(timed(() => ours(0, state, [])));
    }
    for (let round = 0; round < COLD_ROUNDS; round += 1) {
      times.sums.push(timed(() => twoSums(root)));
      times.cold.push(timed(() => ours(files, '', [root])));
    }
    console.log(`${files} files of ${bytes} bytes; whole processes, ours with the start of the runtime`);
    console.log(row('warm', times.warm, 'git status', times.status));
    console.log(row('cold', times.cold, 'sha256sum, two at a time,', times.sums));
    console.log(row(`${SMALL_CONTEXTS} × ${SMALL_FILES}`, times.small, 'nothing to hash', times.nothing));
  } finally {
    rmSync(temp, { recursive: true, force: true });
  }
}

function row(name: string, own: readonly Time[], other: string, others: readonly Time[]): string {
  const compared = (of: (time: Time) => number): string => {
    const [mine, theirs] = [median(own.map(of)), median(others.map(of))];
    return `${mine.toFixed(0).padStart(6)} ms   ${other} ${theirs.toFixed(0)} ms   ratio ${(mine / theirs).toFixed(2)}`;
  };
  const wall = `${name.padEnd(8)}${compared(({ wallMs }) => wallMs)}`;
  if (own.some(({ processorMs }) => Number.isNaN(processorMs))) return wall;
  return `${wall}\n${'  (cpu)'.padEnd(8)}${compared(({ processorMs }) => processorMs)}`;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function makeTree(root: string, files: number, bytes: number): void {
  for (let made = 0; made < files; made += FILES_IN_DIRECTORY) {
    const number = made / FILES_IN_DIRECTORY;
    const dir = path.join(root, `dir${number % 40}`, `sub${number}`);
    mkdirSync(dir, { recursive: true });
    for (let file = made; file < Math.min(files, made + FILES_IN_DIRECTORY); file += 1) {
      writeFileSync(path.join(dir, `file${file}.txt`), `${file}`.padEnd(bytes, 'x'));
    }
  }
}

function timed(work: () => void): Time {
  const [start, processorStart] = [performance.now(), childrenMs()];
  work();
  return { wallMs: performance.now() - start, processorMs: childrenMs() - processorStart };
}

/** Processor time of all processes that were started from here and have ended (proc(5): cutime and cstime). */
function childrenMs(): number {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? [];
    return ((Number(fields[13]) + Number(fields[14])) * 1000) / TICKS_A_SECOND;
  } catch {
    return Number.NaN;
  }
}

function git(root: string, ...args: readonly string[]): void {
  const plain = ['-c', 'core.fsmonitor=false', '-c', 'core.untrackedCache=false'];
  const done = spawnSync('git', ['-C', root, ...plain, ...args], { stdio: 'ignore' });
  if (done.status !== 0) throw new Error(`git ${args.join(' ')} failed`);
}

function twoSums(root: string): void {
  const list = spawnSync('find', [root, '-name', '.git', '-prune', '-o', '-type', 'f', '-print0'], {
    maxBuffer: 1 << 28,
  });
  spawnSync('xargs', ['-0', '-P2', '-n1000', 'sha256sum'], {
    input: list.stdout,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
}

function ours(files: number, stateDirectory: string, roots: readonly string[]): void {
  const [command = '', ...args] = [...RUNTIME, SELF, 'once', stateDirectory, ...roots];
  const done = spawnSync(command, args, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
  if (done.stdout.trim() !== String(files)) throw new Error('not all files were found');
}
