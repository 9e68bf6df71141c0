/** `--audit`: a wrong record is found out and dropped, a right one passes, whatever the engine still has in its cache. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { BuildRecord } from '../../lib/model/mod.ts';
import { runCommand } from '../rig/command.ts';
import { digestOf, overwriteTag } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { makeTempDir } from '../rig/temp.ts';
import { assertOk, makeWorkspace, named, type Workspace } from './support.ts';

const ALL = { kind: 'percent', percent: 100 } as const;

const options = { skip: realEngine.skip, timeout: 240_000 };
const recordFile = ({ home }: Workspace, key: string) =>
  path.join(home, 'state/records', key.slice(0, 2), `${key}.json`);

/**
 * As a key would that had missed the edit: the inputs of now are said to have given the image of before. The build is
 * baked before and after the edit.
 */
async function misremember(
  work: Workspace,
  build: string,
  edit: () => Promise<void>,
): Promise<{ readonly key: string; readonly wrong: string; readonly right: string }> {
  const before = (await work.bake()).outcome(build);
  // A mistake that nobody has been told of yet.
  const { sharedWith: _, ...old } = JSON.parse(
    await readFile(recordFile(work, before.key ?? ''), 'utf8'),
  ) as BuildRecord;
  await edit();
  const { key = '', digest = '' } = (await work.bake()).outcome(build);
  assert.notEqual(key, before.key);
  const finishedAt = new Date().toISOString();
  await writeFile(recordFile(work, key), JSON.stringify({ ...old, key, finishedAt }));
  return { key, wrong: before.digest ?? '', right: digest };
}

test('auditing what was skipped', options, async (t) => {
  const registry = await startTestRegistry(t);
  const { host } = registry;
  const image = (name: string, more = '') =>
    `  ${name}: { context: ${name}, tags: ["${host}/audit/${name}:1"], push: true${more} }\n`;
  const stage = await makeWorkspace(t, {
    // Not pushed and not asked for: its image is in the engine's store only.
    'builds.yaml': `builds:\n${image('base')}${image('app', ', contexts: { base: "build:base", shared: "build:shared" }')}  shared: { context: shared }\ngroups: { default: [base, app] }\n`,
    'shared/Dockerfile': 'FROM scratch\nCOPY shared /shared\n',
    'shared/shared': 'shared\n',
    'base/Dockerfile': 'FROM scratch\nCOPY words /words\n',
    'base/words': 'base\n',
    'app/Dockerfile': 'FROM base\nCOPY --from=shared /shared /shared\nCOPY data /data/\n',
    'app/data/a': 'a\n',
    'app/data/b': 'b\n',
  });
  assertOk(await stage.bake());

  await t.test('a right record passes: a scratch build, nothing pushed, nothing moved', async () => {
    await registry.forget();
    await stage.buildctl.reset();
    const baked = await stage.bake({ audit: { size: ALL, seed: 1 } });
    assertOk(baked);
    assert.deepEqual(named(baked, 'unchanged'), ['app', 'base', 'shared']);
    assert.deepEqual(baked.summary.audit, { seed: 1, candidates: 3, builds: ['base', 'shared', 'app'] });
    for (const { audit, reason } of baked.summary.outcomes) {
      assert.deepEqual(audit, { result: 'same-bytes', compared: 'digests', cached: true });
      assert.match(reason?.text ?? '', /; audited: the same bytes$/);
    }
    const calls = await stage.buildctl.builds();
    assert.equal(calls.length, 3);
    for (const call of calls) assert.doesNotMatch(call, /push|type=image|export-cache/);
    assert.deepEqual(await registry.writes(), []);
  });

  await t.test('what the engine has forgotten is compared by its files', async () => {
    const pruned = await runCommand([
      path.join(realEngine.binDir, 'buildctl'),
      ...['--addr', realEngine.address, 'prune', '--all'],
    ]);
    assert.equal(pruned.exitCode, 0, pruned.stderr);
    const result = await stage.run(['run', '--progress=json', '--audit=3']);
    assert.equal(result.exitCode, 0, result.stderr + result.stdout);
    const last = JSON.parse(result.stdout.trim().split('\n').at(-1) ?? '') as {
      readonly summary: { readonly outcomes: readonly { readonly audit?: unknown }[] };
    };
    assert.deepEqual(
      last.summary.outcomes.map((one) => one.audit),
      Array.from({ length: 3 }, () => ({ result: 'same-files', compared: 'files', cached: false })),
    );
  });

  await t.test('a wrong record fails the run, says what differs, and is gone for the next run', async () => {
    const { key, wrong, right } = await misremember(stage, 'app', () =>
      stage.write({ 'app/data/a': 'A\n', 'app/data/new': 'n\n' }),
    );
    await overwriteTag(`${host}/audit/app:1`, `${host}/audit/app@${wrong}`);
    const blind = await stage.bake();
    assertOk(blind);
    assert.equal(blind.outcome('app').kind, 'unchanged', 'without an audit nobody notices');

    const baked = await stage.bake({ builds: ['app'], audit: { size: ALL } });
    assert.equal(baked.summary.ok, false);
    assert.deepEqual(named(baked, 'failed'), ['app'], JSON.stringify(baked.summary.outcomes, undefined, 2));
    const { kind, audit, problem } = baked.outcome('app');
    assert.equal(kind, 'failed');
    assert.equal(problem?.code, 'run/audit-failed');
    assert.equal(audit?.result, 'different');
    assert.deepEqual(
      audit.differences?.map((line) => line.replace(/^\S+ /, '')),
      ['layer 3 (COPY data /data/): changed data/a (content)', 'layer 3 (COPY data /data/): added data/new'],
    );
    assert.match(problem.detail ?? '', /data\/new/);
    await assert.rejects(readFile(recordFile(stage, key)), /ENOENT/);

    const after = await stage.bake();
    assertOk(after);
    assert.deepEqual(named(after, 'built'), ['app']);
    assert.equal(await digestOf(`${host}/audit/app:1`), right);
  });

  await t.test(
    'where nothing is skipped there is nothing to audit, and a dry run audits nothing',
    async () => {
      const forced = await stage.bake({ audit: { size: ALL }, force: true });
      assertOk(forced);
      assert.deepEqual(forced.summary.audit?.builds, []);
      await stage.buildctl.reset();
      const dry = await stage.bake({ audit: { size: ALL }, dryRun: true });
      assert.equal(dry.summary.audit, undefined);
      assert.deepEqual(await stage.buildctl.calls(), []);
    },
  );

  await t.test('the command line takes a part or a number, and nothing else', async () => {
    for (const wrong of ['0', '0%', '101%', 'some', '-1']) {
      const result = await stage.run(['run', `--audit=${wrong}`]);
      assert.equal(result.exitCode, 2, wrong);
    }
    assert.equal((await stage.run(['run', '--audit-seed=1'])).exitCode, 2);
  });
});

const TWO = (host: string, more: string) => ({
  'builds.yaml': `${more}\nbuilds:\n${['a', 'b']
    .map((name) => `  ${name}: { context: ${name}, tags: ["${host}/audit/${name}:1"], push: true }\n`)
    .join('')}`,
  'a/Dockerfile': 'FROM scratch\nCOPY file /\n',
  'a/file': 'a\n',
  'b/Dockerfile': 'FROM scratch\nCOPY file /\n',
  'b/file': 'b\n',
});

test('a wrong record is dropped from the registry, too, and stays away', options, async (t) => {
  const { host } = await startTestRegistry(t);
  const work = await makeWorkspace(t, TWO(host, 'record: registry'));
  const { wrong, right } = await misremember(work, 'a', () => work.write({ 'a/file': 'A\n' }));
  // This run finds its tag astray from what is remembered, puts it there, and shares what it remembers.
  assertOk(await work.bake());
  assert.equal(await digestOf(`${host}/audit/a:1`), wrong);
  const elsewhere = async () => ({ env: { BAKE_TS_HOME: await makeTempDir(t, 'e2e-empty-') } });
  assert.deepEqual((await work.bake(await elsewhere())).kinds, { a: 'unchanged', b: 'unchanged' });

  const auditor = await elsewhere();
  const audited = await work.bake({ ...auditor, audit: { size: ALL } });
  assert.equal(audited.summary.ok, false);
  assert.deepEqual(audited.kinds, { a: 'failed', b: 'unchanged' });
  assert.equal(audited.outcome('a').problem?.code, 'run/audit-failed');

  const after = await work.bake(await elsewhere());
  assertOk(after);
  assert.deepEqual(after.kinds, { a: 'built', b: 'unchanged' }, 'no other machine believes it either');
  assert.deepEqual((await work.bake(auditor)).kinds, { a: 'unchanged', b: 'unchanged' });
  assert.equal(
    await digestOf(`${host}/audit/a:1`),
    right,
    'the same files give the same bytes from the cache',
  );

  // A machine that still holds the wrong record does not talk the others into it.
  await work.bake();
  const last = await work.bake(await elsewhere());
  assert.equal(last.outcome('a').reason?.code, 'tags-moved');
  assert.equal(last.outcome('a').digest, right);
});

test('with publish: together an audit that fails moves no tag', options, async (t) => {
  const { host } = await startTestRegistry(t);
  const work = await makeWorkspace(t, TWO(host, 'publish: together'));
  const { right } = await misremember(work, 'a', () => work.write({ 'a/file': 'A\n' }));
  const b = await digestOf(`${host}/audit/b:1`);
  await work.write({ 'b/file': 'B\n' });
  const audited = await work.bake({ audit: { size: ALL } });
  assert.equal(audited.summary.ok, false);
  assert.deepEqual(audited.summary.audit?.builds, ['a']);
  assert.deepEqual(audited.kinds, { a: 'failed', b: 'built' });
  assert.equal(
    await digestOf(`${host}/audit/a:1`),
    right,
    'the tag that was to be put back to the old image',
  );
  assert.equal(await digestOf(`${host}/audit/b:1`), b, 'the tag of what was built in the same run');
  assert.ok(
    audited.events.some((event) => event.type === 'warning' && event.problem.code === 'run/not-published'),
  );

  const after = await work.bake();
  assertOk(after);
  assert.deepEqual(after.kinds, { a: 'built', b: 'retagged' });
  assert.notEqual(await digestOf(`${host}/audit/b:1`), b);
});
