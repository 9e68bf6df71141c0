/**
 * Hashing a large context against the tools everybody has: warm against `git status`, cold against two sha256sums.
 *
 *     node bench/hash.ts [files] [bytes in each]     (Node ≥ 22.18 or Deno)
 *
 * Makes 100,000 files of 10 KB in a temporary directory, which takes half a minute. The runs take turns, so that what
 * else the machine does weighs on all of them alike; the best of each counts.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { compileRules } from '../lib/dockerfile/mod.ts';
import { ContextHasher } from '../lib/fingerprint/mod.ts';

const ROUNDS = 7;
const FILES_IN_DIRECTORY = 100;
/** Longer than the time for which a fresh file is not remembered. */
const SETTLE_MS = 4000;

const files = Number(process.argv[2] ?? 100_000);
const bytes = Number(process.argv[3] ?? 10_737);
const temp = mkdtempSync(path.join(tmpdir(), 'bake-ts-bench-'));
const root = path.join(temp, 'context');

try {
  makeTree();
  git('init', '--quiet');
  git('add', '.');
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const best = { status: Infinity, warm: Infinity, sums: Infinity, cold: Infinity };
  await ours();
  for (let round = 0; round < ROUNDS; round += 1) {
    best.status = Math.min(
      best.status,
      timed(() => git('status', '--short')),
    );
    best.warm = Math.min(best.warm, await ours());
  }
  for (let round = 0; round < 3; round += 1) {
    best.sums = Math.min(best.sums, timed(twoSums));
    best.cold = Math.min(best.cold, await ours('nowhere'));
  }
  const row = (name: string, ms: number, than: string, other: number): string =>
    `${name.padEnd(5)} ${ms.toFixed(0).padStart(6)} ms   ${than} ${other.toFixed(0)} ms   ratio ${(ms / other).toFixed(2)}`;
  console.log(`${files} files of ${bytes} bytes`);
  console.log(row('warm', best.warm, 'git status', best.status));
  console.log(row('cold', best.cold, 'sha256sum, two at a time,', best.sums));
} finally {
  rmSync(temp, { recursive: true, force: true });
}

function makeTree(): void {
  for (let made = 0; made < files; made += FILES_IN_DIRECTORY) {
    const number = made / FILES_IN_DIRECTORY;
    const dir = path.join(root, `dir${number % 40}`, `sub${number}`);
    mkdirSync(dir, { recursive: true });
    for (let file = made; file < Math.min(files, made + FILES_IN_DIRECTORY); file += 1) {
      writeFileSync(path.join(dir, `file${file}.txt`), `${file}`.padEnd(bytes, 'x'));
    }
  }
}

function timed(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

function git(...args: readonly string[]): void {
  const done = spawnSync('git', ['-C', root, ...args], { stdio: 'ignore' });
  if (done.status !== 0) throw new Error(`git ${args.join(' ')} failed`);
}

function twoSums(): void {
  const list = spawnSync('find', [root, '-name', '.git', '-prune', '-o', '-type', 'f', '-print0'], {
    maxBuffer: 1 << 28,
  });
  spawnSync('xargs', ['-0', '-P2', '-n1000', 'sha256sum'], {
    input: list.stdout,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
}

/** One run, from opening the memory to the list of files; the memory is that of the last run, or of none. */
async function ours(state = 'state'): Promise<number> {
  const start = performance.now();
  const hasher = new ContextHasher(state === 'nowhere' ? {} : { stateDirectory: path.join(temp, state) });
  const result = await hasher.hash({ root, written: '.', reads: 'all', ignore: compileRules(['.git']) });
  const ms = performance.now() - start;
  if (!result.ok || result.value.fileCount !== files) throw new Error('not all files were found');
  await hasher.save();
  await hasher.close();
  return ms;
}
