/**
 * Whatever is done to the files, in whatever order: once it is quiet, what watching says of the builds is so. Edits are
 * chosen by a seed; those of a failure are in its message.
 */
import assert from 'node:assert/strict';
import * as files from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FakeWorld, makeFakeWorld } from '../rig/fake-world.ts';
import { type Random, seededRandom } from '../rig/random.ts';
import { startWatching, type Watching } from '../rig/watching.ts';

const TREE = (host: string) => ({
  'builds.yaml': `
templates: { image: { tags: ["${host}/\${{ build.name }}:1"], push: true } }
builds:
  base: { extends: image, context: base }
  api: { extends: image, context: api, contexts: { base: "build:base" } }
  web: { extends: image, context: web }
  few: { extends: image, context: web, dockerfile: Few.Dockerfile }
  two: { extends: image, context: link, contexts: { extra: extra/dir } }
`,
  'base/Dockerfile': 'FROM scratch\nCOPY files /files\n',
  'base/files/a': 'a',
  'api/Dockerfile': 'FROM base\nCOPY src /src\nCOPY s*/x* /y/\n',
  'api/src/main': 'one',
  'api/src/x1': 'q',
  'web/Dockerfile': 'FROM scratch\nCOPY . /\n',
  'web/.dockerignore': 'tmp\n*.log\n!keep.log\n',
  'web/Few.Dockerfile': 'FROM scratch\nCOPY . /\n',
  'web/Few.Dockerfile.dockerignore': '*\n!d/e\n!new/main\n!new/deep\n',
  'web/index.html': 'one',
  'web/tmp/x': '',
  'web/d/e/f': '1',
  'real/Dockerfile': 'FROM scratch\nCOPY --from=extra . /e\nCOPY a b* /\n',
  'real/a': '1',
  'real/b1': '1',
  'extra/dir/x': '1',
});

const DIRECTORIES = [
  'base/files',
  'api/src',
  'api/s2',
  'web',
  'web/d',
  'web/d/e',
  'web/tmp',
  'web/new',
  'web/new/deep',
  'real',
  'link',
  'extra/dir',
];
const NAMES = ['a', 'b1', 'main', 'x1', 'x', 'e', 'index.html', 'some.log', 'keep.log', 'f', 'deep'];
/** Those that may go as a whole. */
const MOVED = ['web/d', 'web/d/e', 'web/new', 'web/new/deep', 'web/tmp', 'api/s2', 'extra/dir', 'elsewhere'];

/** An edit, which may be impossible as things are: then nothing comes of it. */
type Edit = (random: Random, at: (file: string) => string, text: string) => void;

const anyFile = (random: Random): string => `${random.pick(DIRECTORIES)}/${random.pick(NAMES)}`;

const EDITS: Readonly<Record<string, Edit>> = {
  write: (random, at, text) => files.writeFileSync(at(anyFile(random)), text),
  append: (random, at, text) => files.appendFileSync(at(anyFile(random)), text),
  'write beside and rename': (random, at, text) => {
    const file = at(anyFile(random));
    files.writeFileSync(`${file}~`, text);
    files.renameSync(`${file}~`, file);
  },
  remove: (random, at) => files.rmSync(at(anyFile(random))),
  chmod: (random, at) => files.chmodSync(at(anyFile(random)), random.pick([0o600, 0o644, 0o755])),
  'keep the time': (random, at, text) => {
    const file = at(anyFile(random));
    const { atime, mtime } = files.statSync(file);
    files.writeFileSync(file, text);
    files.utimesSync(file, atime, mtime);
  },
  'new directories': (random, at, text) => {
    const directory = at(random.pick([...MOVED, ...DIRECTORIES]));
    files.mkdirSync(directory, { recursive: true });
    files.writeFileSync(path.join(directory, random.pick(NAMES)), text);
  },
  'remove a directory': (random, at) => files.rmSync(at(random.pick(MOVED)), { recursive: true }),
  'rename a directory': (random, at) => files.renameSync(at(random.pick(MOVED)), at(random.pick(MOVED))),
  'swap directories': (random, at) => {
    const [one, other] = [at(random.pick(MOVED)), at(random.pick(MOVED))];
    files.renameSync(one, at('swap'));
    files.renameSync(other, one);
    files.renameSync(at('swap'), other);
  },
  'a file becomes a directory': (random, at, text) => {
    const file = at(random.pick([anyFile(random), ...MOVED]));
    files.rmSync(file, { recursive: true, force: true });
    files.writeFileSync(file, text);
    files.rmSync(file);
    files.mkdirSync(file);
    files.writeFileSync(path.join(file, random.pick(NAMES)), text);
  },
  'a directory becomes a file': (random, at, text) => {
    const directory = at(random.pick(MOVED));
    files.rmSync(directory, { recursive: true });
    files.writeFileSync(directory, text);
  },
  link: (random, at) => {
    files.rmSync(at('web/ln'), { force: true, recursive: true });
    files.symlinkSync(random.pick(['d', 'index.html', '../real', 'nowhere', '/d/e']), at('web/ln'));
  },
  'a link of what is read': (random, at, text) => {
    files.rmSync(at('api/src/main'), { force: true, recursive: true });
    files.symlinkSync(random.pick(['../other', '../other/z', 'x1']), at('api/src/main'));
    files.mkdirSync(at('api/other'), { recursive: true });
    files.writeFileSync(at(`api/other/${random.pick(['z', 'y'])}`), text);
  },
  'a link of a context': (random, at) => {
    files.rmSync(at('link'), { force: true });
    files.symlinkSync(random.pick(['real', 'web']), at('link'));
  },
  'ignore rules': (random, at) =>
    files.writeFileSync(
      at('web/.dockerignore'),
      random.pick(['tmp\n*.log\n', '', 'd\n', '**/f\n', '*\n!index.html\n', 'new/**\n']),
    ),
  Dockerfile: (random, at) =>
    files.writeFileSync(
      at('real/Dockerfile'),
      `FROM scratch\n${random.pick(['COPY --from=extra . /e\nCOPY a b* /', 'COPY . /', 'COPY a /', 'COPY --from=extra x /e'])}\n`,
    ),
  'builds.yaml': (_, at, text) =>
    files.writeFileSync(
      at('builds.yaml'),
      `${files.readFileSync(at('builds.yaml'), 'utf8').replace(/#.*\n$/, '')}#${text}\n`,
    ),
};

/** Does one; gives its name. */
function edit(random: Random, dir: string, text: string): string {
  const name = random.pick(Object.keys(EDITS));
  try {
    EDITS[name]?.(random, (file) => path.join(dir, file), text);
    return name;
  } catch (error) {
    assert(error instanceof Error && 'syscall' in error, String(error));
    return `no ${name}`;
  }
}

const BUILDS = ['base', 'api', 'web', 'few', 'two'];
const BATCHES = 10;
/** Much longer than a burst and a round take on a busy machine. */
const MOST_MS = 20_000;

/** Waits until what watching says is what a plain run says; gives what is not so where that never comes. */
async function findLie(world: FakeWorld, { events }: Watching): Promise<string | undefined> {
  const endsMs = Date.now() + MOST_MS;
  for (;;) {
    const last = events.at(-1);
    if (last?.type === 'waiting') {
      const { kinds, summary } = await world.bake({ dryRun: true, builds: ['*'] });
      const isGood = summary.ok && Object.values(kinds).every((kind) => kind === 'unchanged');
      if ((last.failed === 0) === isGood && events.at(-1) === last) return undefined;
      if (Date.now() > endsMs) return JSON.stringify({ failed: last.failed, plain: kinds });
    } else if (Date.now() > endsMs) return `it does not wait: ${JSON.stringify(last)}`;
    await sleep(30);
  }
}

async function editAndLook(t: TestContext, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const world = await makeFakeWorld(t, TREE);
  files.symlinkSync('real', path.join(world.dir, 'link'));
  const watching = await startWatching(t, world, { times: { quietMs: 15, mostMs: 60 } });
  await watching.settle();
  const done: string[] = [];
  for (let batch = 0; batch < BATCHES; batch += 1) {
    // A build that takes long is edited under.
    if (random.below(3) === 0) {
      const longMs = 30 + random.below(60);
      const act = () => sleep(longMs);
      world.engine.fault({ when: random.pick(BUILDS), at: 'step', times: 1, act });
    }
    const edits: string[] = [];
    for (let left = 1 + random.below(5); left > 0; left -= 1) {
      edits.push(edit(random, world.dir, `${batch}.${left}`));
      if (random.below(3) === 0) await sleep(random.below(70));
    }
    done.push(edits.join(', '));
    const lie = await findLie(world, watching);
    assert.equal(lie, undefined, `seed ${seed}, after ${done.slice(-3).join('; then ')}`);
  }
}

for (const seed of [1, 2])
  test(`after any edits, what is said to be up to date is (seed ${seed})`, (t) => editAndLook(t, seed));
