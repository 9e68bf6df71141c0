/** Options that calls refuse before they do anything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as everything from '../../lib/mod.ts';
import { makePlace } from '../rig/calling-place.ts';

type Call = (options: unknown) => unknown;

const library: ReadonlyMap<string, unknown> = new Map(Object.entries(everything));

/** Every call with options, and what it needs besides. */
const CALLS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  affected: { since: 'HEAD' },
  build: {},
  checkLocked: {},
  createRegistryClient: {},
  createReporter: {},
  downEngine: {},
  engineDoctor: {},
  engineStatus: {},
  engineUsage: {},
  explain: {},
  installEngine: {},
  keptRuns: {},
  lint: {},
  lock: {},
  merge: { results: [] },
  openEngine: {},
  outdated: {},
  plan: {},
  print: {},
  promote: { to: [] },
  propose: {},
  pruneEngine: {},
  push: {},
  readBuilds: {},
  run: {},
  upEngine: {},
  update: {},
  upgradeEngine: {},
  verify: {},
};

async function refused(name: string, options: Readonly<Record<string, unknown>>): Promise<string> {
  const call = library.get(name) as Call;
  try {
    await call(options);
  } catch (error) {
    assert.ok(error instanceof TypeError, `${name}: ${error}`);
    return error.message;
  }
  return assert.fail(`${name}() took ${JSON.stringify(options)}`);
}

test('an option that a call has not is refused, with the one that is meant', async () => {
  for (const [name, needed] of Object.entries(CALLS)) {
    if (name === 'build') continue;
    assert.match(
      await refused(name, { ...needed, frobnicate: 1 }),
      new RegExp(`^${name}\\(\\) has no option "frobnicate"\\. It has `),
    );
  }
  assert.equal(
    await refused('run', { pattern: ['api'] }),
    'run() has no option "pattern". Did you mean "patterns"?',
  );
  assert.equal(
    await refused('build', { context: 'x', cwd: 3 }),
    'the option "cwd" of build() takes a path or a file: URL, and not 3',
  );
});

test('a call without the options that it needs is refused', async () => {
  for (const name of ['affected', 'promote', 'build'])
    assert.equal(await refused(name, undefined as never), `${name}() takes an object with options`);
});

test('a value that an option does not take is refused', async () => {
  const cases: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
    ['run', { patterns: 'api' }, 'the option "patterns" of run() takes a list of texts, and not a text'],
    ['run', { jobs: 0 }, 'the option "jobs" of run() takes a whole number from 1 on, and not 0'],
    ['run', { jobs: 1.5 }, 'the option "jobs" of run() takes a whole number from 1 on, and not 1.5'],
    ['run', { jobs: Number.NaN }, 'the option "jobs" of run() takes a whole number from 1 on, and not NaN'],
    ['run', { force: 'yes' }, 'the option "force" of run() takes true or false, and not a text'],
    ['run', { signal: {} }, 'the option "signal" of run() takes an AbortSignal, and not an object'],
    ['run', { onEvent: [] }, 'the option "onEvent" of run() takes a function, and not this list'],
    [
      'run',
      { stallTimeoutMs: -1 },
      'the option "stallTimeoutMs" of run() takes a number from 0 on, and not -1',
    ],
    ['run', { env: null }, 'the option "env" of run() takes an object, and not null'],
    ['plan', { cwd: 1n }, 'the option "cwd" of plan() takes a path or a file: URL, and not a bigint'],
    [
      'upEngine',
      { registry: 70_000 },
      'the option "registry" of upEngine() takes true, false, or a port from 1 to 65535, and not 70000',
    ],
    [
      'outdated',
      { images: ['x'] },
      'outdated() has no option "images". It has cwd, env, files, definition, vars, varFiles, set, allow, untrusted, patterns, filters, dependents, builds, plan, signal.',
    ],
    ['promote', { cwd: '/' }, 'promote() needs the option "to"'],
    ['merge', { cwd: '/' }, 'merge() needs the option "results"'],
    [
      'merge',
      { results: ['a'] },
      'the option "results" of merge() takes a list of objects, and not this list',
    ],
    ['build', { matrix: {} }, 'build() has no option "matrix": it builds one image'],
    [
      'createReporter',
      { mode: 'json5' },
      'the option "mode" of createReporter() takes auto, tty, plain, grouped, json, quiet',
    ],
    [
      'createRegistryClient',
      { registries: { 'localhost:5000': { htpp: true } } },
      'the option "registries.localhost:5000" of createRegistryClient() has no "htpp". Did you mean "http"?',
    ],
    [
      'createRegistryClient',
      { registries: new Map([['localhost:5000', { http: 'yes' }]]) },
      'the option "registries.localhost:5000.http" of createRegistryClient() takes true or false, and not a text',
    ],
    [
      'createRegistryClient',
      { registries: { 'localhost:5000': true } },
      'the option "registries.localhost:5000" of createRegistryClient() takes an object, and not a boolean',
    ],
    [
      'createRegistryClient',
      { signIn: { registry: 'r', user: 'x' } },
      'the option "signIn" of createRegistryClient() has no "user". Did you mean "username"?',
    ],
    [
      'createRegistryClient',
      { signIn: { registry: 'r', username: 'x' } },
      'the option "signIn" of createRegistryClient() lacks "password"',
    ],
    [
      'upEngine',
      { registries: { r: { mirrors: 'm' } } },
      'the option "registries.r.mirrors" of upEngine() takes a list of texts, and not a text',
    ],
    [
      'installEngine',
      { parts: ['buildkit'] },
      'the option "parts" of installEngine() takes a list of texts, each one of buildctl, buildkitd, containerd, containerd-shim-runc-v2, ctr, runc, rootlesskit, registry, and not this list',
    ],
    [
      'installEngine',
      { from: 'relase' },
      'the option "from" of installEngine() takes path, release, go, debian',
    ],
    [
      'installEngine',
      { files: { buildkitd: 'x' } },
      'the option "files" of installEngine() has no "buildkitd". Did you mean "buildkit"?',
    ],
    [
      'installEngine',
      { checksums: { runc: 3 } },
      'the option "checksums.runc" of installEngine() takes a text, and not 3',
    ],
    ['build', { jbos: 3 }, 'build() has no option "jbos". Did you mean "jobs"?'],
    ['build', { contxt: '.' }, 'build() has no option "contxt". Did you mean "context"?'],
    ['build', { cacheFrom: [] }, 'build() has no option "cacheFrom". Did you mean "cache-from"?'],
    ['build', { nme: 'x' }, 'build() has no option "nme". Did you mean "name"?'],
    ['build', { name: 3 }, 'the option "name" of build() takes a text, and not 3'],
    ['lint', { jobs: -3 }, 'the option "jobs" of lint() takes a whole number from 1 on, and not -3'],
    ['affected', {}, 'affected() takes one of the options "since" and "changed"'],
    ['affected', { since: 'main', changed: [] }, 'affected() takes one of the options "since" and "changed"'],
    [
      'verify',
      { ignore: ['!x'] },
      'the option "ignore" of verify() takes paths in the image such as /var/cache/** and names such as *.pyc, and not "!x"',
    ],
    ['run', { definition: {}, files: ['x'] }, 'the options "definition" and "files" exclude one another'],
    [
      'run',
      { plan: {}, patterns: ['x'] },
      'the options "plan" and "patterns" exclude one another: plan already contains it',
    ],
    [
      'plan',
      { builds: {}, cwd: '/' },
      'the options "builds" and "cwd" exclude one another: builds already contains it',
    ],
    ['run', { plan: {} }, 'plan must be the unchanged result of plan()'],
    [
      'plan',
      { builds: { set: { builds: new Map(), groups: new Map() }, warnings: [] } },
      'builds must be the unchanged result of readBuilds()',
    ],
  ];
  for (const [name, options, message] of cases) assert.equal(await refused(name, options), message);
});

test('what is no argument of a function is refused', async () => {
  const cases: readonly (readonly [string, readonly unknown[], string])[] = [
    ['readImageRef', [3], 'readImageRef() takes a text, and not 3'],
    [
      'formatImageRef',
      ['alpine'],
      'formatImageRef() takes a reference as readImageRef() gives it, unwrapped',
    ],
    [
      'formatImageRef',
      [everything.readImageRef('alpine')],
      'formatImageRef() takes a reference as readImageRef() gives it, unwrapped',
    ],
    ['openLayout', [undefined], 'openLayout() takes a text, and not undefined'],
    [
      'formatProblems',
      [{ ok: false, error: [] }],
      'formatProblems() takes a list of problems, such as the `error` of a result that is not `ok`',
    ],
    [
      'formatProblems',
      [[], { colour: true }],
      'formatProblems() has no option "colour". Did you mean "color"?',
    ],
    [
      'formatProblems',
      [[], { columns: 'wide' }],
      'the option "columns" of formatProblems() takes a whole number from 1 on, and not a text',
    ],
    ['importBuilds', [{ name: 'x', txt: '' }], 'importBuilds() has no option "txt". Did you mean "text"?'],
  ];
  for (const [name, given, message] of cases) {
    const call = library.get(name) as (...given: readonly unknown[]) => unknown;
    await assert.rejects(async () => call(...given), { name: 'TypeError', message }, name);
  }
});

test('what an engine is asked is checked as well', async (t) => {
  const { env, buildctl } = await makePlace(t);
  const engine = everything.unwrap(await everything.openEngine({ env }));
  const before = (await buildctl.calls()).length;
  await assert.rejects(engine.prune({ keepByte: 1 } as never), {
    message: 'prune() has no option "keepByte". Did you mean "keepBytes"?',
  });
  await assert.rejects(engine.buildctl('du' as never), {
    message: 'buildctl() takes a list of texts, and not a text',
  });
  assert.equal((await buildctl.calls()).length, before);
});

test('every call with options is in the list of these tests', () => {
  const others = [
    'BakeError',
    'buildsSchema',
    'defineBuilds',
    'formatImageRef',
    'formatProblems',
    'importBuilds',
    'keptEvents',
    'openLayout',
    'readImageRef',
    'unwrap',
  ];
  assert.deepEqual([...library.keys()].sort(), [...Object.keys(CALLS), ...others].sort());
});
