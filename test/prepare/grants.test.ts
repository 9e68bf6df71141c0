/** What builds need a grant for, and what is theirs without asking. */
import assert from 'node:assert/strict';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { readBuilds } from '../../lib/config/mod.ts';
import type { Problem } from '../../lib/model/mod.ts';
import { findRefused, preparePlan } from '../../lib/prepare/mod.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

interface Place {
  readonly dir: string;
  readonly repo: string;
  readonly home: string;
}

async function makePlace(t: Cleanup): Promise<Place> {
  const dir = await makeTempDir(t, 'grants-');
  await writeTree(dir, {
    'repo/Dockerfile': 'FROM scratch\nCOPY . /\n',
    'repo/sub/Dockerfile': 'FROM scratch\n',
    'outside/Dockerfile': 'FROM secretbase.example/private\n',
    'outside/secret.txt': 'secret\n',
  });
  const repo = path.join(dir, 'repo');
  await mkdir(path.join(repo, '.git'));
  return { dir, repo, home: path.join(dir, 'home') };
}

type Options = Partial<Parameters<typeof readBuilds>[0]> & { readonly patterns?: readonly string[] };

/** Every problem of planning a build of these settings and of running it. */
async function problemsOf(
  { repo, home }: Place,
  yaml: string,
  options: Options = {},
): Promise<readonly Problem[]> {
  await writeFile(path.join(repo, 'builds.yaml'), yaml);
  const { patterns = ['*'], ...rest } = options;
  const read = await readBuilds({ cwd: repo, env: { HOME: home }, ...rest });
  assert(read.ok, JSON.stringify(read));
  const prepared = preparePlan(read.value.set, { patterns }, repo);
  if (!prepared.ok) return prepared.error;
  return findRefused(prepared.value.plan, repo);
}

const hintsOf = (problems: readonly Problem[]) =>
  problems.map(
    ({ code, hint = '' }) =>
      `${code} ${hint.replace(/^If that is meant, allow it: (.*) \(`allow` in a script\)$/, '$1')}`,
  );

test('whatever leads out of the repository names the grant that it needs, and has it then', async (t) => {
  const place = await makePlace(t);
  await symlink(path.join(place.dir, 'outside'), path.join(place.repo, 'link'));
  await symlink(path.join(place.dir, 'outside/secret.txt'), path.join(place.repo, 'Dockerfile.link'));
  const cases: readonly (readonly [settings: string, ...grants: string[]])[] = [
    ['context: ../outside', 'read:../outside'],
    ['context: link', 'read:../outside'],
    ['context: ., dockerfile: ../outside/Dockerfile', 'read:../outside/Dockerfile'],
    ['context: ., dockerfile: Dockerfile.link', 'read:../outside/secret.txt'],
    ['context: ., contexts: { more: ../outside }', 'read:../outside'],
    ['context: ., contexts: { more: "oci-layout://../outside" }', 'read:../outside'],
    ['context: ., outputs: ["type=local,dest=../out"]', 'write:../out'],
    ['context: ., outputs: ["type=tar,dest=link/x.tar"]', 'write:../outside/x.tar'],
    ['context: ., outputs: ["type=oci,dest=link/new/x.tar"]', 'write:../outside/new/x.tar'],
    ['context: ., outputs: ["/etc/cron.d"]', 'write:/etc/cron.d'],
    ['context: ., cache-from: ["type=local,src=../outside"]', 'read:../outside'],
    ['context: ., cache-to: ["type=local,dest=../outside"]', 'write:../outside'],
    ['context: ., secrets: ["id=a,src=/etc/shadow"]', 'read:/etc/shadow'],
    ['context: ., secrets: [{ id: a, file: link/secret.txt }]', 'read:../outside/secret.txt'],
    ['context: ., ssh: ["default=/root/other"]', 'read:/root/other'],
    ['context: ., buildctl-options: ["--trace=../out.json"]', 'write:../out.json'],
    ['context: ., buildctl-options: [--ref-file, link/ref]', 'write:../outside/ref'],
    ['context: ., buildctl-options: ["--debug-json-cache-metrics=/x"]', 'write:/x'],
    ['context: ., buildctl-options: ["--registry-auth-tlscontext=host=x,ca=../ca"]', 'read:../ca'],
    ['context: ., buildctl-options: ["--from-the-future"]', 'buildctl-options'],
    ['context: ., network: host', 'network.host'],
    ['context: ., entitlements: [security.insecure]', 'security.insecure'],
    ['context: ., entitlements: ["device=vendor/gpu"]', 'device=vendor/gpu'],
    ['context: ., network: host, outputs: [../out]', 'write:../out', 'network.host'],
  ];
  for (const [settings, ...grants] of cases) {
    const yaml = `builds: { a: { ${settings} } }`;
    const expected = grants.map((grant) => `config/needs-grant --allow=${grant}`);
    assert.deepEqual(hintsOf(await problemsOf(place, yaml)), expected, settings);
    assert.deepEqual(hintsOf(await problemsOf(place, yaml, { allow: grants })), [], settings);
  }
});

test('what is the repository’s own, or where tools keep secrets and caches, needs none', async (t) => {
  const place = await makePlace(t);
  for (const settings of [
    'context: .',
    'context: sub, contexts: { all: . }',
    'context: sub, dockerfile: ../Dockerfile',
    'context: ., outputs: ["type=local,dest=out/deep"]',
    'context: ., cache-to: ["type=local,dest=~/.cache/x"], cache-from: ["type=local,src=~/.cache/x"]',
    'context: ., secrets: ["id=a,src=~/.npmrc", "id=b,src=~/.aws/credentials", "id=c,src=/run/secrets/c"]',
    'context: ., secrets: ["id=a,env=TOKEN", { id: b, command: [pass, show, b] }], ssh: [default]',
    'context: ., ssh: ["default=~/.ssh/id_ed25519"]',
    'context: ., buildctl-options: ["--trace=logs/trace.json", --wait, --debug-json-cache-metrics, stderr]',
  ]) {
    const yaml = `builds: { a: { ${settings} } }`;
    assert.deepEqual(await problemsOf(place, yaml), [], settings);
  }
  // Below the root of a repository everything up to it is free.
  await writeTree(place.repo, { 'deep/down/builds.yaml': 'builds: { a: { context: ../.. } }' });
  const read = await readBuilds({ cwd: path.join(place.repo, 'deep/down'), env: {} });
  assert(read.ok);
  assert(preparePlan(read.value.set, { patterns: [] }, place.repo).ok);
});

test('what the user writes on the command line is granted by that', async (t) => {
  const place = await makePlace(t);
  const yaml = 'builds: { a: { context: . } }';
  const overrides = ['a.outputs=type=local,dest=../out', 'a.context=../outside'];
  assert.deepEqual(await problemsOf(place, yaml, { overrides }), []);
  const words = ['a.buildctl-options=--from-the-future', 'a.buildctl-options=--trace=../x'];
  assert.deepEqual(await problemsOf(place, yaml, { overrides: words }), []);
  // A file of such a name is no command line.
  await writeTree(place.repo, { '--set': 'builds: { a: { outputs: ["../out"] } }' });
  const including = 'include: ["./--set"]\nbuilds: { a: { context: . } }';
  assert.deepEqual(hintsOf(await problemsOf(place, including)), ['config/needs-grant --allow=write:../out']);
});

test('only builds of the plan need grants, and outputs only where they are written', async (t) => {
  const place = await makePlace(t);
  const yaml = `builds:
  base: { context: ., outputs: ["../out"] }
  app: { context: ., contexts: { base: "build:base" }, dockerfile-inline: "FROM base" }
  other: { context: ../outside }
`;
  assert.deepEqual(await problemsOf(place, yaml, { patterns: ['app'] }), []);
  assert.equal((await problemsOf(place, yaml, { patterns: ['base'] })).length, 1);
  assert.equal((await problemsOf(place, yaml, { patterns: ['other'] })).length, 1);
});

test('builds that need the same grant are one problem, and nothing outside is opened before', async (t) => {
  const place = await makePlace(t);
  const yaml = `templates: { t: { context: ../outside } }
builds: { a: { extends: t }, b: { extends: t }, c: { extends: t } }
`;
  const problems = await problemsOf(place, yaml);
  assert.deepEqual(hintsOf(problems), ['config/needs-grant --allow=read:../outside']);
  assert.deepEqual(problems[0]?.related, [{ message: 'also b, c' }]);
  assert.equal(JSON.stringify(problems).includes('secretbase'), false);
});

test('secrets, keys and commands of an untrusted file', async (t) => {
  const place = await makePlace(t);
  const yaml = `builds:
  a:
    context: .
    secrets: ["id=n,src=~/.npmrc", "id=t,env=TOKEN", "id=own,src=Dockerfile", { id: c, command: [cat, /etc/shadow] }]
    ssh: [default]
    cache-to: ["type=local,dest=~/.cache/x"]
    network: host
`;
  const options = { untrusted: true } as const;
  assert.deepEqual(hintsOf(await problemsOf(place, yaml, options)), [
    `config/needs-grant --allow=write:../home/.cache/x`,
    `config/needs-grant --allow=read:../home/.npmrc`,
    'config/needs-grant --allow=network.host',
    'config/needs-grant --allow=env:TOKEN',
    'config/untrusted Use a file or a variable instead, and allow it.',
    'config/needs-grant --allow=ssh',
  ]);
  const allow = ['write:~/.cache/x', 'read:~/.npmrc', 'network.host', 'env:TOKEN', 'ssh'];
  assert.deepEqual(
    (await problemsOf(place, yaml, { ...options, allow })).map(({ code }) => code),
    ['config/untrusted'],
  );
});

test('certificates are read where machines keep them', async (t) => {
  const place = await makePlace(t);
  const of = (ca: string) => `registries: { r.example: { ca: ${ca} } }\nbuilds: { a: { context: . } }\n`;
  assert.deepEqual(await problemsOf(place, of('/etc/ssl/certs/company.pem')), []);
  assert.deepEqual(await problemsOf(place, of('sub/ca.pem')), []);
  assert.deepEqual(hintsOf(await problemsOf(place, of('/root/x.pem'))), [
    'config/needs-grant --allow=read:/root/x.pem',
  ]);
});

test('git directories are written by nobody, and read by no untrusted file', async (t) => {
  const place = await makePlace(t);
  const git = (settings: string, options: Options = {}) =>
    problemsOf(place, `builds: { a: { ${settings} } }`, options);
  for (const dest of ['.git', '.git/hooks', 'sub/.git/x', '.GIT/hooks']) {
    const found = hintsOf(await git(`context: ., outputs: ["type=local,dest=${dest}"]`));
    assert.deepEqual(found, [`config/needs-grant --allow=write:${dest}`], dest);
    const [said] = await git(`context: ., outputs: ["type=local,dest=${dest}"]`);
    assert.match(said?.message ?? '', /, where git keeps hooks and credentials$/);
  }
  const [beyond] = await git('context: ., outputs: ["type=local,dest=../x"]');
  assert.match(beyond?.message ?? '', /\.\.\/x`.*, outside of the repository$/);
  const allow = ['write:.git'];
  assert.deepEqual(await git('context: ., outputs: ["type=local,dest=.git"]', { allow }), []);
  assert.deepEqual(await git('context: ., cache-to: ["type=local,dest=.git/c"]', { allow }), []);
  assert.deepEqual(await git('context: ., outputs: ["type=local,dest=."]'), []);
  const untrusted = true;
  assert.equal((await git('context: ., outputs: ["type=local,dest=."]', { untrusted })).length, 1);
  assert.equal((await git('context: .git', { untrusted })).length, 1);
  assert.equal((await git('context: ., contexts: { g: .git }', { untrusted })).length, 1);
  assert.deepEqual(await git('context: .', { untrusted }), []);
});

test('what is read in the place of a Dockerfile and beside it is looked at, too', async (t) => {
  const place = await makePlace(t);
  const at = (file: string) => path.join(place.repo, file);
  await writeTree(place.repo, { '.git/config': 'FROM scratch\n', recipe: 'FROM scratch\n' });
  await rm(at('Dockerfile'));
  const hints = async (settings: string, options: Options = { untrusted: true }) =>
    hintsOf(await problemsOf(place, `builds: { a: { ${settings} } }`, options));
  const config = 'config/needs-grant --allow=read:.git/config';
  await symlink('.git/config', at('dockerfile'));
  assert.deepEqual(await hints('context: sub, dockerfile: ../Dockerfile'), [config]);
  await symlink('.git/config', at('recipe.dockerignore'));
  assert.deepEqual(await hints('context: sub, dockerfile: ../recipe'), [config]);
  assert.deepEqual(await hints('context: sub, dockerfile: ../recipe', {}), []);
  // Nobody follows it.
  await rm(at('recipe.dockerignore'));
  await symlink('../outside/secret.txt', at('recipe.dockerignore'));
  assert.deepEqual(await hints('context: sub, dockerfile: ../recipe'), []);
  // A grant for a file is none for the one beside it.
  await writeTree(place.dir, { 'outside/Dockerfile.dockerignore': '' });
  const beside = ['config/needs-grant --allow=read:../outside/Dockerfile.dockerignore'];
  const outside = 'context: sub, dockerfile: ../../outside/Dockerfile';
  assert.deepEqual(await hints(outside, { allow: ['read:../outside/Dockerfile'] }), beside);
  assert.deepEqual(await hints(outside, { allow: ['read:../outside'] }), []);
});

test('an untrusted build is not begun where git keeps credentials, nor with outputs within one another', async (t) => {
  const place = await makePlace(t);
  const codes = async (settings: string) =>
    (await problemsOf(place, `builds: { a: { ${settings} } }`, { untrusted: true })).map(({ code }) => code);
  const nested = 'context: ., outputs: ["type=local,dest=out", "type=local,dest=out/evil/.ssh"]';
  assert.deepEqual(await codes(nested), ['config/untrusted']);
  assert.deepEqual(await codes('context: ., outputs: ["type=local,dest=out", "type=local,dest=out2"]'), []);
  for (const config of [
    '[remote "origin"]\n\turl = https://user:token@example.com/x\n',
    '[http "https://github.com/"]\n\textraheader = AUTHORIZATION: basic abc\n',
  ]) {
    await writeTree(place.repo, { '.git/config': config });
    assert.deepEqual(await codes('context: .'), ['config/untrusted'], config);
  }
  await writeTree(place.repo, {
    '.git/config': '[remote "origin"]\n\turl = https://example.com/x\n# a://b@c\n',
  });
  assert.deepEqual(await codes('context: .'), []);
});

test('an untrusted file gives buildctl no option, whatever is allowed', async (t) => {
  const place = await makePlace(t);
  for (const words of ['--wait', '"--trace=trace.json"', '--from-the-future']) {
    const yaml = `builds: { a: { context: sub, buildctl-options: [${words}] } }`;
    const found = await problemsOf(place, yaml, { untrusted: true, allow: ['buildctl-options', 'write:/'] });
    assert.deepEqual(
      found.map(({ code }) => code),
      ['config/untrusted'],
      words,
    );
  }
});
