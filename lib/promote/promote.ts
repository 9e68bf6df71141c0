/**
 * Copies tags of a plan by digest to other registries or repositories: all or none. Everything is looked up first. Then
 * all images are copied by digest, and only when all are there, the tags move together.
 */
import {
  createHider,
  type Digest,
  fail,
  formatImageRef,
  hideInProblem,
  ok,
  type Plan,
  type Problem,
  type Result,
} from '../model/mod.ts';
import type { CopyOptions, OnBlob, Presence, RegistryClient, SignIn } from '../registry/mod.ts';
import { immutableTags, KEPT_WORDS, openPlanClient, putTogether } from '../run/mod.ts';
import { askSources, askTargets, checkTargets, type FoundImage } from './ask.ts';
import { type Brought, bringImages } from './bring.ts';
import { chooseTags, type PassedOver } from './choose.ts';
import type { Destination } from './destination.ts';

/** What to promote, and how. */
export interface PromoteOptions {
  readonly plan: Plan;
  /** From `readDestinations`. */
  readonly to: readonly Destination[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Also copy signatures, SBOMs and other manifests whose `subject` is one of the images. */
  readonly referrers?: boolean;
  /** Only check; write nothing. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  /** Sensitive values in names are hidden. */
  readonly onBlob?: OnBlob;
  readonly userAgent?: string;
  /** Credentials for one registry instead of the Docker config; sent to no other. */
  readonly signIn?: SignIn;
}

/** The result for one tag. Sensitive values in names are hidden. */
export interface PromotedTag {
  /** Name of the build. */
  readonly build: string;
  /** The tag of the build, as a full reference. */
  readonly source: string;
  /** The name at the destination, as a full reference. */
  readonly target: string;
  /** The digest at which both point. */
  readonly digest: Digest;
  /** `there`: the target already pointed at it. In a dry run, `put` says what would be done. */
  readonly action: 'put' | 'there';
  /** What the target pointed at before. */
  readonly previous: Digest | 'absent' | 'unknown';
}

/** What a promotion did, or would do in a dry run. */
export interface Promotion extends Brought {
  /** Nothing was written. */
  readonly dryRun: boolean;
  /** Results for every tag, in the order of the plan. */
  readonly tags: readonly PromotedTag[];
  /** Selected builds and dependencies that were skipped. */
  readonly passedOver: readonly PassedOver[];
  /** In a dry run: why it is not known where targets point. */
  readonly problems: readonly Problem[];
}

/** Fields that programs use; sensitive values are not hidden in them. */
const KEPT: ReadonlySet<string> = new Set([...KEPT_WORDS, 'previous', 'why']);
const NOTHING: Brought = { blobs: { mounted: 0, copied: 0, there: 0 }, copiedBytes: 0, referrers: 0 };

/**
 * Makes the destination names of the selected builds' tags point at what the tags point at now.
 *
 * @returns problems before anything is sent: those of `chooseTags`, `registry/…`, `run/tags-apart`,
 *   `run/immutable-tag`, `plan/same-destination`. If copying failed: `registry/…`, and no tag has moved. If a tag could
 *   not be moved: its problem, and `run/publish-rolled-back` or `run/publish-left` for those moved before
 */
export async function promote(options: PromoteOptions): Promise<Result<Promotion>> {
  const hider = createHider(options.plan.set.variables);
  const chosen = chooseTags(options.plan, options.to);
  if (!chosen.ok) return fail(chosen.error.map((one) => hideInProblem(one, hider, KEPT)));
  const { images, passedOver } = chosen.value;
  const stop = new AbortController();
  const signals = [stop.signal, ...(options.signal === undefined ? [] : [options.signal])];
  const client = openPlanClient(options, AbortSignal.any(signals));
  try {
    const found = await askSources(client, images);
    if (!found.ok) return fail(found.error.map((one) => hideInProblem(one, hider, KEPT)));
    const done = await promoteFound({ options, client, stop }, found.value);
    if (!done.ok) return fail(done.error.map((one) => hideInProblem(one, hider, KEPT)));
    return ok(hider.hide({ ...done.value, passedOver }, KEPT));
  } finally {
    await client.close();
  }
}

/** A promotion under way. */
interface Promoting {
  readonly options: PromoteOptions;
  readonly client: RegistryClient;
  /** Stops everything under way. */
  readonly stop: AbortController;
}

async function promoteFound(
  promoting: Promoting,
  images: readonly FoundImage[],
): Promise<Result<Omit<Promotion, 'passedOver'>>> {
  const { options, client, stop } = promoting;
  const isImmutable = immutableTags(options.plan.set.immutable ?? []);
  const standing = await askTargets(client, images);
  const refused = checkTargets(images, standing, isImmutable);
  if (refused.length > 0) return fail(refused);
  if (options.dryRun === true) {
    const problems = [...standing.values()].flatMap((one) => (one.kind === 'unknown' ? one.problem : []));
    return ok({ ...NOTHING, dryRun: true, tags: tagsOf(images, standing), problems });
  }
  const brought = await bringImages({ client, stop, options: copyOptionsOf(options) }, images, standing);
  if (!brought.ok) return brought;
  if (tagsOf(images, standing).every(({ action }) => action === 'there'))
    return ok({ ...brought.value, dryRun: false, tags: tagsOf(images, standing), problems: [] });
  // Tags may have changed meanwhile; a rollback restores what they point at now.
  const before = await askTargets(client, images);
  const unsure = [...before.values()].flatMap((one) => (one.kind === 'unknown' ? one.problem : []));
  if (unsure.length > 0) return fail(unsure);
  const moving = { client, isImmutable, openClient: () => openPlanClient(options) };
  const put = await putTogether(moving, targetsOf(images), before);
  if (!put.ok) return put;
  return ok({ ...brought.value, dryRun: false, tags: tagsOf(images, before), problems: [] });
}

function copyOptionsOf({ plan, referrers = false, onBlob }: PromoteOptions): CopyOptions {
  const { hide } = createHider(plan.set.variables);
  return onBlob === undefined ? { referrers } : { referrers, onBlob: (blob) => onBlob(hide(blob, KEPT)) };
}

/** The targets without duplicates. */
function targetsOf(images: readonly FoundImage[]) {
  const targets = new Map(
    images.flatMap(({ build, digest, tags }) =>
      tags.map(({ target }) => [formatImageRef(target), { build, digest, ref: target }] as const),
    ),
  );
  return [...targets.values()];
}

function tagsOf(
  images: readonly FoundImage[],
  before: ReadonlyMap<string, Presence>,
): readonly PromotedTag[] {
  return images.flatMap(({ build, digest, tags }) =>
    tags.map(({ source, target }): PromotedTag => {
      const was = before.get(formatImageRef(target));
      const previous = was?.kind === 'present' ? was.digest : (was?.kind ?? 'unknown');
      return {
        build,
        source: formatImageRef(source),
        target: formatImageRef(target),
        digest,
        action: previous === digest ? 'there' : 'put',
        previous,
      };
    }),
  );
}
