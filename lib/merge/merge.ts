/**
 * Builds of which each platform was built by a run of its own: their images are joined, and their tags moved. Everything is read
 * first, then all indexes go to their repositories by digest, and only where all of them are there the tags move, together.
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
  /** As builds.yaml has it, with all platforms: it says which are wanted, and in which order. */
  readonly plan: Plan;
  /** What the runs of single platforms gave. */
  readonly results: readonly PartResult[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Only asks; writes nothing. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  /** Sensitive values in names are hidden. */
  readonly onBlob?: OnBlob;
  readonly userAgent?: string;
  /** For its registry in place of the Docker config; sent to no other. */
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
  /** Of the index; of the manifest, where it has one platform and nothing is attested of it. */
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

/** What programs go by; no sensitive value is taken out of it. */
const KEPT: ReadonlySet<string> = new Set([...KEPT_WORDS, 'previous', 'platforms']);

/**
 * Joins the images of platforms of the selected builds, and makes the builds' tags point at them: all or none.
 *
 * @returns problems: `plan/empty-selection`, `build/bad-tag`, of choosing (`chooseParts`), `run/part-gone`, of joining (`planJoin`),
 *   `run/immutable-tag` and `registry/…`, before anything is sent; `registry/…` where something could not be put, when no tag has moved;
 *   where a tag could not be moved, that and `run/publish-rolled-back`, `run/publish-left` for those moved before
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

/** A build with what is joined of it. */
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
  // Time has passed, and what is put back on failure is what stands there now.
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
        hint: `Name others, or take them as pushed, whatever their \`push\` says: ${option('--push')}`,
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

/** A repository that has an image; undefined where none of them has it. */
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

/** The parts are looked for in the build's own repositories: nobody's word brings in an image from elsewhere. */
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
    `the image of \`${build.name}\` for ${platform} is ${digest}, and no repository of its tags is known to have that`,
    {
      build: build.name,
      hint: 'Give both commands the same variables, so that the tags are in the same repositories; or build it again: its registry may have cleaned up what had no tag.',
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

/** Puts all indexes by digest, into all repositories. */
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
