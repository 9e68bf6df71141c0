/**
 * Whether what a tag holds is what its build makes: built again without any cache, every timestamp set to one, into an
 * OCI layout, and compared with the registry layer by layer. Nothing is pushed, moved or remembered.
 */
import path from 'node:path';
import {
  type Build,
  createHider,
  type Digest,
  formatImageRef,
  type Hider,
  type Outcome,
  type Plan,
  type PlanNode,
  type Problem,
  problem,
} from '../model/mod.ts';
import { linkAside } from './aside.ts';
import { buildNode } from './build-node.ts';
import type { ImageResult, NodeResult, RunContext } from './context.ts';
import { createEmitter } from './emitter.ts';
import {
  comparePlatforms,
  describeDifferences,
  layoutPlace,
  type PlatformComparison,
  platformsOf,
  registryPlace,
  worstOf,
} from './image-source.ts';
import { computeInputs, type NodeInputs } from './inputs.ts';
import { readLock } from './lock-file.ts';
import { checkPlan } from './preflight.ts';
import { wantedTags } from './publish.ts';
import { runGraph } from './scheduler.ts';
import { type BakeOptions, needsOf, Session } from './session.ts';

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
 * Verifies the builds of a plan that were asked for. What they need is taken from the registry where a tag holds it, and
 * built aside where none does.
 */
export async function verifyBuilds(options: BakeOptions): Promise<VerifyReport> {
  const { plan } = options;
  const lock = await readLock(plan.set);
  if (!lock.ok) return { builds: [], problems: lock.error, warnings: [] };
  const found = await checkPlan(plan, options.dockerfiles, options.env);
  const warnings = found.filter((one) => one.severity === 'warning');
  const problems = found.filter((one) => one.severity === 'error');
  if (problems.length > 0) return { builds: [], problems, warnings };
  const hider = createHider(plan.set.variables);
  const emit = createEmitter(options.onEvent, Date.now, hider);
  const session = await Session.open(options, emit, { lock: lock.value });
  const verified = new Map<string, Verification>();
  try {
    const { context, results } = session.createContext(true, emit);
    await runGraph({
      needs: needsOf(plan),
      run: async (name) => {
        const node = plan.nodes.get(name);
        if (node === undefined) return 'failed';
        const { result, verification } = await lookAt(context, plan, node);
        if (node.role === 'asked') verified.set(name, verification);
        if (result !== undefined) results.set(name, result);
        return result === undefined && node.neededBy.length > 0 ? 'failed' : 'done';
      },
      block: (name, by) => {
        if (plan.nodes.get(name)?.role !== 'asked') return;
        const why = problem('run/verify-unknown', `\`${name}\` needs \`${by}\`, which could not be had`, {
          build: name,
          hint: 'Push what it needs, or see why that cannot be built.',
        });
        verified.set(name, unknown(name, why));
      },
    });
    await session.hasher.save();
  } finally {
    await session.close();
  }
  const builds = [...plan.nodes.keys()].flatMap((name) => {
    const found = verified.get(name);
    return found === undefined ? [] : withoutSecrets(found, hider);
  });
  return { builds, problems: [], warnings };
}

/** Digests, platforms and places hold no value of a variable; words may. */
function withoutSecrets(found: Verification, { hide }: Hider): Verification {
  const { ref, problem: why, differences } = found;
  return {
    ...found,
    ...(ref === undefined ? {} : { ref: hide(ref) }),
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

interface Looked {
  readonly verification: Verification;
  /** For builds that read it; undefined where there is nothing to read. */
  readonly result?: NodeResult;
}

/** What stands in the registry is what others were built on, so it is what they read here, too. */
async function lookAt(context: RunContext, plan: Plan, node: PlanNode): Promise<Looked> {
  const name = node.build.name;
  const inputs = await computeInputs(context, node);
  const [broken] = inputs.problems;
  if (broken !== undefined) return { verification: unknown(name, broken) };
  const held = await readTag(context, node);
  const isAsked = node.role === 'asked';
  if (!isAsked && held.kind === 'held')
    return { verification: unknown(name, undefined), result: resultOf(node, inputs, held.image) };
  if (isAsked && held.kind === 'not-held' && node.neededBy.length === 0)
    return { verification: unknown(name, held.problem) };

  const dir = path.join(context.workDir, `verify-${context.nextId()}`);
  const links = await linkAside(context, plan, node);
  if (!links.ok) {
    const lost = problem('run/verify-unknown', `\`${name}\` cannot be built: ${links.error}`, {
      build: name,
    });
    return { verification: unknown(name, lost) };
  }
  const made = await buildNode(context, node, inputs, {
    build: fromNothing(node.build),
    links: links.value,
    dir,
  });
  if (made.kind === 'cancelled') return { verification: unknown(name, cancelled(name)) };
  if (made.kind === 'failed') return { verification: unknown(name, made.problem) };
  const { digest } = made.built;
  if (digest === undefined) {
    const none = problem('run/verify-unknown', `\`${name}\` gives no image`, { build: name });
    return { verification: unknown(name, none) };
  }
  try {
    const layout = layoutPlace(dir);
    const platforms = await platformsOf(layout, digest);
    if (held.kind === 'not-held') {
      const image: ImageResult = {
        digest,
        platforms: [...platforms].map(([platform, own]) => ({ platform, digest: own })),
        location: { kind: 'layout', dir },
      };
      return { verification: unknown(name, held.problem), result: resultOf(node, inputs, image) };
    }
    const compared = await comparePlatforms(
      {
        place: registryPlace(context.registry, held.repository),
        platforms: new Map(held.image.platforms.map((one) => [one.platform, one.digest])),
      },
      { place: layout, platforms },
    );
    const verification: Verification = {
      build: name,
      ref: held.ref,
      digest: held.image.digest,
      verdict: worstOf(compared),
      platforms: compared,
      differences: describeDifferences(compared, ['the tag', 'the new image']),
    };
    return { verification, result: resultOf(node, inputs, held.image) };
  } catch (error) {
    return { verification: unknown(name, unreadable(name, error)) };
  }
}

/** The build with every cache turned off and every timestamp set to one. */
function fromNothing(build: Build): Build {
  return { ...build, noCache: true, noCacheFilter: [], cacheFrom: [], reproducible: true };
}

type Held =
  | {
      readonly kind: 'held';
      readonly ref: string;
      readonly repository: { readonly registry: string; readonly repository: string };
      readonly image: ImageResult;
    }
  | { readonly kind: 'not-held'; readonly problem: Problem };

/** What the build's first tag holds. Where it is not pushed, a tag of that name in a registry is somebody else's. */
async function readTag(context: RunContext, node: PlanNode): Promise<Held> {
  const { name, push } = node.build;
  const none = (message: string, hint: string): Held => ({
    kind: 'not-held',
    problem: problem('run/verify-unknown', message, { build: name, hint }),
  });
  const [first] = wantedTags(node);
  if (first === undefined || push === 'never') {
    return none(
      `\`${name}\` is not pushed, so there is nothing to compare it with`,
      'Only what has `tags` and `push` in builds.yaml can be verified; `--push` turns that on for one call.',
    );
  }
  const ref = formatImageRef(first);
  const presence = await context.registry.head(first);
  if (presence.kind === 'unknown') return { kind: 'not-held', problem: { ...presence.problem, build: name } };
  if (presence.kind === 'absent')
    return none(`${ref} is not in its registry`, `Push it: bake-ts run ${name}`);
  const { registry, repository } = first;
  try {
    const platforms = await platformsOf(registryPlace(context.registry, first), presence.digest);
    const image: ImageResult = {
      digest: presence.digest,
      platforms: [...platforms].map(([platform, digest]) => ({ platform, digest })),
      location: {
        kind: 'image',
        ref: formatImageRef({ registry, repository, digest: presence.digest }),
        sure: true,
      },
    };
    return { kind: 'held', ref, repository: { registry, repository }, image };
  } catch (error) {
    return { kind: 'not-held', problem: unreadable(name, error) };
  }
}

function resultOf(node: PlanNode, inputs: NodeInputs, image: ImageResult): NodeResult {
  const outcome: Outcome = { build: node.build.name, kind: 'unchanged', tags: [], durationMs: 0 };
  return { outcome, image, ...(inputs.produces === undefined ? {} : { produces: inputs.produces }) };
}

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
  return problem('run/verify-unknown', `\`${build}\` was not compared: stopped`, { build });
}

function unreadable(build: string, error: unknown): Problem {
  const why = error instanceof Error ? error.message : String(error);
  return problem('run/verify-unknown', `\`${build}\` cannot be compared: ${why}`, {
    build,
    hint: 'A layer that cannot be read proves nothing, in either direction.',
  });
}
