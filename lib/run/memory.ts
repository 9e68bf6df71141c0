/**
 * Remembers results: on this machine and, with `record:`, also in registries, so that a runner with an empty disk skips what
 * another one built.
 *
 * Data from registries is untrusted input: a shared record is trusted only if every repository that its image goes to, itself or
 * within another image of the run, has the same record (see `record-places.ts`), or if it is signed. A record contains only which
 * key resulted in which digest; tags are looked up each time. So an old or lost record costs a build but never causes a false
 * skip. Concurrent runs may overwrite each other's latest records, at the same cost.
 */
import { isDeepStrictEqual } from 'node:util';
import { type InputsOutline, outlineInputs } from '../fingerprint/mod.ts';
import {
  type BuildKey,
  type BuildRecord,
  formatImageRef,
  type ImageRef,
  type Problem,
  parseImageRef,
  problem,
  type Result,
} from '../model/mod.ts';
import type { RegistryClient } from '../registry/mod.ts';
import type { LastFigures, LastInputs, LastResult, StateStore } from '../state/mod.ts';
import type { SharedRecord, SharedRecordMap } from './record-document.ts';
import { KEY_VARIABLE } from './record-keys.ts';
import type { RecordPlaces } from './record-places.ts';
import { type Found, packOutlines, SharedRecords } from './shared-records.ts';

/** Limits of file entries for one build and for everything that a run writes. */
const FILES_OF_A_BUILD = 1000;
const FILES_OF_ALL = 100_000;

/** Options of a memory. */
export interface MemoryOptions {
  readonly state: StateStore;
  readonly registry: RegistryClient;
  /** Where results are shared; undefined: only on this machine. */
  readonly places: RecordPlaces | undefined;
  /** The keys that sign and verify records (see `record-keys.ts`). */
  readonly keys: readonly string[];
  /** Whether a text contains a sensitive value. */
  readonly isSecret: (text: string) => boolean;
}

/** A result known to this run, and the builds that have it. */
interface Seen {
  record: BuildRecord;
  readonly builds: Set<string>;
}

/** Remembers and recalls results. */
export class Memory {
  readonly #state: StateStore;
  readonly #registry: RegistryClient;
  readonly #places: RecordPlaces | undefined;
  readonly #keys: readonly string[];
  readonly #isSecret: (text: string) => boolean;
  /** Build → inputs of its result in this run. */
  readonly #inputs = new Map<string, LastInputs>();
  readonly #seen = new Map<BuildKey, Seen>();
  readonly #fromRegistry = new Map<BuildKey, BuildRecord>();
  /** Key → its builds. */
  readonly #dropped = new Map<BuildKey, ReadonlySet<string>>();
  readonly #shared = new Map<string, SharedRecords>();
  /** Figures of what this run built. */
  readonly #figures = new Map<string, LastFigures>();
  #lastFigures: Promise<ReadonlyMap<string, LastFigures>> | undefined;
  /** Results to note as shared with their places. */
  readonly #noted = new Set<Seen>();

  constructor({ state, registry, places, keys, isSecret }: MemoryOptions) {
    this.#state = state;
    this.#registry = registry;
    // If only signed records are trusted, a run without a key neither reads nor writes shared records.
    this.#places = places?.onlySigned === true && keys.length === 0 ? undefined : places;
    this.#keys = keys;
    this.#isSecret = isSecret;
  }

  /** Returns the record of a key; undefined if there is none that is trusted. */
  async recall(key: BuildKey, build: string): Promise<BuildRecord | undefined> {
    const places = this.#sharedOf(build);
    const own = await this.#state.readRecord(key);
    if (own !== undefined && isBelieved(own, places)) {
      this.#see(build, own);
      return own;
    }
    const shared = await this.#recallShared(build, key, places);
    if (shared === undefined) return undefined;
    this.#see(build, shared);
    this.#fromRegistry.set(key, shared);
    return shared;
  }

  /** Prefetches, concurrently, the shared records of builds that this machine does not know. */
  async askAhead(builds: Iterable<string>): Promise<void> {
    const asked = [...builds].map(async (build) => {
      if ((await this.#state.readLastKey(build)) !== undefined) return;
      await Promise.all(this.#sharedOf(build).map((one) => one.read()));
    });
    await Promise.all(asked);
  }

  /** The inputs of a build's latest success here. */
  latest(build: string): Promise<LastInputs | undefined> {
    return this.#state.readLast(build);
  }

  /**
   * The last duration of a build in milliseconds; undefined if not known. Uses shared records only if they have been read
   * already.
   */
  async lastDuration(build: string): Promise<number | undefined> {
    const key = await this.#state.readLastKey(build);
    const own = key === undefined ? undefined : await this.#state.readRecord(key);
    if (own !== undefined) return own.durationMs;
    const [place] = this.#sharedOf(build);
    const records = [...(place?.known?.records.values() ?? [])].flatMap(({ record }) =>
      record.build === build ? record : [],
    );
    return records.sort((one, other) => (one.finishedAt < other.finishedAt ? 1 : -1))[0]?.durationMs;
  }

  /** The size of a build's image when it was last built here, before this run; undefined if not known. */
  async lastSize(build: string): Promise<number | undefined> {
    return (await this.lastFigures(build))?.sizeBytes;
  }

  /** Figures of a build from earlier runs here; undefined: none. */
  async lastFigures(build: string): Promise<LastFigures | undefined> {
    this.#lastFigures ??= this.#state.readFigures();
    return (await this.#lastFigures).get(build);
  }

  /** Size of a build's image from this run (bytes); undefined if not known. */
  notedSize(build: string): number | undefined {
    return this.#figures.get(build)?.sizeBytes;
  }

  /** Notes duration and size of a build for the next run; written with `save`. */
  noteFigures(build: string, figures: LastFigures): void {
    this.#figures.set(build, figures);
  }

  /** Outline of the inputs of a build's latest result elsewhere; undefined if nothing is shared about it. */
  async latestElsewhere(build: string): Promise<InputsOutline | undefined> {
    const [place] = this.#sharedOf(build);
    return (await place?.readOutlines())?.get(build);
  }

  /** Confirms an earlier result as the current one of its build: later changes are reported against these inputs. */
  async confirm(build: string, last: LastInputs): Promise<void> {
    if (last.parts.sealed !== true) this.#inputs.set(build, last);
    const shared = this.#fromRegistry.get(last.key);
    if (shared === undefined) await this.#state.ensureLast(build, this.#keptInputs(last));
    // Kept here too, with the places that vouch for it, in case the shared records move or are deleted.
    else await this.#state.writeRecord(shared, this.#keptInputs(last));
  }

  /** Remembers the manifests and configs of a build's current image, unless they contain a sensitive value. */
  async rememberImage(build: string, documents: readonly Uint8Array[]): Promise<void> {
    const texts = documents.map((bytes) => new TextDecoder().decode(bytes));
    // Earlier documents may contain a value that was not known as sensitive then.
    await this.#state.writeImage(build, texts.some(this.#isSecret) ? [] : texts);
  }

  /** Remembers a success: on this machine at once, in the registry with `save`. */
  async remember({ sharedWith: _, ...record }: BuildRecord, last: LastInputs): Promise<Result<void>> {
    const kept = keptRecord(record, last, this.#isSecret);
    this.#see(record.build, kept);
    if (kept.local !== true) this.#inputs.set(record.build, last);
    return this.#state.writeRecord(kept, this.#keptInputs(last));
  }

  /**
   * Shares a result of an earlier run elsewhere like this run's own, if this machine or the build's repository has the same
   * record. A file that was passed in is not enough.
   */
  async pass(build: string, record: BuildRecord): Promise<void> {
    const own = await this.#state.readRecord(record.key);
    if (own?.digest === record.digest && own.vouchedBy === undefined) {
      this.#see(build, own);
      return;
    }
    const home = await this.#sharedOf(build)[0]?.read();
    const said = home?.ok === true ? home.value.records.get(record.key)?.record : undefined;
    if (said?.digest === record.digest) this.#see(build, record);
  }

  /**
   * Remembers a build's current image before its tags move, so that `push` no longer uses an earlier one, even if its inputs are
   * not known. If the image is the same, tags of earlier runs are kept.
   */
  async noteResult(build: string, result: LastResult): Promise<void> {
    const known = await this.#state.readResult(build);
    const isSame = known?.digest === result.digest && known.wrong !== true;
    const tags = [...new Set([...(isSame ? known.tags : []), ...result.tags])];
    const { vouched, ...rest } = result;
    const isVouched = vouched === true && !(isSame && known.vouched !== true);
    const now: LastResult = {
      ...rest,
      tags: tags.filter((tag) => !this.#isSecret(tag)),
      ...(isVouched ? { vouched: true } : {}),
    };
    if (!isDeepStrictEqual(now, known)) await this.#state.writeResult(build, now);
  }

  /** Marks the last result of a build as wrong, so that it is not pushed. */
  async doubtResult(build: string): Promise<void> {
    const known = await this.#state.readResult(build);
    if (known !== undefined) await this.#state.writeResult(build, { ...known, wrong: true });
  }

  /** Removes references of parents that contain a sensitive value. */
  #keptInputs(last: LastInputs): LastInputs {
    const { parents, ...rest } = last;
    const kept = Object.entries(parents ?? {}).filter(([, { ref }]) => !this.#isSecret(ref));
    return kept.length === 0 ? rest : { ...rest, parents: Object.fromEntries(kept) };
  }

  /** Forgets a wrong record of a key, here and (with `save`) in the registry. */
  async drop(key: BuildKey): Promise<void> {
    this.#dropped.set(key, this.#seen.get(key)?.builds ?? new Set());
    this.#seen.delete(key);
    this.#fromRegistry.delete(key);
    await this.#state.dropRecord(key);
  }

  /**
   * Writes new results to registries. Reads them again first, since another run may have written meanwhile.
   *
   * @returns warnings: `run/records-not-shared`, `run/records-not-trusted`
   */
  async save(): Promise<readonly Problem[]> {
    const builds = new Set<string>();
    for (const one of [...[...this.#seen.values()].map((seen) => seen.builds), ...this.#dropped.values()])
      for (const build of one) builds.add(build);
    const places = new Map(
      [...builds].flatMap((build) => this.#writtenOf(build)).map((one) => [one.name, one]),
    );
    const saved = await Promise.all([...places.values()].map((place) => this.#saveTo(place)));
    await this.#noteShared();
    await this.#state.noteFigures(this.#figures);
    const failed = saved.flatMap((problems) => problems.slice(0, 1));
    return [...notShared([...places.values()], failed, saved), ...this.#notTrusted()];
  }

  async #saveTo(place: SharedRecords): Promise<readonly Problem[]> {
    const isHere = (build: string) => this.#writtenOf(build).includes(place);
    const mine = [...this.#seen.values()].filter(({ builds }) => [...builds].some(isHere));
    const dropped = [...this.#dropped].flatMap(([key, all]) => ([...all].some(isHere) ? key : []));
    const unsaid = mine.filter(({ record }) => record.sharedWith?.includes(this.#markOf(place)) !== true);
    if (unsaid.length + dropped.length === 0) return [];
    const isKnown = ({ records }: Found) =>
      unsaid.every(({ record }) => isAsGood(records.get(record.key), this.#toShare(record))) &&
      dropped.every((key) => this.#seen.has(key) || !records.has(key));
    const done = () => {
      for (const one of unsaid) this.#noteAt(one, place);
      return [];
    };
    if (place.known !== undefined && isKnown(place.known)) return done();
    const now = await place.readAgain();
    if (!now.ok) return now.error;
    if (isKnown(now.value)) return done();
    const merged = new Map(now.value.records);
    for (const key of dropped) merged.delete(key);
    for (const [key, one] of merged) {
      if (this.#places?.onlySigned === true && !one.isSigned) merged.delete(key);
    }
    for (const { record } of mine) {
      const own = this.#toShare(record);
      if (!isAsGood(merged.get(record.key), own)) merged.set(record.key, own);
    }
    const outlines = await this.#outline(place, now.value, merged);
    const written = await place.write(merged, new Set(mine.map(({ record }) => record.key)), outlines);
    return written.ok ? done() : written.error;
  }

  /** The packed outlines to write: of this run's builds that belong there, and of remembered others. */
  async #outline(
    place: SharedRecords,
    now: Found,
    records: SharedRecordMap,
  ): Promise<Uint8Array | undefined> {
    const known = await place.outlinesAt(place.ref, now.outlines);
    const most = Math.min(FILES_OF_A_BUILD, Math.floor(FILES_OF_ALL / Math.max(1, this.#inputs.size)));
    const own = new Map(
      [...this.#inputs]
        .filter(([build]) => this.#sharedOf(build)[0] === place)
        .map(([build, { key, parts }]) => {
          const there = known.get(build);
          // Reuse unchanged outlines: creating them for hundreds of thousands of files would take seconds.
          return [build, there?.key === key ? there : outlineInputs(key, parts, most, this.#isSecret)];
        }),
    );
    const remembered = new Set([...records.values()].map(({ record }) => record.build));
    const others = [...known].filter(([build]) => remembered.has(build));
    return packOutlines(new Map([...others, ...own])) ?? packOutlines(own);
  }

  /** The record of a key from the places, if it is trusted. */
  async #recallShared(
    build: string,
    key: BuildKey,
    places: readonly SharedRecords[],
  ): Promise<BuildRecord | undefined> {
    const found = await Promise.all(places.map((place) => place.read()));
    const said = found.map((one) => (one.ok ? one.value.records.get(key) : undefined));
    const [first, ...others] = said;
    const refs = this.#places?.refsOf(build) ?? [];
    const signed = said.find((one) => one?.isSigned === true);
    if (signed !== undefined) {
      const sharedWith = places.flatMap((place, at) =>
        said[at]?.isSigned === true && said[at].record.digest === signed.record.digest
          ? this.#markOf(place)
          : [],
      );
      return { ...signed.record, refs, sharedWith };
    }
    if (this.#places?.onlySigned === true || first === undefined) return undefined;
    const agreed = agreeOn(first, others);
    if (agreed === undefined) return undefined;
    const vouchedBy = places.map(({ name }) => name);
    return { ...agreed, refs, vouchedBy, sharedWith: vouchedBy };
  }

  /** Notes a record to share. */
  #see(build: string, record: BuildRecord): void {
    if (record.local === true) return;
    const known = this.#seen.get(record.key);
    if (known === undefined) this.#seen.set(record.key, { record, builds: new Set([build]) });
    else {
      known.record = record;
      known.builds.add(build);
    }
  }

  #sharedOf(build: string): readonly SharedRecords[] {
    return (this.#places?.readFrom(build) ?? []).map((ref) => this.#sharedAt(ref));
  }

  #writtenOf(build: string): readonly SharedRecords[] {
    return (this.#places?.writeTo(build) ?? []).map((ref) => this.#sharedAt(ref));
  }

  #sharedAt(ref: ImageRef): SharedRecords {
    const made = new SharedRecords(this.#registry, ref, this.#keys);
    const known = this.#shared.get(made.name) ?? made;
    this.#shared.set(made.name, known);
    return known;
  }

  /** An unsigned result of another machine is not signed here either. */
  #toShare(record: BuildRecord): SharedRecord {
    return { record, isSigned: this.#keys.length > 0 && record.vouchedBy === undefined };
  }

  /** The mark that a place has a record, or with a key, a signed record. */
  #markOf({ name }: SharedRecords): string {
    return this.#keys.length === 0 ? name : `${name} signed`;
  }

  #noteAt(seen: Seen, place: SharedRecords): void {
    const { record } = seen;
    const mark = this.#markOf(place);
    if (this.#isSecret(mark)) return;
    seen.record = { ...record, sharedWith: [...(record.sharedWith ?? []), mark] };
    this.#noted.add(seen);
  }

  async #noteShared(): Promise<void> {
    await Promise.all([...this.#noted].map(({ record }) => this.#state.updateRecord(record)));
    this.#noted.clear();
  }

  #notTrusted(): readonly Problem[] {
    if (this.#places?.onlySigned !== true) return [];
    const [place] = this.#shared.values();
    const unsigned = [...(place?.known?.records.values() ?? [])].filter(({ isSigned }) => !isSigned).length;
    if (place === undefined || unsigned === 0) return [];
    const many = unsigned === 1 ? 'a record' : `${unsigned} records`;
    return [
      problem(
        'run/records-not-trusted',
        `${many} in ${place.name} not signed with ${KEY_VARIABLE}: ignored`,
        {
          severity: 'warning',
          hint: 'They were written without the key, or with another one. Builds known only from them are built here.',
        },
      ),
    ];
  }
}

/** The record that all places have; undefined if one has none or another one. */
function agreeOn(
  { record }: SharedRecord,
  others: readonly (SharedRecord | undefined)[],
): BuildRecord | undefined {
  const { sizeBytes, ...agreed } = record;
  const platforms = new Map(record.platforms.map((one) => [one.platform, one]));
  for (const other of others) {
    if (other === undefined || other.record.digest !== record.digest) return undefined;
    if (other.record.platforms.length !== record.platforms.length) return undefined;
    for (const { platform, digest, layers } of other.record.platforms) {
      const known = platforms.get(platform);
      if (known?.digest !== digest) return undefined;
      if (known.layers !== layers) platforms.set(platform, { platform, digest });
    }
  }
  const isSizeAgreed = others.every((other) => other?.record.sizeBytes === sizeBytes);
  return {
    ...agreed,
    platforms: [...platforms.values()],
    ...(sizeBytes === undefined || !isSizeAgreed ? {} : { sizeBytes }),
  };
}

/** Whether a result that is remembered here is trusted: built here, or vouched for by all current places. */
function isBelieved({ vouchedBy }: BuildRecord, places: readonly SharedRecords[]): boolean {
  if (vouchedBy === undefined) return true;
  return places.length > 0 && places.every(({ name }) => vouchedBy.includes(name));
}

/**
 * The stored form of a record: without tags that contain sensitive values, and marked as local if its key is valid only on this
 * machine.
 */
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

/** A reference without its tag. */
function withoutTag(text: string): string {
  const ref = parseImageRef(text);
  return ref === undefined ? text : formatImageRef({ registry: ref.registry, repository: ref.repository });
}

/** Whether a known record makes another one unnecessary: times are irrelevant if digests are equal, otherwise the later result is used. */
function isAsGood(known: SharedRecord | undefined, seen: SharedRecord): boolean {
  if (known === undefined || (seen.isSigned && !known.isSigned)) return false;
  return known.record.digest === seen.record.digest || known.record.finishedAt > seen.record.finishedAt;
}

/** A single warning for any number of places. */
function notShared(
  places: readonly SharedRecords[],
  failed: readonly Problem[],
  saved: readonly (readonly Problem[])[],
): readonly Problem[] {
  const [because] = failed;
  if (because === undefined) return [];
  const names = places.flatMap(({ name }, at) => ((saved[at]?.length ?? 0) > 0 ? name : []));
  const where = names.length === 1 ? names[0] : `${names.length} repositories`;
  return [
    problem('run/records-not-shared', `what was built is not recorded in ${where}: ${because.message}`, {
      severity: 'warning',
      hint: because.hint ?? 'Other machines build again what this one has built.',
      ...(names.length > 1 ? { detail: names.join('\n') } : {}),
    }),
  ];
}
