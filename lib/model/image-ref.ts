/**
 * Image references, parsed once; other code never handles them as strings. Grammar and the Docker Hub defaults:
 * https://github.com/distribution/reference (reference.go, normalize.go).
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
  /** As written; undefined: not given. */
  readonly tag?: string;
  /** As written; undefined: not given. Takes precedence over a tag. */
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

/** Parses a reference; undefined if the text violates the grammar (upper-case paths, for example). */
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
 * Parses a reference that a person wrote. Docker Hub's host and `library/` are added if missing; a tag is not.
 *
 * @param written `ghcr.io/acme/api:1.2`, `alpine`, `localhost:5000/api@sha256:…`
 * @returns the parsed reference; problem: `cli/bad-reference`
 * @throws TypeError if the argument is not a string
 * @example
 * ```ts
 * const { registry, repository, tag } = unwrap(readImageRef('alpine:3.20'));
 * console.log(registry, repository, tag); // docker.io library/alpine 3.20
 * ```
 */
export function readImageRef(written: string): Result<ImageRef> {
  checkArgument('readImageRef', 'text', written);
  // In the grammar this is a tag of the image "sha256" on Docker Hub.
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
 * @throws TypeError if the argument is not a reference
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
 * The short form that people write and under which the Dockerfile frontend looks up named contexts: without Docker Hub's
 * host, `library/` and `:latest` (buildkit frontend/dockerui/config.go, `NamedContext`).
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

/** The same reference with `:latest` if it has neither a tag nor a digest. */
export function withDefaultTag(ref: ImageRef): ImageRef {
  return isUnnamed(ref) ? { ...ref, tag: 'latest' } : ref;
}

/** Whether a reference has neither a tag nor a digest. */
export function isUnnamed({ tag, digest }: ImageRef): boolean {
  return tag === undefined && digest === undefined;
}

/**
 * A name for a copy of an image. If it has neither a tag nor a digest, it gets those of the image, so that `latest` does
 * not move by surprise. An image that is named without either is `latest`.
 */
export function withTagOf(to: ImageRef, from: ImageRef): ImageRef {
  if (!isUnnamed(to)) return to;
  const { tag, digest } = withDefaultTag(from);
  if (tag !== undefined) return { ...to, tag };
  return digest === undefined ? to : { ...to, digest };
}

/** Parses a name that an image can be published under, with `:latest` if no tag is written; undefined if it is invalid. */
export function parseTag(text: string): ImageRef | undefined {
  const ref = parseImageRef(text);
  return ref === undefined || ref.digest !== undefined ? undefined : withDefaultTag(ref);
}

/**
 * The name under which the frontend looks up a named context: the familiar form of an image reference without `:latest`,
 * otherwise the name in lower case; a `::os/arch` suffix is kept (buildkit frontend/dockerui/config.go, `NamedContext`).
 * Other forms are silently ignored (measured), so keys and command lines must both use this one.
 */
export function contextKey(name: string): string {
  const [bare = name, platform] = name.split('::', 2);
  const ref = parseImageRef(bare);
  const familiar = ref === undefined ? bare.toLowerCase() : familiarName(ref);
  return platform === undefined ? familiar : `${familiar}::${platform}`;
}

/** Whether two references are in the same repository. */
export function isSameRepository(one: ImageRef, other: ImageRef): boolean {
  return one.registry === other.registry && one.repository === other.repository;
}

/** The distinct `HOST/REPOSITORY` of references, in order. */
export function repositoriesOf(refs: readonly ImageRef[]): readonly ImageRef[] {
  const found = new Map<string, ImageRef>();
  for (const { registry, repository } of refs) {
    const bare = { registry, repository };
    const name = formatImageRef(bare);
    if (!found.has(name)) found.set(name, bare);
  }
  return [...found.values()];
}
