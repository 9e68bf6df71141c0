/** What is skipped though something moved, and what must not be: each against plain buildctl on the same engine. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { buildctl, contextAsOwnSource } from '../rig/buildkit.ts';
import { findBusybox } from '../rig/busybox.ts';
import { digestOf } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { linkArgs } from '../rig/split-links.ts';
import { assertOk, makeWorkspace, type Workspace } from './support.ts';

const options = { skip: realEngine.skip, timeout: 180_000 };
// Some fifty images, twice.
const manyBuilds = { ...options, timeout: 600_000 };

/** Digest that plain buildctl makes of a directory on the results of others (context → reference by digest). */
async function oracle(
  work: Workspace,
  dir: string,
  parents: readonly (readonly [string, string])[],
  opts: readonly string[] = [],
): Promise<string> {
  const policy = path.join(work.home, `${path.basename(dir)}-policy.json`);
  const metadata = path.join(work.home, `${path.basename(dir)}.json`);
  const { args } = contextAsOwnSource(path.join(work.dir, dir));
  const { code, stderr } = await buildctl([
    'build',
    '--frontend=dockerfile.v0',
    ...args,
    `--local=dockerfile=${path.join(work.dir, dir)}`,
    ...opts.map((opt) => `--opt=${opt}`),
    // As bake-ts reads them, so that its steps come from the cache: other steps give other times.
    ...(await linkArgs(parents, policy)),
    '--output=type=image',
    `--metadata-file=${metadata}`,
  ]);
  assert.equal(code, 0, stderr);
  return JSON.parse(await readFile(metadata, 'utf8'))['containerimage.digest'];
}

/** Builds an image for a platform and pushes it. */
async function pushBase(work: Workspace, dir: string, platform: string, ref: string): Promise<void> {
  const { code, stderr } = await buildctl([
    'build',
    '--frontend=dockerfile.v0',
    `--local=context=${path.join(work.dir, dir)}`,
    `--local=dockerfile=${path.join(work.dir, dir)}`,
    `--opt=platform=${platform}`,
    `--output=type=image,name=${ref},push=true`,
  ]);
  assert.equal(code, 0, stderr);
}

test(
  "the engine's platform may be written or left out, unless a base is of another one",
  options,
  async (t) => {
    const { host } = await startTestRegistry(t);
    const native = process.arch === 'x64' ? 'linux/amd64' : 'linux/arm64';
    const foreign = native === 'linux/amd64' ? 'linux/arm64' : 'linux/amd64';
    const dockerfiles: Readonly<Record<string, string>> = {
      plain: 'FROM scratch\nARG TARGETPLATFORM\nCOPY Dockerfile /\nLABEL p=$TARGETPLATFORM\n',
      stages: 'FROM scratch AS one\nCOPY Dockerfile /f\nFROM scratch\nCOPY --from=one /f /g\n',
      'on-native': `FROM ${host}/base:native\nCOPY Dockerfile /\n`,
      'on-foreign': `FROM ${host}/base:foreign\nCOPY Dockerfile /\n`,
      'from-foreign': `FROM scratch\nCOPY --from=${host}/base:foreign /Dockerfile /\n`,
      'foreign-stage': `FROM --platform=${foreign} scratch\nCOPY Dockerfile /\n`,
      'on-plain': 'FROM plain\nLABEL on=plain\n',
      'on-on-foreign': 'FROM on-foreign\nLABEL on=on-foreign\n',
    };
    const contexts: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      'on-plain': { plain: 'build:plain' },
      'on-on-foreign': { 'on-foreign': 'build:on-foreign' },
    };
    const builds = (platforms: readonly string[]) =>
      JSON.stringify({
        builds: Object.fromEntries(
          Object.keys(dockerfiles).map((name) => [
            name,
            {
              context: name,
              tags: [`${host}/left/${name}:1`],
              push: true,
              ...(contexts[name] === undefined ? {} : { contexts: contexts[name] }),
              ...(platforms.length === 0 ? {} : { platforms }),
            },
          ]),
        ),
      });
    const work = await makeWorkspace(t, {
      'base/Dockerfile': 'FROM scratch\nCOPY Dockerfile /\n',
      ...Object.fromEntries(Object.entries(dockerfiles).map(([name, text]) => [`${name}/Dockerfile`, text])),
      'builds.yaml': builds([]),
    });
    await pushBase(work, 'base', native, `${host}/base:native`);
    await pushBase(work, 'base', foreign, `${host}/base:foreign`);
    const first = await work.bake();
    assertOk(first);

    await work.write({ 'builds.yaml': builds([native]) });
    const second = await work.bake();
    assertOk(second);
    for (const name of Object.keys(dockerfiles)) {
      const parents = Object.entries(contexts[name] ?? {}).map(([as, source]) => {
        const parent = source.slice('build:'.length);
        return [as, `${host}/left/${parent}@${second.outcome(parent).digest}`] as const;
      });
      const expected = await oracle(work, name, parents, [`platform=${native}`]);
      assert.equal(await digestOf(`${host}/left/${name}:1`), expected, name);
    }
    // With emulators in the engine those that are built are other images; without, they happen to be the same.
    assert.deepEqual(second.kinds, {
      plain: 'unchanged',
      stages: 'unchanged',
      'on-native': 'unchanged',
      'on-foreign': 'built',
      'from-foreign': 'unchanged',
      'foreign-stage': 'built',
      'on-plain': 'unchanged',
      'on-on-foreign': 'built',
    });
  },
);

interface Vector {
  /** Two states of what the parent adds to a base with busybox, `a` and `b` being files of its context. */
  readonly parent: readonly [string, string];
  readonly child: string;
  /** Undefined: either will do, as long as the image is right. */
  readonly expected?: 'built' | 'unchanged';
}

const RUN = 'SHELL ["/bin/busybox", "sh", "-c"]\nRUN export PATH=/bin; ';

const VECTORS: Readonly<Record<string, Vector>> = {
  'another-file': {
    parent: ['COPY a b1 /', 'COPY a b2 /'],
    child: 'COPY --from=parent /a /',
    expected: 'unchanged',
  },
  'the-file': { parent: ['COPY b1 /b', 'COPY b2 /b'], child: 'COPY --from=parent /b /', expected: 'built' },
  'mode-of-file': {
    parent: ['COPY --chmod=644 a /', 'COPY --chmod=600 a /'],
    child: 'COPY --from=parent /a /',
    expected: 'built',
  },
  'owner-of-file': {
    parent: ['COPY --chown=1:1 a /', 'COPY --chown=1:2 a /'],
    child: 'COPY --from=parent /a /',
    expected: 'built',
  },
  'another-layer': {
    parent: ['COPY a /d/', 'COPY a /d/\nCOPY b1 /e/'],
    child: 'COPY --from=parent /d/a /\nCOPY --from=parent d /d/',
    expected: 'unchanged',
  },
  'layer-below': {
    parent: ['COPY b1 /b\nCOPY a /d/', 'COPY b2 /b\nCOPY a /d/'],
    child: 'COPY --from=parent /d/ /d/',
    expected: 'unchanged',
  },
  'same-layer-below': {
    parent: ['COPY a /d/\nCOPY b1 /b', 'COPY a /d/\nCOPY b2 /b'],
    child: 'COPY --from=parent /d /d\nCOPY --from=parent /d/a /',
    expected: 'unchanged',
  },
  'in-directory': {
    parent: ['COPY a /d/\nCOPY b1 /d/b', 'COPY a /d/\nCOPY b2 /d/b'],
    child: 'COPY --from=parent /d /d',
    expected: 'built',
  },
  'added-to-directory': {
    parent: ['COPY a /d/', 'COPY a /d/\nCOPY b1 /d/'],
    child: 'COPY --from=parent /d /d',
    expected: 'built',
  },
  'removed-from-directory': {
    parent: ['COPY a b1 /d/\nCOPY a /x', `COPY a b1 /d/\nCOPY a /x\n${RUN}rm /d/b1`],
    child: 'COPY --from=parent /d /d',
    expected: 'built',
  },
  'mode-of-directory': {
    parent: [`${RUN}mkdir -m 755 /d`, `${RUN}mkdir -m 700 /d`],
    child: 'COPY --from=parent /d /d',
    expected: 'built',
  },
  'made-anew': {
    parent: [
      `COPY a b1 /d/\n${RUN}rm -rf /d; mkdir /d; echo 1 > /d/x; echo 1 > /n`,
      `COPY a b1 /d/\n${RUN}rm -rf /d; mkdir /d; echo 1 > /d/x; echo 2 > /n`,
    ],
    child: 'COPY --from=parent /d /d',
  },
  emptied: {
    parent: [
      `COPY a b1 /up/d/\n${RUN}echo 1 > /n`,
      `COPY a b1 /up/d/\n${RUN}rm -rf /up; mkdir -p /up/d; echo 1 > /n`,
    ],
    child: 'COPY --from=parent /up/d /d',
    expected: 'built',
  },
  'directory-above-is-a-link': {
    parent: [
      `COPY a /one/f\nCOPY b1 /two/f\n${RUN}ln -s one /link`,
      `COPY a /one/f\nCOPY b1 /two/f\n${RUN}ln -s two /link`,
    ],
    child: 'COPY --from=parent /link/f /',
    expected: 'built',
  },
  'directory-above-becomes-a-link': {
    parent: [
      `COPY a /one/f\nCOPY b1 /two/f\nCOPY a /x`,
      `COPY a /one/f\nCOPY b1 /two/f\n${RUN}rm -r /one; ln -s two /one`,
    ],
    child: 'COPY --from=parent /one/f /',
    expected: 'built',
  },
  'link-below-leads-to-what-changes': {
    parent: [`${RUN}ln -s /opt/f /f\nCOPY b1 /opt/f`, `${RUN}ln -s /opt/f /f\nCOPY b2 /opt/f`],
    child: 'COPY --from=parent /f /',
    expected: 'built',
  },
  'link-in-directory': {
    parent: [
      `${RUN}mkdir /d; ln -s ../opt/f /d/f\nCOPY b1 /opt/f`,
      `${RUN}mkdir /d; ln -s ../opt/f /d/f\nCOPY b2 /opt/f`,
    ],
    child: 'COPY --from=parent /d /d',
    expected: 'unchanged',
  },
  'link-by-wildcard': {
    parent: [
      `${RUN}mkdir /d; ln -s ../opt/f /d/f\nCOPY b1 /opt/f`,
      `${RUN}mkdir /d; ln -s ../opt/f /d/f\nCOPY b2 /opt/f`,
    ],
    child: 'COPY --from=parent /d/* /d/',
    expected: 'built',
  },
  'hard-link': {
    parent: [`${RUN}echo 1 > /h1; ln /h1 /h2`, `${RUN}echo 2 > /h1; ln /h1 /h2`],
    child: 'COPY --from=parent /h2 /',
    expected: 'built',
  },
  'hard-link-in-directory': {
    parent: [`${RUN}mkdir /d; echo 1 > /a1; ln /a1 /d/h2`, `${RUN}mkdir /d; echo 2 > /a1; ln /a1 /d/h2`],
    child: 'COPY --from=parent /d /d',
    expected: 'built',
  },
  'file-becomes-directory': {
    parent: ['COPY a /f', 'COPY a /f/a'],
    child: 'COPY --from=parent /f /f',
    expected: 'built',
  },
  mount: {
    parent: ['COPY a b1 /d/', 'COPY a b2 /d/'],
    child: `SHELL ["/bin/busybox", "sh", "-c"]\nRUN --mount=from=parent,source=/d/a,target=/a cat /a > /out`,
    expected: 'unchanged',
  },
  'mount-of-all': {
    parent: ['COPY a b1 /d/', 'COPY a b2 /d/'],
    child: `SHELL ["/bin/busybox", "sh", "-c"]\nRUN --mount=from=parent,target=/p /bin/busybox ls /p/d > /out`,
    expected: 'built',
  },
  'stage-in-between': {
    parent: ['COPY a b1 /', 'COPY a b2 /'],
    child: 'RUN ["/bin/busybox", "true"]\nFROM parent AS other\nFROM base\nCOPY --from=other /a /',
    expected: 'built',
  },
};

test('of a parent with other layers, what is copied decides', manyBuilds, async (t) => {
  const { host } = await startTestRegistry(t);
  const builds: Record<string, unknown> = {
    base: { context: 'base', tags: [`${host}/left/base:1`], push: true },
  };
  for (const name of Object.keys(VECTORS)) {
    builds[`${name}-parent`] = {
      context: 'files',
      dockerfile: `../${name}/parent`,
      contexts: { base: 'build:base' },
      tags: [`${host}/left/${name}-parent:1`],
      push: true,
    };
    builds[name] = {
      context: name,
      contexts: { base: 'build:base', parent: `build:${name}-parent` },
      tags: [`${host}/left/${name}:1`],
      push: true,
    };
  }
  const parents = (state: 0 | 1) =>
    Object.fromEntries(
      Object.entries(VECTORS).map(([name, { parent }]) => [
        `${name}/parent`,
        `FROM base\n${parent[state]}\n`,
      ]),
    );
  const work = await makeWorkspace(t, {
    'builds.yaml': JSON.stringify({ builds }),
    'base/busybox': { content: await readFile(await findBusybox(t)), mode: 0o755 },
    'base/Dockerfile': 'FROM scratch\nCOPY busybox /bin/busybox\n',
    'files/a': 'a\n',
    'files/b1': 'b1\n',
    'files/b2': 'b2\n',
    ...parents(0),
    ...Object.fromEntries(
      Object.entries(VECTORS).map(([name, { child }]) => [`${name}/Dockerfile`, `FROM base\n${child}\n`]),
    ),
  });
  assertOk(await work.bake());

  await work.write(parents(1));
  const second = await work.bake();
  assertOk(second);
  const compare = async (name: string, { expected }: Vector): Promise<void> => {
    const own = second.outcome(name);
    assert.equal(second.kinds[`${name}-parent`], 'built', name);
    if (expected !== undefined) assert.equal(own.kind, expected, `${name}: ${own.reason?.text}`);
    if (own.kind === 'unchanged')
      assert.match(own.reason?.text ?? '', /^the files it copies from parent are unchanged/);
    const made = await oracle(work, name, [
      ['base', `${host}/left/base@${second.outcome('base').digest}`],
      ['parent', `${host}/left/${name}-parent@${second.outcome(`${name}-parent`).digest}`],
    ]);
    assert.equal(await digestOf(`${host}/left/${name}:1`), made, `${name} (${own.kind})`);
  };
  await Promise.all(Object.entries(VECTORS).map(([name, vector]) => compare(name, vector)));

  // What was found is remembered: nothing is compared again.
  const third = await work.bake();
  assertOk(third);
  for (const outcome of third.summary.outcomes) assert.equal(outcome.kind, 'unchanged', outcome.build);
  assert.match(third.outcome('another-file').reason?.text ?? '', /^inputs unchanged/);
});

test('the default of an argument that is given does not matter', options, async (t) => {
  const { host } = await startTestRegistry(t);
  const file = (word: string) =>
    `ARG NAME=${word}\nFROM scratch\nARG NAME=${word}\nARG OTHER="${word} x" LAST=$NAME\nLABEL is=$NAME$OTHER$LAST\n`;
  const work = await makeWorkspace(t, {
    'builds.yaml': JSON.stringify({
      builds: {
        one: {
          context: 'one',
          args: { NAME: 'given', OTHER: 'too' },
          tags: [`${host}/left/one:1`],
          push: true,
        },
      },
    }),
    'one/Dockerfile': file('first'),
  });
  assertOk(await work.bake());
  await work.write({ 'one/Dockerfile': file('second') });
  const again = await work.bake();
  assertOk(again);
  assert.deepEqual(again.kinds, { one: 'unchanged' });
  const made = await oracle(work, 'one', [], ['build-arg:NAME=given', 'build-arg:OTHER=too']);
  assert.equal(await digestOf(`${host}/left/one:1`), made);
});
