/**
 * Tags in registries: asking what they point at, and putting them. Bytes are pushed by digest before any tag moves, so
 * a tag never points at something that is not wholly there.
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
 * The names that a build can be published under: its tags, or where it goes by digest its repositories (`pushedByDigest`). One that
 * is not valid is a problem before anything is built.
 */
export function wantedTags(node: PlanNode): readonly ImageRef[] {
  return node.build.tags.flatMap((tag) => tag.ref ?? []);
}

/** The name that an image is put under: in a repository alone its digest. */
export function nameFor(ref: ImageRef, digest: Digest | undefined): ImageRef {
  return isUnnamed(ref) && digest !== undefined ? { ...ref, digest } : ref;
}

/**
 * Asks what each tag points at, all at once.
 *
 * @param digest what is requested of a repository where there is no tag
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
 * Attestations hold times and ids, so the same images get another index in every build that makes them. A tag whose
 * index has the remembered images of all platforms, and attestations, is as good as the remembered one: it stays where
 * another machine put it.
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

/** A repository that has the manifest; undefined where none of them (surely) has it. */
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
  /** The bytes were pushed just now: then a put tag is `pushed`, else `retagged`. */
  readonly fresh: boolean;
  /** The manifest itself, where it is in no repository yet; all tags are of the source's repository then. */
  readonly manifest?: Manifest;
  readonly isImmutable: (ref: ImageRef) => boolean;
  readonly onTag: (tag: TagResult) => void;
}

/**
 * Makes every tag point at a manifest that one repository has.
 *
 * @returns what became of each tag; on failure the problems, after all tags were tried: those of the registry, and
 * `run/immutable-tag`
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
    // The engine put it there by its digest, and there is no tag to move.
    if (isUnnamed(wanted) && options.fresh && options.manifest === undefined) {
      report(name, 'pushed');
      continue;
    }
    // What was not there when the run began may have been put by another one while this one built.
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
    // Pushed bytes are in every wanted repository; the nearest source spares a copy between repositories.
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

/** A tag that must not move would. */
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
