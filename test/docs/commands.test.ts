/**
 * Every command of the documentation: its options are ones that there are, and it ends well in a repository with an engine and a registry of
 * the test. Pages that have a test of their own, which types all of them on real engines, are only checked for their options.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { matchCommand, readArgs, shapesOf } from '../../cli/args.ts';
import { declareCli } from '../../cli/declare.ts';
import { runCommand } from '../rig/command.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { putBase } from '../rig/fake-world.ts';
import { listPages } from '../rig/pages.ts';
import { repoPath } from '../rig/paths.ts';
import { writeTree } from '../rig/temp.ts';
import { makeExampleWorld } from './support.ts';

/** Pages whose commands a test of their own runs, by that test. */
const TYPED_ELSEWHERE: Readonly<Record<string, string>> = {
  'docs/ci.md': 'test/e2e/ci-recipes.test.ts',
  'docs/from-buildctl.md': 'test/e2e/from-buildctl.test.ts',
  'docs/migrate.md': 'test/docs/migrate.test.ts',
  'docs/proxy.md': 'test/e2e/company-ca.test.ts',
  'docs/tutorial.md': 'test/e2e/tutorial.test.ts',
};

/** Commands that are not run here, by how they start, and why. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'engine install': 'installs programs; test/engine does',
  'engine upgrade': 'installs programs; test/engine does',
  'run --watch': 'goes on until it is stopped; test/cli and test/e2e/watch do',
  'logs --follow': 'follows a run that goes on; test/cli does',
  'run --addr tcp:': 'needs engines of that name; test/e2e/pool-run does',
  images: 'asks a containerd; test/e2e/store does',
  'push ': 'reads from a containerd; test/e2e/from-buildctl does',
};

/** Made from the declarations of the commands, which test/cli checks; its usage lines are no commands. */
const GENERATED = 'docs/reference/commands.md';

interface Command {
  /** `docs/cli.md:19` */
  readonly place: string;
  readonly page: string;
  readonly env: Readonly<Record<string, string>>;
  readonly words: readonly string[];
}

/** Blocks of these languages hold no commands. */
const NO_COMMANDS = new Set([
  'ts',
  'js',
  'yaml',
  'json',
  'output',
  'text',
  'dockerfile',
  'hcl',
  'html',
  'toml',
]);

function findCommands(): readonly Command[] {
  const docs = listPages().map((name) => `docs/${name}`);
  const pages = ['README.md', 'examples/README.md', ...docs];
  return pages
    .filter((page) => page !== GENERATED)
    .flatMap((page) => {
      const text = readFileSync(repoPath(page), 'utf8');
      return [...text.matchAll(/^ *```([^\n]*)\n(.*?)^ *```/gms)].flatMap(
        ({ 1: kind = '', 2: block = '', index }) => {
          if (NO_COMMANDS.has(kind.split(' ')[0] ?? '')) return [];
          const first = text.slice(0, index).split('\n').length + 1;
          return block
            .split('\n')
            .flatMap((line, at) =>
              commandsIn(line).map((found) => ({ page, place: `${page}:${first + at}`, ...found })),
            );
        },
      );
    });
}

/** Calls of bake-ts in a line of shell: up to where it is piped, redirected or commented on. */
function commandsIn(line: string): readonly Pick<Command, 'env' | 'words'>[] {
  return line.split(/ && /).flatMap((part) => {
    const words = [...part.trim().matchAll(/"[^"]*"|'[^']*'|[^\s"']+(?:'[^']*'|"[^"]*")?|\s#.*$/g)].map(
      ([word]) => word,
    );
    const env: Record<string, string> = {};
    while (/^[A-Z_]+=/.test(words[0] ?? '')) {
      const [name = '', value = ''] = (words.shift() ?? '').split('=');
      env[name] = value;
    }
    if (words.shift() !== 'bake-ts') return [];
    const end = words.findIndex((word) => /^(?:[|<>#]|\s#)/.test(word));
    const own = end === -1 ? words : words.slice(0, end);
    return [{ env, words: own.map((word) => word.replaceAll(/["']/g, '')) }];
  });
}

const commands = findCommands();

test('the documentation shows commands', () => {
  assert.ok(commands.length > 80, String(commands.length));
});

test('every command has options and arguments that there are', () => {
  const cli = declareCli();
  const wrong = commands.flatMap(({ place, words }) => {
    const { command, rest } = matchCommand(cli, words);
    if (command === undefined) return [`${place}: no command ${words.join(' ')}`];
    const read = readArgs(rest, shapesOf(cli, command));
    return read.ok ? [] : read.error.map(({ message }) => `${place}: ${message}`);
  });
  assert.deepEqual(wrong, []);
});

test('every reason for not running a command is needed, and the other tests are there', () => {
  for (const start of Object.keys(NOT_RUN))
    assert.ok(
      commands.some(({ words }) => words.join(' ').startsWith(start)),
      start,
    );
  for (const [page, file] of Object.entries(TYPED_ELSEWHERE))
    assert.ok(readFileSync(repoPath(file), 'utf8').includes(page), `${file} does not name ${page}`);
});

test('every command ends well', async (t) => {
  const world = await makeExampleWorld(t);
  const { host } = world.registry;
  putBase(world.registry, 'acme/api', '1.4', 'api');
  const image = (name: string) => `tags: ["${host}/staging/${name}:\${{ vars.TAG }}"], push: true`;
  const tree = {
    'builds.yaml': `vars: { TAG: { default: "1.4", env: [TAG] } }
builds:
  api: { context: api, ${image('api')} }
  api-legacy: { context: api, ${image('api-legacy')} }
  api-next: { context: api, ${image('api-next')} }
  base: { context: app, ${image('base')} }
  worker:
    context: app
    matrix: { queue: [mail, invoices] }
    tags: ["${host}/staging/worker:\${{ matrix.queue }}"]
    push: true
  app: { context: app, ${image('app')} }
  web: { context: web, ${image('web')} }
`,
    'app/Dockerfile': 'FROM scratch\nCOPY . /\n',
    'compose.yaml': 'services: { api: { build: api } }\n',
    'docker-bake.override.hcl': 'target "api" { tags = ["a"] }\n',
    'made/keep': '',
  };
  await writeTree(world.dir, tree);
  const run = async (words: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const own = words.map((word) => word.replaceAll(/\b(?:ghcr\.io(?=\/acme)|localhost:500[01])/g, host));
    const io = createFakeIo(own, { cwd: world.dir, env: { ...world.env, ...env } });
    return { code: await runCli(io), said: `${io.out()}${io.err()}` };
  };
  const origin = ['git', 'update-ref', 'refs/remotes/origin/main', 'HEAD'];
  assert.equal((await runCommand(origin, { cwd: world.dir, env: world.env })).exitCode, 0);
  for (const TAG of ['1.3', '1.4']) assert.equal((await run(['run'], { TAG })).code, 0);
  const wrong: string[] = [];
  const seen = new Set<string>();
  for (const { page, place, words, env } of commands) {
    const text = words.join(' ');
    if (TYPED_ELSEWHERE[page] !== undefined || seen.has(text)) continue;
    seen.add(text);
    if (Object.keys(NOT_RUN).some((start) => text.startsWith(start))) continue;
    // A digest that is cut short is whatever the reader has.
    if (text.includes('…')) continue;
    await writeTree(world.dir, tree);
    if (words[0] === 'import' || words[0] === 'init' || words[0] === 'bake')
      await rm(path.join(world.dir, 'builds.yaml'));
    const { code, said } = await run(words, env);
    if (code !== 0) wrong.push(`${place}: ${text}: exit code ${code}\n${said}`);
  }
  assert.deepEqual(wrong, []);
});

test('a line of shell is parted where it is piped, redirected and commented on', () => {
  assert.deepEqual(commandsIn("A=1 bake-ts run --set 'a.b=c d' x # why"), [
    { env: { A: '1' }, words: ['run', '--set', 'a.b=c d', 'x'] },
  ]);
  assert.deepEqual(commandsIn('bake-ts a | jq -r "x" && bake-ts b > c'), [
    { env: {}, words: ['a'] },
    { env: {}, words: ['b'] },
  ]);
});
