/** docs/architecture.md as a test: packages, levels, entry points, effects, sizes. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { findCycles, readModules, type SourceModule, withoutComments } from './rig/imports.ts';
import { repoPath } from './rig/paths.ts';

const MAX_LINES = 500;

/** Each package with its level and the packages it may import besides the basic ones; the table of docs/architecture.md. */
const PACKAGES: Readonly<Record<string, { readonly level: number; readonly imports: readonly string[] }>> = {
  util: { level: 0, imports: [] },
  model: { level: 1, imports: [] },
  system: { level: 1, imports: [] },
  dockerfile: { level: 2, imports: [] },
  report: { level: 2, imports: [] },
  timeline: { level: 2, imports: [] },
  compare: { level: 2, imports: [] },
  registry: { level: 2, imports: [] },
  engine: { level: 2, imports: [] },
  state: { level: 2, imports: [] },
  plan: { level: 2, imports: [] },
  pool: { level: 2, imports: [] },
  hcl: { level: 2, imports: [] },
  ci: { level: 3, imports: ['report', 'timeline'] },
  docs: { level: 3, imports: ['report'] },
  bake: { level: 3, imports: ['hcl'] },
  targets: { level: 4, imports: ['bake'] },
  convert: { level: 5, imports: ['dockerfile', 'hcl', 'bake', 'targets'] },
  fingerprint: { level: 3, imports: ['dockerfile'] },
  buildctl: { level: 3, imports: ['dockerfile'] },
  page: { level: 3, imports: ['timeline'] },
  prepare: { level: 3, imports: ['dockerfile', 'plan'] },
  history: { level: 3, imports: ['report', 'engine', 'state'] },
  lock: { level: 3, imports: ['registry'] },
  config: { level: 5, imports: ['bake', 'targets'] },
  inputs: {
    level: 4,
    imports: ['dockerfile', 'fingerprint', 'registry', 'state', 'compare', 'prepare'],
  },
  run: {
    level: 5,
    imports: [
      'dockerfile',
      'fingerprint',
      'registry',
      'engine',
      'pool',
      'buildctl',
      'state',
      'prepare',
      'lock',
      'inputs',
    ],
  },
  inspect: {
    level: 6,
    imports: ['dockerfile', 'config', 'buildctl', 'prepare', 'lock', 'inputs', 'run'],
  },
  verify: { level: 6, imports: ['registry', 'buildctl', 'compare', 'inputs', 'run'] },
  promote: { level: 6, imports: ['registry', 'run'] },
  merge: { level: 6, imports: ['registry', 'run'] },
  storage: { level: 6, imports: ['engine', 'state', 'history', 'run'] },
  since: { level: 7, imports: ['config', 'prepare', 'inspect', 'lock', 'run'] },
  toolkit: {
    level: 8,
    imports: [
      'plan',
      'registry',
      'engine',
      'report',
      'prepare',
      'lock',
      'convert',
      'config',
      'run',
      'inspect',
      'verify',
      'promote',
      'merge',
      'storage',
      'since',
      'history',
    ],
  },
  watch: { level: 7, imports: ['dockerfile', 'plan', 'prepare', 'lock', 'inputs', 'inspect'] },
};

/** Packages that every one of a higher level may import. */
const BASIC = ['util', 'model', 'system'];

/** Modules with effects (and heavy or risky packages), and the only packages that may import them. */
const ONLY_IN: Readonly<Record<string, readonly string[]>> = {
  'node:fs': [
    'system',
    'config',
    'prepare',
    'fingerprint',
    'registry',
    'engine',
    'buildctl',
    'state',
    'history',
    'verify',
    'watch',
  ],
  'node:fs/promises': [
    'system',
    'config',
    'convert',
    'fingerprint',
    'registry',
    'engine',
    'buildctl',
    'state',
    'history',
    'lock',
    'inputs',
    'run',
    'inspect',
    'since',
    'verify',
    'watch',
  ],
  // Programs are run to their end in one place; what engine starts are daemons.
  'node:child_process': ['system', 'engine'],
  'node:net': ['engine', 'registry'],
  'node:tls': ['engine', 'registry'],
  'node:http': ['engine', 'registry'],
  'node:https': ['engine', 'registry'],
  // For signals to process groups; what must not be read from it is a test of its own.
  'node:process': ['engine', 'since', 'system', 'toolkit'],
  undici: ['registry', 'engine'],
  tar: ['engine'],
  yaml: ['config', 'convert', 'bake', 'lock'],
  ajv: ['config'],
  'ajv/dist/2020.js': ['config'],
  '@marcbachmann/cel-js': ['config'],
  cac: ['cli'],
  '@opentelemetry/api': ['cli'],
  '@opentelemetry/sdk-trace-base': ['cli'],
};

// Generated files are what their generator makes of them. The browser application of the report page is no part of the library:
// it takes single files of other packages, so that its bundle stays small.
const lib = readModules('lib').filter(
  ({ file }) => !file.startsWith('lib/config/generated/') && !/^lib\/page\/(app|playground)\//.test(file),
);
const cli = existsSync(repoPath('cli')) ? readModules('cli') : [];

/** The package that a file of lib/ lies in; undefined for lib/mod.ts and files outside lib/. */
function packageOf(file: string): string | undefined {
  return /^lib\/([^/]+)\//.exec(file)?.[1];
}

/** Every import that breaks a rule, as `file → target`; all at once, so that one run shows the whole work. */
function findImports(
  modules: readonly SourceModule[],
  isWrong: (file: string, target: string) => boolean,
): readonly string[] {
  return modules.flatMap(({ file, imports }) =>
    imports.filter((target) => isWrong(file, target)).map((target) => `${file} → ${target}`),
  );
}

test('every folder of lib/ is a package that the table names', () => {
  const folders = readdirSync(repoPath('lib'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  assert.deepEqual(folders.map(({ name }) => name).sort(), Object.keys(PACKAGES).sort());
});

test('the table of docs/architecture.md says the same', () => {
  const rows = readFileSync(repoPath('docs/architecture.md'), 'utf8').matchAll(
    /^\| (\d+) \| `([a-z]+)` \| [^|]+ \|([^|]*)\|/gm,
  );
  const documented = [...rows].map(([, level, name = '', imports = '']) => [
    name,
    { level: Number(level), imports: [...imports.matchAll(/[a-z]+/g)].map(([word]) => word) },
  ]);
  const basic: Readonly<Record<string, readonly string[]>> = {
    util: ['no', 'other', 'package'],
    model: ['util'],
    system: ['util'],
    cli: ['all', 'entry', 'points'],
  };
  const expected = Object.entries(PACKAGES).map(([name, { level, imports }]) => [
    name,
    { level, imports: basic[name] ?? imports },
  ]);
  assert.deepEqual(
    Object.fromEntries(documented.filter(([name]) => name !== 'cli')),
    Object.fromEntries(expected),
  );
});

test('every package has an entry point', () => {
  const files = new Set(lib.map(({ file }) => file));
  assert.deepEqual(
    Object.keys(PACKAGES).filter((name) => name !== 'util' && !files.has(`lib/${name}/mod.ts`)),
    [],
  );
});

test('a package imports only packages of lower levels, and of these what the table says', () => {
  const wrong = findImports(lib, (file, target) => {
    const from = packageOf(file);
    const to = packageOf(target);
    if (from === undefined) return false;
    if (target === 'lib/mod.ts') return true;
    if (to === undefined || to === from) return false;
    const [own, other] = [PACKAGES[from], PACKAGES[to]];
    if (own === undefined || other === undefined || other.level >= own.level) return true;
    return !own.imports.includes(to) && !BASIC.includes(to);
  });
  assert.deepEqual(wrong, []);
});

test('the table allows nothing that no import needs', () => {
  const used = new Set(
    lib.flatMap(({ file, imports }) => imports.map((to) => `${packageOf(file)} ${packageOf(to)}`)),
  );
  const unused = Object.entries(PACKAGES).flatMap(([name, { imports }]) =>
    imports.filter((to) => !used.has(`${name} ${to}`)).map((to) => `${name} → ${to}`),
  );
  assert.deepEqual(unused, []);
});

test('other packages are entered by their entry point only', () => {
  const wrong = findImports([...lib, ...cli], (file, target) => {
    const to = packageOf(target);
    // The files of `util` have nothing in common that an entry point could show.
    if (to === undefined || to === packageOf(file) || to === 'util') return false;
    return target !== `lib/${to}/mod.ts`;
  });
  assert.deepEqual(wrong, []);
});

test('lib imports nothing of cli, test, bench or the scripts', () => {
  assert.deepEqual(
    findImports(lib, (_file, target) => /^(cli|test|bench|\.ci|examples)\//.test(target)),
    [],
  );
});

test('there is no import cycle, type imports included', () => {
  assert.deepEqual(findCycles([...lib, ...cli]), []);
});

test('relative imports name a file that is there, with its extension', () => {
  const wrong = findImports([...lib, ...cli], (_file, target) => {
    return /^(lib|cli|schemas|\.\.)\b/.test(target) && !existsSync(repoPath(target));
  });
  assert.deepEqual(wrong, []);
});

test('effects and heavy dependencies stay in the packages that are made for them', () => {
  const wrong = findImports([...lib, ...cli], (file, target) => {
    const allowed = ONLY_IN[target];
    if (allowed === undefined) return false;
    if (file.startsWith('cli/')) return !allowed.includes('cli') && !target.startsWith('node:');
    return !allowed.includes(packageOf(file) ?? 'mod');
  });
  assert.deepEqual(wrong, []);
});

test('programs are run to their end by one runner; only daemons are started elsewhere', () => {
  const importers = [...lib, ...cli].filter(({ imports }) => imports.includes('node:child_process'));
  assert.deepEqual(
    importers.map(({ file }) => file),
    [
      'lib/engine/daemon.ts',
      'lib/system/end-program.ts',
      'lib/system/run-program.ts',
      'lib/system/stream-program.ts',
    ],
  );
});

test('undici and tar are imported when they are needed, not at the start', () => {
  const wrong = lib.filter(({ text }) =>
    /^\s*import\s+(?!type\b)[^;]*from\s+'(undici|tar)'/m.test(withoutComments(text)),
  );
  assert.deepEqual(
    wrong.map(({ file }) => file),
    [],
  );
});

test('lib neither prints nor looks at the process, but in the one file that fills in what a script does not say', () => {
  const wrong = lib.filter(({ file, text }) => {
    if (file === 'lib/toolkit/surroundings.ts') return false;
    // `process.kill` and `process.pid` act on what was handed in or say who we are; neither reads surroundings.
    const code = withoutComments(text).replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''");
    return /\bconsole\.|\bprocess\.(env|cwd|argv|stdout|stderr|stdin|exit|exitCode|on|once)\b|\bDeno\./.test(
      code,
    );
  });
  assert.deepEqual(
    wrong.map(({ file }) => file),
    [],
  );
});

test('the language stays within what type stripping and the house allow', () => {
  const rules: readonly (readonly [RegExp, string])[] = [
    [/^\s*(export\s+)?(const\s+)?enum\s/m, 'enum'],
    [/^\s*(export\s+)?namespace\s+\w+\s*\{/m, 'namespace'],
    [/^\s*export\s+default\b/m, 'default export'],
    [/^\s*(await\s+)?using\s+\w+\s*=/m, 'using'],
    [/@ts-(ignore|nocheck)/, 'ts-ignore'],
    [/\b(TODO|FIXME|XXX)\b/, 'a mark left in the code'],
    [/\bclass\s+\w+\s+extends\s+(?!Error\b)/, 'inheritance'],
  ];
  const wrong = [...lib, ...cli].flatMap(({ file, text }) =>
    rules.filter(([pattern]) => pattern.test(text)).map(([, name]) => `${file}: ${name}`),
  );
  assert.deepEqual(wrong, []);
});

test(`no source file is longer than ${MAX_LINES} lines`, () => {
  const long = [...lib, ...cli].filter(({ text }) => text.split('\n').length > MAX_LINES + 1);
  assert.deepEqual(
    long.map(({ file, text }) => `${file}: ${text.split('\n').length - 1}`),
    [],
  );
});
