/** What is left alone though something moved, and what must not be: each against plain buildctl on the same engine. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { buildctl, contextInOwnSlot } from '../rig/buildkit.ts';
import { digestOf } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { assertOk, makeWorkspace, type Workspace } from './support.ts';

const options = { skip: realEngine.skip, timeout: 180_000 };

/** Digest that plain buildctl makes of a directory. */
async function oracle(work: Workspace, dir: string, opts: readonly string[]): Promise<string> {
  const metadata = path.join(work.home, 'oracle.json');
  const { args } = contextInOwnSlot(path.join(work.dir, dir));
  const { code, stderr } = await buildctl([
    'build',
    '--frontend=dockerfile.v0',
    ...args,
    `--local=dockerfile=${path.join(work.dir, dir)}`,
    ...opts.map((opt) => `--opt=${opt}`),
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
      const opts = Object.entries(contexts[name] ?? {}).map(([as, source]) => {
        const parent = source.slice('build:'.length);
        return `context:${as}=docker-image://${host}/left/${parent}@${second.outcome(parent).digest}`;
      });
      const expected = await oracle(work, name, [...opts, `platform=${native}`]);
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
