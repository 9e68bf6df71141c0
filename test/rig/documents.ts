/** A registry of manifests and configs only, without HTTP: for tests of functions that read images. */
import assert from 'node:assert/strict';
import type { ConfigReader } from '../../lib/inputs/mod.ts';
import type { ImageOfPlatform } from '../../lib/inputs/rebase.ts';
import type { Digest } from '../../lib/model/mod.ts';
import { CONFIG_LIMIT, digestOf, parseManifest, type RegistryClient } from '../../lib/registry/mod.ts';

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

  /** What asks for it as a registry's client does. Manifests are asked for by digest, configs with their limit. */
  client(): RegistryClient {
    const read = (kind: string, { registry, repository }: Asked, digest: Digest | undefined) => {
      assert.equal(registry, 'r.example');
      this.asked.push(`${kind} ${repository}`);
      const text = this.texts.get(`${repository}@${digest}`);
      return text === undefined ? undefined : new TextEncoder().encode(text);
    };
    const client = {
      head: async (ref: Asked) => {
        const name =
          ref.tag === undefined ? `${ref.repository}@${ref.digest}` : `${ref.repository}:${ref.tag}`;
        this.asked.push(`head ${ref.tag === undefined ? ref.repository : name}`);
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
        const bytes = read('manifest', ref, ref.digest);
        const manifest =
          bytes === undefined || ref.digest === undefined ? undefined : parseManifest(bytes, ref.digest);
        return manifest === undefined ? { ok: false, error: [] } : { ok: true, value: manifest };
      },
      getBlob: async (ref: Asked, digest: Digest, limit: number) => {
        assert.deepEqual([ref.digest, limit], [undefined, CONFIG_LIMIT]);
        const value = read('config', ref, digest);
        return value === undefined ? { ok: false, error: [] } : { ok: true, value };
      },
    };
    return client as unknown as RegistryClient;
  }

  reader(): ConfigReader {
    return { registry: this.client(), configs: new Map(), made: new Map() };
  }
}
