/**
 * Programs of the documentation: found, checked by the compiler, and run in a repository with a registry and an engine of the
 * test. The engine is the fake one; a program that is called as buildctl hands it each call.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSocket } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { lock, run, unwrap } from '../../lib/mod.ts';
import { type CommandResult, runCommand } from '../rig/command.ts';
import { FakeEngine } from '../rig/fake-engine.ts';
import { type FakeRegistry, startFakeRegistry } from '../rig/fake-registry.ts';
import { putBase } from '../rig/fake-world.ts';
import { listenOnLoopback } from '../rig/listen.ts';
import { makeLayout } from '../rig/oci-layout.ts';
import { listPages } from '../rig/pages.ts';
import { compiled, repoPath } from '../rig/paths.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

/** A program of the documentation. */
export interface Example {
  /** `docs/api/calls.md:19`: the line where it begins. */
  readonly place: string;
  readonly text: string;
}

const isDeno = process.versions['deno'] !== undefined;
const library = pathToFileURL(repoPath(compiled ? 'dist/lib/mod.js' : 'lib/mod.ts')).href;

/** Every block of `ts` that imports the library, in the README and in docs/. */
export function findExamples(): readonly Example[] {
  const docs = listPages().map((name) => `docs/${name}`);
  return ['README.md', ...docs].flatMap((file) => {
    const text = readFileSync(repoPath(file), 'utf8');
    return [...text.matchAll(/```ts\n(.*?)```/gs)].flatMap(({ 1: program = '', index }) => {
      if (!program.includes("from 'bake-ts'")) return [];
      return [{ place: `${file}:${text.slice(0, index).split('\n').length}`, text: program }];
    });
  });
}

const SCRIPTS = 'examples/scripts';

/** The scripts among the examples, as if each lay where bake-ts is installed. */
export function findScripts(): readonly Example[] {
  const files = readdirSync(repoPath(SCRIPTS)).filter((name) => name.endsWith('.ts'));
  return files.sort().map((name) => {
    const text = readFileSync(repoPath(`${SCRIPTS}/${name}`), 'utf8');
    return { place: `${SCRIPTS}/${name}`, text: text.replace("'./bake.js'", "'bake-ts'") };
  });
}

/** What the compiler said, and where it put programs without types. */
export interface Checked {
  readonly said: CommandResult;
  readonly emitted: string;
}

/** The name of its file, without ending. */
function nameOf({ place }: Example): string {
  return place.replaceAll(/[^\w]+/g, '-');
}

/**
 * Checks the types of all, with the types of the package.
 *
 * @returns what the compiler said; for a runtime that has no types, the programs lie without them in `emitted`
 */
export async function checkTypes(t: Cleanup, examples: readonly Example[]): Promise<Checked> {
  const dir = await makeTempDir(t, 'bake-ts-docs-');
  const written = examples.map((one) => [`${nameOf(one)}.ts`, one.text] as const);
  await writeTree(dir, Object.fromEntries(written));
  const emitted = path.join(dir, 'emitted');
  if (isDeno) {
    const { imports } = JSON.parse(readFileSync(repoPath('deno.json'), 'utf8')) as { imports: object };
    const config = { imports: { ...imports, 'bake-ts': library }, compilerOptions: STRICT };
    await writeFile(path.join(dir, 'deno.json'), JSON.stringify(config));
    const files = written.map(([name]) => name);
    return {
      said: await runCommand([process.execPath, 'check', ...files], { cwd: dir, timeoutMs: 300_000 }),
      emitted,
    };
  }
  const config = {
    compilerOptions: {
      ...STRICT,
      target: 'es2022',
      lib: ['es2023'],
      module: 'nodenext',
      types: ['node'],
      typeRoots: [repoPath('node_modules/@types')],
      paths: { 'bake-ts': [repoPath(compiled ? 'dist/lib/mod.d.ts' : 'lib/mod.ts')] },
      skipLibCheck: true,
      resolveJsonModule: true,
      ...(compiled ? { rootDir: dir, outDir: emitted } : { noEmit: true, allowImportingTsExtensions: true }),
    },
    include: ['*.ts'],
  };
  await writeTree(dir, { 'tsconfig.json': JSON.stringify(config), 'package.json': '{ "type": "module" }' });
  const tsc = [process.execPath, repoPath('node_modules/typescript/bin/tsc'), '-p', dir];
  return { said: await runCommand(tsc, { cwd: dir, timeoutMs: 300_000 }), emitted };
}

const STRICT = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };

/** Where an example runs. */
export interface ExampleWorld {
  readonly dir: string;
  readonly registry: FakeRegistry;
  readonly engine: FakeEngine;
  /** Runs it within this process; `emitted`: where it lies without types, for a runtime that has none. Gives what it printed. */
  readonly run: (example: Example, emitted: string, argv?: readonly string[]) => Promise<readonly string[]>;
  /** Its environment; a test may add to it before it runs something. */
  readonly env: Record<string, string>;
  /** A directory of its PATH, for programs of a test. */
  readonly bin: string;
}

/** A repository with `base`, `site` on top of it, `api`, `web` and `worker`, all built once; names of registries are the test's. */
export async function makeExampleWorld(t: Cleanup): Promise<ExampleWorld> {
  const registry = await startFakeRegistry(t);
  const { host } = registry;
  putBase(registry, 'base', '1', 'one');
  for (const [repository, tag] of [
    ['acme/api', '1.2'],
    ['shop/api', '1'],
  ] as const)
    putBase(registry, repository, tag, repository);
  const dir = await makeTempDir(t, 'world-');
  const home = await makeTempDir(t, 'world-home-');
  const engine = new FakeEngine();
  let runs = 0;
  const bin = path.join(home, 'bin');
  const env: Record<string, string> = {
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    HOME: home,
    BAKE_TS_HOME: home,
    DOCKER_CONFIG: home,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
    ...(await serveEngine(t, engine, home)),
  };
  await writeTree(dir, treeOf(host));
  await makeLayout(path.join(dir, 'out/api'), ['api']);
  await commit(dir, env);
  unwrap(await lock({ cwd: dir, env }));
  unwrap(await run({ cwd: dir, env, patterns: ['*'] }));
  return {
    dir,
    registry,
    engine,
    env,
    bin,
    run: async (example, emitted, argv = []) => {
      const isJs = compiled && !isDeno;
      const text = isJs ? readFileSync(path.join(emitted, `${nameOf(example)}.js`), 'utf8') : example.text;
      // A module is evaluated once for each name.
      runs += 1;
      const file = path.join(home, `example-${runs}.${isJs ? 'mjs' : 'ts'}`);
      await writeFile(file, here(text, host));
      return await runHere(file, dir, env, argv);
    },
  };
}

/** Imports a program as if its process were in a directory and an environment of its own. */
async function runHere(
  file: string,
  dir: string,
  env: Readonly<Record<string, string>>,
  argv: readonly string[],
): Promise<readonly string[]> {
  const before = { cwd: process.cwd(), env: { ...process.env }, log: console.log, argv: process.argv };
  const lines: string[] = [];
  const setEnv = (wanted: Readonly<Record<string, string | undefined>>) => {
    for (const name of Object.keys(process.env)) if (wanted[name] === undefined) delete process.env[name];
    for (const [name, value] of Object.entries(wanted)) if (value !== undefined) process.env[name] = value;
  };
  console.log = (...words: readonly unknown[]) => void lines.push(words.map(String).join(' '));
  process.chdir(dir);
  process.argv = [...before.argv.slice(0, 1), file, ...argv];
  setEnv(env);
  try {
    await import(pathToFileURL(file).href);
  } finally {
    setEnv(before.env);
    process.chdir(before.cwd);
    process.argv = before.argv;
    console.log = before.log;
  }
  return lines;
}

/** The registries of the documentation are the one of the test, and the library is the one that is tested. */
function here(text: string, host: string): string {
  return text
    .replaceAll(/\b(?:ghcr\.io(?=\/acme)|registry\.example\.com|localhost:500[01])/g, host)
    .replaceAll("'bake-ts'", `'${library}'`);
}

function treeOf(host: string): Readonly<Record<string, string>> {
  const from = `FROM ${host}/base:1\nCOPY . /\n`;
  return {
    'builds.yaml': `vars: { TAG: dev }
templates:
  image: { tags: ["${host}/staging/\${{ build.name }}:\${{ vars.TAG }}"], push: true }
builds:
  base: { extends: image, context: base }
  site: { extends: image, context: site, contexts: { base: "build:base" } }
  api: { extends: image, context: api }
  web: { extends: image, context: web }
  worker: { extends: image, context: worker }
`,
    'base/Dockerfile': from,
    'site/Dockerfile': 'FROM base\nCOPY . /\n',
    'api/Dockerfile': from,
    'web/Dockerfile': from,
    'worker/Dockerfile': from,
    'docker-bake.hcl': 'target "api" { context = "api" }\n',
  };
}

async function commit(dir: string, env: Readonly<Record<string, string>>): Promise<void> {
  const name = ['-c', 'user.name=test', '-c', 'user.email=test@example.invalid'];
  for (const argv of [
    ['init', '-q', '-b', 'main'],
    ['add', '.'],
    [...name, 'commit', '-q', '-m', 'first'],
  ]) {
    const done = await runCommand(['git', ...argv], { cwd: dir, env });
    assert.equal(done.exitCode, 0, done.stderr);
  }
}

/** What an engine keeps, as `buildctl du` has it. */
const CACHE = [
  {
    id: 'a',
    description: '[1/2] COPY . /',
    recordType: 'regular',
    size: 4096,
    createdAt: '2024-05-01T00:00:00Z',
  },
  {
    id: 'b',
    description: 'local source for context',
    recordType: 'source.local',
    size: 512,
    createdAt: '2024-05-01T00:00:00Z',
  },
];

/** Makes a buildctl that hands its calls to an engine within this process. Gives the environment to find both. */
async function serveEngine(
  t: Cleanup,
  engine: FakeEngine,
  home: string,
): Promise<Readonly<Record<string, string>>> {
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { argv } = JSON.parse(Buffer.concat(chunks).toString()) as { readonly argv: readonly string[] };
    outgoing.end(JSON.stringify(await answerCall(engine, argv)));
  };
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch((error: Error) => outgoing.writeHead(500).end(error.message));
  });
  const port = await listenOnLoopback(t, server);
  const socket = path.join(home, 'engine.sock');
  const listener = createSocket((one) => one.on('error', () => undefined));
  await new Promise<void>((resolve) => listener.listen(socket, resolve));
  t.after(() => void listener.close());
  await writeTree(home, { buildctl: { content: callerOf(port), mode: 0o755 } });
  return { BUILDCTL: path.join(home, 'buildctl'), BUILDKIT_HOST: `unix://${socket}` };
}

async function answerCall(engine: FakeEngine, argv: readonly string[]) {
  const verb = argv[0] === '--addr' ? argv[2] : argv[0];
  if (verb === 'du' || verb === 'prune')
    return { exitCode: 0, stdout: CACHE.map((one) => JSON.stringify(one)).join('\n'), lines: [] };
  const lines: string[] = [];
  const { exitCode, stdout } = await engine.run({
    program: engine.program,
    argv,
    env: {},
    onErrorLine: (line) => lines.push(line),
  });
  return { exitCode, stdout: stdout.toString(), lines };
}

/** Runs under whatever `node` is on PATH, as buildctl would be any program. */
function callerOf(port: number): string {
  return `#!/usr/bin/env node
const request = require('node:http').request({ host: '127.0.0.1', port: ${port}, method: 'POST' }, async (answer) => {
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += chunk;
  if (answer.statusCode !== 200) throw new Error(text);
  const { exitCode, stdout, lines } = JSON.parse(text);
  process.stdout.write(stdout);
  process.stderr.write(lines.map((line) => line + '\\n').join(''));
  process.exitCode = exitCode;
});
request.end(JSON.stringify({ argv: process.argv.slice(2) }));
`;
}
