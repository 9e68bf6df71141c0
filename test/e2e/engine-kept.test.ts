/** What an engine keeps, told by build, and let go of: with an engine of the test's own. */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { findBusybox } from '../rig/busybox.ts';
import { type CommandResult, DENO_CACHE } from '../rig/command.ts';
import { makeOwnEngine } from '../rig/own-engine.ts';
import { realEngine } from '../rig/real-engine.ts';
import { type Cleanup, makeTree, writeTree } from '../rig/temp.ts';

const options = { skip: realEngine.skip, timeout: 180_000 };

/** Two builds of one parent; a command with a variable, a cache mount, and no push anywhere. */
const BUILDS = `
builds:
  parent:
    context: parent
  child:
    context: child
    contexts: { parent: build:parent }
    args: { WORD: hello }
    tags: [local/child:1]
  other:
    context: other
    tags: [local/other:1]
`;

async function makeRepository(t: Cleanup): Promise<string> {
  const busybox = { content: await readFile(await findBusybox(t)), mode: 0o755 };
  return makeTree(t, {
    'builds.yaml': BUILDS,
    'parent/busybox': busybox,
    'parent/Dockerfile':
      'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\n',
    'child/Dockerfile':
      'FROM parent\nARG WORD\nRUN --mount=type=cache,target=/cache,id=words echo $WORD > /cache/word && echo ${WORD} > /word\nCOPY own /own\n',
    'child/own': 'own\n',
    'other/Dockerfile': 'FROM scratch\nCOPY thing /thing\n',
    'other/thing': 'x'.repeat(200_000),
  });
}

function jsonOf({ exitCode, stdout, stderr }: CommandResult) {
  assert.equal(exitCode, 0, stderr);
  return JSON.parse(stdout);
}

const bySize = (rows: readonly { readonly build: string }[]) => rows.map(({ build }) => build).sort();

test(
  'what an engine keeps is told by kind and by build, and goes when it is asked for',
  options,
  async (t) => {
    const engine = await makeOwnEngine(t);
    await engine.up();
    const cwd = await makeRepository(t);
    const at = { cwd };
    const run = async (...args: readonly string[]) => {
      const done = await engine.run(args, at);
      assert.equal(done.exitCode, 0, done.stderr);
      return done;
    };
    const survey = async () => jsonOf(await engine.run(['engine', 'du', '--json'], at));

    const empty = await survey();
    assert.deepEqual([empty.totalBytes, empty.kinds, empty.images], [0, [], []]);
    await run('run');

    const full = await survey();
    assert.deepEqual(bySize(full.builds), ['child', 'other', 'parent']);
    assert.deepEqual(
      full.kinds.map(({ kind }: { readonly kind: string }) => kind),
      ['layers', 'cache-mounts', 'local-sources'],
    );
    const buildsOf = (part: string): readonly string[] =>
      full.records
        .filter(({ description }: { readonly description: string }) => description.includes(part))
        .flatMap(({ builds }: { readonly builds: readonly string[] }) => builds);
    assert.deepEqual(
      buildsOf('cached mount /cache'),
      ['child'],
      'a variable in a command is filled in in names only',
    );
    assert.deepEqual(buildsOf('COPY busybox'), ['child', 'parent'], 'a child has the layers below it');
    assert.deepEqual(buildsOf('COPY thing'), ['other']);
    // The copies of Dockerfiles are under one name for all builds of everybody.
    assert.ok(
      full.records.every(
        (one: { readonly builds: readonly string[]; readonly description: string }) =>
          one.builds.length > 0 ||
          /^local source for (?:dockerfile|bake-ts-layers-only)$/.test(one.description),
      ),
      JSON.stringify(full.records),
    );
    assert.ok(full.images.every(({ owner }: { readonly owner: string }) => owner === 'build'));
    const text = (await run('engine', 'du')).stdout;
    assert.match(text, /cache mounts +1 /);
    assert.match(text, /^other +\d+ /m);

    // Of the same engine, another checkout with the same tag of an image of its own, and one with another one.
    const elsewhere = await makeTree(t, {
      'builds.yaml':
        'builds: { theirs: { context: ., tags: [local/theirs:1] }, other: { context: ., tags: [local/shared:1] } }\n',
      Dockerfile: 'FROM scratch\nCOPY file /\n',
      file: 'theirs\n',
    });
    const baked = await engine.run(['run'], { cwd: elsewhere });
    assert.equal(baked.exitCode, 0, baked.stderr);

    // `parent` and `other` go, the tag of `child` changes.
    await writeTree(cwd, {
      'builds.yaml': `builds: { child: { context: child, dockerfile-inline: "FROM scratch\\nCOPY own /own\\n", tags: [local/child:2] } }\n`,
    });
    await run('run');
    const { leftovers } = await survey();
    const namesOf = (rows: readonly { readonly name: string }[]) => rows.map(({ name }) => name);
    assert.deepEqual(namesOf(leftovers.unnamed), ['docker.io/local/child:1', 'docker.io/local/other:1']);
    assert.match(
      namesOf(leftovers.images).join(' '),
      /^127\.0\.0\.1:1\/bake\/parent:\w+( 127\.0\.0\.1:1\/bake\/parent:\w+-layers)?$/,
    );
    assert.ok(leftovers.sources.length >= 2, JSON.stringify(leftovers.sources));
    const stateOf = (rows: readonly { readonly build: string }[]) => rows.map(({ build }) => build).sort();
    assert.deepEqual(stateOf(leftovers.state), ['other', 'parent']);

    const before = await engine.images();
    const refused = await engine.run(['engine', 'prune', '--images', '--gone'], at);
    assert.equal(refused.exitCode, 2, refused.stderr);
    assert.match(refused.stderr, /cli\/not-confirmed/);
    assert.match(refused.stderr, /docker\.io\/local\/child:1 .*no longer names it/);
    assert.deepEqual(await engine.images(), before);
    await run('engine', 'prune', '--images', '--gone', '--dry-run');
    assert.deepEqual(await engine.images(), before);

    const pruned = jsonOf(await engine.run(['engine', 'prune', '--images', '--gone', '--yes', '--json'], at));
    assert.deepEqual(pruned.left, { unnamed: [], images: [], sources: [], state: [] });
    const gone = [...leftovers.unnamed, ...leftovers.images].map(
      ({ name }: { readonly name: string }) => name,
    );
    assert.deepEqual(
      await engine.images(),
      before.filter((name) => !gone.includes(name)),
    );
    const after = await survey();
    assert.deepEqual(after.leftovers, { unnamed: [], images: [], sources: [], state: [] });
    assert.ok(after.totalBytes > 0, 'the cache itself was not asked for');

    // The other checkout goes as a whole: what was kept for it, and its state; its tags are nobody's to remove.
    await rm(elsewhere, { recursive: true });
    const orphaned = (await survey()).leftovers;
    assert.deepEqual(
      orphaned.state.map(({ root }: { readonly root: string }) => path.basename(root)),
      [path.basename(elsewhere)],
    );
    await run('engine', 'prune', '--gone', '--yes');
    assert.deepEqual((await survey()).leftovers.state, []);
    assert.ok((await engine.images()).includes('docker.io/local/theirs:1'));
  },
);

test('the cache goes down to what is kept, and a limit that is none lets nothing go', options, async (t) => {
  const engine = await makeOwnEngine(t);
  await engine.up();
  const cwd = await makeRepository(t);
  const call = (...args: readonly string[]) => engine.run(args, { cwd, env: DENO_CACHE });
  const total = async () => jsonOf(await call('engine', 'du', '--json')).totalBytes;
  assert.equal((await call('run')).exitCode, 0);
  const full = await total();
  assert.ok(full > 1_000_000, String(full));
  for (const wrong of [
    ['--keep', '0'],
    ['--keep', '10'],
    ['--keep', '-1g'],
    ['--keep', '10%'],
    ['--keep', '9999999p'],
    ['--keep', ''],
    ['--older', '7'],
    ['--older', '0d'],
    ['--older', '1w'],
    ['--older', '99999d'],
    ['--keeep', '10GB'],
    ['--keep-storage', '10GB'],
    ['everything'],
    [],
  ]) {
    const refused = await call('engine', 'prune', ...wrong);
    assert.equal(refused.exitCode, 2, `${wrong.join(' ')}: ${refused.stdout}${refused.stderr}`);
  }
  assert.equal(await total(), full);

  for (const enough of [
    ['--keep', '1GB'],
    ['--older', '1h'],
    ['--keep', '1kb', '--older', '7d'],
  ])
    assert.equal(jsonOf(await call('engine', 'prune', '--json', ...enough)).freedBytes, 0, enough.join(' '));
  const some = jsonOf(await call('engine', 'prune', '--keep', '100k', '--json'));
  assert.ok(some.freedBytes > 0 && some.freedBytes < full, `${some.freedBytes} of ${full}`);
  const rest = await total();
  // What images of the store share is not BuildKit's to let go of.
  assert.ok(rest < full, `${rest} of ${full}`);
  const all = await call('engine', 'prune', '--all', '--yes');
  assert.match(all.stdout, /^deleted /);
  assert.equal(await total(), 0);
  const again = await call('run');
  assert.equal(again.exitCode, 0, again.stderr);
});
