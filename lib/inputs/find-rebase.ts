/**
 * Whether the current image of a build can be computed from its previous one: possible if only configs of the builds that
 * it is based on, and its own `labels:`, differ in its key. No step would run then, and only the config changes
 * (`rebase.ts`). If that is not known, or something cannot be read, the image is built.
 */
import { computeKey, diffKeys } from '../fingerprint/mod.ts';
import {
  type BuildRecord,
  type Digest,
  type DigestRef,
  type ImageRef,
  isAttested,
  isSealed,
  type KeyParts,
  type PlanNode,
  type PlatformManifest,
  type Reason,
  runsAnew,
} from '../model/mod.ts';
import {
  CONFIG_LIMIT,
  childManifests,
  configOf,
  digestOf,
  isAttestation,
  isIndex,
  type Manifest,
  parseManifest,
  type RegistryClient,
} from '../registry/mod.ts';
import type { LastInputs } from '../state/mod.ts';
import { applyConfigEdits, type ConfigEdit, findConfigEdits } from './config-edits.ts';
import { type PublishedResult, parentResult, recordedResult } from './copied-files.ts';
import { isObject, isSameJson, type JsonObject, readImageConfig } from './image-json.ts';
import type { NodeInputs } from './inputs.ts';
import type { Keying } from './keying.ts';
import {
  findVisibleChange,
  type GivenLabels,
  type ImageOfPlatform,
  type ParentChange,
  rebaseConfig,
} from './rebase.ts';
import { imageOf, type NewConfig, type RebasedImage, withConfigs } from './rebased-image.ts';

/** Reads configs and manifests, each once in a run. */
export interface ConfigReader {
  readonly registry: RegistryClient;
  /** Digest → a config that was requested; undefined: it could not be read. */
  readonly configs: Map<Digest, Promise<string | undefined>>;
  /** Manifests that were made here: in a dry run they are in no registry. */
  readonly made: Map<Digest, Manifest>;
  /** Manifests and configs of a build's previous image, as texts; empty if not known. */
  readonly remembered: (build: string) => Promise<readonly string[]>;
}

/** Differences from the last inputs that can be applied to an image without running steps. */
export interface ConfigChange {
  /** Names of contexts whose builds have new results. */
  readonly moved: readonly string[];
  readonly labels: GivenLabels;
  /** Edits of its own Dockerfile. */
  readonly edits: readonly ConfigEdit[];
}

/** The current image of a build. */
export type FoundRebase =
  /** Unchanged, because the changes do not affect it; `text` says why. */
  | { readonly kind: 'same'; readonly text: string }
  /** A new one with the same layers. */
  | { readonly kind: 'new'; readonly image: RebasedImage; readonly reason: Reason };

const LABEL = 'label ';

/**
 * The differences from the last inputs, if they are only new results of builds that it is based on, its labels, and
 * changes of its Dockerfile that no step sees. Undefined otherwise, and also if the image must not be computed from an
 * earlier one: if it is not pushed, has attestations that name its dependencies, is also written to files, or is built
 * without cache.
 */
export function findConfigChange(
  node: PlanNode,
  inputs: NodeInputs,
  last: LastInputs,
): ConfigChange | undefined {
  const { parts } = inputs;
  if (parts === undefined || !mayBeMadeFromLast(node)) return undefined;
  const labels = { before: labelsOf(last.parts), after: labelsOf(parts) };
  const names = [...new Set([...Object.keys(parts.parents), ...Object.keys(last.parts.parents)])];
  const moved = names.filter((name) => parts.parents[name] !== last.parts.parents[name]);
  const edits = findConfigEdits(last.parts.dockerfile, parts.dockerfile);
  if (edits === undefined) return undefined;
  // Labels are copied into configs as they are, so the values must be known, which sealed ones are not.
  const texts = [...labels.before, ...labels.after].flat().concat(edits.flatMap(wordsOf));
  if (texts.some(isSealed)) return undefined;
  const areSame = isSameJson([...labels.before].sort(), [...labels.after].sort());
  if (moved.length === 0 && edits.length === 0 && areSame) return undefined;
  // From these contexts only files are copied, so a new digest means new layers.
  if (moved.some((name) => inputs.filesOnly.has(name))) return undefined;
  const options = Object.fromEntries(
    Object.entries(parts.options).filter(([name]) => !name.startsWith(LABEL)),
  );
  for (const [name, value] of labels.before) options[LABEL + name] = value;
  const { dockerfile, parents } = last.parts;
  if (computeKey({ ...parts, options, dockerfile, parents }) !== last.key) return undefined;
  return { moved, labels, edits };
}

/** All texts that an edit removes or adds. */
function wordsOf({ before, after }: ConfigEdit): readonly string[] {
  return [before.entry, after.entry];
}

/** Whether the pushed image may be computed from the previously pushed one. */
function mayBeMadeFromLast({ build, pushes, role }: PlanNode): boolean {
  const isWritten = role === 'asked' && build.outputs.length > 0;
  return pushes && !runsAnew(build) && !isWritten && !isAttested(build);
}

/**
 * The manifests and configs of an image that was just built, from which the next one may be computed; undefined if that
 * will not be done, or if they cannot be read.
 *
 * @param image the image and its location
 */
export async function readDocuments(
  reader: ConfigReader,
  node: PlanNode,
  image: LastImage,
): Promise<readonly Uint8Array[] | undefined> {
  const read = mayBeMadeFromLast(node) ? await readImage(reader, image) : undefined;
  if (read === undefined) return undefined;
  const { top, platforms } = read;
  const manifests = new Set([top, ...platforms.map(({ manifest }) => manifest)]);
  const encoder = new TextEncoder();
  return [
    ...[...manifests].map(({ bytes }) => bytes),
    ...platforms.map(({ config }) => encoder.encode(config)),
  ];
}

/** The parts of a run that {@link findRebase} needs. */
export interface Rebasing extends Pick<Keying, 'resultOf' | 'isSecret'> {
  readonly configs: ConfigReader;
}

/** An image and its location. */
export interface LastImage {
  readonly record: Pick<BuildRecord, 'platforms'>;
  readonly source: DigestRef;
}

/** The result of the last inputs. */
export interface LastResult extends LastImage {
  readonly inputs: LastInputs;
  readonly record: BuildRecord;
}

/** Computes the current image of a build from its previous one; undefined if that is not possible. */
export async function findRebase(
  { configs, resultOf, isSecret }: Rebasing,
  node: PlanNode,
  inputs: NodeInputs,
  { moved, labels, edits }: ConfigChange,
  last: LastResult,
): Promise<FoundRebase | undefined> {
  const base = inputs.targetBase;
  // Without a base it is not known whether the config comes from a dependency.
  if (moved.length > 0 && base === undefined) return undefined;
  const parents = new Map<string, readonly ParentPlatform[]>();
  for (const name of moved) {
    const before = recordedResult(last.inputs.parents?.[name]);
    const after = parentResult(resultOf, node, name);
    const parent = before && after && (await readParent(configs, before, after));
    if (parent === undefined) return undefined;
    parents.set(name, parent);
  }
  await takeRemembered(configs, node.build.name);
  const images = await readImage(configs, last);
  if (images === undefined) return undefined;
  const basis = base?.kind === 'context' ? parents.get(base.name) : undefined;
  const changed: NewConfig[] = [];
  for (const { platform, manifest, config } of images.platforms) {
    const edited = edits.length === 0 ? config : applyConfigEdits(config, edits, labels);
    const child = edited === undefined ? undefined : imageOf(manifest, edited);
    const [parent, ...more] = basis?.filter((one) => one.platform === platform) ?? [];
    if (child === undefined || more.length > 0 || (basis !== undefined && parent === undefined))
      return undefined;
    const rebased = rebaseConfig(child, parent, labels);
    if (rebased.kind === 'unsure') return undefined;
    changed.push({ platform, manifest, config: rebased.text });
  }
  const words = describeChange(node, parents, { labels, edits }, isSecret);
  if (changed.every(({ config }, at) => config === images.platforms[at]?.config))
    return { kind: 'same', text: `${words.subject} do not reach it` };
  const image = withConfigs(images.top, changed);
  if (image === undefined) return undefined;
  for (const one of [...image.manifests, image.top]) configs.made.set(one.digest, one);
  changed.forEach(({ config }, at) => {
    const digest = configOf(image.manifests[at] ?? image.top)?.digest;
    if (digest !== undefined) configs.configs.set(digest, Promise.resolve(config));
  });
  return {
    kind: 'new',
    image,
    reason: {
      code: parents.size > 0 ? 'parent-config' : edits.length > 0 ? 'own-config' : 'own-labels',
      text: `${words.subject} changed: no step runs`,
      ...(words.items.length === 0 ? {} : { items: words.items }),
    },
  };
}

function labelsOf({ options }: KeyParts): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(options).flatMap(([name, value]) =>
      name.startsWith(LABEL) ? [[name.slice(LABEL.length), value] as const] : [],
    ),
  );
}

interface ParentPlatform extends ParentChange {
  readonly platform: string;
}

/** A dependency's image before and now, if no step of any platform can see a difference. */
async function readParent(
  reader: ConfigReader,
  before: PublishedResult,
  after: PublishedResult,
): Promise<readonly ParentPlatform[] | undefined> {
  if (before.platforms.length !== after.platforms.length) return undefined;
  const found: ParentPlatform[] = [];
  for (const was of before.platforms) {
    const [is, ...more] = after.platforms.filter(({ platform }) => platform === was.platform);
    if (is === undefined || more.length > 0) return undefined;
    if (was.layers !== undefined && is.layers !== undefined && was.layers !== is.layers) return undefined;
    const [one, other] = await Promise.all([
      readPlatform(reader, before.ref, was),
      readPlatform(reader, after.ref, is),
    ]);
    if (one === undefined || other === undefined) return undefined;
    const change = { before: one, after: other };
    if (findVisibleChange(change) !== undefined) return undefined;
    found.push({ ...change, platform: was.platform });
  }
  return found;
}

async function readPlatform(
  reader: ConfigReader,
  repository: ImageRef,
  { digest }: PlatformManifest,
): Promise<ImageOfPlatform | undefined> {
  const manifest = await readManifest(reader, repository, digest);
  const config = manifest === undefined ? undefined : await readConfig(reader, repository, manifest);
  return manifest === undefined || config === undefined ? undefined : imageOf(manifest, config);
}

/** The platforms of an image, in the order of its index. */
async function readImage(
  reader: ConfigReader,
  { record, source }: LastImage,
): Promise<{ readonly top: Manifest; readonly platforms: readonly NewConfig[] } | undefined> {
  const top = await readManifest(reader, source, source.digest);
  if (top === undefined) return undefined;
  const children = isIndex(top) ? childManifests(top) : record.platforms;
  if (children.length === 0 || (!isIndex(top) && children.length > 1)) return undefined;
  const platforms: NewConfig[] = [];
  for (const child of children) {
    if (child.platform === undefined || ('annotations' in child && isAttestation(child))) return undefined;
    const manifest = isIndex(top) ? await readManifest(reader, source, child.digest) : top;
    const config = manifest === undefined ? undefined : await readConfig(reader, source, manifest);
    if (manifest === undefined || config === undefined) return undefined;
    platforms.push({ platform: child.platform, manifest, config });
  }
  return { top, platforms };
}

/** Recorded documents need not be read from a registry: content is identified by its digest, whatever its source. */
async function takeRemembered({ remembered, configs, made }: ConfigReader, build: string): Promise<void> {
  for (const text of await remembered(build)) {
    const bytes = new TextEncoder().encode(text);
    const digest = digestOf(bytes);
    const manifest = parseManifest(bytes, digest);
    if (manifest !== undefined) made.set(digest, manifest);
    else if (!configs.has(digest)) configs.set(digest, Promise.resolve(text));
  }
}

async function readManifest(
  { registry, made }: ConfigReader,
  { registry: host, repository }: ImageRef,
  digest: Digest,
): Promise<Manifest | undefined> {
  const known = made.get(digest);
  if (known !== undefined) return known;
  const read = await registry.getManifest({ registry: host, repository, digest });
  return read.ok ? read.value : undefined;
}

function readConfig(
  { registry, configs }: ConfigReader,
  { registry: host, repository }: ImageRef,
  manifest: Manifest,
): Promise<string | undefined> {
  const digest = configOf(manifest)?.digest;
  if (digest === undefined) return Promise.resolve(undefined);
  const known = configs.get(digest);
  if (known !== undefined) return known;
  const reading = registry
    .getBlob({ registry: host, repository }, digest, CONFIG_LIMIT)
    .then((blob) => (blob.ok ? new TextDecoder().decode(blob.value) : undefined));
  configs.set(digest, reading);
  return reading;
}

/** Config fields that a build inherits, and their names in Dockerfiles. */
const WORDS: readonly (readonly [field: string, word: string])[] = [
  ['Cmd', 'CMD'],
  ['Entrypoint', 'ENTRYPOINT'],
  ['ExposedPorts', 'EXPOSE'],
  ['Volumes', 'VOLUME'],
  ['StopSignal', 'STOPSIGNAL'],
  ['Healthcheck', 'HEALTHCHECK'],
];

/** Describes the changes without secrets. */
function describeChange(
  node: PlanNode,
  parents: ReadonlyMap<string, readonly ParentPlatform[]>,
  { labels, edits }: Pick<ConfigChange, 'labels' | 'edits'>,
  isSecret: Keying['isSecret'],
): { readonly subject: string; readonly items: readonly string[] } {
  const [before, after] = [new Map<string, string>(), new Map<string, string>()];
  const words = new Set<string>();
  const owners: string[] = [];
  for (const [name, [change]] of parents) {
    const owner = node.edges.find(({ contextName }) => contextName === name)?.to ?? name;
    if (!owners.includes(owner)) owners.push(owner);
    const [was, is] = [
      readImageConfig(change?.before.config ?? ''),
      readImageConfig(change?.after.config ?? ''),
    ];
    if (was === undefined || is === undefined) continue;
    const known = words.size;
    if (!isSameJson(was.config['Labels'], is.config['Labels'])) words.add('labels');
    noteAll(before, was.config['Labels'], owner);
    noteAll(after, is.config['Labels'], owner);
    for (const [field, word] of WORDS) {
      if (isSameJson(was.config[field], is.config[field])) continue;
      words.add(word);
      const values = [was.config[field], is.config[field]];
      const plain = values.map(plainWords);
      const [old, now] = plain[0] === plain[1] ? values.map((value) => JSON.stringify(value)) : plain;
      if (old !== undefined) before.set(`${word} of ${owner}`, old);
      if (now !== undefined) after.set(`${word} of ${owner}`, now);
    }
    if (!isSameJson(was.top['author'], is.top['author'])) words.add('MAINTAINER');
    if (words.size === known && !isSameJson(was.history, is.history)) words.add('history');
  }
  const theirs = owners.length === 0 ? [] : [`${list([...words], 'annotations')} of ${list(owners, '')}`];
  const hasOwn = !isSameJson([...labels.before].sort(), [...labels.after].sort());
  for (const [name, value] of labels.before) before.set(LABEL + name, value);
  for (const [name, value] of labels.after) after.set(LABEL + name, value);
  const verbs = [
    ...new Set(edits.map(({ before: { command } }) => (command === undefined ? 'LABEL' : 'CMD'))),
  ];
  for (const edit of edits) {
    for (const [into, written] of [
      [before, edit.before],
      [after, edit.after],
    ] as const) {
      for (const [name, value] of written.labels ?? []) into.set(LABEL + name, value);
      if (written.command !== undefined) into.set('CMD', written.command.join(' '));
    }
  }
  const own = [
    ...(hasOwn ? ['its labels'] : []),
    ...(verbs.length === 0 ? [] : [`${verbs.sort().join(' and ')} of its Dockerfile`]),
  ];
  const subject = `${theirs.length === 0 ? 'only ' : ''}${[...theirs, ...own].join(' and ')}`;
  return { subject, items: diffKeys(partsOf(before), partsOf(after), undefined, isSecret) };
}

/** A config value roughly as a Dockerfile writes it. */
function plainWords(value: unknown): string | undefined {
  if (typeof value === 'string' || value === undefined) return value;
  if (Array.isArray(value)) return value.join(' ');
  if (!isObject(value)) return JSON.stringify(value);
  return plainWords(value['Test'] ?? Object.keys(value));
}

function noteAll(into: Map<string, string>, labels: unknown, owner: string): void {
  const all: JsonObject = isObject(labels) ? labels : {};
  for (const [name, value] of Object.entries(all)) into.set(`${LABEL}${name} of ${owner}`, String(value));
}

/** Key parts, so that the usual code describes differences and hides secrets. */
function partsOf(options: ReadonlyMap<string, string>): KeyParts {
  return {
    version: 0,
    dockerfile: '',
    target: '',
    platforms: [],
    args: {},
    files: {},
    images: {},
    parents: {},
    options: Object.fromEntries(options),
  };
}

function list(words: readonly string[], otherwise: string): string {
  const last = words.at(-1) ?? otherwise;
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}
