/**
 * Verifies whether a tag has what its build makes: builds it again as a scratch build without any cache and with fixed
 * timestamps, and compares it with the registry layer by layer. Pushes, moves and records nothing.
 */

import type { Built } from '../buildctl/mod.ts';
import { counts, type DifferenceRules, type Verdict } from '../compare/mod.ts';
import { computeInputs, type NodeInputs } from '../inputs/mod.ts';
import {
  type Build,
  createHider,
  type Digest,
  formatImageRef,
  type Hider,
  type ImageRef,
  type ImageResult,
  type Outcome,
  type Plan,
  type PlanNode,
  type Problem,
  problem,
  problemToJson,
  type Reason,
} from '../model/mod.ts';
import type { RegistryClient } from '../registry/mod.ts';
import {
  announceRun,
  type BakeOptions,
  checkJobs,
  checkPlan,
  findMissingSecrets,
  findProxies,
  KEPT_WORDS,
  type NodeContext,
  type NodeResult,
  needsOf,
  runGraph,
  type SessionOptions,
  tellInterruption,
  wantedTags,
  withEmitter,
  withSession,
} from '../run/mod.ts';
import { option } from '../util/option-words.ts';
import {
  comparePlatforms,
  describeDifferences,
  layoutStore,
  type PlatformComparison,
  platformsOf,
  registryStore,
  worstOf,
} from './image-source.ts';
import { buildScratch, linkScratch } from './scratch.ts';

/** The result for one build. */
export interface Verification {
  /** Name of the build. */
  readonly build: string;
  /** The tag that was compared; undefined if the build has none. */
  readonly ref?: string;
  /** What the tag points at. */
  readonly digest?: Digest;
  /** `unknown`: the comparison was not possible; `problem` says why. */
  readonly verdict: Verdict | 'unknown';
  /** Results for each platform; empty with `unknown`. */
  readonly platforms: readonly PlatformComparison[];
  /** Each difference that counts, as text, from the tag's image to the new one. */
  readonly differences: readonly string[];
  /** How many differences do not count. */
  readonly notCounted: NotCounted;
  /** With `unknown`: why the comparison was not possible. */
  readonly problem?: Problem;
}

/** Differences of files that do not count. */
export interface NotCounted {
  /** Known noise, such as times in caches. */
  readonly knownNoise: number;
  /** Each pattern that was given, even if it ignored nothing. */
  readonly ignored: readonly { readonly pattern: string; readonly count: number }[];
}

/** What to verify and how. */
export interface VerifyOptions
  extends Omit<BakeOptions, 'force' | 'dryRun' | 'audit' | 'atomic' | 'failFast'>,
    Pick<SessionOptions, 'engines' | 'sleep'> {
  /** What of the differences does not count; default: known noise. */
  readonly rules?: DifferenceRules;
}

/** All that was found out. */
export interface VerifyReport {
  /** In the order of the plan. */
  readonly builds: readonly Verification[];
  /** Why nothing could be compared. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/**
 * Verifies the requested builds of a plan. Their dependencies are read from the registry by tag, or made as scratch
 * builds if they are missing there. Sends the events of a run except the last; the `node-finished` of a build reports
 * its scratch build.
 */
export async function verifyBuilds(options: VerifyOptions): Promise<VerifyReport> {
  checkJobs(options.jobs);
  const { plan, rules = { isStrict: false, ignore: [] } } = options;
  const requested = [...plan.nodes.values()].filter(({ role }) => role === 'asked');
  const found = [
    ...(await checkPlan(plan, options.dockerfiles)),
    ...(await Promise.all(requested.map(({ build }) => findMissingSecrets(build, options.env)))).flat(),
  ];
  const warnings = found.filter((one) => one.severity === 'warning');
  const proxies = await findProxies(options);
  const hider = createHider(plan.set.variables, proxies.sensitive);
  const verified = await withEmitter(options, hider, (emit, signal) => {
    announceRun(options, emit);
    const nothingMore = tellInterruption(options.signal, emit);
    return withSession({ ...options, proxies, emit, signal }, async (session) => {
      const { lock } = session;
      const problems = lock.ok ? found.filter((one) => one.severity === 'error') : lock.error;
      if (problems.length > 0) return { builds: [], problems, warnings: lock.ok ? warnings : [] };
      const { context, results } = await session.startPass(true);
      const builds = await verifyAll({ context, plan, rules }, results);
      return { builds: builds.map((one) => withoutSecrets(one, hider)), problems: [], warnings };
    }).finally(nothingMore);
  });
  return verified.ok ? verified.value : { builds: [], problems: [verified.error], warnings };
}

/** What the verification of each build needs. */
interface Verifying {
  readonly context: NodeContext;
  readonly plan: Plan;
  readonly rules: DifferenceRules;
}

/** The builds that were requested, in the order of the plan. */
async function verifyAll(
  verifying: Verifying,
  results: Map<string, NodeResult>,
): Promise<readonly Verification[]> {
  const { context, plan } = verifying;
  const verified = new Map<string, Verification>();
  await runGraph({
    needs: needsOf(plan),
    run: async (name) => {
      const node = plan.nodes.get(name);
      if (node === undefined) return 'failed';
      context.phases.begin(name);
      const { result, verification, kind, steps } = await verifyNode(verifying, node);
      const { problem: why } = verification;
      const outcome: Outcome = {
        build: name,
        kind,
        tags: [],
        ...context.phases.finish(name),
        ...(steps === undefined ? {} : { steps }),
        ...(kind === 'unchanged' ? { reason: AS_PUBLISHED } : {}),
        ...(kind === 'failed' && why !== undefined ? { problem: problemToJson(why) } : {}),
      };
      context.emit({ type: 'node-finished', build: name, outcome });
      if (node.role === 'asked') verified.set(name, verification);
      if (result !== undefined) results.set(name, result);
      return result === undefined ? 'failed' : 'done';
    },
    block: (name, by) => {
      const outcome: Outcome = { build: name, kind: 'blocked', blockedBy: by, tags: [], durationMs: 0 };
      context.emit({ type: 'node-finished', build: name, outcome });
      if (plan.nodes.get(name)?.role !== 'asked') return;
      const why = problem('run/verify-unknown', `\`${name}\` needs \`${by}\`, which is not available`, {
        hint: 'Push that build, or find out why it cannot be built.',
      });
      verified.set(name, unknown(name, why));
    },
  });
  return [...plan.nodes.keys()].flatMap((name) => verified.get(name) ?? []);
}

const AS_PUBLISHED: Reason = { code: 'not-needed', text: 'read from its tag' };

/** Keys in the results of comparisons whose values programs use. */
const KEPT_IN_PLATFORMS: ReadonlySet<string> = new Set([
  ...KEPT_WORDS,
  ...['platform', 'verdict', 'only', 'change', 'noise'],
]);

/** Hides sensitive values in texts and image configs; digests and places contain none. */
function withoutSecrets(found: Verification, { hide }: Hider): Verification {
  const { ref, problem: why, differences, notCounted } = found;
  return {
    ...found,
    ...(ref === undefined ? {} : { ref: hide(ref) }),
    platforms: hide(found.platforms, KEPT_IN_PLATFORMS),
    differences: hide(differences),
    notCounted: hide(notCounted),
    ...(why === undefined
      ? {}
      : {
          problem: {
            ...why,
            message: hide(why.message),
            ...(why.hint === undefined ? {} : { hint: hide(why.hint) }),
            ...(why.detail === undefined ? {} : { detail: hide(why.detail) }),
          },
        }),
  };
}

interface NodeVerified {
  readonly verification: Verification;
  /** The outcome of its scratch build, if there was one. */
  readonly kind: Outcome['kind'];
  readonly steps?: Outcome['steps'];
  /** For dependents; undefined if there is nothing to read. */
  readonly result?: NodeResult;
}

function notVerified(build: string, why: Problem): NodeVerified {
  return { verification: unknown(build, why), kind: 'failed' };
}

/** Dependencies come from the registry, because the published images are based on those. */
async function verifyNode(verifying: Verifying, node: PlanNode): Promise<NodeVerified> {
  const { context, plan } = verifying;
  const name = node.build.name;
  const { registry, calling } = context.building;
  const inputs = await computeInputs(context.keying, node);
  const [broken] = inputs.problems;
  if (broken !== undefined) return notVerified(name, broken);
  const published = await readTag(registry, node);
  const isRequested = node.role === 'asked';
  if (!isRequested && published.kind === 'found') {
    const result = resultOf(node, inputs, published.image);
    return { verification: unknown(name, undefined), kind: 'unchanged', result };
  }
  if (isRequested && published.kind === 'missing' && node.neededBy.length === 0)
    return notVerified(name, published.problem);

  const links = await linkScratch({ resultOf: context.resultOf, registry }, plan, node);
  if (!links.ok)
    return notVerified(name, problem('run/verify-unknown', `\`${name}\` cannot be built: ${links.error}`));
  const made = await buildScratch(calling, {
    node,
    inputs,
    build: fromNothing(node.build),
    links: links.value,
  });
  if (made.kind === 'cancelled') return { verification: unknown(name, cancelled(name)), kind: 'cancelled' };
  if (made.kind === 'failed') return notVerified(name, made.problem);
  try {
    return await compareWithTag(verifying, { node, inputs, published, ...made });
  } catch (error) {
    return notVerified(name, unreadable(name, error));
  }
}

/** A scratch build, and the image to compare it with. */
interface Made {
  readonly node: PlanNode;
  readonly inputs: NodeInputs;
  readonly published: Published;
  readonly built: Built;
  readonly dir: string;
}

/** Throws an error with a readable message if something cannot be read. */
async function compareWithTag(
  { context, rules }: Verifying,
  { node, inputs, published, built, dir }: Made,
): Promise<NodeVerified> {
  const name = node.build.name;
  const { digest, steps } = built;
  if (digest === undefined)
    return notVerified(name, problem('run/verify-unknown', `\`${name}\` makes no image`));
  const store = layoutStore(dir);
  const platforms = await platformsOf(store, digest);
  if (published.kind === 'missing') {
    const image: ImageResult = {
      digest,
      platforms: [...platforms].map(([platform, own]) => ({ platform, digest: own })),
      location: { kind: 'layout', dir },
    };
    const result = resultOf(node, inputs, image);
    return { verification: unknown(name, published.problem), kind: 'built', steps, result };
  }
  const { ref, image } = published;
  const compared = await asStep(context, name, `comparing with ${formatImageRef(ref)}`, () =>
    comparePlatforms(
      {
        store: registryStore(context.building.registry, ref),
        platforms: new Map(image.platforms.map((one) => [one.platform, one.digest])),
      },
      { store, platforms },
      rules,
    ),
  );
  const verification: Verification = {
    build: name,
    ref: formatImageRef(ref),
    digest: image.digest,
    verdict: worstOf(compared),
    platforms: compared,
    differences: describeDifferences(compared, ['the tag', 'the new image']),
    notCounted: countOthers(compared, rules),
  };
  return { verification, kind: 'built', steps, result: resultOf(node, inputs, image) };
}

/** Shows work of bake-ts as a step of the build, because it can take as long as one. */
async function asStep<T>(
  { emit, clock }: NodeContext,
  build: string,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  const step = { type: 'vertex', build, digest: `bake-ts: ${name}`, name } as const;
  const startedAt = clock();
  emit({ ...step, state: 'running' });
  let error: string | undefined;
  try {
    return await work();
  } catch (thrown) {
    error = messageOf(thrown);
    throw thrown;
  } finally {
    const durationMs = clock() - startedAt;
    emit(
      error === undefined
        ? { ...step, state: 'done', durationMs }
        : { ...step, state: 'failed', durationMs, error },
    );
  }
}

/** Counts the differences that are known noise or ignored. */
function countOthers(platforms: readonly PlatformComparison[], { ignore }: DifferenceRules): NotCounted {
  const others = platforms.flatMap(({ comparison }) =>
    (comparison?.layers ?? []).flatMap(({ files }) => files.filter((file) => !counts(file))),
  );
  return {
    knownNoise: others.filter(({ noise }) => noise !== undefined).length,
    ignored: ignore.map(({ text }) => ({
      pattern: text,
      count: others.filter(({ ignored }) => ignored === text).length,
    })),
  };
}

/** The build without any cache and with fixed timestamps. */
function fromNothing(build: Build): Build {
  return { ...build, noCache: true, noCacheFilter: [], cacheFrom: [], reproducible: true };
}

type Published =
  | { readonly kind: 'found'; readonly ref: ImageRef; readonly image: ImageResult }
  | { readonly kind: 'missing'; readonly problem: Problem };

/** The image of the build's first tag. If the build is not pushed, a tag of that name in a registry belongs to somebody else. */
async function readTag(registry: RegistryClient, node: PlanNode): Promise<Published> {
  const { name, push } = node.build;
  const none = (message: string, hint: string): Published => ({
    kind: 'missing',
    problem: problem('run/verify-unknown', message, { hint }),
  });
  const [first] = wantedTags(node);
  if (first === undefined || push === 'never') {
    return none(
      `\`${name}\` is not pushed, so there is nothing to compare it with`,
      `Set \`tags\` and \`push\` in builds.yaml, or for one call use ${option('--push')}.`,
    );
  }
  const presence = await registry.head(first);
  if (presence.kind === 'unknown') return { kind: 'missing', problem: presence.problem };
  if (presence.kind === 'absent')
    return none(`${formatImageRef(first)} is not in its registry`, `Push it: bake-ts run ${name}`);
  const { digest } = presence;
  try {
    const platforms = await platformsOf(registryStore(registry, first), digest);
    const image: ImageResult = {
      digest,
      platforms: [...platforms].map(([platform, own]) => ({ platform, digest: own })),
      location: {
        kind: 'registry',
        ref: { registry: first.registry, repository: first.repository, digest },
      },
    };
    return { kind: 'found', ref: first, image };
  } catch (error) {
    return { kind: 'missing', problem: unreadable(name, error) };
  }
}

function resultOf(node: PlanNode, inputs: NodeInputs, image: ImageResult): NodeResult {
  const outcome: Outcome = { build: node.build.name, kind: 'unchanged', tags: [], durationMs: 0 };
  return { outcome, image, ...(inputs.produces === undefined ? {} : { produces: inputs.produces }) };
}

/** The verdict of a build that could not be compared; `why` becomes its problem. */
function unknown(build: string, why: Problem | undefined): Verification {
  return {
    build,
    verdict: 'unknown',
    platforms: [],
    differences: [],
    notCounted: { knownNoise: 0, ignored: [] },
    ...(why === undefined ? {} : { problem: { ...why, build } }),
  };
}

function cancelled(build: string): Problem {
  return problem('run/verify-unknown', `\`${build}\` was not compared: stopped`);
}

function unreadable(build: string, error: unknown): Problem {
  return problem('run/verify-unknown', `\`${build}\` cannot be compared: ${messageOf(error)}`, {
    hint: 'Fix that and verify again: a layer that cannot be read proves nothing.',
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
