/**
 * `npm test`: the test files on every runtime, with a real engine, from nothing.
 *
 *   node .ci/test.mjs [--runtime node|node24|deno]… [--no-engine] [--verbose] [part of a file name]…
 *
 * node: this Node, compiled; node24 and deno: straight from the source; user: what an ordinary user can do, which takes root to try. Prints one line for each file, the whole
 * output of those that fail, one line for each runtime, and last of all `N passed, N failed, N skipped`.
 */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build } from './build.mjs';
import { ensureEngineBinaries, startEngine } from './engine.mjs';
import { ensureFrontends } from './frontends.mjs';
import { ensureKubernetes } from './kubernetes.mjs';
import { ensurePipelineChecks } from './pipeline-checks.mjs';
import { ensureRegistries } from './registries.mjs';
import {
  deno,
  ensureModules,
  ensureRuntimes,
  keepTempInMemory,
  killRunning,
  removeScratch,
  run,
  say,
  since,
} from './support.mjs';
import {
  isE2e,
  isOnlyForUser,
  listTestFiles,
  needs,
  needsDisk,
  RUNTIMES,
  runsAsUser,
  runsBeside,
  runsOn,
  runTestFile,
} from './test-files.mjs';
import { as, lackingForUser, makeUser, nodeOf } from './user.mjs';
import { ensureWire } from './wire.mjs';

const { values: options, positionals: patterns } = parseArgs({
  allowPositionals: true,
  options: {
    runtime: { type: 'string', multiple: true, default: RUNTIMES.map(({ name }) => name) },
    engine: { type: 'boolean', default: true },
    verbose: { type: 'boolean', default: false },
  },
  allowNegative: true,
});
const total = { passed: 0, failed: 0, skipped: 0 };
const start = Date.now();
const diskScratch = mkdtempSync(path.join(tmpdir(), 'bake-ts-'));
keepTempInMemory();
const scratch = mkdtempSync(path.join(tmpdir(), 'bake-ts-'));
let engine;
let secondEngine;
let registries;
let frontends;
let pipelineChecks;
let kubernetes;
let wire;
let user;
let interrupted = false;

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    interrupted = true;
    killRunning();
    await tidy();
    process.exit(130);
  });
}

try {
  await testAll();
} catch (error) {
  say(`\n${error instanceof Error ? error.message : error}`);
  total.failed += 1;
}
await tidy();
say(`\nTests took ${since(start)}`);
say(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

async function testAll() {
  const runtimes = RUNTIMES.filter(({ name }) => options.runtime.includes(name));
  const unknown = options.runtime.filter((name) => !RUNTIMES.some((one) => one.name === name));
  if (unknown.length > 0) throw new Error(`no such runtime: ${unknown.join(', ')}`);
  const files = listTestFiles().filter(
    (file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)),
  );
  if (files.length === 0) throw new Error('no test file has such a name');

  await ensureModules();
  const wantsRuntimes = files.some((file) => needs(file, 'BAKE_TS_TEST_RUNTIMES'));
  if (wantsRuntimes || runtimes.some(({ name }) => name !== 'node')) await ensureRuntimes();
  const wantsEngine = options.engine && files.some((file) => needs(file, 'BAKE_TS_TEST_ENGINE_BIN'));
  const needsInstall = wantsEngine && !process.env.BAKE_TS_TEST_ENGINE_BIN;
  if (runtimes.some(({ name }) => name === 'node') || needsInstall) await build();
  const binaries = wantsEngine ? await ensureEngineBinaries() : undefined;
  if (binaries !== undefined) engine = await startEngine(binaries);
  // After the engine, because its compilation leaves little to do here.
  if (options.engine && files.some((file) => needs(file, 'BAKE_TS_TEST_REGISTRIES')))
    registries = await ensureRegistries();
  if (options.engine && files.some((file) => needs(file, 'BAKE_TS_TEST_FRONTENDS')))
    frontends = await ensureFrontends();
  if (options.engine && files.some((file) => needs(file, 'BAKE_TS_TEST_WIRE'))) wire = await ensureWire();
  if (options.engine && files.some((file) => needs(file, 'BAKE_TS_TEST_PIPELINE_CHECKS')))
    pipelineChecks = await ensurePipelineChecks();
  // Takes minutes of compiling, so only on request.
  const wantsKubernetes = process.env.BAKE_TS_TEST_LONG !== undefined;
  if (
    wantsKubernetes &&
    binaries !== undefined &&
    files.some((file) => needs(file, 'BAKE_TS_TEST_KUBERNETES'))
  )
    kubernetes = await ensureKubernetes();
  if (runtimes.some(({ name }) => name === 'deno')) {
    // Downloads the packages once, before several Denos do it in parallel.
    await run([deno, 'cache', '--no-check', ...files], { show: 'never' });
  }

  const besides = files.filter((file) => isE2e(file) && runsBeside(file));
  if (binaries !== undefined && besides.some((file) => needs(file, 'BAKE_TS_TEST_BUILDKIT')))
    secondEngine = await startEngine(binaries);

  const env = testEnvironment(engine);
  const besideEnv = testEnvironment(secondEngine ?? engine);
  // A file requested by name runs on every requested runtime.
  const isEverywhere = patterns.length > 0;
  const queue = files.flatMap((file) =>
    runtimes.flatMap((runtime) => {
      const isAsked = isEverywhere && !isOnlyForUser(file);
      return runtime.name !== 'user' && (isAsked || runsOn(file, runtime.name)) ? [{ file, runtime }] : [];
    }),
  );
  const results = [];
  const work = async (jobs, own = env) => {
    for (let job = jobs.shift(); job !== undefined && !interrupted; job = jobs.shift()) {
      const place = needsDisk(job.file) ? { ...own, TMPDIR: diskScratch } : own;
      const result = await runTestFile(job.runtime.name, job.file, place);
      results.push({ ...job, ...result });
      report(job, result);
    }
  };
  const units = queue.filter(({ file }) => !isE2e(file));
  // Two more than processors, because a third of the time of these files is waiting.
  await Promise.all(Array.from({ length: availableParallelism() + 2 }, () => work(units)));
  // What builds with the real engine measures and kills things: one at a time. Beside it, those
  // that do neither, with an engine of their own, and what an ordinary user does.
  const whole = queue.filter(({ file }) => isE2e(file));
  const asUser = runtimes.find(({ name }) => name === 'user');
  const userFiles = files.filter(runsAsUser);
  const workAsUser = async () => {
    if (asUser === undefined || userFiles.length === 0 || binaries === undefined || interrupted) return;
    results.push(...(await testAsUser(asUser, userFiles, binaries)));
  };
  await Promise.all([
    work(whole.filter(({ file }) => !runsBeside(file))),
    work(
      whole.filter(({ file }) => runsBeside(file)),
      besideEnv,
    ),
    workAsUser(),
  ]);

  say('');
  for (const runtime of runtimes) {
    const own = results.filter((result) => result.runtime === runtime);
    const sum = { passed: 0, failed: 0, skipped: 0 };
    for (const result of own) for (const key of Object.keys(sum)) sum[key] += result[key];
    for (const key of Object.keys(sum)) total[key] += sum[key];
    const bad = own.filter(({ failed }) => failed > 0).map(({ file }) => file);
    const where = bad.length === 0 ? '' : ` (${bad.join(', ')})`;
    say(
      `${runtime.label}: ${own.length} files, ${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped${where}`,
    );
    if (sum.passed === 0 && (runtime.name !== 'user' || own.length > 0))
      throw new Error(`nothing passed on ${runtime.label}`);
  }
}

/** The demo, then files, as an ordinary user; files that restrict the machine around this user run as root. */
async function testAsUser(runtime, files, binaries) {
  const lacking = lackingForUser();
  if (lacking.length > 0) {
    const text = `what an ordinary user can do was not tried: ${lacking.join(', ')} is not here`;
    if (process.env.BAKE_TS_TEST_AS_USER) throw new Error(text);
    say(text);
    total.skipped += 1;
    return [];
  }
  user = await makeUser(binaries);
  const results = [];
  const add = (file, result) => {
    results.push({ file, runtime, ...result });
    report({ file, runtime }, result);
  };
  const start = Date.now();
  const demo = await run([nodeOf(user), '.ci/demo.mjs'], { ...as(user), show: 'never', timeoutMs: 300_000 });
  const isDone = demo.code === 0 && /\b9 unchanged/.test(demo.output);
  add('.ci/demo.mjs', {
    passed: isDone ? 1 : 0,
    failed: isDone ? 0 : 1,
    skipped: 0,
    durationMs: Date.now() - start,
    output: demo.output,
  });
  const { stdout } = await run(['bake-ts', 'engine', 'status', '--json'], { ...as(user), show: 'never' });
  const { address, paths } = JSON.parse(stdout);
  const env = {
    ...user.env,
    BAKE_TS_TEST_ENGINE_BIN: path.join(user.home, 'bin'),
    BAKE_TS_TEST_BUILDKIT: address,
    BAKE_TS_TEST_CONTAINERD: paths.containerdSocket,
  };
  const alone = files.filter((file) => !needs(file, 'BAKE_TS_TEST_USER'));
  // The first one uses the engine that the demo left running.
  for (const file of alone.filter(isE2e)) add(file, await runTestFile('user', file, env, user));
  await run(['bake-ts', 'engine', 'down'], as(user));
  for (const file of alone.filter((one) => !isE2e(one)))
    add(file, await runTestFile('user', file, env, user));
  const around = { ...testEnvironment(), BAKE_TS_TEST_USER: user.name, BAKE_TS_TEST_USER_HOME: user.home };
  for (const file of files.filter((one) => needs(one, 'BAKE_TS_TEST_USER')))
    add(file, await runTestFile('node24', file, around));
  return results;
}

/** Isolates tests from the user: no engine, credentials or records. */
function testEnvironment(own) {
  const home = path.join(scratch, 'home');
  const dockerConfig = path.join(scratch, 'docker');
  const temp = path.join(scratch, 'tmp');
  for (const dir of [home, dockerConfig, temp]) mkdirSync(dir, { recursive: true });
  return {
    // So that leftovers of killed tests are found and removed.
    TMPDIR: temp,
    // Node 24 compiles each source file once for the whole run, not in each of hundreds of processes.
    NODE_COMPILE_CACHE: path.join(scratch, 'compiled'),
    BAKE_TS_HOME: home,
    DOCKER_CONFIG: dockerConfig,
    BUILDKIT_HOST: undefined,
    BUILDCTL: undefined,
    BAKE_TS_TEST_ENGINE_BIN: undefined,
    BAKE_TS_TEST_BUILDKIT: undefined,
    BAKE_TS_TEST_CONTAINERD: undefined,
    BAKE_TS_TEST_USER: undefined,
    BAKE_TS_TEST_RUNTIMES: path.dirname(deno),
    BAKE_TS_TEST_REGISTRIES: registries,
    BAKE_TS_TEST_FRONTENDS: frontends,
    BAKE_TS_TEST_PIPELINE_CHECKS: pipelineChecks,
    BAKE_TS_TEST_KUBERNETES: kubernetes,
    BAKE_TS_TEST_WIRE: wire,
    ...own?.env,
  };
}

function report({ file, runtime }, { passed, failed, skipped, durationMs, output, trouble }) {
  const mark = failed > 0 ? '✖' : '✔';
  const parts = [
    `${passed} passed`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ];
  say(`${mark} ${runtime.name.padEnd(6)} ${file}: ${parts.join(', ')} (${(durationMs / 1000).toFixed(1)} s)`);
  if (failed > 0 || options.verbose) say(output.trimEnd().replace(/^/gm, '    '));
  if (trouble !== undefined) say(`    ${file} on ${runtime.label}: ${trouble}`);
}

async function tidy() {
  await Promise.all([engine?.stop(), secondEngine?.stop(), user?.stop()]);
  user = undefined;
  engine = undefined;
  secondEngine = undefined;
  await removeScratch(scratch);
  await removeScratch(diskScratch);
}
