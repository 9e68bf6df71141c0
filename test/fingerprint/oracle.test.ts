/**
 * The promise of a key: the same key, the same image. Random edits of a small repository; after each the key is
 * computed and the repository really built, with every timestamp set to one, so that the digest says what is in it.
 * A key that was seen before must come with the digest it had then. (The other way round, a new key for an old digest,
 * is a needless build: those are counted and bounded.)
 */
import assert from 'node:assert/strict';
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { inspectDockerfile, NO_RULES, parseDockerfile, parseIgnore } from '../../lib/dockerfile/mod.ts';
import { ContextHasher, computeKey, diffKeys, keyParts } from '../../lib/fingerprint/mod.ts';
import type { FilePart, KeyParts } from '../../lib/model/mod.ts';
import { buildctl, buildctlBuild, contextAsOwnSource } from '../rig/buildkit.ts';
import { compiled } from '../rig/paths.ts';
import { type Random, seededRandom } from '../rig/random.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';
import { makeBuild } from './make-build.ts';

/** By hand: more edits, another seed, and with a static busybox also RUN with a bind mount. */
const EDITS = Number(process.env['BAKE_TS_TEST_EDITS'] ?? (compiled ? 40 : 15));
const SEED = Number(process.env['BAKE_TS_TEST_SEED'] ?? 1);
const BUSYBOX = process.env['BAKE_TS_TEST_BUSYBOX'];

const TREE = {
  'src/a.c': 'aaaa',
  'src/b.c': 'bbbb',
  'src/deep/c.c': 'cccc',
  'src/deep/c.o': 'oooo',
  'src/empty/': '',
  'assets/x.txt': 'xxxx',
  'assets/y.md': 'yyyy',
  'docs/d.md': 'dddd',
  'tool.sh': { content: '#!/bin/sh\n', mode: 0o755 },
  link: { symlink: 'src/a.c' },
  linkdir: { symlink: 'assets' },
  'bound/in.txt': 'iiii',
  'bound/more/in.txt': 'jjjj',
  'trig.txt': 'trig',
  'unused.txt': 'uuuu',
} as const;

const STAGES: readonly (readonly string[])[] = [
  ['FROM scratch AS one', 'COPY src/*.c /c/', 'COPY --exclude=*.o src/deep /deep/'],
  ['FROM scratch AS two', 'ARG VERSION=1', 'ENV V=$VERSION', 'COPY --parents assets/*.txt docs /p/'],
  ['FROM REG/trigger:1 AS three', 'ARG WHERE=docs', 'COPY $WHERE /w/', 'COPY link /linked'],
  ['FROM scratch AS four', 'COPY --from=second . /second/', 'COPY linkdir /ld/', 'COPY tool.sh nothing* /'],
  [
    'FROM scratch',
    'COPY --from=one / /one/',
    'COPY --from=two / /two/',
    'COPY --from=three / /three/',
    'COPY --from=four / /four/',
  ],
];
const BOUND = [
  'FROM REG/busybox:1 AS five',
  'RUN --mount=type=bind,source=bound,target=/b cp -r /b /copy && ls -lR /b | grep -v total | cut -c1-10 > /modes; rm -rf /proc /sys /dev',
];

interface State {
  readonly main: string;
  readonly second: string;
  readonly host: string;
  readonly args: Map<string, string>;
  readonly labels: Map<string, string>;
  target: string | undefined;
  ignore: string;
  stages: string[][];
}

async function pickPath(random: Random, dir: string): Promise<string> {
  const names = (await readdir(dir, { recursive: true })).sort();
  return names.length === 0 ? '.' : random.pick(names);
}

/** One edit; the words say which. */
async function edit(state: State, random: Random): Promise<string> {
  const root = random.below(4) === 0 ? state.second : state.main;
  const name = await pickPath(random, root);
  const file = path.join(root, name);
  if (name === '.') {
    await writeFile(path.join(root, 'back.txt'), 'back');
    return 'the first file of an empty context';
  }
  const stats = await lstat(file);
  switch (random.below(15)) {
    case 0:
    case 1: {
      if (!stats.isFile()) return edit(state, random);
      // The same size and the same mtime: only reading it shows the difference.
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.replace(/./, random.pick(['p', 'q', 'r', 's'])));
      await utimes(file, stats.atime, stats.mtime);
      return `content of ${name}`;
    }
    case 2:
      if (stats.isSymbolicLink()) return edit(state, random);
      await chmod(
        file,
        stats.isDirectory()
          ? random.pick([0o755, 0o700, 0o1777])
          : random.pick([0o644, 0o755, 0o4755, 0o600]),
      );
      return `mode of ${name}`;
    case 3:
      if (stats.isDirectory() && !name.includes('empty')) return edit(state, random);
      await rm(file, { recursive: true });
      return `removal of ${name}`;
    case 4: {
      const dir = stats.isDirectory() ? file : path.dirname(file);
      const fresh = path.join(dir, random.pick(['new.c', 'new.o', 'new.txt', 'nothing1', 'in.txt']));
      await rm(fresh, { recursive: true, force: true });
      await writeFile(fresh, random.pick(['nnnn', 'mmmm']));
      return `a new ${path.relative(root, fresh)}`;
    }
    case 5: {
      const fresh = path.join(
        stats.isDirectory() ? file : path.dirname(file),
        random.pick(['empty', 'void']),
      );
      await rm(fresh, { recursive: true, force: true });
      await mkdir(fresh);
      return `an empty directory ${path.relative(root, fresh)}`;
    }
    case 6: {
      const link = path.join(root, random.pick(['link', 'linkdir', 'src/inner', 'assets/z.txt']));
      await rm(link, { recursive: true, force: true });
      await symlink(
        random.pick(['src/b.c', 'docs', 'src/deep', '/assets/x.txt', '../tool.sh', 'nowhere']),
        link,
      ).catch(() => {});
      return `target of ${path.relative(root, link)}`;
    }
    case 7: {
      const to = path.join(root, random.pick(['assets/moved.txt', 'src/moved.c', 'docs/moved.md']));
      if (!stats.isFile()) return edit(state, random);
      await mkdir(path.dirname(to), { recursive: true });
      await rename(file, to).catch(() => {});
      return `${name} moved`;
    }
    case 8:
      state.ignore = random.pick([
        '',
        '**/*.o',
        'unused.txt',
        '*.md\n**/*.o',
        'src/deep\n!src/deep/c.c',
        '# only words',
      ]);
      return '.dockerignore';
    case 9: {
      const value = random.pick(['1', '2', 'assets', 'docs', undefined]);
      const arg = random.pick(['VERSION', 'WHERE', 'NOBODY', 'HTTP_PROXY']);
      if (value === undefined || (arg === 'WHERE' && value.length === 1)) state.args.delete(arg);
      else state.args.set(arg, value);
      return `arg ${arg}`;
    }
    case 10:
      state.labels.set('l', random.pick(['1', '2']));
      return 'label';
    case 11:
      state.target = random.pick([undefined, undefined, 'one', 'two', 'three', 'four']);
      return 'target';
    case 12: {
      const stage = random.pick(state.stages);
      stage.push(
        random.pick([
          'ENV E=1',
          '# a comment',
          'LABEL x=y',
          'COPY docs \\\n # more\n /docs/',
          'COPY <<E /h\n$VERSION\nE',
          'WORKDIR /wd',
        ]),
      );
      return 'Dockerfile';
    }
    case 13:
      state.stages = freshStages();
      return 'Dockerfile as it was';
    default: {
      // Touched without any change.
      if (stats.isSymbolicLink()) return edit(state, random);
      await utimes(file, 1_000_000_000 + random.below(1_000_000), 1_000_000_000 + random.below(1_000_000));
      return `time of ${name}`;
    }
  }
}

function freshStages(): string[][] {
  const stages = STAGES.map((stage) => [...stage]);
  if (BUSYBOX === undefined) return stages;
  stages.splice(4, 0, [...BOUND]);
  stages.at(-1)?.push('COPY --from=five / /five/');
  return stages;
}

/** The repository as it was at first. */
async function startOver(state: State): Promise<void> {
  for (const dir of [state.main, state.second]) {
    for (const name of await readdir(dir)) await rm(path.join(dir, name), { recursive: true });
  }
  await writeTree(state.main, TREE);
  await writeTree(state.second, { 's.txt': 'ssss', 'sub/t.txt': 'tttt' });
  state.args.clear();
  state.labels.clear();
  state.target = undefined;
  state.ignore = '';
  state.stages = freshStages();
}

function dockerfileOf(state: State): string {
  return `${state.stages.flat().join('\n')}\n`.replaceAll('REG', state.host);
}

async function keyOf(state: State, stateDirectory: string): Promise<KeyParts> {
  const parsed = parseDockerfile({ path: 'Dockerfile', text: dockerfileOf(state) });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const facts = inspectDockerfile(parsed.value, {
    args: state.args,
    platforms: ['linux/amd64'],
    enginePlatform: 'linux/amd64',
    contextNames: new Set(['second']),
    bases: new Map([
      [`${state.host}/trigger:1`, { env: [], onbuild: ['COPY trig.txt /t/'] }],
      [`${state.host}/busybox:1`, { env: [], onbuild: [] }],
    ]),
    ...(state.target === undefined ? {} : { target: state.target }),
  });
  assert.ok(facts.ok, JSON.stringify(facts));
  const hasher = new ContextHasher({ stateDirectory, workers: 0 });
  const files = new Map<string, readonly FilePart[]>();
  for (const [name, reads] of facts.value.reads) {
    const root = name === 'context' ? state.main : state.second;
    const rules = parseIgnore({ path: '.dockerignore', text: name === 'context' ? state.ignore : '' });
    const hashed = await hasher.hash({
      root,
      written: name,
      reads,
      ignore: rules.ok ? rules.value : NO_RULES,
    });
    assert.ok(hashed.ok, JSON.stringify(hashed));
    files.set(name, hashed.value.files);
  }
  await hasher.save();
  await hasher.close();
  const { parts, untracked } = keyParts({
    build: makeBuild({
      platforms: ['linux/amd64'],
      context: { ref: { kind: 'local', path: state.main }, written: '.' },
      args: state.args,
      labels: state.labels,
      contexts: new Map([['second', { ref: { kind: 'local', path: state.second }, written: 'second' }]]),
      ...(state.target === undefined ? {} : { target: state.target }),
    }),
    facts: facts.value,
    files,
    images: new Map(facts.value.images.map((image) => [image.written, `sha256:${'0'.repeat(64)}`])),
    platforms: ['linux/amd64'],
    parents: new Map(),
  });
  assert.deepEqual(untracked, []);
  return parts;
}

/** The digest of a real build, or the last line of why there is none. */
async function realDigest(state: State, dir: string): Promise<string> {
  await writeFile(path.join(dir, 'Dockerfile'), dockerfileOf(state));
  await writeFile(path.join(dir, 'Dockerfile.dockerignore'), state.ignore);
  const metadata = path.join(dir, 'metadata.json');
  await rm(metadata, { force: true });
  // A copy for each build: its times are new ones, so that nothing can rest on them.
  const copies = await Promise.all([copyTree(state.main, dir), copyTree(state.second, dir)]);
  const { localSource, args: contextArgs } = contextAsOwnSource(copies[0]);
  const result = await buildctl([
    'build',
    '--frontend=dockerfile.v0',
    `--local=dockerfile=${dir}`,
    ...contextArgs,
    '--opt=platform=linux/amd64',
    '--opt=build-arg:SOURCE_DATE_EPOCH=0',
    `--opt=context:second=local:${localSource}-second`,
    `--local=${localSource}-second=${copies[1]}`,
    `--metadata-file=${metadata}`,
    '--output=type=image,name=bake.local/oracle:1,store=false,rewrite-timestamp=true',
    '--progress=plain',
    ...(state.target === undefined ? [] : [`--opt=target=${state.target}`]),
    ...[...state.args].map(([name, value]) => `--opt=build-arg:${name}=${value}`),
    ...[...state.labels].map(([name, value]) => `--opt=label:${name}=${value}`),
  ]);
  for (const copy of copies) await rm(copy, { recursive: true });
  if (result.code !== 0) {
    const reason = result.stderr.trim().split('\n').at(-1) ?? '';
    return `failed: ${reason.replace(/ref [a-z0-9]+(?:::[a-z0-9]+)*/, 'ref')}`;
  }
  const { 'containerimage.digest': digest } = JSON.parse(await readFile(metadata, 'utf8'));
  return digest;
}

let copyCount = 0;
async function copyTree(from: string, dir: string): Promise<string> {
  copyCount += 1;
  const to = path.join(dir, `copy${copyCount}`);
  await mkdir(to);
  const names = (await readdir(from, { recursive: true, withFileTypes: true })).map((entry) => ({
    entry,
    name: path.relative(from, path.join(entry.parentPath, entry.name)),
  }));
  for (const { entry, name } of names.sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const source = path.join(from, name);
    if (entry.isDirectory()) await mkdir(path.join(to, name));
    else if (entry.isSymbolicLink()) {
      await symlink(await readlink(source), path.join(to, name));
    } else await copyFile(source, path.join(to, name));
  }
  for (const { entry, name } of names) {
    if (!entry.isSymbolicLink())
      await chmod(path.join(to, name), (await lstat(path.join(from, name))).mode & 0o7777);
  }
  return to;
}

test('an equal key means an equal image, over random edits', {
  skip: realEngine.skip,
  timeout: 3_600_000,
}, async (t) => {
  const registry = await startTestRegistry(t);
  const main = await makeTempDir(t);
  const second = await makeTempDir(t);
  const dir = await makeTempDir(t);
  const stateDirectory = await makeTempDir(t);
  const state: State = {
    main,
    second,
    host: registry.host,
    args: new Map(),
    labels: new Map(),
    target: undefined,
    ignore: '',
    stages: [],
  };
  await pushBases(state, dir);
  await startOver(state);
  const random = seededRandom(SEED);
  const seen = new Map<string, { readonly digest: string; readonly step: number }>();
  const counts = { same: 0, changed: 0, needless: 0, failed: 0 };
  let last: { readonly digest: string; readonly parts: KeyParts } | undefined;
  const needless: string[] = [];
  for (let step = 0; step <= EDITS; step += 1) {
    const what = step === 0 ? 'nothing' : await edit(state, random);
    const parts = await keyOf(state, stateDirectory);
    const key = computeKey(parts);
    const digest = await realDigest(state, dir);
    const before = seen.get(key);
    if (before !== undefined) {
      assert.equal(digest, before.digest, `step ${step}, ${what}: the key is that of step ${before.step}`);
      counts.same += 1;
    } else if (last !== undefined && last.digest === digest && !digest.startsWith('failed')) {
      counts.needless += 1;
      needless.push(`step ${step}, ${what}: ${diffKeys(last.parts, parts).join('; ')}`);
    } else counts.changed += 1;
    // What cannot be built any more would stay so for most of the edits to come.
    if (digest.startsWith('failed')) {
      counts.failed += 1;
      await startOver(state);
    }
    seen.set(key, { digest, step });
    last = { digest, parts };
  }
  t.diagnostic(`seed ${SEED}, ${EDITS} edits: ${JSON.stringify(counts)}`);
  for (const line of needless) t.diagnostic(`needless: ${line}`);
  assert.ok(counts.same > 0 && counts.changed > 0, 'the edits must be of both kinds');
  assert.ok(counts.needless <= Math.max(5, EDITS * 0.15), `${counts.needless} needless builds`);
});

async function pushBases(state: State, dir: string): Promise<void> {
  const base = path.join(dir, 'base');
  await writeTree(base, { 'f.txt': 'f' });
  const images = [['trigger', 'FROM scratch\nCOPY f.txt /base/\nONBUILD COPY trig.txt /t/\n']];
  if (BUSYBOX !== undefined) {
    await copyFile(BUSYBOX, path.join(base, 'busybox'));
    images.push(['busybox', 'FROM scratch\nCOPY busybox /bin/\nRUN ["/bin/busybox","--install","/bin"]\n']);
  }
  for (const [name, text] of images) {
    await writeFile(path.join(base, 'Dockerfile'), text ?? '');
    const built = await buildctlBuild(base, base, [
      `--output=type=image,name=${state.host}/${name}:1,push=true,store=false`,
    ]);
    assert.equal(built.code, 0, built.stderr);
  }
}
