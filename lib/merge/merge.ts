/**
 * Joins images of builds whose platforms were built in separate runs, and moves their tags. Everything is read first.
 * Then all indexes are put by digest, and only when all are there, the tags move together.
 */
import {
  createHider,
  type Digest,
  type DigestRef,
  fail,
  formatImageRef,
  hideInProblem,
  ok,
  type Plan,
  type PlanNode,
  type PlatformManifest,
  type Problem,
  problem,
  type Result,
  repositoriesOf,
} from '../model/mod.ts';
import {
  type OnBlob,
  type PlannedJoin,
  type Presence,
  planJoin,
  putJoined,
  type RegistryClient,
  type SignIn,
} from '../registry/mod.ts';
import {
  askAgain,
  checkTags,
  immutableProblem,
  immutableTags,
  KEPT_WORDS,
  openPlanClient,
  putTogether,
  wantedTags,
} from '../run/mod.ts';
import { option } from '../util/option-words.ts';
import { type ChosenPart, chooseParts, type PartResult } from './choose.ts';

/** What to join, and how. */
export interface MergeOptions {
  /** The plan as in builds.yaml, with all platforms, which defines the wanted platforms and their order. */
  readonly plan: Plan;
  /** Results of the runs of single platforms. */
  readonly results: readonly PartResult[];
  readonly env: Readonly<Record<string, string | undefined>>;
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
export interface MergedTag {
  /** Full reference. */
  readonly ref: string;
  /** Of the joined image. */
  readonly digest: Digest;
  /** `there`: it already pointed at the image. In a dry run, `put` says what would be done. */
  readonly action: 'put' | 'there';
  /** What it pointed at before. */
  readonly previous: Digest | 'absent' | 'unknown';
}

/** The result for one build. */
export interface MergedBuild {
  /** Its name. */
  readonly build: string;
  /** Digest of the index, or of the manifest if it has one platform and no attestations. */
  readonly digest: Digest;
  /** Of that index or manifest. */
  readonly mediaType: string;
  /** In the order of the index. */
  readonly platforms: readonly PlatformManifest[];
  /** In the order of builds.yaml. */
  readonly tags: readonly MergedTag[];
}

/** What was joined, or would be joined in a dry run. */
export interface Merged {
  /** Nothing was written. */
  readonly dryRun: boolean;
  /** In the order of the plan. */
  readonly builds: readonly MergedBuild[];
  /** Names of selected builds that are not pushed. */
  readonly passedOver: readonly string[];
  /** In a dry run: why it is not known where tags point. */
  readonly problems: readonly Problem[];
}

/** Fields that programs use; sensitive values are not hidden in them. */
const KEPT: ReadonlySet<string> = new Set([...KEPT_WORDS, 'previous', 'platforms']);

/**
 * Joins the images of platforms of the selected builds, and makes the builds' tags point at them: all or none.
 *
 * @returns problems before anything is sent: `plan/empty-selection`, `build/bad-tag`, those of `chooseParts` and
 *   `planJoin`, `run/part-gone`, `run/immutable-tag`, `registry/…`. If an index could not be put: `registry/…`, and no
 *   tag has moved. If a tag could not be moved: its problem, and `run/publish-rolled-back` or `run/publish-left` for
 *   those moved before
 */
export async function merge(options: MergeOptions): Promise<Result<Merged>> {
  const hider = createHider(options.plan.set.variables);
  const client = openPlanClient(options, options.signal);
  try {
    const merged = await mergeWith(client, options);
    if (!merged.ok) return fail(merged.error.map((one) => hideInProblem(one, hider, KEPT)));
    return ok(hider.hide(merged.value, KEPT));
  } finally {
    await client.close();
  }
}

/** A build and its planned index. */
interface Joining {
  readonly node: PlanNode;
  readonly joined: PlannedJoin;
}

async function mergeWith(client: RegistryClient, options: MergeOptions): Promise<Result<Merged>> {
  const { plan, dryRun = false } = options;
  const asked = [...plan.nodes.values()].filter(({ role }) => role === 'asked');
  const passedOver = asked.filter(({ pushes }) => !pushes).map(({ build }) => build.name);
  const chosen = chooseAll(
    options,
    asked.filter(({ pushes }) => pushes),
  );
  if (!chosen.ok) return chosen;
  const planned = await planAll(client, chosen.value);
  if (!planned.ok) return planned;
  const joinings = planned.value;
  const standing = await askStanding(client, joinings);
  const isImmutable = immutableTags(plan.set.immutable ?? []);
  const refused = joinings.flatMap((one) => refusedTags(one, standing, isImmutable));
  if (refused.length > 0) return fail(refused);
  if (dryRun)
    return ok({ dryRun, builds: buildsOf(joinings, standing), passedOver, problems: unsureOf(standing) });
  const put = await putAll(client, joinings, options);
  if (!put.ok) return put;
  // Tags may have changed meanwhile; a rollback restores what they point at now.
  const before = await askStanding(client, joinings);
  const unsure = unsureOf(before);
  if (unsure.length > 0) return fail(unsure);
  const moving = { client, isImmutable, openClient: () => openPlanClient(options) };
  const moves = joinings.flatMap(({ node, joined }) =>
    wantedTags(node).map((ref) => ({ build: node.build.name, ref, digest: joined.digest })),
  );
  const moved = await putTogether(moving, moves, before);
  return moved.ok ? ok({ dryRun, builds: buildsOf(joinings, before), passedOver, problems: [] }) : moved;
}

interface Chosen {
  readonly node: PlanNode;
  readonly parts: readonly ChosenPart[];
}

function chooseAll({ plan, results }: MergeOptions, nodes: readonly PlanNode[]): Result<readonly Chosen[]> {
  if (nodes.length === 0) {
    return fail([
      problem('plan/empty-selection', 'no selected build has a tag that is pushed', {
        hint: `Select others, or treat these as pushed, whatever their \`push\` is: ${option('--push')}`,
      }),
    ]);
  }
  const problems: Problem[] = [];
  const chosen = nodes.flatMap((node): readonly Chosen[] => {
    problems.push(...checkTags(node, plan.set.variables));
    const parts = chooseParts(node, results);
    if (parts.ok) return [{ node, parts: parts.value }];
    problems.push(...parts.error);
    return [];
  });
  return problems.length > 0 ? fail(problems) : ok(chosen);
}

async function planAll(
  client: RegistryClient,
  chosen: readonly Chosen[],
): Promise<Result<readonly Joining[]>> {
  client.expect(chosen.flatMap(({ node }) => wantedTags(node)));
  const planned = await Promise.all(chosen.map((one) => planOne(client, one)));
  const problems = planned.flatMap((one) => (one.ok ? [] : one.error));
  return problems.length > 0 ? fail(problems) : ok(planned.flatMap((one) => (one.ok ? one.value : [])));
}

/** A repository that has the image; undefined if none has. */
async function findPart(
  client: RegistryClient,
  node: PlanNode,
  digest: Digest,
): Promise<Result<DigestRef | undefined>> {
  const places = repositoriesOf(wantedTags(node)).map((ref): DigestRef => ({ ...ref, digest }));
  const standing = await Promise.all(places.map((place) => client.head(place)));
  const held = places.find((_, at) => standing[at]?.kind === 'present');
  const unsure = standing.flatMap((one) => (one.kind === 'unknown' ? one.problem : []));
  return held !== undefined || unsure.length === 0 ? ok(held) : fail(unsure);
}

/** Looks for the parts only in the build's own repositories, so that results cannot bring in an image from elsewhere. */
async function planOne(client: RegistryClient, { node, parts }: Chosen): Promise<Result<Joining>> {
  const { build } = node;
  const found = await Promise.all(parts.map(({ digest }) => findPart(client, node, digest)));
  const unsure = found.flatMap((one) => (one.ok ? [] : one.error));
  if (unsure.length > 0) return fail(unsure.map((one) => ({ ...one, build: build.name })));
  const placed = parts.flatMap((part, at) => {
    const place = found[at];
    return place?.ok === true && place.value !== undefined ? [{ ...part, repository: place.value }] : [];
  });
  const gone = parts.filter(({ platform }) => !placed.some((one) => one.platform === platform));
  if (gone.length > 0) return fail(gone.map((part) => partGone(node, part)));
  const joined = await planJoin(client, { parts: placed, annotations: build.annotations });
  return joined.ok
    ? ok({ node, joined: joined.value })
    : fail(joined.error.map((one) => ({ ...one, build: build.name })));
}

function partGone({ build }: PlanNode, { platform, digest }: ChosenPart): Problem {
  return problem(
    'run/part-gone',
    `the image of \`${build.name}\` for ${platform} is ${digest}, which no repository of its tags is known to have`,
    {
      build: build.name,
      hint: 'Give both commands the same variables, so that the repositories match. Or build it again: its registry may have deleted untagged images.',
    },
  );
}

function askStanding(
  client: RegistryClient,
  joinings: readonly Joining[],
): Promise<ReadonlyMap<string, Presence>> {
  return askAgain(
    client,
    joinings.flatMap(({ node }) => wantedTags(node)),
  );
}

function unsureOf(standing: ReadonlyMap<string, Presence>): readonly Problem[] {
  return [...standing.values()].flatMap((one) => (one.kind === 'unknown' ? one.problem : []));
}

function refusedTags(
  { node, joined }: Joining,
  standing: ReadonlyMap<string, Presence>,
  isImmutable: ReturnType<typeof immutableTags>,
): readonly Problem[] {
  return wantedTags(node).flatMap((ref) => {
    const name = formatImageRef(ref);
    const was = standing.get(name);
    if (was?.kind === 'absent' || !isImmutable(ref)) return [];
    const digest = was?.kind === 'present' ? was.digest : undefined;
    return digest === joined.digest ? [] : [{ ...immutableProblem(name, digest), build: node.build.name }];
  });
}

/** Puts all indexes by digest into all repositories. */
async function putAll(
  client: RegistryClient,
  joinings: readonly Joining[],
  { plan, onBlob }: MergeOptions,
): Promise<Result<void>> {
  const { hide } = createHider(plan.set.variables);
  for (const { node, joined } of joinings) {
    const put = await putJoined(client, joined, repositoriesOf(wantedTags(node)), {
      ...(onBlob === undefined ? {} : { onBlob: (blob) => onBlob(hide(blob, KEPT)) }),
    });
    if (!put.ok) return fail(put.error.map((one) => ({ ...one, build: node.build.name })));
  }
  return ok(undefined);
}

function buildsOf(
  joinings: readonly Joining[],
  before: ReadonlyMap<string, Presence>,
): readonly MergedBuild[] {
  return joinings.map(({ node, joined: { digest, mediaType, platforms } }) => ({
    build: node.build.name,
    digest,
    mediaType,
    platforms,
    tags: wantedTags(node).map((wanted): MergedTag => {
      const ref = formatImageRef(wanted);
      const was = before.get(ref);
      const previous = was?.kind === 'present' ? was.digest : (was?.kind ?? 'unknown');
      return { ref, digest, action: previous === digest ? 'there' : 'put', previous };
    }),
  }));
}
