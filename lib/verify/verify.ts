/**
 * Whether what a tag holds is what its build makes: built again without any cache, every timestamp set to one, as a
 * scratch build, and compared with the registry layer by layer. Nothing is pushed, moved or remembered.
 */

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
} from '../model/mod.ts';
import type { RegistryClient } from '../registry/mod.ts';
import {
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
  wantedTags,
  withEmitter,
  withSession,
} from '../run/mod.ts';
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

/** What was found out about one build. */
export interface Verification {
  readonly build: string;
  /** The tag that was compared; undefined where the build has none. */
  readonly ref?: string;
  /** What the tag points at. */
  readonly digest?: Digest;
  /** `unknown`: it could not be compared; `problem` says why. */
  readonly verdict: 'same-bytes' | 'same-files' | 'different' | 'unknown';
  readonly platforms: readonly PlatformComparison[];
  /** Each difference in words, from the tag to the new image. */
  readonly differences: readonly string[];
  readonly problem?: Problem;
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
 * build where it has nothing.
 */
export async function verifyBuilds(
  options: BakeOptions & Pick<SessionOptions, 'engines' | 'sleep'>,
): Promise<VerifyReport> {
  checkJobs(options.jobs);
  const { plan } = options;
  const requested = [...plan.nodes.values()].filter(({ role }) => role === 'asked');
  const found = [
    ...(await checkPlan(plan, options.dockerfiles)),
    ...(await Promise.all(requested.map(({ build }) => findMissingSecrets(build, options.env)))).flat(),
  ];
  const warnings = found.filter((one) => one.severity === 'warning');
  const proxies = await findProxies(options);
  const hider = createHider(plan.set.variables, proxies.sensitive);
  const verified = await withEmitter(options, hider, (emit, signal) =>
    withSession({ ...options, proxies, emit, signal }, async (session) => {
      const { lock } = session;
      const problems = lock.ok ? found.filter((one) => one.severity === 'error') : lock.error;
      if (problems.length > 0) return { builds: [], problems, warnings: lock.ok ? warnings : [] };
      const { context, results } = await session.startPass(true);
      const builds = await verifyAll(context, plan, results);
      return { builds: builds.map((one) => withoutSecrets(one, hider)), problems: [], warnings };
    }),
  );
  return verified.ok ? verified.value : { builds: [], problems: [verified.error], warnings };
}

/** The builds that were requested, in the order of the plan. */
async function verifyAll(
  context: NodeContext,
  plan: Plan,
  results: Map<string, NodeResult>,
): Promise<readonly Verification[]> {
  const verified = new Map<string, Verification>();
  await runGraph({
    needs: needsOf(plan),
    run: async (name) => {
      const node = plan.nodes.get(name);
      if (node === undefined) return 'failed';
      const { result, verification } = await verifyNode(context, plan, node);
      if (node.role === 'asked') verified.set(name, verification);
      if (result !== undefined) results.set(name, result);
      return result === undefined ? 'failed' : 'done';
    },
    block: (name, by) => {
      if (plan.nodes.get(name)?.role !== 'asked') return;
      const why = problem('run/verify-unknown', `\`${name}\` needs \`${by}\`, which could not be had`, {
        hint: 'Push what it needs, or see why that cannot be built.',
      });
      verified.set(name, unknown(name, why));
    },
  });
  return [...plan.nodes.keys()].flatMap((name) => verified.get(name) ?? []);
}

/** Words that programs go by, in what was compared. */
const KEPT_IN_PLATFORMS: ReadonlySet<string> = new Set([
  ...KEPT_WORDS,
  ...['platform', 'verdict', 'only', 'change'],
]);

/** The digest and places hold no value of a variable; words and the configs of images may. */
function withoutSecrets(found: Verification, { hide }: Hider): Verification {
  const { ref, problem: why, differences } = found;
  return {
    ...found,
    ...(ref === undefined ? {} : { ref: hide(ref) }),
    platforms: hide(found.platforms, KEPT_IN_PLATFORMS),
    differences: hide(differences),
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
  /** For builds that read it; undefined where there is nothing to read. */
  readonly result?: NodeResult;
}

/** What the registry has is what others were built on, so it is what they read here, too. */
async function verifyNode(context: NodeContext, plan: Plan, node: PlanNode): Promise<NodeVerified> {
  const name = node.build.name;
  const { registry, calling } = context.building;
  const inputs = await computeInputs(context.keying, node);
  const [broken] = inputs.problems;
  if (broken !== undefined) return { verification: unknown(name, broken) };
  const published = await readTag(registry, node);
  const isRequested = node.role === 'asked';
  if (!isRequested && published.kind === 'found')
    return { verification: unknown(name, undefined), result: resultOf(node, inputs, published.image) };
  if (isRequested && published.kind === 'missing' && node.neededBy.length === 0)
    return { verification: unknown(name, published.problem) };

  const links = await linkScratch({ resultOf: context.resultOf, registry }, plan, node);
  if (!links.ok) {
    const lost = problem('run/verify-unknown', `\`${name}\` cannot be built: ${links.error}`);
    return { verification: unknown(name, lost) };
  }
  const made = await buildScratch(calling, {
    node,
    inputs,
    build: fromNothing(node.build),
    links: links.value,
  });
  if (made.kind === 'cancelled') return { verification: unknown(name, cancelled(name)) };
  if (made.kind === 'failed') return { verification: unknown(name, made.problem) };
  const { digest } = made.built;
  if (digest === undefined) {
    const none = problem('run/verify-unknown', `\`${name}\` gives no image`);
    return { verification: unknown(name, none) };
  }
  try {
    const store = layoutStore(made.dir);
    const platforms = await platformsOf(store, digest);
    if (published.kind === 'missing') {
      const image: ImageResult = {
        digest,
        platforms: [...platforms].map(([platform, own]) => ({ platform, digest: own })),
        location: { kind: 'layout', dir: made.dir },
      };
      return { verification: unknown(name, published.problem), result: resultOf(node, inputs, image) };
    }
    const compared = await comparePlatforms(
      {
        store: registryStore(registry, published.ref),
        platforms: new Map(published.image.platforms.map((one) => [one.platform, one.digest])),
      },
      { store, platforms },
    );
    const verification: Verification = {
      build: name,
      ref: formatImageRef(published.ref),
      digest: published.image.digest,
      verdict: worstOf(compared),
      platforms: compared,
      differences: describeDifferences(compared, ['the tag', 'the new image']),
    };
    return { verification, result: resultOf(node, inputs, published.image) };
  } catch (error) {
    return { verification: unknown(name, unreadable(name, error)) };
  }
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
      'Only what has `tags` and `push` in builds.yaml can be verified; `--push` turns that on for one call.',
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
    ...(why === undefined ? {} : { problem: { ...why, build } }),
  };
}

function cancelled(build: string): Problem {
  return problem('run/verify-unknown', `\`${build}\` was not compared: stopped`);
}

function unreadable(build: string, error: unknown): Problem {
  const why = error instanceof Error ? error.message : String(error);
  return problem('run/verify-unknown', `\`${build}\` cannot be compared: ${why}`, {
    hint: 'A layer that cannot be read proves nothing, in either direction.',
  });
}
