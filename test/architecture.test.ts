/** docs/architecture.md as a test: rooms, levels, doors, effects, sizes, and what the package shows to the outside. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { findCycles, readModules, type SourceModule, withoutComments } from './rig/imports.ts';
import { repoPath } from './rig/paths.ts';

const MAX_LINES = 500;

/** Which rooms each room may import; the table of docs/architecture.md. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  util: [],
  model: ['util'],
  dockerfile: ['util', 'model'],
  plan: ['util', 'model', 'dockerfile'],
  report: ['util', 'model'],
  config: ['util', 'model', 'dockerfile'],
  fingerprint: ['util', 'model', 'dockerfile'],
  compare: ['util', 'model'],
  registry: ['util', 'model'],
  engine: ['util', 'model'],
  buildctl: ['util', 'model'],
  state: ['util', 'model'],
  convert: ['util', 'model', 'dockerfile'],
  prepare: ['util', 'model', 'dockerfile', 'plan'],
  run: [
    'util',
    'model',
    'dockerfile',
    'plan',
    'config',
    'fingerprint',
    'registry',
    'engine',
    'buildctl',
    'state',
    'compare',
    'prepare',
  ],
};

/** Modules with effects (and heavy or risky packages), and the only rooms that may import them. */
const ONLY_IN: Readonly<Record<string, readonly string[]>> = {
  'node:fs': ['config', 'prepare', 'fingerprint', 'registry', 'engine', 'buildctl', 'state', 'run'],
  'node:fs/promises': ['config', 'convert', 'fingerprint', 'registry', 'engine', 'buildctl', 'state', 'run'],
  // registry reads the Docker config and certificates, and runs credential helpers.
  'node:child_process': ['engine', 'buildctl', 'registry', 'config'],
  'node:net': ['engine', 'registry'],
  'node:tls': ['registry'],
  'node:http': ['engine', 'registry'],
  'node:https': ['engine', 'registry'],
  'node:readline': ['buildctl'],
  // For signals to process groups; what must not be read from it is a test of its own.
  'node:process': ['engine', 'buildctl', 'registry'],
  undici: ['registry', 'engine'],
  tar: ['engine'],
  yaml: ['config', 'convert'],
  ajv: ['config'],
  'ajv/dist/2020.js': ['config'],
  '@marcbachmann/cel-js': ['config'],
  cac: ['cli'],
};

// Generated files are what their generator makes of them.
const lib = readModules('lib').filter(({ file }) => !file.startsWith('lib/config/generated/'));
const cli = existsSync(repoPath('cli')) ? readModules('cli') : [];

/** The room a file of lib/ lies in; undefined for lib/mod.ts and files outside lib/. */
function roomOf(file: string): string | undefined {
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

test('every folder of lib/ is a room that the table names', () => {
  const folders = readdirSync(repoPath('lib'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  assert.deepEqual(
    folders.map(({ name }) => name).filter((name) => MAY_IMPORT[name] === undefined),
    [],
  );
});

test('every room has a door', () => {
  const rooms = new Set(
    lib.map(({ file }) => roomOf(file)).filter((room) => room !== undefined && room !== 'util'),
  );
  const files = new Set(lib.map(({ file }) => file));
  assert.deepEqual(
    [...rooms].filter((room) => !files.has(`lib/${room}/mod.ts`)),
    [],
  );
});

test('a room imports only rooms below it', () => {
  const wrong = findImports(lib, (file, target) => {
    const from = roomOf(file);
    const to = roomOf(target);
    if (from === undefined) return false;
    if (target === 'lib/mod.ts') return true;
    return to !== undefined && to !== from && !(MAY_IMPORT[from] ?? []).includes(to);
  });
  assert.deepEqual(wrong, []);
});

test('other rooms are entered by their door only', () => {
  const wrong = findImports([...lib, ...cli], (file, target) => {
    const to = roomOf(target);
    // `util` is a shelf, not a room: its files have nothing in common that a door could show.
    if (to === undefined || to === roomOf(file) || to === 'util') return false;
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

test('effects and heavy packages stay in the rooms that are made for them', () => {
  const wrong = findImports([...lib, ...cli], (file, target) => {
    const rooms = ONLY_IN[target];
    if (rooms === undefined) return false;
    if (file.startsWith('cli/')) return !rooms.includes('cli') && !target.startsWith('node:');
    return !rooms.includes(roomOf(file) ?? 'mod');
  });
  assert.deepEqual(wrong, []);
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

test('lib neither prints nor looks at the process', () => {
  const wrong = lib.filter(({ text }) => {
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
