/**
 * Image references, parsed once; after that nobody handles them as strings.
 * Grammar and the Docker Hub defaults: https://github.com/distribution/reference (reference.go, normalize.go).
 */

import { checkArgument } from '../util/check-options.ts';
import { problem } from './problem.ts';
import { fail, ok, type Result } from './result.ts';

/** `sha256:` and 64 hexadecimal digits (the only algorithm registries use today). */
export type Digest = `sha256:${string}`;

/** A parsed reference with its registry and full repository path spelled out. */
export interface ImageRef {
  /** Host with optional port; Docker Hub is `docker.io`. */
  readonly registry: string;
  /** Path below the registry; official images of Docker Hub start with `library/`. */
  readonly repository: string;
  /** As written; undefined: none is. */
  readonly tag?: string;
  /** As written; undefined: none is. With a tag beside it, the digest counts. */
  readonly digest?: Digest;
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const HOST =
  /^(?:(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])(?:\.(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;
const HUB = 'docker.io';
const LONE_DIGEST = /^@?sha(?:256|384|512):[0-9a-f]{6,}$/;

/** True for a well-formed sha256 digest. */
export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** Parses a reference; undefined where the text breaks the grammar (upper-case paths included). */
export function parseImageRef(text: string): ImageRef | undefined {
  let rest = text;
  let digest: Digest | undefined;
  const at = rest.indexOf('@');
  if (at !== -1) {
    const found = rest.slice(at + 1);
    if (!isDigest(found)) return undefined;
    digest = found;
    rest = rest.slice(0, at);
  }
  let tag: string | undefined;
  const colon = rest.lastIndexOf(':');
  if (colon > rest.lastIndexOf('/') && !rest.endsWith(']')) {
    tag = rest.slice(colon + 1);
    if (!TAG.test(tag)) return undefined;
    rest = rest.slice(0, colon);
  }
  const slash = rest.indexOf('/');
  const head = slash === -1 ? '' : rest.slice(0, slash);
  const isHost =
    head.includes('.') || head.includes(':') || head === 'localhost' || head !== head.toLowerCase();
  let registry = isHost ? head : HUB;
  let repository = isHost ? rest.slice(slash + 1) : rest;
  if (registry === 'index.docker.io') registry = HUB;
  if (registry === HUB && !repository.includes('/')) repository = `library/${repository}`;
  if (!HOST.test(registry) || repository.length > 255) return undefined;
  if (!repository.split('/').every((part) => PATH_COMPONENT.test(part))) return undefined;
  return {
    registry,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/**
 * Reads a reference that a person wrote. Docker Hub's host and `library/` are filled in where they are left out; a tag is not.
 *
 * @param written `ghcr.io/acme/api:1.2`, `alpine`, `localhost:5000/api@sha256:…`
 * @returns the reference in parts; problem: `cli/bad-reference`
 * @throws TypeError for what is no text
 * @example
 * ```ts
 * const { registry, repository, tag } = unwrap(readImageRef('alpine:3.20'));
 * console.log(registry, repository, tag); // docker.io library/alpine 3.20
 * ```
 */
export function readImageRef(written: string): Result<ImageRef> {
  checkArgument('readImageRef', 'text', written);
  // To the grammar of names it is a tag of the image "sha256" on Docker Hub.
  if (LONE_DIGEST.test(written)) {
    return fail([
      problem('cli/bad-reference', `"${written}" is a digest without the name of an image`, {
        hint: `write it after the name: REGISTRY/REPOSITORY@${written.replace(/^@/, '')}`,
      }),
    ]);
  }
  const ref = parseImageRef(written);
  if (ref !== undefined) return ok(ref);
  return fail([
    problem('cli/bad-reference', `"${written}" is not a valid image reference`, {
      hint: 'write REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:…, in lowercase except for the tag',
    }),
  ]);
}

/**
 * The full text of a reference, registry included.
 *
 * @throws TypeError for what is no reference
 * @example
 * ```ts
 * const ref = unwrap(readImageRef('alpine'));
 * console.log(formatImageRef({ ...ref, tag: '3.20' })); // docker.io/library/alpine:3.20
 * ```
 */
export function formatImageRef(ref: ImageRef): string {
  if (typeof ref?.registry !== 'string' || typeof ref.repository !== 'string')
    throw new TypeError('formatImageRef() takes a reference as readImageRef() gives it, unwrapped');
  const tag = ref.tag === undefined ? '' : `:${ref.tag}`;
  const digest = ref.digest === undefined ? '' : `@${ref.digest}`;
  return `${ref.registry}/${ref.repository}${tag}${digest}`;
}

/**
 * The short form that people write and that the Dockerfile frontend looks named contexts up by: Docker Hub's host
 * and `library/` left out, `:latest` stripped (buildkit frontend/dockerui/config.go, `NamedContext`).
 */
export function familiarName(ref: ImageRef): string {
  let name = `${ref.registry}/${ref.repository}`;
  if (ref.registry === HUB) {
    name = ref.repository.startsWith('library/') ? ref.repository.slice('library/'.length) : ref.repository;
  }
  const tag =
    ref.tag === undefined || (ref.tag === 'latest' && ref.digest === undefined) ? '' : `:${ref.tag}`;
  return `${name}${tag}${ref.digest === undefined ? '' : `@${ref.digest}`}`;
}

/** The same reference with `:latest` where neither a tag nor a digest was given. */
export function withDefaultTag(ref: ImageRef): ImageRef {
  return isUnnamed(ref) ? { ...ref, tag: 'latest' } : ref;
}

/** Whether a reference says neither a tag nor a digest. */
export function isUnnamed({ tag, digest }: ImageRef): boolean {
  return tag === undefined && digest === undefined;
}

/**
 * A name that an image is to get: where it says neither a tag nor a digest, those of the image, so that nothing moves `latest`
 * by surprise. An image that is named without either is the `latest` one.
 */
export function withTagOf(to: ImageRef, from: ImageRef): ImageRef {
  if (!isUnnamed(to)) return to;
  const { tag, digest } = withDefaultTag(from);
  if (tag !== undefined) return { ...to, tag };
  return digest === undefined ? to : { ...to, digest };
}

/** Parses a name that an image can be published under, `:latest` where no tag is written; undefined for an invalid one. */
export function parseTag(text: string): ImageRef | undefined {
  const ref = parseImageRef(text);
  return ref === undefined || ref.digest !== undefined ? undefined : withDefaultTag(ref);
}

/**
 * The name under which the frontend looks a named context up: the familiar form of an image reference without
 * `:latest`, else the name in lowercase; a `::os/arch` suffix is kept (buildkit frontend/dockerui/config.go,
 * `NamedContext`). Another form is ignored without a word (measured), so keys and command lines must both use this one.
 */
export function contextKey(name: string): string {
  const [bare = name, platform] = name.split('::', 2);
  const ref = parseImageRef(bare);
  const familiar = ref === undefined ? bare.toLowerCase() : familiarName(ref);
  return platform === undefined ? familiar : `${familiar}::${platform}`;
}

/** Whether two references are of one repository. */
export function isSameRepository(one: ImageRef, other: ImageRef): boolean {
  return one.registry === other.registry && one.repository === other.repository;
}

/** Distinct `HOST/REPOSITORY` of references, in order. */
export function repositoriesOf(refs: readonly ImageRef[]): readonly ImageRef[] {
  const found = new Map<string, ImageRef>();
  for (const { registry, repository } of refs) {
    const bare = { registry, repository };
    const name = formatImageRef(bare);
    if (!found.has(name)) found.set(name, bare);
  }
  return [...found.values()];
}
