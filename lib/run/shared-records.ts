/**
 * The records in one place of a registry: a small artifact under a tag. The document itself is the artifact's config; where
 * it is small its bytes stand in the manifest too (image-spec, descriptor.md, `data`), so that one GET reads it.
 *
 * Beside it, as a layer, lie outlines of the inputs that the latest results were made from: they are read only where a build
 * runs of which this machine does not know why, and they only give reasons.
 */
import { Buffer } from 'node:buffer';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type InputsOutline, readOutline } from '../fingerprint/mod.ts';
import {
  type BuildKey,
  type Digest,
  fail,
  formatImageRef,
  type ImageRef,
  ok,
  problem,
  type Result,
} from '../model/mod.ts';
import {
  configOf,
  type Descriptor,
  embeddedBlob,
  type Manifest,
  manifestBlobs,
  type RegistryClient,
} from '../registry/mod.ts';
import { parseJson } from '../util/json.ts';
import { PACKED_LIMIT, packRecords, parseRecords, type SharedRecordMap } from './record-document.ts';

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
/** The config, and with that what the artifact is. The earlier form, `records.v1`, is replaced. */
const RECORDS_TYPE = 'application/vnd.bake-ts.records.v2+json+gzip';
const OURS = /^application\/vnd\.bake-ts\.records\.v\d+\+json/;
const INPUTS_TYPE = 'application/vnd.bake-ts.inputs.v1+json+gzip';
/** Documents up to this size, in bytes, stand in the manifest. */
const EMBEDDED_LIMIT = 32 * 1024;
/** What all outlines together may take, packed and unpacked; more than that is not written. */
const INPUTS_LIMIT = 4 * 1024 * 1024;
const UNPACKED_INPUTS_LIMIT = 16 * 1024 * 1024;

/** Build → what its latest result was made from. */
export type Outlines = ReadonlyMap<string, InputsOutline>;

/** What was found. */
export interface Found {
  readonly records: SharedRecordMap;
  /** Where the outlines are, if there are any. */
  readonly outlines?: Digest;
}

/** The records in one place. */
export class SharedRecords {
  readonly ref: ImageRef;
  /** `HOST/REPOSITORY:TAG` */
  readonly name: string;
  readonly #registry: RegistryClient;
  readonly #keys: readonly string[];
  #read: Promise<Result<Found>> | undefined;
  #outlines: Promise<Outlines> | undefined;
  #known: Found | undefined;

  /** @param keys that prove records; the first one signs */
  constructor(registry: RegistryClient, ref: ImageRef, keys: readonly string[]) {
    this.#registry = registry;
    this.ref = ref;
    this.name = formatImageRef(ref);
    this.#keys = keys;
  }

  /** What lies there; nothing where there is no artifact yet. Queried once. */
  read(): Promise<Result<Found>> {
    this.#read ??= this.readAgain();
    return this.#read;
  }

  /** What was read; undefined: nothing (yet). */
  get known(): Found | undefined {
    return this.#known;
  }

  async readAgain(): Promise<Result<Found>> {
    const found = await this.#readArtifact();
    if (found.ok) this.#known = found.value;
    return found;
  }

  /** The outlines, which are read once; none where they cannot be read. */
  async readOutlines(): Promise<Outlines> {
    const { ref } = this;
    this.#outlines ??= this.read().then((found) =>
      this.outlinesAt(ref, found.ok ? found.value.outlines : undefined),
    );
    return this.#outlines;
  }

  async outlinesAt(ref: ImageRef, digest: Digest | undefined): Promise<Outlines> {
    const blob = digest === undefined ? undefined : await this.#registry.getBlob(ref, digest, INPUTS_LIMIT);
    return blob?.ok === true ? parseOutlines(blob.value) : new Map();
  }

  /**
   * Puts these records in the place of what lies there.
   *
   * @param first keys of those that are kept before all others
   */
  async write(
    records: SharedRecordMap,
    first: ReadonlySet<BuildKey>,
    outlines: Uint8Array | undefined,
  ): Promise<Result<void>> {
    const document = packRecords(records, first, this.#keys);
    const descriptors: Record<string, unknown>[] = [];
    for (const [mediaType, bytes] of [[RECORDS_TYPE, document] as const, [INPUTS_TYPE, outlines] as const]) {
      if (bytes === undefined) continue;
      const digest = await this.#registry.putBlob(this.ref, bytes);
      if (!digest.ok) return digest;
      descriptors.push({ mediaType, digest: digest.value, size: bytes.length });
    }
    const [config, layer = config] = descriptors;
    const data = document.length <= EMBEDDED_LIMIT ? { data: Buffer.from(document).toString('base64') } : {};
    const manifest = {
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      artifactType: RECORDS_TYPE,
      config: { ...config, ...data },
      // Some registries want one at least.
      layers: [layer],
    };
    const put = await this.#registry.putManifest(this.ref, {
      mediaType: MANIFEST_TYPE,
      bytes: new TextEncoder().encode(JSON.stringify(manifest)),
    });
    if (!put.ok) return put;
    this.#known = { records };
    return ok(undefined);
  }

  async #readArtifact(): Promise<Result<Found>> {
    const manifest = await this.#registry.getManifest(this.ref);
    if (!manifest.ok) {
      const isAbsent = manifest.error.every(({ code }) => code === 'registry/not-found');
      return isAbsent ? ok({ records: new Map() }) : manifest;
    }
    const config = configOf(manifest.value);
    if (config === undefined || !isOurs(manifest.value, config)) {
      return fail([
        problem('run/records-not-shared', `\`${this.name}\` is not a record of bake-ts`, {
          hint: `Use the tag \`${this.ref.tag ?? ''}\` there for records only.`,
        }),
      ]);
    }
    if (config.mediaType !== RECORDS_TYPE) return ok({ records: new Map() });
    const outlines = manifestBlobs(manifest.value).find((one) => one.mediaType === INPUTS_TYPE)?.digest;
    const document = await this.#readDocument(manifest.value, config);
    if (!document.ok) return document;
    return ok({
      records: parseRecords(document.value, this.#keys, Date.now()),
      ...(outlines === undefined ? {} : { outlines }),
    });
  }

  async #readDocument(manifest: Manifest, config: Descriptor): Promise<Result<Uint8Array>> {
    const embedded = embeddedBlob(manifest, config);
    return embedded === undefined
      ? this.#registry.getBlob(this.ref, config.digest, PACKED_LIMIT)
      : ok(embedded);
  }
}

/** Records of any version: those of another one are not read, and replaced. */
function isOurs({ json }: Manifest, config: Descriptor): boolean {
  const { artifactType } = json;
  return OURS.test(config.mediaType) || (typeof artifactType === 'string' && OURS.test(artifactType));
}

/** Outlines as they are written; undefined where there are none, or too much of them. */
export function packOutlines(all: Outlines): Uint8Array | undefined {
  if (all.size === 0) return undefined;
  const text = JSON.stringify({ builds: Object.fromEntries(all) });
  if (text.length > UNPACKED_INPUTS_LIMIT / 2) return undefined;
  const packed = gzipSync(text);
  return packed.length <= INPUTS_LIMIT ? packed : undefined;
}

function parseOutlines(bytes: Uint8Array): Outlines {
  const outlines = new Map<string, InputsOutline>();
  try {
    const json = parseJson(gunzipSync(bytes, { maxOutputLength: UNPACKED_INPUTS_LIMIT }));
    const { builds } = (json ?? {}) as { readonly builds?: unknown };
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
