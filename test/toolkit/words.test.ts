/** Options in what calls of the library say: a script has none of the command line's, so what it calls them stands beside. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { declareCli } from '../../cli/declare.ts';
import {
  type AnyProblem,
  createRegistryClient,
  installEngine,
  openEngine,
  plan,
  promote,
  readBuilds,
  readImageRef,
  run,
  unwrap,
} from '../../lib/mod.ts';
import { makePlace } from '../rig/calling-place.ts';
import { startFaultRegistry } from '../rig/fault-registry.ts';
import { repoPath } from '../rig/paths.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

/** Where an option stands in words: not in a name, and not the start of a longer one. */
const FLAG = /(?<![\w/-])(?:--[a-z][a-z-]*|-[fju])(?![\w-])/g;
/** Who has options of their own: a whole command, or an instruction of a Dockerfile. */
const COMMAND =
  /\b(?:bake-ts|buildctl|buildkitd|ctr|docker|git|mount|deno|node|ADD|COPY|FROM|RUN)\b[^\n;,]*$/;

/** Options in a text without what a script calls them. */
function findLone(text: string): readonly string[] {
  return [...text.matchAll(FLAG)].flatMap(({ 0: flag, index }) => {
    if (COMMAND.test(text.slice(0, index))) return [];
    return /^[^\n]*?\(`[^`]+` (?:in a script|of a script's client)\)/.test(text.slice(index)) ? [] : [flag];
  });
}

function check(name: string, problems: readonly AnyProblem[], code: string): void {
  assert.ok(
    problems.some((one) => one.code === code),
    `${name}: ${JSON.stringify(problems.map((one) => [one.code, one.message]))}`,
  );
  for (const { message, hint = '', related = [] } of problems) {
    const texts = [message, hint, ...related.map((one) => one.message)];
    assert.deepEqual(texts.flatMap(findLone), [], `${name}: ${texts.join('\n')}`);
  }
}

/** A file, what it is called with, and the problem that it comes to. */
const READ: readonly (readonly [string, Parameters<typeof readBuilds>[0], string])[] = [
  ['vars: { TAG: { required: true } }\nbuilds: {}\n', {}, 'config/required-variable'],
  ['vars: { N: { type: int, default: 1 } }\nbuilds: {}\n', { vars: { N: 'x' } }, 'config/variable-value'],
  ['builds: { a: { context: . } }\n', { set: ['b.push=true'] }, 'config/override-no-match'],
  ['builds: { a: { context: . } }\n', { set: ['x', 'a.context.x=1', 'a.push+=1'] }, 'config/override'],
  ['builds: { a: { context: . } }\n', { vars: { X: 1 } }, 'config/unknown-variable'],
  ['builds: { a: { context: . } }\n', { varFiles: ['nowhere.env'] }, 'config/missing-file'],
  ['builds: { a: { context: "${{ steps.x }}" } }\n', {}, 'config/unknown-variable'],
  ['builds: {}\n---\nbuilds: {}\n', {}, 'config/several-documents'],
];

const BAKE: readonly (readonly [string, Parameters<typeof readBuilds>[0], string])[] = [
  ['target "a" { context = "." }\n', { set: ['b.tags=x'] }, 'bake/unknown-name'],
  ['target "a" { context = "." }\n', { set: ['a.load=true'] }, 'config/override'],
  ['target "a" { context = "." }\n', { set: ['a.platform'] }, 'bake/target'],
  ['target "a" { context = "." }\n', { set: ['a.contxt=.'] }, 'config/override'],
  ['variable "N" { type = number }\ntarget "a" {}\n', { vars: { N: 'x' } }, 'bake/value'],
];

async function codesOf(
  t: Cleanup,
  file: string,
  text: string,
  options: Parameters<typeof readBuilds>[0],
): Promise<readonly AnyProblem[]> {
  const { cwd, env } = await makePlace(t, { [file]: text });
  const read = await readBuilds({ cwd, env, ...options });
  return read.ok ? read.value.warnings : read.error;
}

test('problems of reading name options as scripts have them', async (t) => {
  for (const [file, cases] of [
    ['builds.yaml', READ],
    ['docker-bake.hcl', BAKE],
  ] as const)
    for (const [text, options, code] of cases) check(text, await codesOf(t, file, text, options), code);
  const { cwd, env } = await makePlace(t, {
    'builds.yaml': 'engine: { address: "tcp://x:1" }\nbuilds: { a: { context: ../out } }\n',
    'builds.yml': 'builds: {}\n',
    'builds.ts': 'export default { builds: {} };\n',
  });
  const read = await readBuilds({ cwd, env, untrusted: true });
  check('untrusted', read.ok ? read.value.warnings : read.error, 'config/untrusted');
  const code = await readBuilds({ cwd, env, untrusted: true, files: ['builds.ts'] });
  check('code', code.ok ? [] : code.error, 'config/untrusted');
  const several = await readBuilds({ cwd, env });
  check('several files', several.ok ? several.value.warnings : several.error, 'config/several-files');
  const planned = await plan({ cwd, env });
  const ran = await run({ cwd, env });
  check(
    'outside',
    [...(planned.ok ? [] : planned.error), ...(ran.ok ? [] : ran.error)],
    'config/needs-grant',
  );
});

test('problems of runs, engines, registries and destinations do so, too', async (t) => {
  const { cwd, env, buildctl } = await makePlace(t);
  const failing = async (stderr: string): Promise<readonly AnyProblem[]> => {
    await buildctl.setRules([
      { when: ['workers'], stdout: '[]' },
      { when: ['build'], exitCode: 1, stderr },
    ]);
    const result = await run({ cwd, env });
    return result.ok ? [] : result.error;
  };
  const killed =
    'error: failed to solve: process "/bin/sh -c x" did not complete successfully: exit code: 137';
  check('killed', await failing(killed), 'build/step-failed');
  check(
    'slow down',
    await failing('error: failed to solve: toomanyrequests: x'),
    'registry/too-many-requests',
  );

  const untagged = await promote({ cwd, env, to: ['r.example.com/live'] });
  check('no tags', untagged.ok ? [] : untagged.error, 'plan/empty-selection');
  const definition = { builds: { a: { context: 'web', tags: ['r.example.com/a:1'], push: true } } };
  for (const [to, code] of [
    ['other.example.com/x=r2.example.com/y', 'plan/no-destination'],
    ['r.example.com', 'plan/own-destination'],
  ] as const) {
    const promoted = await promote({ cwd, env, definition, to: [to] });
    check(to, promoted.ok ? [] : promoted.error, code);
  }

  const mirror = await installEngine({ env, mirror: 'nowhere' });
  check('mirror', mirror.ok ? [] : mirror.error, 'engine/bad-mirror');
  for (const [address, code] of [
    ['nonsense', 'engine/bad-address'],
    [`unix://${cwd}/nobody.sock`, 'engine/unreachable'],
  ] as const) {
    const named = await openEngine({ env, address });
    check(address, named.ok ? [] : named.error, code);
  }
  const empty = await makeTempDir(t);
  const opened = await openEngine({ env: { HOME: empty, PATH: '' }, autoStart: false });
  if (!opened.ok) for (const one of opened.error) check('engine', [one], one.code);

  const registry = await startFaultRegistry(t, () => ({
    status: 401,
    headers: { 'www-authenticate': 'Basic realm="x"' },
  }));
  const client = createRegistryClient({ env: { DOCKER_CONFIG: empty } });
  t.after(() => client.close());
  const asked = await client.resolveDigest(unwrap(readImageRef(`${registry.host}/a:1`)));
  check('sign in', asked.ok ? [] : asked.error, 'registry/unauthorized');
});

test('no text of the library names an option of the command line alone', () => {
  const flags = new Set(declareCli().commands.flatMap((one) => one.options.map(({ rawName }) => rawName)));
  const names = new Set([...flags].flatMap((raw) => raw.match(/(?<!\w)--?[a-z][a-z-]*/g) ?? []));
  // The instruction ADD has one of this name.
  names.delete('--checksum');
  assert.ok(names.has('--addr') && names.has('--stall-timeout'));
  // What is for the command line alone, shows runs as it does, or writes what starts other programs.
  const others =
    /^(?:ci|history|page|report|watch)\/|^(?:plan\/(?:draw|document)|convert\/propose|engine\/service|run\/given|util\/option-words)\.ts$/;
  const files = readdirSync(repoPath('lib'), { recursive: true }).map((name) => String(name));
  const found = files
    .filter((name) => name.endsWith('.ts') && !others.test(name.split(path.sep).join('/')))
    .flatMap((name) =>
      readFileSync(repoPath(`lib/${name}`), 'utf8')
        .split('\n')
        .filter((line) => !/^\s*(?:\/?\*|\/\/)/.test(line) && !line.includes('option('))
        .flatMap((line) => {
          // Words of a call of another program stand by themselves.
          const said = line
            .replaceAll('\\`', '`')
            .replaceAll(/'--[a-z-]+(?:=[^']*)?'/g, '')
            .replaceAll(/path: '--set'/g, '');
          return findLone(said)
            .filter((flag) => names.has(flag))
            .map((flag) => `${name}: ${flag} in ${line.trim()}`);
        }),
    );
  assert.deepEqual(found, []);
});
