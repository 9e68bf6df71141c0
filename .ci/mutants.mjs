/**
 * `npm run mutants`: changes lib/ a little, thousands of times, and says which changes no fast test notices.
 *
 *   node .ci/mutants.mjs [--sample N] [--seed N] [--jobs N] [--tests PART] [--json FILE] [--list] [--verbose] [package, file or FILE:LINE]…
 *
 * Works on a copy in a temporary directory, without the engine. All mutants of a file lie in it at once, each behind a
 * switch; a measuring run says which test reaches which, and each mutant is judged by these tests only, the likeliest
 * and fastest first, up to the first that fails. docs/mutants.md explains more.
 */
import { fork } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { mutateFile } from './mutants-sites.mjs';
import { ensureModules, ensureRuntimes, must, node24, root, say, since } from './support.mjs';
import { isE2e, listTestFiles } from './test-files.mjs';

const DEFAULT_TARGETS = [
  'state',
  'fingerprint',
  'plan',
  'registry',
  'run',
  'inputs',
  'lock',
  'inspect',
  'verify',
]
  .map((name) => `lib/${name}`)
  .filter((dir) => existsSync(path.join(root, dir)));

/** Slower tests are not used. */
const MAX_TEST_MS = 10_000;
/** Limit for loading a test file. */
const LOAD_MS = 15_000;
/** Limits for all tests of one mutant, by measured duration: those of its package, and those of others. */
const MAX_OWN_MS = 15_000;
const MAX_OTHERS_MS = 3000;
/** Packages that are also tested by the tests of another one, with whole runs. */
const ALSO_TESTED_BY = { inputs: ['run'] };

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    tests: { type: 'string', multiple: true, default: [''] },
    json: { type: 'string' },
    list: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
const start = Date.now();
const jobs = Number(options.jobs);
const scratch = mkdtempSync(path.join(tmpdir(), 'bake-ts-mutants-'));
const copy = path.join(scratch, 'repository');
const workers = new Set();
let nextJob = 1;

const tidy = () => {
  for (const worker of workers) killGroup(worker);
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
};
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    tidy();
    process.exit(130);
  });
try {
  await main();
} finally {
  tidy();
}

async function main() {
  await ensureModules();
  await ensureRuntimes();
  const targets = (positionals.length > 0 ? positionals : DEFAULT_TARGETS).map(readTarget);
  const files = [...new Set(targets.flatMap(({ files }) => files))].sort();
  await makeCopy();
  const mutants = instrument(files);
  const { tests, atLoad } = await measure(files);
  say(`${tests.length} tests reach ${files.length} files (${since(start)})`);
  const wanted = mutants.filter((one) => targets.some((target) => isIn(one, target)));
  const chosen = sample(wanted, options.sample, Number(options.seed));
  say(`${chosen.length} of ${wanted.length} mutants`);
  const results = await judgeAll(chosen, tests, atLoad);
  report(results);
}

/** A folder, a file, or one line of a file. */
function readTarget(text) {
  const [, name = text, line] = /^(.*?)(?::(\d+))?$/.exec(text) ?? [];
  const full = path.join(root, name);
  if (!existsSync(full)) throw new Error(`${name} does not exist`);
  const files = name.endsWith('.ts')
    ? [name]
    : readdirSync(full, { recursive: true })
        .map((entry) => path.posix.join(name, String(entry)))
        .filter((file) => file.endsWith('.ts') && !file.endsWith('.generated.ts'));
  return { files, line: line === undefined ? undefined : Number(line) };
}

function isIn(mutant, { files, line }) {
  return files.includes(mutant.file) && (line === undefined || mutant.line === line);
}

/** Copies tracked files, and new ones that git does not ignore. */
async function makeCopy() {
  const { stdout } = await must(['git', 'ls-files', '-co', '--exclude-standard'], { show: 'never' });
  for (const file of stdout.split('\n').filter((name) => name !== '' && existsSync(path.join(root, name)))) {
    mkdirSync(path.dirname(path.join(copy, file)), { recursive: true });
    copyFileSync(path.join(root, file), path.join(copy, file));
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  copyFileSync(path.join(root, '.ci/mutants-switch.mjs'), path.join(copy, 'mutants-switch.mjs'));
  for (const dir of ['tmp', 'home', 'docker', 'compiled']) mkdirSync(path.join(scratch, dir));
}

function instrument(files) {
  const mutants = [];
  const switchUrl = pathToFileURL(path.join(copy, 'mutants-switch.mjs')).href;
  for (const file of files) {
    const text = readFileSync(path.join(root, file), 'utf8');
    const found = mutateFile(file, text, mutants.length + 1, switchUrl);
    mutants.push(...found.mutants);
    writeFileSync(path.join(copy, file), found.instrumented);
  }
  return mutants;
}

/** The tests with their durations and reached mutants; `atLoad`: mutants reached by imports → test files. */
async function measure(files) {
  const queue = listTestFiles().filter(
    (file) =>
      !isE2e(file) && options.tests.some((part) => file.includes(part)) && importsAny(file, new Set(files)),
  );
  const tests = [];
  const atLoad = new Map();
  await inParallel(async (slot) => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const worker = await startWorker(`measure-${slot}`, {
        BAKE_TS_MUTANTS_REACHED: path.join(scratch, `reached-${slot}`),
      });
      const answer = await ask(worker, { kind: 'measure', file }, 300_000);
      killGroup(worker);
      if (answer.failure !== undefined) {
        say(`${file} cannot be loaded and judges nothing: ${answer.failure}`);
        continue;
      }
      for (const id of answer.atLoad) atLoad.set(id, [...(atLoad.get(id) ?? []), file]);
      for (const { test, ms, failure, reached } of answer.measured) {
        // A test may only read a table that was reached when its file was loaded.
        if (reached.length === 0 && answer.atLoad.length === 0) continue;
        if (failure !== undefined) say(`fails without a mutant: ${test.file}: ${test.name}`);
        if (failure !== undefined && options.verbose) say(failure);
        if (failure !== undefined || ms > MAX_TEST_MS) continue;
        tests.push({ ...test, ms, reached: new Set(reached) });
      }
    }
  });
  return { tests, atLoad };
}

/** Whether a file imports one of others, directly or indirectly. */
function importsAny(file, others, seen = new Set()) {
  if (others.has(file)) return true;
  if (seen.has(file)) return false;
  seen.add(file);
  const full = path.join(root, file);
  if (!existsSync(full)) return false;
  return [...readFileSync(full, 'utf8').matchAll(/(?:from|import\() ?'(\.[^']+)'/g)].some(([, target]) =>
    importsAny(path.posix.join(path.posix.dirname(file), target), others, seen),
  );
}

/** Selects the same sample for the same seed and mutants. */
function sample(mutants, size, seed) {
  if (size === undefined || Number(size) >= mutants.length) return mutants;
  let state = seed >>> 0;
  const random = () => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const rest = [...mutants];
  const chosen = [];
  while (chosen.length < Number(size)) chosen.push(...rest.splice(Math.floor(random() * rest.length), 1));
  return chosen.sort((a, b) => a.id - b.id);
}

async function judgeAll(mutants, tests, atLoad) {
  const results = [];
  const queue = [...mutants];
  let shown = Date.now();
  await inParallel(async (slot) => {
    /** Reused for the next mutants while it is reliable. */
    let warm;
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
      const isStatic = atLoad.has(one.id);
      const own = testsFor(one, tests, atLoad.get(one.id) ?? []);
      let result = own.length === 0 ? { status: 'unreached' } : undefined;
      if (result === undefined && !isStatic) {
        warm ??= await startWorker(slot);
        const answer = await judge(warm, one, own, false);
        if (answer.isSpent || !warm.connected) {
          killGroup(warm);
          warm = undefined;
        }
        if (!answer.isDirty) result = answer;
      }
      if (result === undefined) {
        const fresh = await startWorker(`${slot}-fresh`);
        result = await judge(fresh, one, own, true);
        killGroup(fresh);
      }
      results.push({ ...one, ...result });
      if (options.verbose) say(`${result.status} ${place(one)} ${one.kind}: ${result.killedBy ?? ''}`);
      if (Date.now() - shown > 30_000) {
        shown = Date.now();
        const survived = results.filter(({ status }) => status !== 'killed').length;
        say(`  ${results.length} judged, ${survived} survive (${since(start)})`);
      }
    }
    if (warm !== undefined) killGroup(warm);
  });
  return results.sort((a, b) => a.id - b.id);
}

/**
 * Tests of the package first, then the fast ones; all tests if the package has none. For mutants reached at import,
 * tests that load the file.
 */
function testsFor(mutant, tests, loadedBy) {
  const name = mutant.file.split('/')[1] ?? '';
  const homes = [name, ...(ALSO_TESTED_BY[name] ?? [])].map((one) => `test/${one}/`);
  const hasHome = homes.some((home) => existsSync(path.join(root, home)));
  const isOwn = ({ file }) => !hasHome || homes.some((home) => file.startsWith(home));
  const rank = (one) => (isOwn(one) ? 0 : 1_000_000) + one.ms;
  const sums = { own: 0, others: 0 };
  return tests
    .filter((one) => one.reached.has(mutant.id) || (loadedBy.includes(one.file) && isOwn(one)))
    .sort((a, b) => rank(a) - rank(b))
    .filter((one) => {
      const kind = isOwn(one) ? 'own' : 'others';
      sums[kind] += one.ms;
      return sums[kind] <= (kind === 'own' ? MAX_OWN_MS : MAX_OTHERS_MS);
    })
    .map(({ file, index, ms }) => ({ file, index, limitMs: 1500 + 10 * ms }));
}

async function judge(worker, mutant, tests, isFresh) {
  const answer = await ask(worker, { kind: 'judge', mutant: mutant.id, tests, isFresh }, LOAD_MS);
  if (answer.ended === true) return { status: 'killed', killedBy: 'the process ended', isSpent: true };
  if (answer.late === true) return { status: 'killed', killedBy: 'time', isSpent: true };
  if (answer.killedBy !== undefined) return { status: 'killed', ...answer };
  if (answer.failure !== undefined) return { status: 'failed', ...answer, isSpent: true };
  return { status: 'survived', isSpent: answer.isDirty === true, isDirty: answer.isDirty === true };
}

async function startWorker(slot, env = {}) {
  const temp = path.join(scratch, 'tmp', String(slot));
  mkdirSync(temp, { recursive: true });
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(BAKE_TS_|BUILD|DOCKER_|NODE_OPTIONS|XDG_)/.test(name)),
  );
  const worker = fork(path.join(root, '.ci/mutants-worker.mjs'), [], {
    cwd: copy,
    execPath: node24,
    execArgv: ['--max-old-space-size=1500', '--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    detached: true,
    env: {
      ...inherited,
      NO_COLOR: '1',
      TMPDIR: temp,
      HOME: path.join(scratch, 'home'),
      BAKE_TS_HOME: path.join(scratch, 'home'),
      DOCKER_CONFIG: path.join(scratch, 'docker'),
      NODE_COMPILE_CACHE: path.join(scratch, 'compiled'),
      ...env,
    },
  });
  workers.add(worker);
  worker.once('exit', () => workers.delete(worker));
  await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('exit', (code) => reject(new Error(`a worker ended with exit code ${code}`)));
  });
  return worker;
}

/** Kills a worker and everything that its tests started. */
function killGroup(worker) {
  try {
    process.kill(-worker.pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

/** Sends a job. A worker that neither answers nor starts its next test in time is stuck in a loop and is killed. */
function ask(worker, job, limitMs) {
  const id = nextJob++;
  return new Promise((resolve) => {
    const finish = (answer) => {
      clearTimeout(timer);
      worker.off('message', onMessage);
      worker.off('exit', onExit);
      resolve(answer);
    };
    const late = () => {
      killGroup(worker);
      finish({ late: true });
    };
    let timer = setTimeout(late, limitMs);
    const onMessage = (answer) => {
      if (answer.id !== id) return;
      if (answer.nextMs === undefined) return finish(answer);
      clearTimeout(timer);
      timer = setTimeout(late, answer.nextMs);
    };
    const onExit = () => finish({ ended: true });
    worker.on('message', onMessage);
    worker.on('exit', onExit);
    worker.send({ ...job, id }, () => {});
  });
}

function inParallel(work) {
  return Promise.all(Array.from({ length: jobs }, (_, slot) => work(slot)));
}

function place({ file, line, column }) {
  return `${file}:${line}:${column}`;
}

/** In the form of docs/mutants.md: without lines and columns, which change with every edit. */
function asListed({ file, kind, from, to }) {
  return `${file}  ${kind}: ${from} → ${to || 'nothing'}`;
}

/** Survivors with a reason in docs/mutants.md, and how often each is listed. */
function readListed() {
  const listed = new Map();
  for (const line of readFileSync(path.join(root, 'docs/mutants.md'), 'utf8').split('\n'))
    if (/^lib\/\S+ {2}/.test(line)) listed.set(line, (listed.get(line) ?? 0) + 1);
  return listed;
}

function report(results) {
  const listed = readListed();
  const alive = results.filter(({ status }) => status !== 'killed');
  const unexplained = alive.filter((one) => {
    const left = listed.get(asListed(one)) ?? 0;
    listed.set(asListed(one), left - 1);
    return left <= 0;
  });
  for (const one of unexplained) {
    if (options.list) {
      say(asListed(one));
      continue;
    }
    const what = one.status === 'unreached' ? 'no test reaches it' : one.status;
    say(`${place(one)}  ${one.kind} (${what})\n    ${one.from}\n    → ${one.to || 'nothing'}`);
  }
  say('');
  const rows = new Map();
  for (const one of results) {
    for (const name of [path.dirname(one.file), one.file]) {
      const row = rows.get(name) ?? { killed: 0, survived: 0, unreached: 0, failed: 0, unexplained: 0 };
      row[one.status]++;
      if (unexplained.includes(one)) row.unexplained++;
      rows.set(name, row);
    }
  }
  for (const [name, row] of [...rows].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const all = row.killed + row.survived + row.unreached + row.failed;
    const rate = ((100 * row.killed) / all).toFixed(1).padStart(5);
    const rest = `${all - row.killed} survive (${row.unreached} reached by no test), ${row.unexplained} without a reason`;
    say(`${rate} %  ${name}: ${row.killed} of ${all} killed, ${rest}`);
  }
  say(`\n${results.length - alive.length} of ${results.length} killed (${since(start)})`);
  if (options.json !== undefined) {
    const kept = results.map(({ file, line, column, kind, from, to, status, killedBy, why }) => {
      return { file, line, column, kind, from, to, status, killedBy, why };
    });
    writeFileSync(options.json, `${JSON.stringify(kept, null, 1)}\n`);
  }
}
