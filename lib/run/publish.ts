/**
 * Looks up and puts tags in registries. Bytes are pushed by digest before any tag moves, so a tag never points at something
 * incomplete.
 */
import type {
  BuildRecord,
  Digest,
  DigestRef,
  ImageRef,
  PlanNode,
  PlatformManifest,
  Problem,
  Result,
  TagResult,
} from '../model/mod.ts';
import { fail, formatImageRef, isUnnamed, ok, problem, repositoriesOf } from '../model/mod.ts';
import {
  childManifests,
  isAttestation,
  type Manifest,
  type Presence,
  platformManifests,
  type RegistryClient,
} from '../registry/mod.ts';
import type { TagState } from './decide.ts';

/**
 * The valid names of a build: its tags, or if it is pushed by digest, its repositories (`pushedByDigest`). Invalid tags are
 * reported before anything is built.
 */
export function wantedTags(node: PlanNode): readonly ImageRef[] {
  return node.build.tags.flatMap((tag) => tag.ref ?? []);
}

/** The name for an image: a repository without tag gets the digest. */
export function nameFor(ref: ImageRef, digest: Digest | undefined): ImageRef {
  return isUnnamed(ref) && digest !== undefined ? { ...ref, digest } : ref;
}

/**
 * Looks up what each tag points at, concurrently.
 *
 * @param digest the digest to look up in a repository without tag
 */
export function askTags(
  client: Pick<RegistryClient, 'head'>,
  refs: readonly ImageRef[],
  digest?: Digest,
): Promise<readonly TagState[]> {
  return Promise.all(
    refs.map(async (wanted): Promise<TagState> => {
      const ref = nameFor(wanted, digest);
      const presence = await client.head(ref);
      const name = formatImageRef(ref);
      if (presence.kind === 'present')
        return { ref: name, state: { kind: 'digest', digest: presence.digest } };
      if (presence.kind === 'absent') return { ref: name, state: { kind: 'absent' } };
      const { problem } = presence;
      const denied = problem.code === 'system/permission' ? { denied: problem } : {};
      return { ref: name, state: { kind: 'unknown', why: problem.message, ...denied } };
    }),
  );
}

/**
 * Attestations contain times and ids, so every build of the same images has another index. A tag whose index has the remembered
 * images of all platforms, and attestations, is equivalent to the remembered one and is kept.
 */
export function alikeTags(
  client: RegistryClient,
  refs: readonly ImageRef[],
  tags: readonly TagState[],
  record: BuildRecord,
): Promise<readonly TagState[]> {
  const wanted = imagesText(record.platforms);
  return Promise.all(
    tags.map(async (tag, at): Promise<TagState> => {
      const ref = refs[at];
      if (ref === undefined || tag.state.kind !== 'digest' || tag.state.digest === record.digest) return tag;
      const { registry, repository } = ref;
      const index = await client.getManifest({ registry, repository, digest: tag.state.digest });
      if (!index.ok || !childManifests(index.value).some(isAttestation)) return tag;
      if (imagesText(platformManifests(index.value)) !== wanted) return tag;
      return { ref: tag.ref, state: { kind: 'digest', digest: record.digest } };
    }),
  );
}

function imagesText(platforms: readonly PlatformManifest[]): string {
  return platforms
    .map((one) => `${one.platform}=${one.digest}`)
    .sort()
    .join(' ');
}

/** A repository that has the manifest; undefined if none certainly has it. */
export async function findManifest(
  client: Pick<RegistryClient, 'head'>,
  refs: readonly ImageRef[],
  tags: readonly TagState[],
  digest: Digest,
): Promise<DigestRef | undefined> {
  const holder = tags.findIndex((tag) => tag.state.kind === 'digest' && tag.state.digest === digest);
  const held = refs[holder];
  if (held !== undefined) return { registry: held.registry, repository: held.repository, digest };
  for (const repository of repositoriesOf(refs)) {
    const ref = { registry: repository.registry, repository: repository.repository, digest };
    const presence = await client.head(ref);
    if (presence.kind === 'present') return ref;
  }
  return undefined;
}

/** How tags are put. */
export interface PutOptions {
  /** The bytes were just pushed: then a put tag is `pushed`, otherwise `retagged`. */
  readonly fresh: boolean;
  /** The manifest, if it is in no repository yet; then all tags are in the source's repository. */
  readonly manifest?: Manifest;
  readonly isImmutable: (ref: ImageRef) => boolean;
  readonly onTag: (tag: TagResult) => void;
}

/**
 * Makes every tag point at a manifest that one repository has.
 *
 * @returns the result of each tag, or after all tags were tried, the problems: those of the registry, and `run/immutable-tag`
 */
export async function putTags(
  client: RegistryClient,
  source: DigestRef,
  refs: readonly ImageRef[],
  options: PutOptions,
): Promise<Result<readonly TagResult[]>> {
  const results: TagResult[] = [];
  const problems: Problem[] = [];
  const report = (ref: string, action: TagResult['action']) => {
    const tag = { ref, digest: source.digest, action };
    results.push(tag);
    options.onTag(tag);
  };
  for (const wanted of refs) {
    const ref = nameFor(wanted, source.digest);
    const name = formatImageRef(ref);
    // The engine pushed it by digest, and there is no tag to move.
    if (isUnnamed(wanted) && options.fresh && options.manifest === undefined) {
      report(name, 'pushed');
      continue;
    }
    // Another run may have put the tag while this one was building.
    if (options.isImmutable(ref)) client.forget(ref);
    const presence = await client.head(ref);
    if (presence.kind === 'present' && presence.digest === source.digest) {
      report(name, 'there');
      continue;
    }
    if (presence.kind !== 'absent' && options.isImmutable(ref)) {
      problems.push(immutableProblem(name, presence.kind === 'present' ? presence.digest : undefined));
      continue;
    }
    // Pushed bytes are in every wanted repository; using the same repository avoids a copy.
    const from = options.fresh
      ? { registry: ref.registry, repository: ref.repository, digest: source.digest }
      : source;
    const { manifest } = options;
    const put =
      manifest === undefined ? await client.tagManifest(from, ref) : await client.putManifest(ref, manifest);
    if (put.ok) report(name, options.fresh ? 'pushed' : 'retagged');
    else problems.push(...put.error);
  }
  return problems.length > 0 ? fail(problems) : ok(results);
}

/** Tags in the order to move them together. One that exists can be moved back if a later one cannot be moved, so new ones come last. */
export function newOnesLast<T extends { readonly ref: ImageRef }>(
  tags: readonly T[],
  before: ReadonlyMap<string, Presence>,
): readonly T[] {
  const isNew = ({ ref }: T) => before.get(formatImageRef(ref))?.kind === 'absent';
  return [...tags.filter((one) => !isNew(one)), ...tags.filter(isNew)];
}

/** The problem of moving an immutable tag. */
export function immutableProblem(ref: string, digest: Digest | undefined): Problem {
  return digest === undefined
    ? problem(
        'run/immutable-tag',
        `\`${ref}\` is immutable, and its registry does not say what it points to`,
        {
          hint: 'Run again when the registry answers.',
        },
      )
    : problem(
        'run/immutable-tag',
        `\`${ref}\` is immutable and exists (${digest}), and this run would change it`,
        {
          hint: 'Give the new image another tag, or remove the tag from `immutable:`.',
        },
      );
}
