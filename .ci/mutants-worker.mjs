/**
 * Runs single tests with single mutants on request of the parent. Test files are loaded once; mutants are switches in
 * the code. After anything that makes the process unreliable (a hanging test, an unexpected error) it exits, and the
 * parent starts another.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const root = process.cwd();
const reachedFile = process.env.BAKE_TS_MUTANTS_REACHED;
const testUrl = new URL('mutants-test.mjs', import.meta.url).href;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'node:test' ? { url: testUrl, shortCircuit: true } : next(specifier, context),
});
const { takeTests } = await import(testUrl);
const mutants = await import(pathToFileURL(path.join(root, 'mutants-switch.mjs')).href);

/** Limit for loading the next test file. */
const LOAD_MS = 15_000;

/** File → its tests. */
const loaded = new Map();
/** Fails the running test. */
let interrupt = () => {};

for (const event of ['uncaughtException', 'unhandledRejection'])
  process.on(event, (error) => interrupt(error));
process.on('disconnect', () => process.exit());
process.on('message', async (job) => {
  const answer = await (job.kind === 'measure' ? measure(job) : judge(job)).catch((error) => ({
    failure: text(error),
  }));
  process.send({ id: job.id, ...answer });
});
process.send({ ready: true });

/** Runs every test of a file without a mutant: measures durations and reached mutants. */
async function measure({ file }) {
  const atLoad = mutants.note();
  const tests = await load(file);
  const measured = [];
  for (const [index, one] of tests.entries()) {
    const reached = mutants.note();
    writeFileSync(reachedFile, '');
    const start = performance.now();
    const failure = await runOne(one, 120_000);
    const inChildren = readFileSync(reachedFile, 'utf8').split('\n').filter(Boolean).map(Number);
    measured.push({
      test: { file, index, name: one.name },
      ms: Math.ceil(performance.now() - start),
      failure,
      reached: [...new Set([...reached, ...inChildren])],
    });
    if (failure?.startsWith(HUNG)) break;
  }
  return { atLoad: [...atLoad], measured };
}

/**
 * Runs tests with one mutant until one fails. If that test then also fails without the mutant, an earlier mutant left
 * something behind, and the process cannot judge.
 */
async function judge({ id, mutant, tests, isFresh }) {
  // A mutant in code that runs at import is activated before the first import.
  if (isFresh) mutants.activate(mutant);
  for (const { file, index, limitMs } of tests) {
    let one;
    process.send({ id, nextMs: LOAD_MS });
    try {
      one = (await load(file))[index];
    } catch (error) {
      if (!isFresh) throw error;
      return { killedBy: `${file} (import)`, why: text(error) };
    }
    if (one === undefined) return { killedBy: `${file} (import)`, why: 'it declares fewer tests' };
    // Twice, because the test may be repeated without the mutant.
    process.send({ id, nextMs: 2 * limitMs + 1000 });
    mutants.activate(mutant);
    const failure = await runOne(one, limitMs);
    if (!isFresh) mutants.activate(0);
    if (failure === undefined) continue;
    const killed = { killedBy: `${file}: ${one.name}`, why: failure };
    if (failure.startsWith(HUNG)) return { ...killed, isSpent: true };
    if (!isFresh && (await runOne(one, limitMs)) !== undefined) return { isDirty: true };
    return killed;
  }
  return {};
}

const HUNG = 'hung';

/** @returns {Promise<string | undefined>} why it failed */
async function runOne(one, limitMs) {
  let timer;
  try {
    await Promise.race([
      one.run(),
      new Promise((_resolve, reject) => {
        interrupt = reject;
        timer = setTimeout(() => reject(new Error(HUNG)), limitMs);
      }),
    ]);
    return undefined;
  } catch (error) {
    return error?.message === HUNG ? HUNG : text(error);
  } finally {
    clearTimeout(timer);
    interrupt = () => {};
  }
}

async function load(file) {
  const known = loaded.get(file);
  if (known !== undefined) return known;
  await import(pathToFileURL(path.join(root, file)).href);
  const tests = takeTests();
  loaded.set(file, tests);
  return tests;
}

function text(error) {
  return String(error?.stack ?? error).slice(0, 2000) || 'failed';
}
