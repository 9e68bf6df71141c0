/**
 * Images as a fake engine makes them: a pure function of the Dockerfile, of what it copies, its arguments and its bases.
 * Equal inputs give equal digests, a changed one gives another digest; no times, no random numbers.
 */
import { createHash } from 'node:crypto';
import type { Digest } from '../../lib/model/mod.ts';
import { applySetting, type FakeSettings, writeConfig } from './fake-config.ts';
import {
  expandVariables,
  type FakeDockerfile,
  type FakeInstruction,
  type FakeStage,
} from './fake-dockerfile.ts';
import { digestOfBytes } from './fake-registry-store.ts';
import { type LayerEntry, readLayerEntries, writeLayer } from './fake-tar.ts';

/** Media types of what is made. */
export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar';

/** A layer; its bytes may lie elsewhere until somebody asks for them. */
export interface FakeLayer {
  readonly digest: Digest;
  readonly size: number;
  /** Repository (`HOST/PATH`) that is known to have it. */
  readonly source?: string;
  readonly read: () => Promise<Buffer>;
}

/** An image of one platform in the making, or as it was pulled. */
export interface FakeState {
  readonly layers: readonly FakeLayer[];
  readonly env: ReadonlyMap<string, string>;
  readonly settings: FakeSettings;
  readonly history: readonly string[];
  /** Names everything that went into it. */
  readonly chain: string;
  /** A trigger of its config that no Dockerfile parser knows; others are left to the real engine. */
  readonly unknownTrigger?: string;
}

/** Bytes with their digest. */
export interface FakeBlob {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** One platform's image. */
export interface FakePlatformImage {
  readonly manifest: FakeBlob;
  readonly config: FakeBlob;
  readonly layers: readonly FakeLayer[];
}

/** A step that runs or is taken from the cache. */
export interface FakeStep {
  readonly name: string;
  readonly instruction: FakeInstruction;
  /** Names its inputs: the same name, the same result. */
  readonly chain: string;
}

/** What the engine gives to the making of an image. */
export interface FakeSurroundings {
  readonly platform: string;
  readonly args: ReadonlyMap<string, string>;
  /** What RUN sees besides files: size of /dev/shm, limits, hosts. */
  readonly runOptions: string;
  /** Shown in names of steps where there are several platforms. */
  readonly showPlatform: boolean;
  /** Files of the main context (undefined) or of a named one that is a directory; undefined: it is none. */
  readonly filesOf: (name: string | undefined) => Promise<readonly LayerEntry[] | undefined>;
  /** An image by the name that the Dockerfile has for it. */
  readonly imageOf: (name: string) => Promise<FakeState>;
  /** Called before each step; throws where it fails. */
  readonly onStep: (step: FakeStep) => Promise<void>;
}

/** Nothing at all. */
export const SCRATCH: FakeState = { layers: [], env: new Map(), settings: {}, history: [], chain: 'scratch' };

/** Evaluates a stage (by default the last one) and what it stands on. */
export async function evaluateStage(
  file: FakeDockerfile,
  target: string | undefined,
  around: FakeSurroundings,
): Promise<FakeState> {
  const made = new Map<FakeStage, Promise<FakeState>>();
  const stageOf = (name: string) =>
    file.stages.find((stage, at) => stage.name === name.toLowerCase() || String(at) === name);
  const globals = new Map<string, string>();
  for (const { rest } of file.globals) {
    const [name, value] = splitPair(rest);
    const known = around.args.get(name) ?? value;
    if (known !== undefined) globals.set(name, expandVariables(known, globals));
  }
  const stateOf = (stage: FakeStage): Promise<FakeState> => {
    const known = made.get(stage) ?? makeStage(stage);
    made.set(stage, known);
    return known;
  };
  const resolve = (name: string): Promise<FakeState> => {
    const stage = stageOf(name);
    if (stage !== undefined) return stateOf(stage);
    return name === 'scratch' ? Promise.resolve(SCRATCH) : around.imageOf(name);
  };
  const makeStage = async (stage: FakeStage): Promise<FakeState> => {
    let state = await resolve(expandVariables(stage.base, globals));
    const local = new Map<string, string>();
    const total = 1 + stage.instructions.filter(({ name }) => STEPS.test(name)).length;
    const several = file.stages.length > 1 ? stage.name || `stage-${file.stages.indexOf(stage)}` : '';
    const prefix = [...(around.showPlatform ? [around.platform] : []), ...(several === '' ? [] : [several])];
    let at = 1;
    for (const instruction of stage.instructions) {
      const values = new Map([...local, ...state.env]);
      const next = await apply(state, instruction, values, local, globals, around, resolve, (text) => {
        if (!STEPS.test(instruction.name)) return undefined;
        at += 1;
        return `[${[...prefix, `${at}/${total}`].join(' ')}] ${text}`;
      });
      state = next;
    }
    return state;
  };
  const wanted = target === undefined ? file.stages.at(-1) : stageOf(target);
  if (wanted === undefined) throw new Error(`target stage "${target}" could not be found`);
  return stateOf(wanted);
}

/** What has a number of its own in BuildKit's names of steps. */
const STEPS = /^(?:COPY|ADD|RUN|WORKDIR)$/;

async function apply(
  state: FakeState,
  instruction: FakeInstruction,
  values: ReadonlyMap<string, string>,
  local: Map<string, string>,
  globals: ReadonlyMap<string, string>,
  around: FakeSurroundings,
  resolve: (name: string) => Promise<FakeState>,
  nameOf: (text: string) => string | undefined,
): Promise<FakeState> {
  const { name, rest, flags, text } = instruction;
  const noted = { ...state, history: [...state.history, text] };
  switch (name) {
    case 'ARG': {
      const [arg, value] = splitPair(rest);
      const given = around.args.get(arg) ?? (value === undefined ? globals.get(arg) : value);
      if (given !== undefined) local.set(arg, expandVariables(given, values));
      return state;
    }
    case 'ENV': {
      const [variable, value = ''] = splitPair(rest);
      const env = new Map([...state.env, [variable, expandVariables(value, values)]]);
      return { ...noted, env, chain: hashOf(state.chain, 'ENV', JSON.stringify([...env])) };
    }
    case 'RUN': {
      const environment = JSON.stringify([[...values].sort(), around.runOptions, around.platform]);
      const chain = hashOf(state.chain, 'RUN', rest, environment);
      await around.onStep({ name: nameOf(text) ?? text, instruction, chain });
      const content = Buffer.from(`${chain}\n`);
      const layer = layerOf([
        { path: 'run', mode: 0o755, content: undefined },
        { path: `run/${chain.slice(0, 16)}`, mode: 0o644, content },
      ]);
      return { ...noted, layers: [...state.layers, layer], chain };
    }
    case 'COPY':
    case 'ADD': {
      const paths = expandVariables(rest, values).split(/\s+/);
      const from = flags.get('from');
      const sources = paths.slice(0, -1);
      const files = await sourceFiles(from, around, resolve);
      const entries = copyEntries(files, sources, paths.at(-1) ?? '/');
      const layer = layerOf(entries);
      const chain = hashOf(state.chain, 'COPY', layer.digest);
      await around.onStep({ name: nameOf(text) ?? text, instruction, chain });
      return { ...noted, layers: [...state.layers, layer], chain };
    }
    case 'WORKDIR':
      await around.onStep({
        name: nameOf(text) ?? text,
        instruction,
        chain: hashOf(state.chain, 'WORKDIR', rest),
      });
      return withSetting(noted, name, rest);
    default:
      return withSetting(noted, name, expandVariables(rest, values));
  }
}

function withSetting(state: FakeState, name: string, value: string): FakeState {
  const settings = applySetting(state.settings, name, value);
  return { ...state, settings, chain: hashOf(state.chain, name, value) };
}

async function sourceFiles(
  from: string | undefined,
  around: FakeSurroundings,
  resolve: (name: string) => Promise<FakeState>,
): Promise<readonly LayerEntry[]> {
  const files = await around.filesOf(from);
  if (files !== undefined) return files;
  return filesOfState(await resolve(from ?? ''));
}

/** The files of an image, its layers on top of one another. */
export async function filesOfState({ layers }: Pick<FakeState, 'layers'>): Promise<readonly LayerEntry[]> {
  const tree = new Map<string, LayerEntry>();
  for (const layer of layers)
    for (const entry of readLayerEntries(await layer.read())) tree.set(entry.path, entry);
  return [...tree.values()];
}

/** What COPY takes, where it puts it. Throws with BuildKit's words where a source is not there. */
function copyEntries(
  files: readonly LayerEntry[],
  sources: readonly string[],
  destination: string,
): readonly LayerEntry[] {
  const into = clean(destination);
  const intoDirectory = destination.endsWith('/') || destination === '.' || sources.length > 1;
  const entries = new Map<string, LayerEntry>();
  const add = (entry: LayerEntry) => {
    const parts = entry.path.split('/');
    for (let at = 1; at < parts.length; at++) {
      const above = parts.slice(0, at).join('/');
      if (!entries.has(above)) entries.set(above, { path: above, mode: 0o755, content: undefined });
    }
    entries.set(entry.path, entry);
  };
  for (const source of sources) {
    const wanted = clean(source);
    const single = files.find((one) => one.path === wanted && one.content !== undefined);
    if (single !== undefined) {
      const base = wanted.slice(wanted.lastIndexOf('/') + 1);
      add({ ...single, path: intoDirectory || into === '' ? join(into, base) : into });
      continue;
    }
    const below = files.filter(({ path }) => wanted === '' || path.startsWith(`${wanted}/`));
    const isDirectory = wanted === '' || files.some(({ path }) => path === wanted) || below.length > 0;
    if (!isDirectory)
      throw new Error(
        `failed to calculate checksum of ref fake::fake: ${JSON.stringify(`/${wanted}`)}: not found`,
      );
    for (const entry of below)
      add({ ...entry, path: join(into, wanted === '' ? entry.path : entry.path.slice(wanted.length + 1)) });
  }
  return [...entries.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
}

function clean(path: string): string {
  return path
    .replace(/^(?:\.?\/)+/, '')
    .replace(/\/+$/, '')
    .replace(/^\.$/, '');
}

function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

function splitPair(text: string): readonly [string, string | undefined] {
  const [, name = '', value] = /^([A-Za-z_]\w*)(?:[= ](.*))?$/s.exec(text) ?? [];
  return [name, value?.replace(/^"(.*)"$/s, '$1')];
}

function layerOf(entries: readonly LayerEntry[]): FakeLayer {
  const bytes = writeLayer(entries);
  return { digest: digestOfBytes(bytes), size: bytes.length, read: async () => bytes };
}

function hashOf(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex');
}

/** How an image looks from outside, besides its files. */
export interface FakeImageOptions {
  readonly platform: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
}

/** The layers of a stage under a config that the exporter was given; written as BuildKit writes manifests. */
export function imageUnder(text: string, { layers }: FakeState): FakePlatformImage {
  const bytes = Buffer.from(text);
  const config = { digest: digestOfBytes(bytes), mediaType: CONFIG_TYPE, bytes };
  const manifest = Buffer.from(
    JSON.stringify(
      {
        schemaVersion: 2,
        mediaType: MANIFEST_TYPE,
        config: descriptorOf(config),
        layers: layers.map(({ digest, size }) => ({ mediaType: LAYER_TYPE, digest, size })),
      },
      null,
      2,
    ),
  );
  const blob = { digest: digestOfBytes(manifest), mediaType: MANIFEST_TYPE, bytes: manifest };
  return { manifest: blob, config, layers };
}

/** Makes config and manifest of an evaluated stage. */
export function finishImage(state: FakeState, options: FakeImageOptions): FakePlatformImage {
  const bytes = writeConfig(state, options.platform, options.labels);
  const config = { digest: digestOfBytes(bytes), mediaType: CONFIG_TYPE, bytes };
  const manifest = blobOf(
    {
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: descriptorOf(config),
      layers: state.layers.map(({ digest, size }) => ({ mediaType: LAYER_TYPE, digest, size })),
      ...(options.annotations.size === 0 ? {} : { annotations: Object.fromEntries(options.annotations) }),
    },
    MANIFEST_TYPE,
  );
  return { manifest, config, layers: state.layers };
}

/** An attestation of a platform's manifest (BuildKit docs/attestations/attestation-storage.md). */
export function makeAttestation(statement: string): FakePlatformImage {
  const layer = layerOf([{ path: 'statement', mode: 0o644, content: Buffer.from(statement) }]);
  return finishImage(
    { ...SCRATCH, layers: [layer] },
    { platform: 'unknown/unknown', labels: new Map(), annotations: new Map() },
  );
}

/** An index over the images of platforms, and attestations of them in the same order. */
export function makeIndex(
  images: readonly (FakePlatformImage & { readonly platform: string })[],
  attestations: readonly FakePlatformImage[],
): FakeBlob {
  const platformOf = (text: string) => {
    const [os, architecture, variant] = text.split('/');
    return { os, architecture, ...(variant === undefined ? {} : { variant }) };
  };
  return blobOf(
    {
      schemaVersion: 2,
      mediaType: INDEX_TYPE,
      manifests: [
        ...images.map(({ manifest, platform }) => ({
          ...descriptorOf(manifest),
          platform: platformOf(platform),
        })),
        ...attestations.map(({ manifest }, at) => ({
          ...descriptorOf(manifest),
          platform: platformOf('unknown/unknown'),
          annotations: {
            'vnd.docker.reference.type': 'attestation-manifest',
            'vnd.docker.reference.digest': images[at]?.manifest.digest,
          },
        })),
      ],
    },
    INDEX_TYPE,
  );
}

/** A JSON document as a blob. */
export function blobOf(json: object, mediaType: string): FakeBlob {
  const bytes = Buffer.from(JSON.stringify(json, undefined, 2));
  return { digest: digestOfBytes(bytes), mediaType, bytes };
}

function descriptorOf({ digest, mediaType, bytes }: FakeBlob) {
  return { mediaType, digest, size: bytes.length };
}
