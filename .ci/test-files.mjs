/**
 * The test files, how to run one on each runtime, and how its results are counted. Only leaves are counted: a test with
 * subtests counts as its subtests, so that all runtimes have the same number.
 */
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { deno, node24, root, run } from './support.mjs';
import { as } from './user.mjs';

const UNIT_TIMEOUT_MS = 180_000;
const E2E_TIMEOUT_MS = 600_000;

/** `name` as on the command line; `label` for people. */
export const RUNTIMES = [
  { name: 'node', label: `Node ${process.versions.node}, compiled` },
  { name: 'node24', label: 'Node 24, from source' },
  { name: 'deno', label: 'Deno 2.9, from source' },
  { name: 'user', label: 'Node 24, as an ordinary user' },
];

/** Tests that also run as an ordinary user, with a separate engine. */
const AS_USER = ['test/e2e/five-images.test.ts', 'test/engine/ownership.test.ts', 'test/engine/real.test.ts'];

/** Tests that only make sense as, or with, an ordinary user. */
const ONLY_USER = ['test/engine/poor-machines.test.ts', 'test/engine/rootless.test.ts'];

/** Every test file, relative to the repository, in a stable order; the slow ones (test/e2e) last. */
export function listTestFiles() {
  const found = readdirSync(path.join(root, 'test'), { recursive: true })
    .map((name) => `test/${String(name).replaceAll(path.sep, '/')}`)
    .filter((name) => name.endsWith('.test.ts'));
  return found.sort((a, b) => Number(isE2e(a)) - Number(isE2e(b)) || (a < b ? -1 : 1));
}

/**
 * Tests in test/e2e build with the real engine, which does not depend on the runtime: all run on compiled Node, and on
 * the others only those that use the runtime most (processes, files, streams, sockets). The decisions of a run are
 * tested on every runtime with fakes (test/run).
 */
const E2E_ON = {
  // The ordinary user has Node 24: the demo, and five images.
  node24: [],
  deno: ['edits', 'failures-real', 'five-images'],
};

/**
 * What computes, and some long tests: they run on the oldest Node, compiled, and on Deno. Node 24 runs all this code from source, too,
 * in the tests of runs and of the command line, which are the ones that start processes, read files and open sockets.
 */
const ON_TWO = [
  'test/bake/',
  'test/ci/',
  'test/cli/stop.test.ts',
  'test/cli/telemetry.test.ts',
  'test/compare/',
  'test/config/',
  'test/convert/',
  'test/docs/render.test.ts',
  'test/docs/scripts.test.ts',
  'test/dockerfile/',
  'test/fingerprint/',
  'test/hcl/',
  'test/inputs/',
  'test/inspect/',
  'test/lock/',
  'test/model/',
  'test/page/',
  'test/permissions/table.test.ts',
  'test/plan/',
  'test/pool/',
  'test/prepare/',
  'test/registry/real.test.ts',
  'test/run/full-disk.test.ts',
  'test/run/on-event.test.ts',
  'test/run/strange-state.test.ts',
];

/** Long tests in which the runtime does little: once, on the oldest Node. */
const ON_ONE = [
  'test/bake/limits.test.ts',
  'test/ci/pipeline-checks.test.ts',
  'test/cli/ci.test.ts',
  'test/cli/elsewhere.test.ts',
  'test/config/properties.test.ts',
  'test/config/variable-schema.test.ts',
  'test/docs/commands.test.ts',
  'test/fingerprint/ignore.test.ts',
  'test/pool/properties.test.ts',
  'test/run/failures.test.ts',
  'test/run/forged-records.test.ts',
  'test/run/publish-model.test.ts',
];

/** Tests of what is handed out: they run it with each runtime themselves. */
const HANDED_OUT = ['installed', 'one-file', 'package'];

/** Whether a file runs on a runtime. */
export function runsOn(file, runtime) {
  if (runtime === 'user') return runsAsUser(file);
  if (ONLY_USER.includes(file)) return false;
  if (file.startsWith('test/packaging/') && HANDED_OUT.includes(path.basename(file, '.test.ts')))
    return runtime === 'node';
  // An ordinary user runs it on Node; here it is for root.
  if (file === 'test/engine/real.test.ts') return runtime === 'deno';
  if (ON_ONE.includes(file)) return runtime === 'node';
  if (ON_TWO.some((start) => file.startsWith(start))) return runtime !== 'node24';
  // Programs from the documentation take a second each; what they call is tested on each runtime.
  if (file === 'test/docs/examples.test.ts') return runtime === 'node24';
  const names = E2E_ON[runtime];
  return !isE2e(file) || names === undefined || names.includes(path.basename(file, '.test.ts'));
}

/** Whether a file runs as an ordinary user, or with one; a selection is enough. */
export function runsAsUser(file) {
  return AS_USER.includes(file) || ONLY_USER.includes(file);
}

/** Whether a file runs only with an ordinary user, even if requested by name. */
export function isOnlyForUser(file) {
  return ONLY_USER.includes(file);
}

/**
 * Files of test/e2e that measure no time and kill only their own daemons. They run beside the others, one
 * after the other, with an engine of their own.
 */
const BESIDE = new Set([
  'ci-github',
  'ci-output',
  'ci-platforms',
  'ci-pods',
  'ci-recipes',
  'config-edits',
  'edits',
  'executable',
  'from-buildctl',
  'join-platforms',
  'merge',
  'outputs',
  'page',
  'playground',
  'promote',
  'rebase',
  'sizes',
  'skipped',
  'store',
  'truth',
  'tutorial',
  'verify',
]);

/** Whether a file of test/e2e may run in parallel to another one. */
export function runsBeside(file) {
  return BESIDE.has(path.basename(file, '.test.ts'));
}

/**
 * Whether temporary files of a test may not be in /dev/shm: Deno permits nothing below /dev without `--allow-all`, and Windows has
 * no /dev.
 */
export function needsDisk(file) {
  return file.startsWith('test/permissions/') || file === 'test/cli/elsewhere.test.ts';
}

/** Whether a file runs alone and with the long timeout. */
export function isE2e(file) {
  return file.startsWith('test/e2e/');
}

/** Whether a file, or a helper it imports, uses a variable that the test run provides. */
export function needs(file, variable, seen = new Set()) {
  if (seen.has(file)) return false;
  seen.add(file);
  let text;
  try {
    text = readFileSync(path.join(root, file), 'utf8');
  } catch {
    return false;
  }
  if (text.includes(variable)) return true;
  return [...text.matchAll(/from '(\.[^']+)'/g)].some(([, target]) =>
    needs(path.posix.join(path.posix.dirname(file), target), variable, seen),
  );
}

/**
 * Runs one file on one runtime, as the given user where there is one (`.ci/user.mjs`).
 * @returns {Promise<{ passed: number, failed: number, skipped: number, durationMs: number, output: string, trouble?: string }>}
 */
export async function runTestFile(runtime, file, env, user) {
  const dir = mkdtempSync(path.join(env.TMPDIR, 'events-'));
  if (user !== undefined) chownSync(dir, user.uid, user.gid);
  const events = path.join(dir, 'events');
  const start = Date.now();
  const timeoutMs = isE2e(file) ? E2E_TIMEOUT_MS : UNIT_TIMEOUT_MS;
  try {
    const { code, output, timedOut } = await run(commandFor(runtime, file, events, user?.checkout ?? root), {
      ...(user === undefined ? {} : as(user)),
      env: { NO_COLOR: '1', FORCE_COLOR: undefined, NODE_OPTIONS: undefined, ...env },
      show: 'never',
      timeoutMs,
    });
    const counts = runtime === 'deno' ? countJunit(read(events)) : countEvents(read(events));
    let trouble;
    if (timedOut) trouble = `killed after ${timeoutMs / 1000} s: a test hangs, or something is left open`;
    else if (code !== 0 && counts.failed === 0) trouble = `ended with exit code ${code}`;
    else if (counts.passed + counts.failed + counts.skipped === 0) trouble = 'holds no test';
    if (trouble !== undefined) counts.failed += 1;
    return {
      ...counts,
      durationMs: Date.now() - start,
      output,
      ...(trouble === undefined ? {} : { trouble }),
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function commandFor(runtime, file, events, checkout) {
  if (runtime === 'deno') {
    // Types are checked by `npm run check`; here they would only take time.
    return [deno, 'test', '-A', '--no-check', `--junit-path=${events}`, file];
  }
  const reporters = [
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${path.join(checkout, '.ci/test-events.mjs')}`,
    `--test-reporter-destination=${events}`,
  ];
  return runtime === 'node24' || runtime === 'user'
    ? [path.join(checkout, path.relative(root, node24)), ...reporters, file]
    : [process.execPath, '--enable-source-maps', ...reporters, `dist/${file.replace(/\.ts$/, '.js')}`];
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Children are reported before their parent, one level deeper. */
function countEvents(text) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const childrenAt = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const { nesting, state, byChild } = JSON.parse(line);
    const hadChildren = childrenAt[nesting + 1] === true;
    childrenAt[nesting + 1] = false;
    childrenAt[nesting] = true;
    if (hadChildren && (state !== 'failed' || byChild)) continue;
    counts[state] += 1;
  }
  return counts;
}

/** Deno's JUnit file has a flat list in which a step's name is its parents' names and its own, joined by ` > `. */
function countJunit(text) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const cases = [...text.matchAll(/<testcase name="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g)];
  const names = cases.map(([, name]) => name);
  for (const [, name, body = ''] of cases) {
    const state = body.includes('<failure') ? 'failed' : body.includes('<skipped') ? 'skipped' : 'passed';
    const hasChildren = names.some((other) => other.startsWith(`${name} &gt; `));
    const byChild = /<failure message="\d+ test steps? failed/.test(body);
    if (hasChildren && (state !== 'failed' || byChild)) continue;
    counts[state] += 1;
  }
  return counts;
}
