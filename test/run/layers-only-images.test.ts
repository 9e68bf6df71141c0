/** Where layers-only images come from: made once, put beside what they are of, and what is said where that fails. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Link } from '../../lib/buildctl/mod.ts';
import type { NodeInputs } from '../../lib/inputs/mod.ts';
import {
  type Build,
  type Digest,
  type DigestRef,
  type EventBody,
  fail,
  ok,
  type Problem,
  problem,
} from '../../lib/model/mod.ts';
import { layersOnly, parseManifest } from '../../lib/registry/mod.ts';
import { KnownEngines } from '../../lib/run/known-engines.ts';
import { LayersOnlyImages, layersOnlyFault, mayUseLayersOnly } from '../../lib/run/layers-only.ts';
import { Semaphore } from '../../lib/run/scheduler.ts';
import type { ProgramCall, ProgramEnd } from '../../lib/system/mod.ts';
import { Documents, MANIFEST } from '../rig/documents.ts';
import { makeBuild } from '../rig/sets.ts';
import { spellImage } from '../rig/spelled-image.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const refTo = (of: Digest, tag?: string): DigestRef => ({
  registry: 'r.example',
  repository: 'base',
  digest: of,
  ...(tag === undefined ? {} : { tag }),
});
const temporary = (): Problem => ({
  ...problem('registry/unavailable', 'it is busy', { detail: 'why' }),
  temporary: true,
});
const denied = () => problem('registry/denied', 'it says no');

/** The layers-only image of an image in a registry, as it would be put. */
async function expected(documents: Documents, of: Digest): Promise<Digest> {
  const read = (one: Digest) => new TextEncoder().encode(documents.texts.get(`base@${one}`) ?? assert.fail());
  const parse = (one: Digest) => parseManifest(read(one), one) ?? assert.fail();
  const made = await layersOnly(parse(of), {
    manifest: async (one) => ok(parse(one)),
    config: async (one) => ok(read(one)),
  });
  assert(made.ok && made.value !== undefined);
  return made.value.top.digest;
}

interface Given {
  readonly known?: KnownEngines;
  readonly documents?: Documents;
  /** buildctl, where an engine is there. */
  readonly run?: (call: ProgramCall) => Promise<ProgramEnd>;
  readonly signal?: AbortSignal;
  readonly workDir?: string;
}

function makeImages({ documents = new Documents(), run, signal, workDir = '/none', known }: Given = {}) {
  const warnings: EventBody[] = [];
  const waits: number[] = [];
  const counts = { calls: 0 };
  const permits = new Semaphore(1);
  const onBuild = () => void counts.calls++;
  const images = new LayersOnlyImages({
    registry: documents.client(),
    known,
    calling: {
      emit: (event) => warnings.push(event),
      signal: signal ?? new AbortController().signal,
      sleep: async (ms) => {
        waits.push(ms);
      },
      engine: async () =>
        run === undefined
          ? fail([problem('engine/none-found', 'none')])
          : ok({ buildctl: { program: 'buildctl', address: 'unix:///x', env: {}, run, onBuild } }),
      permits,
      newWorkDir: () => workDir,
    },
  });
  const warned = () =>
    warnings.map((event) => {
      assert(event.type === 'warning' && event.problem.severity === 'warning');
      return [event.problem.code, event.problem.message, event.problem.detail];
    });
  return { images, waits, counts, warned, documents, permits };
}

/** A base in a registry. */
function makeBase(labels = '{"a":"1"}') {
  const documents = new Documents();
  const base = documents.image('base', {
    ...spellImage({ layers: 1, labels }),
  });
  return { documents, base, location: { kind: 'registry', ref: refTo(base) } as const };
}

test('an image in a registry gets one beside it, put once for all who ask', async () => {
  const { documents, base, location } = makeBase();
  const { images, warned, waits } = makeImages({ documents });
  const wanted = refTo(await expected(documents, base));
  documents.asked = [];
  assert.deepEqual(await Promise.all([images.of(location, true), images.of(location, true)]), [
    wanted,
    wanted,
  ]);
  assert.deepEqual(documents.asked, [
    'manifest base',
    'config base',
    'head base',
    'put config base',
    'put manifest base',
  ]);
  // In another run it is only looked for.
  documents.asked = [];
  const later = makeImages({ documents });
  assert.deepEqual(await later.images.of(location, false), wanted);
  assert.deepEqual(documents.asked, ['manifest base', 'config base', 'head base']);
  assert.deepEqual([warned(), waits, later.warned()], [[], [], []]);
  assert.equal(await images.of({ kind: 'layout', dir: '/l' }, true), undefined);
});

test('where it may not be put it is not, and none is made of an image without layers', async () => {
  const { documents, location } = makeBase();
  const { images, warned } = makeImages({ documents });
  assert.equal(await images.of(location, false), undefined);
  const none = documents.image('base', spellImage({ layers: 0 }));
  assert.equal(await images.of({ kind: 'registry', ref: refTo(none) }, true), undefined);
  // A registry that does not say is not asked again where nothing would be put.
  documents.fault = (asked) => (asked.startsWith('head') ? temporary() : undefined);
  const { images: others, waits } = makeImages({ documents });
  assert.equal(await others.of(location, false), undefined);
  assert.deepEqual(waits, []);
  assert.equal(
    documents.asked.some((asked) => asked.startsWith('put')),
    false,
  );
  assert.deepEqual(warned(), []);
});

test('all platforms of an index get one, and the index last', async () => {
  const documents = new Documents();
  const platforms = ['amd64', 'arm64'].map((architecture) => {
    const { config, layers } = spellImage({ layers: 1 });
    const of = documents.image('base', { config: config.replace('amd64', architecture), layers });
    return { mediaType: MANIFEST, digest: of, size: 1, platform: { architecture, os: 'linux' } };
  });
  const base = documents.index('base', platforms);
  const wanted = await expected(documents, base);
  const { images } = makeImages({ documents });
  documents.asked = [];
  assert.deepEqual(await images.of({ kind: 'registry', ref: refTo(base) }, true), refTo(wanted));
  assert.deepEqual(
    documents.asked.filter((asked) => asked.startsWith('put')),
    ['put config base', 'put manifest base', 'put config base', 'put manifest base', 'put manifest base'],
  );
  assert(documents.texts.has(`base@${wanted}`));
  // Without its index the rest is of no use.
  documents.texts.delete(`base@${wanted}`);
  let left = 3;
  documents.fault = (asked) => (asked === 'put manifest base' && --left === 0 ? denied() : undefined);
  const { images: others, warned } = makeImages({ documents });
  assert.equal(await others.of({ kind: 'registry', ref: refTo(base) }, true), undefined);
  assert.equal(warned().length, 1);
});

test('what passes is waited out twice; then, and for what does not pass, that is said once', async () => {
  for (const part of ['manifest base', 'config base', 'head base', 'put config', 'put manifest']) {
    for (const [fails, waits] of [
      [1, [1_000]],
      [2, [1_000, 4_000]],
    ] as const) {
      const { documents, location } = makeBase();
      let left: number = fails;
      documents.fault = (asked) => (asked.startsWith(part) && left-- > 0 ? temporary() : undefined);
      const made = makeImages({ documents });
      assert.notEqual(await made.images.of(location, true), undefined, part);
      assert.deepEqual([made.waits, made.warned()], [waits, []], part);
    }
    const { documents, location } = makeBase();
    documents.fault = (asked) => (asked.startsWith(part) ? temporary() : undefined);
    const given = makeImages({ documents });
    assert.equal(await given.images.of(location, true), undefined);
    assert.deepEqual(given.waits, [1_000, 4_000]);
    const message = '`r.example/base` gets no layers-only image (it is busy)';
    assert.deepEqual(given.warned(), [['run/no-layers-only', message, 'why']]);
  }
  const { documents, location } = makeBase();
  documents.fault = (asked) => (asked.startsWith('put') ? denied() : undefined);
  const { images, waits, warned } = makeImages({ documents });
  assert.equal(await images.of(location, true), undefined);
  const other = documents.image('base', spellImage({ layers: 2 }));
  assert.equal(await images.of({ kind: 'registry', ref: refTo(other) }, true), undefined);
  const message = '`r.example/base` gets no layers-only image (it says no)';
  assert.deepEqual([waits, warned()], [[], [['run/no-layers-only', message, undefined]]]);
});

test('a run that is cancelled neither waits nor says anything', async () => {
  const { documents, location } = makeBase();
  documents.fault = () => temporary();
  const { images, waits, warned } = makeImages({ documents, signal: AbortSignal.abort() });
  assert.equal(await images.of(location, true), undefined);
  assert.deepEqual([waits, warned()], [[], []]);
});

test('turned off, there are no more of them, and why is said; one that is on its way does not come', async () => {
  const { documents, location } = makeBase();
  const { images, warned } = makeImages({ documents });
  const onItsWay = images.of(location, true);
  images.turnOff(problem('build/links-not-split', 'it reads them'));
  images.turnOff(problem('build/links-not-split', 'it reads them still'));
  assert.equal(await onItsWay, undefined);
  assert.equal(await images.of(location, true), undefined);
  assert.deepEqual(warned(), [['build/links-not-split', 'it reads them', undefined]]);
});

test('what is forgotten is made again, and asked for again', async () => {
  const { documents, base, location } = makeBase();
  const { images } = makeImages({ documents });
  const made = await images.of(location, true);
  assert(made !== undefined);
  const asked = () => documents.asked.splice(0);
  const link = { contextName: 'base', kind: 'image', ref: refTo(base) } as const;
  documents.texts.delete(`base@${made.digest}`);
  asked();
  images.forget([{ contextName: 'other', kind: 'scratch' }]);
  await images.of(location, true);
  assert.deepEqual(asked(), []);
  images.forget([link]);
  assert.deepEqual(asked(), []);
  assert.deepEqual(await images.of(location, true), made);
  assert.equal(asked().includes('put manifest base'), true);
  images.forget([{ ...link, layersOnly: made }]);
  assert.deepEqual(asked(), ['forget base']);
});

/** A store that holds what a registry does, and makes layers-only images as the engine does. */
async function makeStore(t: Cleanup, documents: Documents, makes: Digest | 'nothing' | 'right' = 'right') {
  const workDir = path.join(await makeTempDir(t, 'layers-only-'), 'work');
  const calls: string[][] = [];
  const ended = (exitCode: number, stdout = ''): ProgramEnd => ({
    ended: 'by-itself',
    exitCode,
    stdout: Buffer.from(stdout),
    stderr: '',
  });
  const run = async ({ argv }: ProgramCall): Promise<ProgramEnd> => {
    const [, , verb, , wanted] = argv;
    if (verb === 'debug') {
      const text = documents.texts.get(`base@${wanted}`);
      return text === undefined ? ended(1) : ended(0, text);
    }
    calls.push([...argv]);
    if (makes === 'nothing') return ended(1);
    const source = /docker-image:\/\/[^@]*@(sha256:[0-9a-f]+)/.exec(argv.join(' '))?.[1] as Digest;
    const made = makes === 'right' ? await expected(documents, source) : makes;
    await writeFile(path.join(workDir, 'metadata.json'), JSON.stringify({ 'containerimage.digest': made }));
    return ended(0);
  };
  return { run, calls, workDir };
}

test('an image in the store gets one there under a name of its own, made by one call', async (t) => {
  const { documents, base } = makeBase();
  const wanted = await expected(documents, base);
  for (const [tag, name] of [
    ['v1', 'v1-layers'],
    [undefined, 'latest-layers'],
  ] as const) {
    const { run, calls, workDir } = await makeStore(t, documents);
    const { images, counts, warned } = makeImages({ run, workDir });
    const made = await images.of({ kind: 'store', ref: refTo(base, tag), confirmed: true }, true);
    assert.deepEqual(made, refTo(wanted, name));
    assert.deepEqual([counts.calls, calls.length, warned()], [1, 1, []]);
    assert(calls[0]?.some((word) => word.includes(`name=r.example/base:${name}`)));
    assert(calls[0]?.includes('platform=linux/amd64'));
    const { existsSync } = await import('node:fs');
    assert.equal(existsSync(workDir), false);
  }
});

test('runs that follow one another make it once, and again where it was lost or its image is another one', async (t) => {
  const { documents, base } = makeBase();
  const { run, calls, workDir } = await makeStore(t, documents);
  const known = new KnownEngines();
  const at = (of: Digest) => ({ kind: 'store', ref: refTo(of, 'v1'), confirmed: true }) as const;
  const round = (of: Digest = base) => {
    const { images } = makeImages({ run, workDir, known });
    return { images, made: images.of(at(of), true) };
  };
  const wanted = refTo(await expected(documents, base), 'v1-layers');
  for (let turn = 0; turn < 3; turn += 1) assert.deepEqual(await round().made, wanted);
  assert.equal(calls.length, 1);
  const { images, made } = round();
  const layersOnly = await made;
  assert(layersOnly !== undefined);
  images.forget([{ contextName: 'base', kind: 'image', ref: refTo(base, 'v1'), layersOnly }]);
  assert.deepEqual(await round().made, wanted);
  assert.equal(calls.length, 2, 'it was lost');
  const other = documents.image('base', spellImage({ layers: 2 }));
  assert.deepEqual(await round(other).made, refTo(await expected(documents, other), 'v1-layers'));
  assert.deepEqual(await round().made, wanted);
  assert.equal(calls.length, 4, 'the name leads to another one');
  const elsewhere = makeImages({ run, workDir });
  assert.deepEqual(await elsewhere.images.of(at(base), true), wanted);
  assert.equal(calls.length, 5, 'a run by itself');
});

test('all who want one are told while a permit is waited for to make it', async (t) => {
  const { documents, base } = makeBase();
  const { run, workDir } = await makeStore(t, documents);
  const { images, permits } = makeImages({ run, workDir });
  const told: string[] = [];
  const location = { kind: 'store', ref: refTo(base, 'v1'), confirmed: true } as const;
  const ask = (who: string) =>
    images.of(location, true, (isWaiting) => told.push(`${who} ${isWaiting ? 'waits' : 'goes on'}`));
  const made = await permits.with(0, async () => {
    const first = ask('first');
    while (told.length === 0) await nextTurn();
    return [first, ask('second')];
  });
  const [first, second] = await Promise.all(made);
  assert.deepEqual(first, second);
  assert.deepEqual(told, ['first waits', 'second waits', 'first goes on', 'second goes on']);
  await ask('late');
  assert.equal(told.length, 4);
});

test('an index in the store gets one of all its platforms, unless one of them has triggers', async (t) => {
  const documents = new Documents();
  const platformOf = (architecture: string, more = '') => {
    const { config, layers } = spellImage({ layers: 1, more });
    const of = documents.image('base', { config: config.replace('amd64', architecture), layers });
    return { mediaType: MANIFEST, digest: of, size: 1, platform: { architecture, os: 'linux' } };
  };
  const amd = platformOf('amd64');
  const base = documents.index('base', [amd, platformOf('arm64')]);
  const { run, calls, workDir } = await makeStore(t, documents);
  const { images } = makeImages({ run, workDir });
  const at = (of: Digest) => ({ kind: 'store', ref: refTo(of, 'v1'), confirmed: true }) as const;
  assert.deepEqual(await images.of(at(base), true), refTo(await expected(documents, base), 'v1-layers'));
  assert(calls[0]?.includes('platform=linux/amd64,linux/arm64'));
  const triggers = documents.index('base', [amd, platformOf('arm64', '"OnBuild":["RUN x"]')]);
  assert.equal(await images.of(at(triggers), true), undefined);
  assert.equal(calls.length, 1);
});

test('in the store it is only looked for where it may not be made, and none is made where the image is odd', async (t) => {
  const { documents, base } = makeBase();
  const at = (of: Digest) => ({ kind: 'store', ref: refTo(of, 'v1'), confirmed: true }) as const;
  const { run, calls, workDir } = await makeStore(t, documents);
  const ask = async (of: Digest, mayPut: boolean) => {
    const { images, counts, warned } = makeImages({ run, workDir });
    const made = await images.of(at(of), mayPut);
    assert.deepEqual([counts.calls, warned()], [calls.length, []]);
    return made;
  };
  assert.equal(await ask(base, false), undefined);
  const wanted = await expected(documents, base);
  documents.texts.set(`base@${wanted}`, 'it is there');
  assert.deepEqual(await ask(base, false), refTo(wanted, 'v1-layers'));
  // Gone, with triggers, for a platform that nobody knows; and without an engine.
  assert.equal(await ask(digest('9'), true), undefined);
  const triggers = documents.image('base', spellImage({ layers: 1, more: '"OnBuild":["RUN x"]' }));
  assert.equal(await ask(triggers, true), undefined);
  const { config, layers } = spellImage({ layers: 1 });
  const unknown = documents.image('base', { config: config.replace('"linux"', '"unknown"'), layers });
  assert.equal(await ask(unknown, true), undefined);
  assert.deepEqual(calls, []);
  const { images, counts } = makeImages();
  assert.deepEqual([await images.of(at(base), true), counts.calls], [undefined, 0]);
  // Its config is gone, or a platform of it.
  const plain = documents.image('base', { config, layers });
  documents.texts.delete(`base@${documents.put('base', config)}`);
  assert.equal(await ask(plain, true), undefined);
  const half = documents.index('base', [{ mediaType: MANIFEST, digest: digest('8'), size: 1 }]);
  assert.equal(await ask(half, true), undefined);
});

test('an engine that makes another image than was worked out is warned of, one that makes none is not', async (t) => {
  const { documents, base } = makeBase();
  for (const [makes, warnings] of [
    [
      digest('7'),
      [
        [
          'run/no-layers-only',
          '`r.example/base` gets no layers-only image (the engine made a different one)',
          undefined,
        ],
      ],
    ],
    ['nothing', []],
  ] as const) {
    const { run, calls, workDir } = await makeStore(t, documents, makes);
    const { images, warned } = makeImages({ run, workDir });
    assert.equal(await images.of({ kind: 'store', ref: refTo(base), confirmed: true }, true), undefined);
    assert.deepEqual([calls.length, warned()], [1, warnings]);
  }
});

test('provenance, and frontends and Dockerfiles of others, go without', () => {
  const provenance = (...attributes: readonly (readonly [string, string])[]) => ({
    attest: [{ type: 'provenance', attributes: new Map(attributes) }],
  });
  const may = (build: Partial<Omit<Build, 'tags'>>, untracked: NodeInputs['untracked'] = []) =>
    mayUseLayersOnly(makeBuild('x', build), { untracked });
  assert.equal(may({}), true);
  assert.equal(may({}, [{ kind: 'download', text: '' }]), true);
  for (const kind of ['frontend', 'remote-dockerfile'] as const)
    assert.equal(
      may({}, [
        { kind: 'download', text: '' },
        { kind, text: '' },
      ]),
      false,
    );
  assert.equal(may(provenance()), false);
  assert.equal(may(provenance(['disabled', 'true'])), true);
});

test('a failure is laid to them only where it speaks of them', () => {
  const ref = refTo(digest('a'));
  const plain: Link = { contextName: 'a', kind: 'image', ref };
  const split: Link = { ...plain, contextName: 'b', layersOnly: refTo(digest('b')) };
  const scratch: Link = { contextName: 'c', kind: 'scratch' };
  const notSplit = problem('build/links-not-split', '');
  const lost = (of: Digest) => problem('build/image-lost', `${of} is gone`);
  assert.equal(layersOnlyFault(notSplit, [plain, split]), 'not-split');
  assert.equal(layersOnlyFault(notSplit, [plain, scratch]), undefined);
  assert.equal(layersOnlyFault(notSplit, []), undefined);
  assert.equal(layersOnlyFault(lost(digest('b')), [scratch, plain, split]), 'lost');
  const more: Link = { ...split, contextName: 'd', layersOnly: refTo(digest('d')) };
  assert.equal(layersOnlyFault(lost(digest('b')), [more, split]), 'lost');
  assert.equal(layersOnlyFault(lost(digest('a')), [plain, split]), undefined);
  assert.equal(layersOnlyFault(problem('build/failed', digest('b')), [split]), undefined);
});
