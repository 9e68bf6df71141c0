/** What a builds file may read while it is read itself, and what is left of one that is not trusted. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { readBuilds, readUserGrants } from '../../lib/config/mod.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';
import { line, problemsOf, read, readSet } from './support.ts';

/** `repo` with a `.git`, and beside it what is not its own. */
async function makePlace(
  t: Cleanup,
  yaml: string,
): Promise<{ readonly repo: string; readonly outside: string }> {
  const dir = await makeTempDir(t, 'grants-');
  const [repo, outside] = [path.join(dir, 'repo'), path.join(dir, 'outside')];
  await writeTree(dir, {
    'repo/sub/builds.yaml': yaml,
    'repo/own.txt': 'own\n',
    'outside/secret.txt': 'outside\n',
    'outside/more.yaml': 'vars: { X: 1 }\n',
  });
  await mkdir(path.join(repo, '.git'));
  return { repo, outside };
}

function readingArg(file: string): string {
  return `builds: { a: { context: ., args: { X: "\${{ readText('${file}') }}" } } }`;
}

async function readIn(cwd: string, options: Partial<Parameters<typeof readBuilds>[0]> = {}) {
  const result = await readBuilds({ cwd, env: {}, ...options });
  return result.ok ? result.value.warnings.map(line) : result.error.map(line);
}

test('an expression reads what lies in the repository, and nothing else without a grant', async (t) => {
  const { repo, outside } = await makePlace(t, readingArg('../own.txt'));
  const sub = path.join(repo, 'sub');
  assert.deepEqual(await readIn(sub), []);
  for (const file of ['../../outside/secret.txt', path.join(outside, 'secret.txt'), '/etc/hostname']) {
    await writeFile(path.join(sub, 'builds.yaml'), readingArg(file));
    const [found = '', ...more] = await readIn(sub);
    assert.match(
      found,
      /^config\/needs-grant builds\.yaml:1:.*would be read, outside of the repository \| .*--allow=read:\//,
    );
    assert.deepEqual(more, []);
  }
  await writeFile(path.join(sub, 'builds.yaml'), readingArg('../../outside/secret.txt'));
  for (const allow of [
    `read:${outside}`,
    'read:../../outside',
    'read:../../outside/secret.txt',
    `write:${outside}`,
  ])
    assert.deepEqual(await readIn(sub, { allow: [allow] }), [], allow);
  for (const allow of ['read:../../outside/secret', 'read:../../out', 'network.host'])
    assert.equal((await readIn(sub, { allow: [allow] })).length, 1, allow);
});

test('a symlink counts as where it leads', async (t) => {
  const { repo, outside } = await makePlace(t, readingArg('link.txt'));
  const sub = path.join(repo, 'sub');
  await symlink(path.join(outside, 'secret.txt'), path.join(sub, 'link.txt'));
  assert.match((await readIn(sub))[0] ?? '', /^config\/needs-grant/);
  await symlink(outside, path.join(sub, 'dir'));
  await writeFile(path.join(sub, 'builds.yaml'), 'include: [dir/more.yaml]\nbuilds: { a: { context: . } }\n');
  assert.match((await readIn(sub))[0] ?? '', /^config\/needs-grant builds\.yaml:1:11 «dir\/more\.yaml»/);
  // The other way round: the repository itself may be reached through one.
  const link = path.join(path.dirname(repo), 'link-to-repo');
  await symlink(repo, link);
  await writeFile(path.join(sub, 'builds.yaml'), readingArg('../own.txt'));
  assert.deepEqual(await readIn(path.join(link, 'sub')), []);
});

test('a builds.yaml that is a symlink to elsewhere is read only where the user names it', async (t) => {
  const { repo, outside } = await makePlace(t, 'builds: { a: { context: . } }');
  const cwd = path.join(repo, 'other');
  await mkdir(cwd);
  await symlink(path.join(outside, 'secret.txt'), path.join(cwd, 'builds.yaml'));
  const [found = ''] = await readIn(cwd);
  assert.match(found, /^config\/needs-grant/);
  assert.doesNotMatch(found, /«outside»/);
  assert.doesNotMatch((await readIn(cwd, { files: ['builds.yaml'] }))[0] ?? '', /needs-grant/);
  assert.match((await readIn(cwd, { files: ['builds.yaml'], untrusted: true }))[0] ?? '', /needs-grant/);
});

test('devices and pipes are not read, and files only up to a size', { timeout: 60_000 }, async (t) => {
  const { repo } = await makePlace(t, '');
  const sub = path.join(repo, 'sub');
  assert.equal(spawnSync('mkfifo', [path.join(sub, 'pipe'), path.join(sub, 'pipe.yaml')]).status, 0);
  await symlink('/dev/zero', path.join(sub, 'zero'));
  await writeFile(path.join(sub, 'large'), Buffer.alloc(1024 * 1024 + 1, 'x'));
  const allow = ['read:/dev/zero'];
  for (const [file, words] of [
    ['pipe', 'pipe is not a regular file'],
    ['zero', 'zero is not a regular file'],
    ['large', 'large has more than 1 MiB'],
    ['.', '. cannot be read (EISDIR)'],
    ['none', 'there is no file none'],
  ] as const) {
    await writeFile(path.join(sub, 'builds.yaml'), readingArg(file));
    assert((await readIn(sub, { allow }))[0]?.includes(words), `${file}: ${await readIn(sub, { allow })}`);
  }
  for (const [file, words] of [
    ['pipe.yaml', 'it is not a regular file'],
    ['zero', 'it is not a regular file'],
  ] as const) {
    await writeFile(path.join(sub, 'builds.yaml'), `include: [${file}]\nbuilds: { a: { context: . } }\n`);
    assert((await readIn(sub, { allow }))[0]?.includes(words), file);
  }
});

test('what is nothing that can be allowed is said', async () => {
  const found = await problemsOf('builds: { a: { context: . } }', { allow: ['fs:/', 'read:', 'ssh'] });
  assert.deepEqual(
    found.map((one) => one.replace(/ \| .*/, '')),
    ['config/grant - "fs:/" is not a valid grant', 'config/grant - "read:" is not a valid grant'],
  );
});

test('an untrusted file runs no code, whether it is included or named', async () => {
  const tree = { 'builds.mjs': 'process.env.RAN = "1"; export default { vars: { X: 1 } };' };
  const including = 'include: [builds.mjs]\nbuilds: { a: { context: . } }\n';
  const [found = ''] = await problemsOf(including, { tree, untrusted: true });
  assert.match(found, /^config\/untrusted builds\.yaml:1:11 «builds\.mjs» builds\.mjs is code/);
  const named = await problemsOf('', { tree, untrusted: true, files: ['builds.mjs'] });
  assert.match(named[0] ?? '', /^config\/untrusted - builds\.mjs is code/);
  assert.equal(process.env['RAN'], undefined);
  assert.deepEqual(
    await problemsOf(including, { tree: { 'builds.mjs': 'export default { vars: { X: 1 } };' } }),
    [],
  );
});

test('an untrusted file sees its declared variables, those that sound secret only where that is allowed, and no env', async () => {
  const yaml = `
vars: { TAG: {}, NAMED: { env: OTHER }, API_TOKEN: { default: none }, SLY: { env: [DB_PASSWORD], default: none } }
builds: { a: { context: ., args: { A: "\${{ vars.TAG }}\${{ vars.NAMED }}\${{ vars.API_TOKEN }}\${{ vars.SLY }}", E: "\${{ env.?HIDDEN.orValue('-') }}" } } }
`;
  const env = { TAG: '1', OTHER: '2', API_TOKEN: 'tok', DB_PASSWORD: 'pass', HIDDEN: 'h' };
  const argsOf = async (options: object) => {
    const { set, warnings } = await readSet(yaml, { env, ...options });
    return [Object.fromEntries(set.builds.get('a')?.args ?? []), warnings.map(({ code }) => code)];
  };
  assert.deepEqual(await argsOf({}), [{ A: '12tokpass', E: 'h' }, []]);
  const withheld = Array(2).fill('config/untrusted');
  assert.deepEqual(await argsOf({ untrusted: true }), [{ A: '12nonenone', E: '-' }, withheld]);
  const allow = ['env:API_TOKEN', 'env:HIDDEN', 'env:DB_PASSWORD'];
  assert.deepEqual(await argsOf({ untrusted: true, allow }), [{ A: '12tokpass', E: 'h' }, []]);
  const plain = 'builds: { a: { context: ., args: { E: "${{ env.HIDDEN }}" } } }';
  const found = await problemsOf(plain, { env, untrusted: true });
  assert.match(found.at(-1) ?? '', /^config\/untrusted .* env\.HIDDEN \| .*--allow=env:HIDDEN/);
  assert.equal(
    found.some((one) => one.includes('"h"')),
    false,
  );
});

test('of an untrusted file nothing is left that pushes, exports, records or calls an address', async () => {
  const yaml = `
engine: { address: "tcp://evil.example:1234" }
record: registry
registries: { evil.example: { http: true, mirrors: [internal.example] } }
builds:
  a:
    context: .
    tags: [evil.example/a]
    push: always
    outputs:
      - type=local,dest=out
      - type=registry,name=evil.example/b
      - type=image,name=evil.example/c,push=true
      - type=image,name=evil.example/d,push-by-digest=true
      - type=image,name=evil.example/e
    cache-from: ["type=registry,ref=evil.example/cache", "type=s3,bucket=b,region=r,endpoint_url=http://evil.example"]
    cache-to: [type=inline, "type=local,dest=cache", "type=registry,ref=evil.example/cache", type=gha]
`;
  const { set, warnings } = await readSet(yaml, { untrusted: true });
  const build = set.builds.get('a');
  assert.deepEqual(
    {
      push: build?.push,
      outputs: build?.outputs.map(({ type, attributes }) => `${type} ${attributes.get('name') ?? ''}`),
      cacheFrom: build?.cacheFrom.map(({ type }) => type),
      cacheTo: build?.cacheTo.map(({ type }) => type),
      address: set.engine?.address,
      record: set.record,
      registries: set.registries.size,
    },
    {
      push: 'never',
      outputs: ['local '],
      cacheFrom: ['registry'],
      cacheTo: ['inline', 'local'],
      address: undefined,
      record: undefined,
      registries: 0,
    },
  );
  assert.deepEqual(warnings.map(line), [
    'config/untrusted - Skipped because the file is untrusted: pushing (1 build), caches and outputs that leave this machine, `engine`, `registries`, `record` | To use your own engine, give --addr (`address` in a script) or BUILDKIT_HOST.',
  ]);
  assert.deepEqual((await readSet('builds: { a: { context: . } }', { untrusted: true })).warnings, []);
});

test('the settings of the user allow for good, for the directories that they name', async (t) => {
  const home = await makeTempDir(t, 'home-');
  const env = { HOME: home };
  const of = async (text: string | undefined, directory: string) => {
    if (text !== undefined) await writeTree(home, { '.config/bake-ts/config.yaml': text });
    const result = await readUserGrants(directory, env);
    return result.ok ? result.value : result.error.map(line);
  };
  assert.deepEqual(await of(undefined, home), []);
  const text = 'allow:\n  ~/src/shop: [read:../shared, "write:~/out", network.host]\n  /elsewhere: [ssh]\n';
  const granted = [`read:${home}/src/shared`, `write:${home}/out`, 'network.host'];
  assert.deepEqual(await of(text, path.join(home, 'src/shop')), granted);
  assert.deepEqual(await of(text, path.join(home, 'src/shop/deep/down')), granted);
  assert.deepEqual(await of(text, path.join(home, 'src/shop2')), []);
  const wrong = await of('allow: { /a: [all], /b: { x: 1 } }\nother: 1\n', '/a');
  assert.deepEqual(
    wrong.map((one) => one.replace(/^(\S+) \S+:(\d+:\d+) «(.*)» (.*) \| .*$/s, '$1 $2 $3: $4')),
    [
      'config/user-config 1:15 all: This is not a valid grant',
      'config/user-config 1:25 { x: 1 }: This is not a valid grant',
      'config/user-config 2:1 other: There is no setting "other"',
    ],
  );
});

test('expressions and regular expressions that would take for ever are stopped', {
  timeout: 60_000,
}, async () => {
  const list = '[1,2,3,4,5,6,7,8,9,10]';
  const nested = [...'abcdefgh'].reduce((body, name) => `${list}.map(${name}, ${body})`, 'a');
  const grown = `"xxxxxxxxxx"${'.replace("x", "xxxxxxxxxx")'.repeat(9)}`;
  const doubled = [...'abcdefghijklmnopqrstuvwxy'].reduceRight(
    (body, name, index) =>
      `cel.bind(${name}, ${index === 0 ? '"xxxx"' : `${String.fromCharCode(96 + index)} + ${String.fromCharCode(96 + index)}`}, ${body})`,
    'y + y',
  );
  const cases: readonly (readonly [string, RegExp])[] = [
    [`size(${nested})`, /more than 10,000,000 steps/],
    [`size(${grown})`, /the result would be a text of more than 1,048,576 characters/],
    [`size(${doubled})`, /the result would be a text of more than 1,048,576 characters/],
    [`"a".matches("${'(a|b)'.repeat(300)}")`, /more than 1000 characters/],
    [`"a".matches("((((a{100}){100}){100}){100})")`, /invalid repeat count/],
    ['"a".matches("(")', /is not a valid regular expression/],
  ];
  for (const [code, words] of cases) {
    const found = await problemsOf(`builds: { a: { context: ., args: { X: '\${{ ${code} }}' } } }`);
    assert.match(found[0] ?? 'none', words, code.slice(0, 60));
  }
  const slow = `${'a'.repeat(60)}!`;
  const matches = `builds: { a: { context: ., args: { X: '\${{ "${slow}".matches("^(a+)+$") }}' } } }`;
  assert.deepEqual(await problemsOf(matches), []);
  const [pattern = ''] = await problemsOf(
    `vars: { P: { default: "${slow}", pattern: "(a+)+" } }\nbuilds: { a: { context: . } }`,
  );
  assert.match(pattern, /it must match \(a\+\)\+/);
  // What people write goes on as it was.
  const good = `builds: { a: { context: ., args: { X: '\${{ ["v1.2", "main"].filter(t, t.matches("^v\\\\d+")).join(",") }}' } } }`;
  const read = await readSet(good);
  assert.equal(read.set.builds.get('a')?.args.get('X'), 'v1.2');
});

test('a long but ordinary file has steps enough', async () => {
  const rows = Array.from({ length: 2000 }, (_, index) => index).join(', ');
  const yaml = `builds: { a: { matrix: { n: [${rows}] }, context: ., args: { X: "\${{ ['a','b','c'].map(x, x + string(matrix.n)).join(' ') }}" } } }`;
  const result = await read(yaml);
  assert(result.ok);
});

test('chains of symlinks that are too long lead nowhere, whatever was asked before', async (t) => {
  const { repo, outside } = await makePlace(t, '');
  const sub = path.join(repo, 'sub');
  for (let at = 1; at <= 45; at++)
    await symlink(at === 45 ? path.join(outside, 'secret.txt') : `l${at + 1}`, path.join(sub, `l${at}`));
  const args = `X: "\${{ (readText('l1') == 'x' || true) ? readText('l20') : '' }}"`;
  await writeFile(path.join(sub, 'builds.yaml'), `builds: { a: { context: ., args: { ${args} } } }`);
  for (const untrusted of [false, true]) {
    const found = await readIn(sub, { untrusted });
    assert.match(found.join('\n'), /config\/needs-grant/);
  }
  await symlink('circle', path.join(sub, 'circle'));
  await writeFile(path.join(sub, 'builds.yaml'), readingArg('circle'));
  assert.match((await readIn(sub)).join('\n'), /config\/needs-grant/);
});

test('names of attributes are what buildctl reads: in lower case, and nothing that it would cut', async () => {
  const of = async (key: string, item: string) => {
    const result = await read(`builds: { a: { context: ., ${key}: [${item}] } }`);
    if (!result.ok) return result.error.map(({ code }) => code).join();
    const build = result.value.set.builds.get('a');
    const [first] = (key === 'outputs' ? build?.outputs : build?.cacheTo) ?? [];
    return [first?.type, ...(first?.attributes.keys() ?? [])].join();
  };
  assert.equal(await of('outputs', '{ type: local, DEST: out }'), 'local,dest');
  assert.equal(await of('outputs', '{ type: image, PUSH: "true", name: x }'), 'image,push,name');
  assert.equal(await of('cache-to', '{ type: inline, TYPE: local, DEST: out }'), 'local,dest');
  assert.equal(await of('outputs', '{ type: local, "dest=/etc/x": y }'), 'config/attributes');
  assert.equal(await of('outputs', '{ type: local, " dest": y }'), 'config/attributes');
  assert.equal(await of('cache-to', '{ type: local, "dest=/etc/x,y": z, dest: out }'), 'config/attributes');
  const ssh = async (item: string) => problemsOf(`builds: { a: { context: ., ssh: [${item}] } }`);
  assert.match((await ssh('{ id: "default=/etc/key" }'))[0] ?? '', /^config\/ssh/);
  assert.match((await ssh('{ id: a, paths: ["k,/etc/key"] }'))[0] ?? '', /^config\/ssh/);
  assert.deepEqual(await ssh('default, "other=k,l", { id: third, paths: [m] }'), []);
});

test('of an untrusted repository the git directory is not read, and files of variables stay within it', {
  timeout: 60_000,
}, async (t) => {
  const { repo, outside } = await makePlace(
    t,
    'vars: { V: { default: d } }\nbuilds: { a: { context: . } }\n',
  );
  const sub = path.join(repo, 'sub');
  await writeTree(repo, { '.git/config': 'url = https://user:token@example.com/x\n' });
  await symlink(path.join(outside, 'secret.env'), path.join(sub, 'link.env'));
  await writeFile(path.join(outside, 'secret.env'), 'V=outside\n');
  assert.equal(spawnSync('mkfifo', [path.join(sub, 'pipe.env')]).status, 0);
  assert.deepEqual(await readIn(sub, { varFiles: ['link.env'] }), []);
  assert.match((await readIn(sub, { varFiles: ['link.env'], untrusted: true })).join(), /needs-grant/);
  assert.match((await readIn(sub, { varFiles: ['pipe.env'], untrusted: true })).join(), /not-regular/);
  await writeFile(path.join(sub, 'builds.yaml'), readingArg('../.git/config'));
  assert.deepEqual(await readIn(sub), []);
  assert.match(
    (await readIn(sub, { untrusted: true })).join(),
    /needs-grant.* would be read, in a git directory/,
  );
});

test('values that look like secrets are withheld, and those beside such names not shown', async () => {
  const env = {
    REPO: 'https://ci:tok@example.com/x',
    MYSQL_PWD: 'p',
    GH_PAT: 'g',
    DATABASE_URL: 'd',
    CHANNEL: 'edge',
    NPM_TOKEN: 'npm_word',
  };
  const yaml = `
vars: { A: { env: [REPO], default: n }, B: { env: [MYSQL_PWD], default: n }, C: { env: [GH_PAT], default: n }, D: { env: [DATABASE_URL], default: n }, CHANNEL: {} }
builds: { a: { context: ., args: { X: "\${{ vars.A }}\${{ vars.B }}\${{ vars.C }}\${{ vars.D }}\${{ vars.CHANNEL }}" } } }
`;
  const { set } = await readSet(yaml, { env, untrusted: true });
  assert.equal(set.builds.get('a')?.args.get('X'), 'nnnnedge');
  const wrong = await problemsOf(
    'vars: { NPM_TOKEN: { type: int }, T: { env: [NPM_TOKEN], pattern: "^x$" } }\nbuilds: { a: { context: . } }',
    { env },
  );
  assert.equal(wrong.length, 2);
  assert.equal(wrong.join().includes('npm_word'), false, wrong.join());
});

test('work is counted by its size: large texts in loops end early', { timeout: 120_000 }, async () => {
  const big = 'x'.repeat(1000);
  const list = `[${Array.from({ length: 200 }, (_, index) => index).join(',')}]`;
  const grown = `"${big}".replace("x", "${big}")`;
  for (const body of [
    'sha256(b)',
    'slug(b)',
    'b.replace("x", "y")',
    '"".matches("(x{200}y{200}){2}" + string(i) + string(j))',
  ]) {
    const code = `cel.bind(b, ${grown.replace(/"x{1000}"\)$/, `"${big.slice(0, 900)}")`)}, size(${list}.map(i, ${list}.map(j, ${body}))))`;
    const found = await problemsOf(`builds: { a: { context: ., args: { X: '\${{ ${code} }}' } } }`);
    assert.match(found[0] ?? 'none', /more than 10,000,000 steps/, body);
  }
});
