/** Which builds a change touches, by paths alone: no git here. */
import assert from 'node:assert/strict';
import { rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { readBuilds } from '../../lib/config/mod.ts';
import { type AffectedOptions, findAffected } from '../../lib/inspect/mod.ts';
import { parseLock } from '../../lib/lock/mod.ts';
import { preparePlan } from '../../lib/prepare/mod.ts';
import { runShell } from '../rig/odd-names.ts';
import { makeTempDir, type TreeEntry, writeTree } from '../rig/temp.ts';

async function makeFinder(t: TestContext, tree: Readonly<Record<string, TreeEntry>>) {
  const cwd = await makeTempDir(t);
  const home = await makeTempDir(t);
  await writeTree(cwd, tree);
  const env = { HOME: home, BAKE_TS_HOME: home };
  const load = async () => {
    const read = await readBuilds({ cwd, env });
    assert.ok(read.ok, JSON.stringify(read));
    return read.value.set;
  };
  const find = async (changed: readonly string[], more: Partial<AffectedOptions> = {}) => {
    const prepared = preparePlan(await load(), { patterns: ['*'] }, cwd);
    assert.ok(prepared.ok);
    const { plan, dockerfiles } = prepared.value;
    const files = changed.map((file) => path.join(cwd, file));
    const found = await findAffected({
      plan,
      dockerfiles,
      env,
      hostArchitecture: 'amd64',
      changed: files,
      ...more,
    });
    assert(found.ok);
    return found.value;
  };
  /** `NAME: CODE CODE …` of each affected build. */
  const codes = async (...changed: readonly string[]) =>
    (await find(changed)).map((one) => `${one.build}: ${one.reasons.map((reason) => reason.code).join(' ')}`);
  return { cwd, load, find, codes };
}

const FILES: Readonly<Record<string, TreeEntry>> = {
  'builds.yaml': `builds:
  base: { context: base }
  api: { context: ., dockerfile: api/Dockerfile, contexts: { base: "build:base" } }
  web: { context: web, contexts: { shared: shared } }
  docs: { context: docs, needs: [web] }
`,
  'base/Dockerfile': 'FROM scratch\nCOPY . /\n',
  'base/.dockerignore': '*.md\n!keep.md\n',
  'api/Dockerfile':
    'FROM base\nCOPY api/src /src\nCOPY --exclude=*.test.js lib/*/index.js lib/all /lib/\nRUN --mount=type=bind,source=tool,target=/t true\n',
  'api/Dockerfile.dockerignore': 'api/src/tmp\n',
  'web/Dockerfile': 'FROM scratch\nCOPY --from=shared styles /\nCOPY index.html /\n',
  'docs/Dockerfile': 'FROM scratch\nCOPY current /\n',
  'docs/v1/a': '',
  'docs/v2/a': '',
  'docs/current': { symlink: 'v2' },
  'web/index.html': '',
  'shared/styles/a.css': '',
  'api/src/a': '',
};

test('a file counts for the builds that read it, and for all that need them', async (t) => {
  const { codes } = await makeFinder(t, FILES);
  assert.deepEqual(await codes(), []);
  assert.deepEqual(await codes('README', 'api/other', 'web/unused', 'shared/other/b'), []);
  assert.deepEqual(await codes('base/f'), ['base: file', 'api: needs']);
  assert.deepEqual(await codes('api/src/deep/gone'), ['api: file']);
  assert.deepEqual(await codes('tool/x'), ['api: file']);
  assert.deepEqual(await codes('web/index.html'), ['web: file', 'docs: needs']);
  assert.deepEqual(await codes('shared/styles/b.css', 'web/index.html'), ['web: file file', 'docs: needs']);
});

test('wildcards, excluded and ignored files are heeded; a file in place of a directory counts', async (t) => {
  const { codes } = await makeFinder(t, FILES);
  assert.deepEqual(await codes('lib/one/index.js'), ['api: file']);
  assert.deepEqual(await codes('lib/one/other.js', 'lib/one/two/index.js'), []);
  assert.deepEqual(await codes('lib/all/x.test.js'), []);
  assert.deepEqual(await codes('lib/all/x.js'), ['api: file']);
  assert.deepEqual(await codes('api/src/tmp/x'), []);
  assert.deepEqual(await codes('base/notes.md'), []);
  assert.deepEqual(await codes('base/keep.md'), ['base: file', 'api: needs']);
  assert.deepEqual(await codes('lib'), ['api: file']);
  assert.deepEqual(await codes('api/src'), ['api: file']);
});

test('a Dockerfile and ignore rules count, also where they went', async (t) => {
  const { codes, cwd } = await makeFinder(t, FILES);
  assert.deepEqual(await codes('api/Dockerfile'), ['api: dockerfile']);
  assert.deepEqual(await codes('api/Dockerfile.dockerignore'), ['api: ignore-file']);
  assert.deepEqual(await codes('.dockerignore'), ['api: ignore-file']);
  await rm(path.join(cwd, 'base/.dockerignore'));
  assert.deepEqual(await codes('base/.dockerignore'), ['base: ignore-file file', 'api: needs']);
  await rm(path.join(cwd, 'web/Dockerfile'));
  assert.deepEqual(await codes('web/Dockerfile'), ['web: unknown dockerfile file', 'docs: needs']);
});

test('a dockerfile that is read for want of a Dockerfile counts, and so does the one it takes the place of', async (t) => {
  const { codes, cwd } = await makeFinder(t, {
    'builds.yaml': 'builds: { low: { context: low }, both: { context: both } }\n',
    'low/dockerfile': 'FROM scratch\nCOPY a /\n',
    'both/Dockerfile': 'FROM scratch\nCOPY a /\n',
    'both/dockerfile': 'FROM scratch\nCOPY a /\n',
  });
  assert.deepEqual(await codes('low/dockerfile', 'both/dockerfile'), ['low: dockerfile']);
  assert.deepEqual(await codes('low/Dockerfile', 'both/Dockerfile'), ['low: dockerfile', 'both: dockerfile']);
  await rm(path.join(cwd, 'both/Dockerfile'));
  assert.deepEqual(await codes('both/Dockerfile'), ['both: dockerfile']);
});

test('where files of a context have no names in UTF-8, a link may lead anywhere', {
  skip: process.platform !== 'linux' && 'names are Unicode here',
}, async (t) => {
  const { codes, cwd } = await makeFinder(t, FILES);
  assert.deepEqual(await codes('docs/v1/a'), []);
  await runShell(cwd, ': > "docs/v2/$(printf \'a\\377\')"');
  assert.deepEqual(await codes('docs/v1/a'), ['docs: unknown']);
});

test('links are followed: on the way to a context, and within it', async (t) => {
  const { codes, cwd } = await makeFinder(t, {
    ...FILES,
    'builds.yaml':
      'builds: { docs: { context: docs }, linked: { context: link/v1, dockerfile-inline: "FROM scratch\\nCOPY a /" } }\n',
  });
  await symlink('docs', path.join(cwd, 'link'));
  assert.deepEqual(await codes('docs/v2/a'), ['docs: file']);
  assert.deepEqual(await codes('docs/v2/gone'), ['docs: file']);
  assert.deepEqual(await codes('docs/current'), ['docs: file']);
  assert.deepEqual(await codes('docs/v1/a'), ['linked: file']);
  assert.deepEqual(await codes('link'), ['linked: file']);
  // A submodule shows as a directory.
  assert.deepEqual(await codes('docs'), ['docs: dockerfile file', 'linked: file']);
});

test('where it is not known what is read, every file of the context counts', async (t) => {
  const { codes, find, cwd } = await makeFinder(t, {
    'builds.yaml': `builds:
  front: { context: a, dockerfile-inline: "# syntax=127.0.0.1:1/x/frontend:1\\nFROM scratch\\n" }
  triggers: { context: b, dockerfile-inline: "FROM 127.0.0.1:1/x/image:1\\nCOPY x /\\n" }
  remote: { context: "https://example.invalid/r.git", contexts: { c: c } }
  layout: { context: e, dockerfile-inline: "FROM d\\n", contexts: { d: "oci-layout://d:1" } }
`,
    'a/': '',
    'b/': '',
    'c/': '',
    'd/': '',
    'e/': '',
  });
  assert.deepEqual(await codes('a/any'), ['front: file']);
  assert.deepEqual(await codes('b/any'), ['triggers: file']);
  assert.deepEqual(await codes('c/any'), ['remote: file']);
  assert.deepEqual(await codes('d/index.json'), ['layout: file']);
  const [layout] = await find(['d/index.json']);
  assert.deepEqual(layout?.reasons, [
    { code: 'file', text: 'index.json in the context d changed', path: path.join(cwd, 'd/index.json') },
  ]);
});

test('of builds.yaml what it says counts, not how; new builds do, and all of them where it cannot be read', async (t) => {
  const { cwd, load, find } = await makeFinder(t, FILES);
  const before = { set: await load() };
  const text = String(FILES['builds.yaml']);
  await writeTree(cwd, { 'builds.yaml': `# only words\n${text}` });
  assert.deepEqual(await find(['builds.yaml'], { before }), []);
  await writeTree(cwd, {
    'builds.yaml': `${text.replace('web: { context: web', 'web: { args: { A: b }, context: web')}  more: { context: base }\n`,
  });
  const found = await find(['builds.yaml'], { before });
  assert.deepEqual(
    found.map((one) => [one.build, one.reasons.map((reason) => reason.text)]),
    [
      ['web', ['builds.yaml changed its args']],
      ['docs', ['its dependency web is affected']],
      ['more', ['it is new in builds.yaml']],
    ],
  );
  assert.equal((await find([], { before: { set: undefined } })).length, 5);
});

test('of builds.lock the images that moved count', async (t) => {
  const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
  const lock = (one: string, two: string) =>
    JSON.stringify({
      version: 1,
      images: { '127.0.0.1:1/x/one:1': digest(one), '127.0.0.1:1/x/two:1': digest(two) },
    });
  const { cwd, find } = await makeFinder(t, {
    'builds.yaml':
      'builds: { a: { context: ., dockerfile-inline: "FROM scratch\\nCOPY --from=127.0.0.1:1/x/one:1 /a /a\\n" }, b: { context: ., dockerfile-inline: "FROM scratch\\nCOPY --from=127.0.0.1:1/x/two:1 /a /a\\n" } }\n',
    'builds.lock': lock('1', '2'),
  });
  const before = await parseLock({ path: 'builds.lock', text: lock('1', '2') });
  assert.ok(before.ok);
  const lockBefore = { lock: before.value };
  assert.deepEqual(await find([], { lockBefore }), []);
  await writeTree(cwd, { 'builds.lock': lock('1', '3') });
  const [only, ...others] = await find([], { lockBefore });
  assert.deepEqual([only?.build, only?.reasons.map((one) => one.code), others], ['b', ['image'], []]);
});

test('of a thousand files the first hundred are named, and how many more', async (t) => {
  const { find } = await makeFinder(t, FILES);
  const [base] = await find(Array.from({ length: 1000 }, (_, at) => `base/${at}`));
  assert.equal(base?.reasons.length, 101);
  assert.equal(base?.reasons.at(-1)?.text, 'and 900 more files changed');
});

test('each reason says what changed, where, and by which path', async (t) => {
  const { find, cwd, load } = await makeFinder(t, {
    ...FILES,
    'more/x': '',
    'builds.yaml': `${FILES['builds.yaml']}  alone: { context: alone, contexts: { more: more } }\n`,
    'alone/Dockerfile': 'FROM scratch\nCOPY a /\n',
  });
  await symlink('web', path.join(cwd, 'way'));
  const reasonsOf = async (build: string, ...changed: readonly string[]) =>
    (await find(changed)).find((one) => one.build === build)?.reasons;
  const at = (file: string) => path.join(cwd, file);
  assert.deepEqual(await reasonsOf('web', 'web/Dockerfile'), [
    { code: 'dockerfile', text: 'its Dockerfile changed', path: at('web/Dockerfile') },
  ]);
  assert.deepEqual(await reasonsOf('web', 'web/.dockerignore'), [
    { code: 'ignore-file', text: 'its ignore file changed', path: at('web/.dockerignore') },
  ]);
  assert.deepEqual(await reasonsOf('web', 'web/index.html'), [
    { code: 'file', text: 'index.html in its context changed', path: at('web/index.html') },
  ]);
  assert.deepEqual(await reasonsOf('web', 'shared/styles/a.css'), [
    { code: 'file', text: 'styles/a.css in the context shared changed', path: at('shared/styles/a.css') },
  ]);
  assert.deepEqual(await reasonsOf('web', 'web'), [
    { code: 'dockerfile', text: 'its Dockerfile changed', path: at('web') },
    { code: 'file', text: 'a parent directory of its context changed', path: at('web') },
  ]);
  assert.deepEqual(await reasonsOf('docs', 'web/index.html'), [
    { code: 'needs', text: 'its dependency web is affected', build: 'web' },
  ]);
  // A context that the Dockerfile does not read.
  assert.equal(await reasonsOf('alone', 'more/x'), undefined);
  const set = await load();
  await writeTree(cwd, {
    'builds.yaml': String(FILES['builds.yaml']).replace(
      'web: { context: web',
      'web: { target: t, args: { A: b }, context: web',
    ),
    'web/Dockerfile': 'FROM scratch AS t\n',
  });
  const [web] = await find([], { before: { set } });
  assert.deepEqual(web?.reasons, [{ code: 'definition', text: 'builds.yaml changed its args, target' }]);
  const [first] = await find([], { before: { set: undefined } });
  assert.deepEqual(first?.reasons, [
    { code: 'definition', text: 'builds.yaml changed, and its previous version cannot be read' },
  ]);
});

test('of contexts elsewhere nothing is known here; those on this disk count as a whole, and their Dockerfile does not', async (t) => {
  const { codes, find, cwd } = await makeFinder(t, {
    'builds.yaml': `builds:
  remote: { context: "https://example.invalid/r.git", contexts: { c: c } }
  layout: { context: e, dockerfile-inline: "FROM d\\n", contexts: { d: "oci-layout://link/d:1" } }
`,
    'real/d/index.json': '{}',
    'c/': '',
    'e/': '',
    link: { symlink: 'real' },
  });
  assert.deepEqual(await codes('c/any'), ['remote: file']);
  assert.deepEqual(await codes('Dockerfile'), []);
  const [layout] = await find(['real/d/index.json', 'link', 'real/other']);
  assert.deepEqual(layout, {
    build: 'layout',
    role: 'asked',
    reasons: [
      {
        code: 'file',
        text: 'index.json in the context d changed',
        path: path.join(cwd, 'real/d/index.json'),
      },
      { code: 'file', text: '. in the context d changed', path: path.join(cwd, 'link') },
    ],
  });
});

test('a context that is gone, ignore rules that are wrong and links to ignored files', async (t) => {
  const { find, codes } = await makeFinder(t, {
    'builds.yaml': `builds:
  gone: { context: gone, dockerfile-inline: "FROM scratch\\nCOPY a /\\n" }
  rules: { context: rules, dockerfile-inline: "FROM scratch\\nCOPY . /\\n" }
  all: { context: all, dockerfile-inline: "FROM scratch\\nCOPY --novelty=1 x /\\n" }
`,
    'rules/.dockerignore': '[\n',
    'all/.dockerignore': 'ignored\n',
    'all/link': { symlink: 'ignored' },
    'all/ignored': '',
  });
  const [gone] = await find(['gone/other']);
  assert.deepEqual([gone?.build, gone?.reasons.map(({ code }) => code)], ['gone', ['unknown']]);
  assert.match(gone?.reasons[0]?.text ?? '', /^its context cannot be read: .+gone/);
  assert.deepEqual(await codes('rules/f'), ['rules: file']);
  // What is not known to be read is all of it, but nothing that is ignored, whatever leads there.
  assert.deepEqual(await codes('all/ignored'), []);
  assert.deepEqual(await codes('all/f'), ['all: file']);
});

test('up to a hundred files are all named; what more there is counts as files', async (t) => {
  const { find } = await makeFinder(t, FILES);
  const reasonsFor = async (count: number) =>
    (await find(Array.from({ length: count }, (_, at) => `base/${at}`)))[0]?.reasons ?? [];
  const most = await reasonsFor(100);
  assert.deepEqual([most.length, most.at(-1)?.text], [100, '99 in its context changed']);
  const more = await reasonsFor(101);
  assert.deepEqual([more.length, more.at(-1)], [101, { code: 'file', text: 'and 1 more files changed' }]);
});

test('a lock that came or went counts for the images that it pins', async (t) => {
  const digest = `sha256:${'1'.repeat(64)}`;
  const text = JSON.stringify({ version: 1, images: { '127.0.0.1:1/x/one:1': digest } });
  const { cwd, find } = await makeFinder(t, {
    'builds.yaml': `builds:
  a: { context: ., dockerfile-inline: "FROM scratch\\nCOPY --from=127.0.0.1:1/x/one:1 /a /a\\n" }
  b: { context: ., dockerfile-inline: "FROM scratch\\nCOPY --from=127.0.0.1:1/x/two@${digest} /a /a\\n" }
`,
    'builds.lock': text,
  });
  const moved = [{ code: 'image', text: 'builds.lock pins 127.0.0.1:1/x/one:1 to another digest' }];
  const came = await find([], { lockBefore: { lock: undefined } });
  assert.deepEqual(came, [{ build: 'a', role: 'asked', reasons: moved }]);
  const before = await parseLock({ path: 'builds.lock', text });
  assert.ok(before.ok);
  await writeTree(cwd, { 'builds.lock': '{ "version": 1, "images": {} }' });
  assert.deepEqual(await find([], { lockBefore: { lock: before.value } }), came);
  await rm(path.join(cwd, 'builds.lock'));
  assert.deepEqual(await find([], { lockBefore: { lock: before.value } }), came);
});

test('of a build with another frontend every file of its context counts, its file, and its image in builds.lock', async (t) => {
  const { codes, find } = await makeFinder(t, {
    'builds.yaml':
      'builds: { a: { context: a, dockerfile: ../recipe, frontend: gateway.v0, source: "x.example/fe:1" } }\n',
    recipe: 'words\n',
    'a/any': '',
  });
  assert.deepEqual(await codes('a/any'), ['a: file']);
  assert.deepEqual(await codes('recipe'), ['a: dockerfile']);
  assert.deepEqual(await codes('other'), []);
  const lock = await parseLock({
    path: 'builds.lock',
    text: JSON.stringify({ version: 1, images: { 'x.example/fe:1': `sha256:${'1'.repeat(64)}` } }),
  });
  assert(lock.ok);
  const [found] = await find([], { lockBefore: { lock: lock.value } });
  assert.deepEqual(found?.reasons, [
    { code: 'image', text: 'builds.lock pins x.example/fe:1 to another digest' },
  ]);
});
