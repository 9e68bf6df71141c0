/**
 * Generated repositories, run again on the same machine and on another one with an empty disk: both build nothing and
 * write nothing. The small one runs on every runtime, as a process each time; the large ones take minutes and run where
 * they are asked for (BAKE_TS_TEST_LONG), or on the oldest runtime, so that a whole test run has them once.
 */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import type { BakeEvent, RunSummary } from '../../lib/model/mod.ts';
import { type CommandResult, runCommand } from '../rig/command.ts';
import { generateRepository, type Shape } from '../rig/generated-repository.ts';
import { compiled, repoPath } from '../rig/paths.ts';
import { digestOf } from '../rig/puller.ts';
import { realEngine, startTestRegistry, type TestRegistry } from '../rig/real-engine.ts';
import { makeWorkspace, type Workspace } from './support.ts';

const wantsLong = process.env['BAKE_TS_TEST_LONG'] === '1' || compiled;

interface Ran {
  readonly kinds: Readonly<Record<string, string>>;
  readonly digests: Readonly<Record<string, string | undefined>>;
  readonly summary: RunSummary;
}

function readSummary(result: CommandResult): Ran {
  assert.equal(result.exitCode, 0, `${result.stdout.slice(-2000)}${result.stderr.slice(-2000)}`);
  const events = result.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as BakeEvent);
  const last = events.at(-1);
  assert(last?.type === 'run-finished', result.stdout.slice(-500));
  const { outcomes } = last.summary;
  return {
    summary: last.summary,
    kinds: Object.fromEntries(outcomes.map(({ build, kind }) => [build, kind])),
    digests: Object.fromEntries(outcomes.map(({ build, digest }) => [build, digest])),
  };
}

interface Site {
  readonly work: Workspace;
  readonly registry: TestRegistry;
}

/** Builds a repository, then runs it once more here and once in a fresh clone with an empty home. */
async function runThrice(t: TestContext, shape: Shape, count: number): Promise<Site> {
  const registry = await startTestRegistry(t);
  const { tree } = generateRepository(shape, count, registry.host);
  const shared = { ...tree, 'builds.yaml': `record: registry\n${tree['builds.yaml']}` };
  const work = await makeWorkspace(t, shared);
  const run = async (place: Workspace) =>
    readSummary(await place.run(['run', '--progress=json'], { timeoutMs: 400_000 }));
  const first = await run(work);
  assert.deepEqual(new Set(Object.values(first.kinds)), new Set(['built']));
  // Where a loaded machine pushes slowly, others start early, with calls that push nothing.
  assert.equal((await work.buildctl.builds()).filter((call) => call.includes('push=true')).length, count);
  await work.buildctl.reset();
  for (const place of [work, await makeWorkspace(t, shared)]) {
    await registry.forget();
    const again = await run(place);
    assert.deepEqual(new Set(Object.values(again.kinds)), new Set(['unchanged']));
    assert.deepEqual(again.digests, first.digests);
    assert.deepEqual(await place.buildctl.calls(), []);
    assert.equal(again.summary.buildctlCalls, 0);
    assert.deepEqual(await registry.writes(), []);
    // A machine that knows its builds asks for no records; one that knows nothing, for those of each repository.
    const requests = await registry.requests();
    const expected = place === work ? count : 2 * count;
    assert.equal(requests.length, expected, `${requests.length} requests for ${count} tags`);
    assert.equal(again.summary.registryRequests.reads, requests.length);
  }
  return { work, registry };
}

test('twelve images on seven levels', { skip: realEngine.skip, timeout: 300_000 }, async (t) => {
  const { work, registry } = await runThrice(t, 'levels', 12);

  await t.test('a file at the bottom builds what is based on it, and nothing beside it', async () => {
    const repository = generateRepository('levels', 12, registry.host);
    const above = new Set(['image-03']);
    for (const { name, needs } of repository.images)
      if (needs.some((need) => above.has(need))) above.add(name);
    await writeFile(path.join(work.dir, 'image-03/src/one.txt'), 'changed\n');
    const { kinds } = readSummary(await work.run(['run', '--progress=json'], { timeoutMs: 200_000 }));
    const built = Object.keys(kinds).filter((name) => kinds[name] === 'built');
    assert.deepEqual(built.sort(), [...above].sort());
  });

  await t.test(
    'the other runtime, on the same repository, finds nothing to do and says the same',
    async () => {
      const here = readSummary(await work.run(['run', '--progress=json']));
      const others = await otherCommands();
      assert(others.length > 0, 'there is no other runtime: npm test installs them');
      for (const command of others) {
        await work.buildctl.reset();
        const options = { cwd: work.dir, env: work.env };
        const there = readSummary(await runCommand([...command, 'run', '--progress=json'], options));
        assert.deepEqual(there.kinds, here.kinds);
        assert.deepEqual(there.digests, here.digests);
        assert.deepEqual(await work.buildctl.calls(), []);
        for (const tag of there.summary.outcomes.flatMap((outcome) => outcome.tags)) {
          assert.equal(await digestOf(tag.ref), tag.digest);
        }
      }
    },
  );
});

/** Command lines of bake-ts on the runtimes that this test does not run on. */
async function otherCommands(): Promise<readonly (readonly string[])[]> {
  const bin = repoPath('.cache/runtimes/node_modules/.bin');
  const installed: readonly string[] = await readdir(bin).catch(() => []);
  const main = repoPath('cli/main.ts');
  const commands: readonly (readonly [string, readonly string[]])[] = [
    ['deno', [path.join(bin, 'deno'), 'run', '-A', '--config', repoPath('deno.json'), main]],
    ['node', [path.join(bin, 'node'), main]],
  ];
  const own = process.versions['deno'] === undefined ? 'node' : 'deno';
  return commands.flatMap(([name, argv]) =>
    installed.includes(name) && (name !== own || compiled) ? [argv] : [],
  );
}

for (const [shape, count] of [
  ['flat', 40],
  ['chain', 49],
  ['levels', 49],
] as const) {
  test(`${count} images, ${shape}`, {
    skip: realEngine.skip || (wantsLong ? false : 'long: BAKE_TS_TEST_LONG=1 runs it'),
    timeout: 500_000,
  }, async (t) => {
    await runThrice(t, shape, count);
  });
}
