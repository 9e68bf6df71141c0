/**
 * A machine that has never seen the repository skips what another one built, with `record: registry`: no buildctl
 * call, nothing written, and one request for each tag and for each repository. Counted in the registries' logs.
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { generateRepository } from '../rig/generated-repository.ts';
import { realEngine } from '../rig/real-engine.ts';
import { dockerConfigFor, type RunningRegistry, registryKinds, startRegistry } from '../rig/registry.ts';
import type { TreeEntry } from '../rig/temp.ts';
import { assertOk, makeWorkspace, named, type Workspace } from './support.ts';

/** A fresh clone with a home of its own, signed in to some registries. */
async function makeMachine(
  t: TestContext,
  tree: Readonly<Record<string, TreeEntry>>,
  ...signedIn: readonly RunningRegistry[]
): Promise<Workspace> {
  const work = await makeWorkspace(t, tree);
  const docker = path.join(work.home, 'docker');
  await mkdir(docker);
  await writeFile(path.join(docker, 'config.json'), dockerConfigFor(...signedIn.map(({ host }) => host)));
  return work;
}

for (const kind of registryKinds) {
  test(`what one machine built, another one skips (${kind.name})`, {
    skip: realEngine.skip || kind.skip,
    timeout: 300_000,
  }, async (t) => {
    const registry = await startRegistry(t, { kind, auth: kind.signsIn });
    const { tree } = generateRepository('levels', 9, registry.host);
    const shared = { ...tree, 'builds.yaml': `record: registry\n${tree['builds.yaml']}` };
    const first = await (await makeMachine(t, shared, registry)).bake();
    assertOk(first);
    assert.equal(named(first, 'built').length, 9);
    await registry.forget();

    const other = await makeMachine(t, shared, registry);
    const second = await other.bake();
    assertOk(second);
    assert.equal(named(second, 'unchanged').length, 9);
    for (const { build, digest } of second.summary.outcomes) {
      assert.equal(digest, first.outcome(build).digest);
    }
    assert.deepEqual(await other.buildctl.calls(), []);
    assert.deepEqual(await registry.writes(), []);
    const requests = await registry.requests();
    // With credentials at hand, what the registry wants is found out first; the records of each repository take one GET.
    assert.equal(requests.length, 1 + 9 + 9, requests.join('\n'));
    assert.equal(second.summary.registryRequests.reads, requests.length);

    await other.write({ 'image-09/src/one.txt': 'changed\n' });
    const third = await other.bake();
    assertOk(third);
    assert.deepEqual(named(third, 'built'), ['image-09']);

    const fresh = await makeMachine(t, { ...shared, 'image-09/src/one.txt': 'once more\n' }, registry);
    const fourth = await fresh.bake();
    assertOk(fourth);
    assert.deepEqual(named(fourth, 'built'), ['image-09']);
    assert.deepEqual(fourth.outcome('image-09').reason?.items, ['context: src/one.txt changed']);
  });
}

const [distribution2, distribution3] = registryKinds;

test('several tags, repositories, registries with sign-in, platforms and base images', {
  skip: realEngine.skip || (distribution2?.skip ?? true),
  timeout: 300_000,
}, async (t) => {
  assert.ok(distribution2 !== undefined && distribution3 !== undefined);
  const main = await startRegistry(t, { kind: distribution2, auth: true });
  const second = await startRegistry(t, { kind: distribution3, auth: true });
  const platforms = 'platforms: [linux/amd64, linux/arm64]';
  const bases = await makeMachine(
    t,
    {
      'builds.yaml': ['one', 'two']
        .map(
          (name) =>
            `  ${name}:\n    context: .\n    tags: [${main.host}/base/${name}:1]\n    push: true\n    ${platforms}\n`,
        )
        .reduce((all, one) => all + one, 'builds:\n'),
      Dockerfile: 'FROM scratch\nCOPY file /\nENV BASE=1\n',
      file: 'of the bases\n',
    },
    main,
  );
  assertOk(await bases.bake());

  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const tree: Record<string, TreeEntry> = {};
  let yaml = 'record: registry\nbuilds:\n';
  for (const [at, name] of names.entries()) {
    const tags = [
      `${main.host}/app/${name}:1`,
      `${main.host}/app/${name}:latest`,
      `${second.host}/x/${name}:1`,
    ];
    const [base, stage] = at % 2 === 0 ? ['one', 'two'] : ['two', 'one'];
    tree[`${name}/Dockerfile`] =
      `FROM ${main.host}/base/${stage}:1 AS other\nFROM ${main.host}/base/${base}:1\nCOPY file /${name}\nCOPY --from=other /file /other\n`;
    tree[`${name}/file`] = `of ${name}\n`;
    yaml += `  ${name}:\n    context: ${name}\n    tags: [${tags.join(', ')}]\n    push: true\n    ${platforms}\n`;
  }
  tree['builds.yaml'] = yaml;
  const first = await (await makeMachine(t, tree, main, second)).bake();
  assertOk(first);
  assert.equal(named(first, 'built').length, names.length);
  await main.forget();
  await second.forget();

  const other = await makeMachine(t, tree, main, second);
  const again = await other.bake();
  assertOk(again);
  assert.equal(named(again, 'unchanged').length, names.length);
  assert.deepEqual(await other.buildctl.calls(), []);
  assert.deepEqual([await main.writes(), await second.writes()], [[], []]);
  const asked = await main.requests();
  const tags = asked.filter((line) => /^HEAD \/v2\/app\/\w\/manifests\/(1|latest) 200$/.test(line));
  assert.deepEqual([tags.length, new Set(tags).size], [12, 12]);
  for (const base of ['one', 'two']) {
    const lines = asked.filter((line) => line.includes(` /v2/base/${base}/`));
    assert.equal(new Set(lines).size, lines.length, `nothing twice:\n${lines.join('\n')}`);
    // The digest, then once the index and for each platform the manifest and the config.
    assert.ok(lines.length <= 6, lines.join('\n'));
  }
  // The records lie beside each image, in every repository that has it.
  const recordsIn = (prefix: string) =>
    names.map((name) => `GET /v2/${prefix}/${name}/manifests/bake-records 200`);
  const rest = asked.filter((line) => !tags.includes(line) && !line.includes(' /v2/base/'));
  assert.deepEqual([...rest].sort(), ['GET /v2/ 401', ...recordsIn('app')]);
  const beside = (await second.requests()).filter(
    (line) => !/^HEAD \/v2\/x\/\w\/manifests\/1 200$/.test(line),
  );
  assert.deepEqual([...beside].sort(), ['GET /v2/ 401', ...recordsIn('x')]);
  assert.equal((await second.requests()).length - beside.length, names.length);
});
