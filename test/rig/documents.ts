/** A registry of manifests and configs only, without HTTP: for tests of functions that read images. */
import assert from 'node:assert/strict';
import type { ConfigReader } from '../../lib/inputs/mod.ts';
import type { ImageOfPlatform } from '../../lib/inputs/rebase.ts';
import type { Digest, Problem } from '../../lib/model/mod.ts';
import {
  CONFIG_LIMIT,
  digestOf,
  type Manifest,
  parseManifest,
  type RegistryClient,
} from '../../lib/registry/mod.ts';

/** Media types of what it holds. */
export const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX = 'application/vnd.oci.image.index.v1+json';

interface Asked {
  readonly registry: string;
  readonly repository: string;
  readonly digest?: Digest;
  readonly tag?: string;
}

/** What a registry of the host `r.example` holds, and what it was asked. */
export class Documents {
  /** By `REPOSITORY@DIGEST`. */
  readonly texts: Map<string, string> = new Map();
  /** What tags point at, by `REPOSITORY:TAG`; undefined: it does not say. */
  readonly tags: Map<string, Digest | undefined> = new Map();
  asked: string[] = [];
  /** What goes wrong with a request, as `asked` notes it. */
  fault: (asked: string) => Problem | undefined = () => undefined;

  put(repository: string, text: string): Digest {
    const digest = digestOf(new TextEncoder().encode(text));
    this.texts.set(`${repository}@${digest}`, text);
    return digest;
  }

  /** An image as BuildKit writes it; `more`: fields that it writes nowhere. */
  image(repository: string, { config, layers }: ImageOfPlatform, more: object = {}): Digest {
    const mediaType = 'application/vnd.oci.image.config.v1+json';
    const digest = this.put(repository, config);
    const json = {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: { mediaType, digest, size: config.length },
      layers: layers.map(({ digest: of }) => ({ mediaType: 'l', digest: of, size: 1 })),
      ...more,
    };
    return this.put(repository, JSON.stringify(json, null, 2));
  }

  index(repository: string, children: readonly object[]): Digest {
    return this.put(
      repository,
      JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: children }, null, 2),
    );
  }

  /** Notes a request; what goes wrong with it, if anything. */
  #note(asked: string): readonly Problem[] | undefined {
    this.asked.push(asked);
    const problem = this.fault(asked);
    return problem === undefined ? undefined : [problem];
  }

  /** What asks for it as a registry's client does. Manifests are asked for by digest, configs with their limit. */
  client(): RegistryClient {
    const readDocument = (kind: string, { registry, repository }: Asked, digest: Digest | undefined) => {
      assert.equal(registry, 'r.example');
      const error = this.#note(`${kind} ${repository}`);
      const text = this.texts.get(`${repository}@${digest}`);
      if (error !== undefined || text === undefined) return { ok: false as const, error: error ?? [] };
      return { ok: true as const, value: new TextEncoder().encode(text) };
    };
    const write = (kind: string, { registry, repository }: Asked, bytes: Uint8Array) => {
      assert.equal(registry, 'r.example');
      const error = this.#note(`put ${kind} ${repository}`);
      if (error !== undefined) return { ok: false, error };
      return { ok: true, value: this.put(repository, new TextDecoder().decode(bytes)) };
    };
    const client = {
      head: async (ref: Asked) => {
        const name =
          ref.tag === undefined ? `${ref.repository}@${ref.digest}` : `${ref.repository}:${ref.tag}`;
        const [problem] = this.#note(`head ${ref.tag === undefined ? ref.repository : name}`) ?? [];
        if (problem !== undefined) return { kind: 'unknown', problem };
        if (ref.tag === undefined)
          return this.texts.has(name) ? { kind: 'present', digest: ref.digest } : { kind: 'absent' };
        if (!this.tags.has(name)) return { kind: 'absent' };
        const digest = this.tags.get(name);
        return digest === undefined
          ? { kind: 'unknown', problem: { message: 'it does not say' } }
          : { kind: 'present', digest };
      },
      getManifest: async (ref: Asked) => {
        assert.equal(ref.tag, undefined);
        const read = readDocument('manifest', ref, ref.digest);
        if (!read.ok) return read;
        const manifest = ref.digest === undefined ? undefined : parseManifest(read.value, ref.digest);
        return manifest === undefined ? { ok: false, error: [] } : { ok: true, value: manifest };
      },
      getBlob: async (ref: Asked, digest: Digest, limit: number) => {
        assert.equal(limit, CONFIG_LIMIT);
        return readDocument('config', ref, digest);
      },
      putBlob: async (ref: Asked, bytes: Uint8Array) => write('config', ref, bytes),
      putManifest: async (ref: Asked, manifest: Manifest) => {
        assert.equal(ref.digest, manifest.digest);
        return write('manifest', ref, manifest.bytes);
      },
      forget: (ref: Asked) => this.asked.push(`forget ${ref.repository}`),
    };
    return client as unknown as RegistryClient;
  }

  reader(): ConfigReader {
    return { registry: this.client(), configs: new Map(), made: new Map(), remembered: async () => [] };
  }
}
