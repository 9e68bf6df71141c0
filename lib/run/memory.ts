/**
 * Where results are remembered: on this machine, and, with `record:`, in a registry too, so that a runner with an empty
 * disk skips what another one built.
 *
 * In the registry it is one small artifact for the whole set, under one tag: reading it takes two requests however many
 * builds there are (a tag or a referrer for each image would take one more for each). The images' own bytes stay
 * untouched. It says which key gave which digest and nothing else; whether tags are right is asked of the registry each
 * time, so an old or lost entry costs a build and never causes a false skip. Runs at the same time may overwrite each
 * other's latest entries, at the same price.
 *
 * Beside the records, as a second layer that readers of the first one pass over, lie outlines of the inputs that the
 * latest results were made from: they are read only where a build runs of which this machine does not know why.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import { type InputsOutline, outlineInputs, readOutline } from '../fingerprint/mod.ts';
import {
  type BuildKey,
  type BuildRecord,
  type BuildSet,
  type Digest,
  fail,
  formatImageRef,
  type ImageRef,
  isDigest,
  KEY_VERSION,
  ok,
  type Problem,
  parseImageRef,
  problem,
  type Result,
  withDefaultTag,
} from '../model/mod.ts';
import { manifestBlobs, type RegistryClient } from '../registry/mod.ts';
import type { LastInputs, StateStore } from '../state/mod.ts';

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const ARTIFACT_TYPE = 'application/vnd.bake-ts.records.v1+json';
const LAYER_TYPE = 'application/vnd.bake-ts.records.v1+json+gzip';
const INPUTS_TYPE = 'application/vnd.bake-ts.inputs.v1+json+gzip';
/** The empty config of artifacts (OCI image-spec, manifest.md, "Guidelines for Artifact Usage"). */
const EMPTY_TYPE = 'application/vnd.oci.empty.v1+json';
const EMPTY = new TextEncoder().encode('{}');
const LAYER_LIMIT = 16 * 1024 * 1024;
/** What all outlines together may take, compressed; more than that is not written. */
const INPUTS_LIMIT = 4 * 1024 * 1024;
/** Entries for files, of one build and of all that a run writes. */
const FILES_OF_A_BUILD = 1000;
const FILES_OF_ALL = 100_000;
/** Branches that go back and forth find their results again; beyond that the oldest go. */
const KEPT_FOR_A_BUILD = 8;
const DEFAULT_TAG = 'bake-records';

/** Build → what its latest result was made from. */
type Outlines = ReadonlyMap<string, InputsOutline>;

/** What was found in the registry. */
interface Found {
  readonly records: ReadonlyMap<BuildKey, BuildRecord>;
  /** Where the outlines are, if there are any. */
  readonly outlines?: Digest;
}

/** What lies in the registry: records by key. */
interface Shared {
  readonly version: number;
  readonly records: Readonly<Record<BuildKey, BuildRecord>>;
}

/** Remembers and recalls results. */
export class Memory {
  readonly #state: StateStore;
  readonly #registry: RegistryClient;
  readonly #ref: ImageRef | undefined;
  readonly #isSecret: (text: string) => boolean;
  /** Build → what its result in this run was made from. */
  readonly #inputs = new Map<string, LastInputs>();
  readonly #seen = new Map<BuildKey, BuildRecord>();
  readonly #fromRegistry = new Map<BuildKey, BuildRecord>();
  readonly #dropped = new Set<BuildKey>();
  #shared: Promise<Result<Found>> | undefined;
  /** Build → how long it took the last time, by the shared records. */
  #durations: ReadonlyMap<string, number> | undefined;
  #outlines: Promise<Outlines> | undefined;

  /**
   * @param ref where the shared records lie; undefined: on this machine only
   * @param isSecret says of a text that it holds a sensitive value
   */
  constructor(
    state: StateStore,
    registry: RegistryClient,
    ref: ImageRef | undefined,
    isSecret: (text: string) => boolean,
  ) {
    this.#state = state;
    this.#registry = registry;
    this.#ref = ref;
    this.#isSecret = isSecret;
  }

  /** What a key gave; undefined where nobody knows. */
  async recall(key: BuildKey): Promise<BuildRecord | undefined> {
    const own = await this.#state.readRecord(key);
    if (own !== undefined) {
      this.#see(own);
      return own;
    }
    if (this.#ref === undefined) return undefined;
    this.#shared ??= this.#read(this.#ref);
    const shared = await this.#shared;
    const record = shared.ok ? shared.value.records.get(key) : undefined;
    if (record !== undefined) {
      this.#seen.set(key, record);
      this.#fromRegistry.set(key, record);
    }
    return record;
  }

  /** The inputs of a build's latest success here. */
  latest(build: string): Promise<LastInputs | undefined> {
    return this.#state.readLast(build);
  }

  /**
   * How long a build took the last time, in milliseconds; undefined where that is not known. Of what is shared only what
   * was read for other reasons is looked at.
   */
  async lastDuration(build: string): Promise<number | undefined> {
    const key = await this.#state.readLastKey(build);
    const own = key === undefined ? undefined : await this.#state.readRecord(key);
    if (own !== undefined) return own.durationMs;
    const shared = await this.#shared;
    if (shared?.ok !== true) return undefined;
    this.#durations ??= new Map(
      [...shared.value.records.values()]
        .sort((one, other) => (one.finishedAt < other.finishedAt ? -1 : 1))
        .map((record) => [record.build, record.durationMs]),
    );
    return this.#durations.get(build);
  }

  /** What a build's latest result elsewhere was made from, in little; undefined where nothing is shared about it. */
  async latestElsewhere(build: string): Promise<InputsOutline | undefined> {
    const ref = this.#ref;
    if (ref === undefined) return undefined;
    this.#shared ??= this.#read(ref);
    const shared = await this.#shared;
    this.#outlines ??= this.#readOutlines(ref, shared.ok ? shared.value.outlines : undefined);
    return (await this.#outlines).get(build);
  }

  /** An earlier result is what its build is now: later changes are reported against these inputs. */
  async confirm(build: string, last: LastInputs): Promise<void> {
    if (last.parts.sealed !== true) this.#inputs.set(build, last);
    const shared = this.#fromRegistry.get(last.key);
    if (shared === undefined) await this.#state.ensureLast(build, last);
    // So that it is known here too should the shared records move or go.
    else await this.#state.writeRecord(shared, last);
  }

  /** Remembers the manifests and configs of the image that a build has now, unless they hold a sensitive value. */
  async rememberImage(build: string, documents: readonly Uint8Array[]): Promise<void> {
    const texts = documents.map((bytes) => new TextDecoder().decode(bytes));
    // What was there may hold one that was not known as such then.
    await this.#state.writeImage(build, texts.some(this.#isSecret) ? [] : texts);
  }

  /** Remembers a success; on this machine at once, in the registry with `save`. */
  async remember(record: BuildRecord, last: LastInputs): Promise<Result<void>> {
    const kept = keptRecord(record, last, this.#isSecret);
    this.#see(kept);
    if (kept.local !== true) this.#inputs.set(record.build, last);
    return this.#state.writeRecord(kept, last);
  }

  /** Takes note of what is to be shared. */
  #see(record: BuildRecord): void {
    if (record.local !== true) this.#seen.set(record.key, record);
  }

  /** Forgets what a key gave, here and (with `save`) in the registry: it was found to be wrong. */
  async drop(key: BuildKey): Promise<void> {
    this.#seen.delete(key);
    this.#fromRegistry.delete(key);
    this.#dropped.add(key);
    await this.#state.dropRecord(key);
  }

  /**
   * Writes to the registry what this run saw and the registry does not know. Reads it again first: another run may
   * have written meanwhile.
   *
   * @returns warnings: `run/records-not-shared`
   */
  async save(): Promise<readonly Problem[]> {
    if (this.#ref === undefined || this.#seen.size + this.#dropped.size === 0) return [];
    const known = this.#shared === undefined ? undefined : await this.#shared;
    if (known?.ok === true && this.#isKnown(known.value.records)) return [];
    const now = await this.#read(this.#ref);
    if (!now.ok) return [notShared(this.#ref, now.error)];
    if (this.#isKnown(now.value.records)) return [];
    const kept = [...now.value.records].filter(([key]) => !this.#dropped.has(key));
    const merged = new Map(kept);
    for (const [key, seen] of this.#seen) if (!isAsGood(merged.get(key), seen)) merged.set(key, seen);
    const records = prune(merged);
    const outlines = this.#outline(await this.#readOutlines(this.#ref, now.value.outlines), records);
    const written = await this.#write(this.#ref, records, outlines);
    return written.ok ? [] : [notShared(this.#ref, written.error)];
  }

  /** Whether the registry's records hold all that was seen and nothing that was dropped. */
  #isKnown(records: ReadonlyMap<BuildKey, BuildRecord>): boolean {
    return (
      [...this.#seen].every(([key, seen]) => isAsGood(records.get(key), seen)) &&
      [...this.#dropped].every((key) => !records.has(key))
    );
  }

  /** The outlines to write, packed: of this run's builds, and of the others whose results are remembered. */
  #outline(known: Outlines, records: ReadonlyMap<BuildKey, BuildRecord>): Uint8Array | undefined {
    const most = Math.min(FILES_OF_A_BUILD, Math.floor(FILES_OF_ALL / Math.max(1, this.#inputs.size)));
    const own = new Map(
      [...this.#inputs].map(([build, { key, parts }]) => {
        const there = known.get(build);
        // Outlining what did not change, of hundreds of thousands of files, would take seconds.
        return [build, there?.key === key ? there : outlineInputs(key, parts, most, this.#isSecret)];
      }),
    );
    const remembered = new Set([...records.values()].map(({ build }) => build));
    const others = [...known].filter(([build]) => remembered.has(build));
    for (const all of [new Map([...others, ...own]), own]) {
      const packed = gzipSync(JSON.stringify({ builds: Object.fromEntries(all) }));
      if (all.size > 0 && packed.length <= INPUTS_LIMIT) return packed;
    }
    return undefined;
  }

  /** None where they cannot be read: they only give reasons. */
  async #readOutlines(ref: ImageRef, digest: Digest | undefined): Promise<Outlines> {
    const blob = digest === undefined ? undefined : await this.#registry.getBlob(ref, digest, INPUTS_LIMIT);
    return blob?.ok === true ? parseOutlines(blob.value) : new Map();
  }

  /** What lies in the registry; nothing where there is no artifact yet. */
  async #read(ref: ImageRef): Promise<Result<Found>> {
    this.#registry.forget(ref);
    const presence = await this.#registry.head(ref);
    if (presence.kind === 'unknown') return fail([presence.problem]);
    if (presence.kind === 'absent') return ok({ records: new Map() });
    const manifest = await this.#registry.getManifest({
      registry: ref.registry,
      repository: ref.repository,
      digest: presence.digest,
    });
    if (!manifest.ok) return manifest;
    const blobs = manifestBlobs(manifest.value);
    const layer = blobs.find((blob) => blob.mediaType === LAYER_TYPE);
    const outlines = blobs.find((one) => one.mediaType === INPUTS_TYPE)?.digest;
    if (layer === undefined) {
      return fail([
        problem('run/records-not-shared', `\`${formatImageRef(ref)}\` is not a record of bake-ts`, {
          hint: 'Give `record:` a reference that is used for nothing else.',
        }),
      ]);
    }
    const blob = await this.#registry.getBlob(ref, layer.digest, LAYER_LIMIT);
    if (!blob.ok) return blob;
    return ok({ records: parseShared(blob.value), ...(outlines === undefined ? {} : { outlines }) });
  }

  async #write(
    ref: ImageRef,
    records: ReadonlyMap<BuildKey, BuildRecord>,
    outlines: Uint8Array | undefined,
  ): Promise<Result<void>> {
    const shared: Shared = { version: KEY_VERSION, records: Object.fromEntries(records) };
    const layer = gzipSync(JSON.stringify(shared));
    const config = await this.#registry.putBlob(ref, EMPTY);
    if (!config.ok) return config;
    const digest = await this.#registry.putBlob(ref, layer);
    if (!digest.ok) return digest;
    const layers = [descriptor(LAYER_TYPE, digest.value, layer.length)];
    if (outlines !== undefined) {
      const inputs = await this.#registry.putBlob(ref, outlines);
      if (!inputs.ok) return inputs;
      layers.push(descriptor(INPUTS_TYPE, inputs.value, outlines.length));
    }
    const manifest = {
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      artifactType: ARTIFACT_TYPE,
      config: descriptor(EMPTY_TYPE, config.value, EMPTY.length),
      layers,
    };
    const put = await this.#registry.putManifest(ref, {
      mediaType: MANIFEST_TYPE,
      bytes: new TextEncoder().encode(JSON.stringify(manifest)),
    });
    return put.ok ? ok(undefined) : put;
  }
}

/**
 * Where a set's shared records lie: the reference of `record:`, or, for `registry`, the tag `bake-records` beside the
 * first image, by name, of the set that may be pushed (a repository that exists and may be written to anyway).
 *
 * @returns undefined where records stay on this machine; a problem where there is no place for them
 */
export function recordRef(set: BuildSet): Result<ImageRef | undefined, Problem> {
  if (set.record === undefined || set.record === 'local') return ok(undefined);
  if (set.record !== 'registry') {
    const ref = parseImageRef(set.record);
    if (ref !== undefined && ref.digest === undefined)
      return ok(ref.tag === undefined ? { ...ref, tag: DEFAULT_TAG } : ref);
    return fail(
      problem('run/bad-record', `\`record: ${set.record}\` is not a reference that could be written to`, {
        hint: 'Write `record: registry`, or a reference like `registry.example.com/team/records:main`.',
      }),
    );
  }
  // By name and not in the order of the file, so that moving builds about does not lose the records.
  const [first] = [...set.builds.values()]
    .filter((build) => build.push !== 'never')
    .flatMap((build) => build.tags.flatMap(({ ref }) => ref ?? []))
    .map(({ registry, repository }) => ({ registry, repository }))
    .sort((one, other) => (formatImageRef(one) < formatImageRef(other) ? -1 : 1));
  return ok(first === undefined ? undefined : withDefaultTag({ ...first, tag: DEFAULT_TAG }));
}

function parseShared(bytes: Uint8Array): ReadonlyMap<BuildKey, BuildRecord> {
  const records = new Map<BuildKey, BuildRecord>();
  try {
    const shared = JSON.parse(gunzipSync(bytes, { maxOutputLength: 8 * LAYER_LIMIT }).toString()) as Shared;
    if (shared.version !== KEY_VERSION) return records;
    for (const [key, record] of Object.entries(shared.records)) {
      if (record.version === KEY_VERSION && record.key === key && isDigest(record.digest))
        records.set(key, record);
    }
  } catch {
    // Damaged or of another make: not known.
  }
  return records;
}

function parseOutlines(bytes: Uint8Array): Outlines {
  const outlines = new Map<string, InputsOutline>();
  try {
    const text = gunzipSync(bytes, { maxOutputLength: 16 * INPUTS_LIMIT }).toString();
    const { builds } = JSON.parse(text) as { readonly builds?: unknown };
    if (typeof builds !== 'object' || builds === null) return outlines;
    for (const [build, value] of Object.entries(builds)) {
      const outline = readOutline(value);
      if (outline !== undefined) outlines.set(build, outline);
    }
  } catch {
    // Damaged or of another make: not known.
  }
  return outlines;
}

/** A record as it is kept: without sensitive values in tags, and only here where its key holds on this machine alone. */
function keptRecord(
  { local: _, ...record }: BuildRecord,
  { parts }: LastInputs,
  isSecret: (text: string) => boolean,
): BuildRecord {
  const refs = record.refs
    .map((text) => (isSecret(text) ? withoutTag(text) : text))
    .filter((text) => !isSecret(text));
  return { ...record, refs, ...(parts.sealed === true ? { local: true } : {}) };
}

/** What stands before the tag of a reference. */
function withoutTag(text: string): string {
  const ref = parseImageRef(text);
  return ref === undefined ? text : formatImageRef({ registry: ref.registry, repository: ref.repository });
}

/** Times and durations do not matter where digests are equal; else the later result is the one to go by. */
function isAsGood(known: BuildRecord | undefined, seen: BuildRecord): boolean {
  return known !== undefined && (known.digest === seen.digest || known.finishedAt > seen.finishedAt);
}

function prune(records: ReadonlyMap<BuildKey, BuildRecord>): ReadonlyMap<BuildKey, BuildRecord> {
  const newestFirst = [...records].sort(([, one], [, other]) => (one.finishedAt < other.finishedAt ? 1 : -1));
  const counts = new Map<string, number>();
  return new Map(
    newestFirst.filter(([, record]) => {
      const count = (counts.get(record.build) ?? 0) + 1;
      counts.set(record.build, count);
      return count <= KEPT_FOR_A_BUILD;
    }),
  );
}

function notShared(ref: ImageRef, because: readonly Problem[]): Problem {
  return problem(
    'run/records-not-shared',
    `what was built is not recorded in ${formatImageRef(ref)}: ${because[0]?.message ?? 'unknown'}`,
    {
      severity: 'warning',
      hint: because[0]?.hint ?? 'Other machines build again what this one has built.',
    },
  );
}

function descriptor(mediaType: string, digest: Digest, size: number) {
  return { mediaType, digest, size };
}
