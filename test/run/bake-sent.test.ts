/** What the engine is told of attributes of bake that buildx does not hand on as they are (docker/buildx 0.38.2, build/opt.go). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codesOf } from '../rig/baking.ts';
import { makeFakeWorld } from '../rig/fake-world.ts';
import type { Cleanup } from '../rig/temp.ts';

const DOCKERFILE = 'FROM scratch\nCOPY file /file\n';

async function sent(
  t: Cleanup,
  attributes: string,
  files: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<{
  readonly argv: string;
  readonly codes: readonly string[];
  readonly warnings: readonly string[];
}> {
  const world = await makeFakeWorld(t, () => ({
    'docker-bake.hcl': `target "default" {\n${attributes}\n}\n`,
    Dockerfile: DOCKERFILE,
    'sub/file': 'file',
    file: 'file',
    ...files,
  }));
  const baked = await world.bake({ env: { TOKEN: 'token', ...env } });
  const warnings = baked.events.flatMap((event) =>
    event.type === 'warning' ? [`${event.problem.code}: ${event.problem.message}`] : [],
  );
  return { argv: world.engine.builds.flat().join('\n'), codes: codesOf(baked), warnings };
}

test('`local` beside other platforms is the platform of this machine', async (t) => {
  const { argv } = await sent(t, 'platforms = ["local", "linux/s390x"]');
  assert.match(argv, /^platform=linux\/(?:amd64|arm64|\w+),linux\/s390x$/m);
});

test('BUILDKIT_INLINE_CACHE exports the cache with the image', async (t) => {
  const { argv } = await sent(t, 'args = { BUILDKIT_INLINE_CACHE = "1" }');
  assert.match(argv, /^--export-cache\ntype=inline$/m);
  const off = await sent(t, 'args = { BUILDKIT_INLINE_CACHE = "0" }');
  assert.doesNotMatch(off.argv, /--export-cache/);
});

test('of the variable and the file of a secret the variable counts', async (t) => {
  const { argv } = await sent(t, 'secret = ["id=a,env=TOKEN,src=file"]');
  assert.match(argv, /^id=a,env=TOKEN$/m);
});

test('addresses of hosts go without brackets; those that only Docker knows are refused', async (t) => {
  const { argv } = await sent(t, 'extra-hosts = { a = "[::1]", b = "1.2.3.4" }');
  assert.match(argv, /^add-hosts=a=::1,b=1\.2\.3\.4$/m);
  for (const address of ['host-gateway', '1.2.3.4,::1', 'nonsense']) {
    const refused = await sent(t, `extra-hosts = { a = "${address}" }`);
    assert.deepEqual([refused.argv, refused.codes], ['', ['bake/unsupported']], address);
  }
});

test('a policy counts beside the Dockerfile that is built', async (t) => {
  const own = await sent(t, 'context = "sub"\ndockerfile = "cwd://D"', { D: DOCKERFILE, 'D.rego': '' });
  assert.deepEqual([own.argv, own.codes], ['', ['bake/unsupported']]);
  const lower = await sent(t, 'context = "sub"', { 'sub/dockerfile': DOCKERFILE, 'sub/dockerfile.rego': '' });
  assert.deepEqual([lower.argv, lower.codes], ['', ['bake/unsupported']]);
});

test('groups that share groups are walked once, and a cycle is refused as by bake', async (t) => {
  const levels = Array.from({ length: 40 }, (_, at) =>
    ['g', 'h'].map((name) => `group "${name}${at + 1}" {\n targets = ["g${at}", "h${at}"]\n}\n`).join(''),
  ).join('');
  const groups = ['g0', 'h0'].map((name) => `group "${name}" {\n targets = ["default"]\n}\n`).join('');
  const { codes } = await sent(
    t,
    `}\n${groups}${levels}group "x" {\n targets = ["y"]\n}\ngroup "y" {\n targets = ["x"]\n`,
  );
  assert.deepEqual(codes, []);
});

const GHA = 'cache-from = ["type=gha", "type=registry,ref=a/cache"]\ncache-to = ["type=gha,mode=max"]';

test('caches of GitHub Actions are left out where there is no such job, which is said once', async (t) => {
  const { argv, warnings } = await sent(t, GHA);
  assert.match(argv, /^type=registry,ref=a\/cache$/m);
  assert.doesNotMatch(argv, /gha|--export-cache/);
  assert.deepEqual(warnings, [
    'build/cache-inactive: caches of GitHub Actions (type=gha) are not available here, so `default` goes without',
  ]);
  // A token alone is no job.
  const half = await sent(t, GHA, {}, { ACTIONS_RUNTIME_TOKEN: 't0ken' });
  assert.doesNotMatch(half.argv, /gha/);
});

test('in a job of GitHub Actions they are there, as are those that say all by themselves', async (t) => {
  for (const variable of ['ACTIONS_CACHE_URL', 'ACTIONS_RESULTS_URL']) {
    const env = { ACTIONS_RUNTIME_TOKEN: 't0ken', [variable]: 'https://cache' };
    const { argv, warnings } = await sent(t, GHA, {}, env);
    assert.match(argv, /^--import-cache\ntype=gha$/m);
    assert.match(argv, /^--export-cache\ntype=gha,mode=max$/m);
    assert.doesNotMatch(argv, /t0ken/);
    assert.deepEqual(warnings, []);
  }
  const own = await sent(t, 'cache-from = ["type=gha,token=x,url_v2=https://cache"]');
  assert.match(own.argv, /^type=gha,token=x,url_v2=https:\/\/cache$/m);
});

test('credentials for S3 are not put on the command line, which is said', async (t) => {
  const s3 = 'cache-from = ["type=s3,bucket=b,region=r"]';
  const env = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 's3cret' };
  const { argv, warnings } = await sent(t, s3, {}, env);
  assert.match(argv, /^type=s3,bucket=b,region=r$/m);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /^bake\/unsupported: .*\(AWS_ACCESS_KEY_ID\)/);
  assert.doesNotMatch(JSON.stringify([argv, warnings]), /AKIA|s3cret/);
  const full = await sent(t, s3.replace('region=r', 'region=r,access_key_id=a,secret_access_key=b'), {}, env);
  assert.deepEqual(full.warnings, []);
  assert.deepEqual((await sent(t, s3)).warnings, []);
});

test('variables of the environment by which buildx builds otherwise are told once, and checks are no less than refused', async (t) => {
  const two =
    '}\ntarget "other" {\n  attest = ["type=sbom"]\n}\ngroup "default" {\n  targets = ["a", "other"]\n}\ntarget "a" {';
  const told = async (env: Readonly<Record<string, string>>, more = two, files = {}) => {
    const { argv, warnings, codes } = await sent(t, more, { '.git/HEAD': '', ...files }, env);
    return { isBuilt: argv !== '', warnings, codes };
  };
  assert.deepEqual((await told({})).warnings, []);
  const labels = await told({ BUILDX_GIT_LABELS: 'full' });
  assert.equal(labels.isBuilt, true);
  assert.equal(labels.warnings.length, 1);
  assert.match(labels.warnings[0] ?? '', /^bake\/unsupported: BUILDX_GIT_LABELS is set/);
  assert.deepEqual((await told({ BUILDX_GIT_LABELS: 'false' })).warnings, []);
  const artifact = { BUILDX_NO_DEFAULT_OCI_ARTIFACT: '1' };
  assert.match((await told(artifact)).warnings.join(), /BUILDX_NO_DEFAULT_OCI_ARTIFACT/);
  assert.deepEqual((await told(artifact, '')).warnings, []);
  for (const name of ['EXPERIMENTAL_BUILDKIT_SOURCE_POLICY', 'BUILDX_DEFAULT_POLICY']) {
    const refused = await told({ [name]: 'true' });
    assert.deepEqual([refused.isBuilt, refused.codes], [false, ['bake/unsupported']], name);
    const disabled = await told({ [name]: '1' }, 'policy = [{ disabled = true }]');
    assert.equal(disabled.isBuilt, name === 'BUILDX_DEFAULT_POLICY');
  }
});

test('a secret whose variable is not set is empty, which is said, and which its key knows', async (t) => {
  const world = await makeFakeWorld(t, () => ({
    'docker-bake.hcl': 'target "default" {\n  secret = ["id=tok,env=UNSET_TOK", "id=token,env=TOKEN"]\n}\n',
    Dockerfile:
      'FROM scratch\nRUN --mount=type=secret,id=tok --mount=type=secret,id=token true\nCOPY file /file\n',
    file: 'file',
  }));
  const env = { TOKEN: 'token' };
  const first = await world.bake({ env });
  assert.deepEqual(first.kinds, { default: 'built' });
  assert.match(world.engine.builds.flat().join('\n'), /^id=tok,env=UNSET_TOK$/m);
  const warnings = first.events.flatMap((event) => (event.type === 'warning' ? [event.problem] : []));
  assert.deepEqual(
    warnings.map(({ code, message, place }) => [code, message, place?.line]),
    [
      [
        'build/secret-unset',
        'the secret `tok` of `default` comes from UNSET_TOK, which is not set: it is empty, as in bake',
        2,
      ],
    ],
  );
  assert.deepEqual((await world.bake({ env })).kinds, { default: 'unchanged' });
  const given = await world.bake({ env: { ...env, UNSET_TOK: 'v4lue' } });
  assert.deepEqual(given.kinds, { default: 'built' });
  assert.doesNotMatch(JSON.stringify(given.events), /v4lue/);
  // A builds file that goes on from it is asked for its own secrets.
  await world.write({
    'builds.yaml':
      'include: [docker-bake.hcl]\nbuilds:\n  default: { secrets: ["id=mine,env=UNSET_MINE"] }\n',
  });
  const mixed = await world.bake({ env });
  assert.deepEqual(mixed.kinds, {});
  assert.match(mixed.summary.problems[0]?.message ?? '', /UNSET_MINE/);
});
