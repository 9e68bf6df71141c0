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
): Promise<{ readonly argv: string; readonly codes: readonly string[] }> {
  const world = await makeFakeWorld(t, () => ({
    'docker-bake.hcl': `target "default" {\n${attributes}\n}\n`,
    Dockerfile: DOCKERFILE,
    'sub/file': 'file',
    file: 'file',
    ...files,
  }));
  const baked = await world.bake({ env: { TOKEN: 'token' } });
  return { argv: world.engine.builds.flat().join('\n'), codes: codesOf(baked) };
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
