/** `--audit`: a wrong record is found out and dropped, a right one passes, whatever the engine still has in its cache. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { BuildRecord } from '../../lib/model/mod.ts';
import { digestOf, overwriteTag } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { assertOk, makeWorkspace, named } from './support.ts';

const ALL = { kind: 'percent', percent: 100 } as const;

test('auditing what was left alone', { skip: realEngine.skip, timeout: 240_000 }, async (t) => {
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
  const recordFile = (key: string) => path.join(stage.home, 'state/records', key.slice(0, 2), `${key}.json`);
  const readRecord = async (key: string) =>
    JSON.parse(await readFile(recordFile(key), 'utf8')) as BuildRecord;
  assertOk(await stage.bake());

  await t.test('a right record passes: built aside, nothing pushed, nothing moved', async () => {
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
    const result = await stage.run(['run', '--progress=json', '--audit=3', '--no-cache']);
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
    const old = await stage.bake();
    const oldDigest = old.outcome('app').digest;
    const oldRecord = await readRecord(old.outcome('app').key ?? '');
    await stage.write({ 'app/data/a': 'A\n', 'app/data/new': 'n\n' });
    const now = await stage.bake();
    const key = now.outcome('app').key ?? '';
    // As a key would that had missed the edit: the new inputs are said to have given the old image.
    await writeFile(recordFile(key), JSON.stringify({ ...oldRecord, key }));
    await overwriteTag(`${host}/audit/app:1`, `${host}/audit/app@${oldDigest}`);
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
    await assert.rejects(readFile(recordFile(key)), /ENOENT/);

    const after = await stage.bake();
    assertOk(after);
    assert.deepEqual(named(after, 'built'), ['app']);
    assert.equal(await digestOf(`${host}/audit/app:1`), now.outcome('app').digest);
  });

  await t.test(
    'where nothing is left alone there is nothing to audit, and a dry run audits nothing',
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
