/**
 * Whether what a tag holds is what its build makes: built again without any cache, every timestamp set to one, as a
 * scratch build, and compared with the registry layer by layer. Nothing is pushed, moved or remembered.
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
  /** What kept everything from being looked at. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/**
 * Verifies the builds of a plan that were requested. What they read is what the registry has under its tag, and a scratch
 * build where it has nothing. Its events are those of a run but for the last, and of each build `node-finished` says what
 * became of its scratch build.
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

/** What all builds are verified with. */
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
      const why = problem('run/verify-unknown', `\`${name}\` needs \`${by}\`, which could not be had`, {
        hint: 'Push what it needs, or see why that cannot be built.',
      });
      verified.set(name, unknown(name, why));
    },
  });
  return [...plan.nodes.keys()].flatMap((name) => verified.get(name) ?? []);
}

const AS_PUBLISHED: Reason = { code: 'not-needed', text: 'read as its tag holds it' };

/** Words that programs go by, in what was compared. */
const KEPT_IN_PLATFORMS: ReadonlySet<string> = new Set([
  ...KEPT_WORDS,
  ...['platform', 'verdict', 'only', 'change', 'noise'],
]);

/** The digest and places hold no value of a variable; words and the configs of images may. */
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
  /** What became of its scratch build, if there was one. */
  readonly kind: Outcome['kind'];
  readonly steps?: Outcome['steps'];
  /** For builds that read it; undefined where there is nothing to read. */
  readonly result?: NodeResult;
}

function notVerified(build: string, why: Problem): NodeVerified {
  return { verification: unknown(build, why), kind: 'failed' };
}

/** What the registry has is what others were built on, so it is what they read here, too. */
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

/** A scratch build with what it is to be compared with. */
interface Made {
  readonly node: PlanNode;
  readonly inputs: NodeInputs;
  readonly published: Published;
  readonly built: Built;
  readonly dir: string;
}

/** Throws, with words, where something cannot be read. */
async function compareWithTag(
  { context, rules }: Verifying,
  { node, inputs, published, built, dir }: Made,
): Promise<NodeVerified> {
  const name = node.build.name;
  const { digest, steps } = built;
  if (digest === undefined)
    return notVerified(name, problem('run/verify-unknown', `\`${name}\` gives no image`));
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

/** Shows what we do ourselves as a step of the build, since it can take as long as one. */
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

/** Counts the differences that do not count. */
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

/** The build with every cache turned off and every timestamp set to one. */
function fromNothing(build: Build): Build {
  return { ...build, noCache: true, noCacheFilter: [], cacheFrom: [], reproducible: true };
}

type Published =
  | { readonly kind: 'found'; readonly ref: ImageRef; readonly image: ImageResult }
  | { readonly kind: 'missing'; readonly problem: Problem };

/** The image of the build's first tag. Where it is not pushed, a tag of that name in a registry is somebody else's. */
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
      `Only what has \`tags\` and \`push\` in builds.yaml can be verified; for one call that is turned on by ${option('--push')}.`,
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

/** A build that could not be compared; `why` becomes a problem of it. */
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
    hint: 'A layer that cannot be read proves nothing, in either direction.',
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
