/** What a build's Dockerfile reads, taking the configs of its base images into account. */
import {
  type DockerfileFacts,
  declaredBy,
  inspectDockerfile,
  MAIN_CONTEXT,
  optionsOf,
} from '../dockerfile/mod.ts';
import { type PlanNode, type Result, sbomGenerators } from '../model/mod.ts';
import type { ImageConfigFacts } from '../state/mod.ts';
import { readBases } from './bases.ts';
import type { Keying } from './keying.ts';
import { type ChosenProxies, chooseProxies, type ProxyTaker } from './proxies.ts';

/** A Dockerfile as used by one build of the plan. */
export interface NodeFacts {
  readonly facts: DockerfileFacts;
  /** Configs of its base images, by name, without those that cannot be read. */
  readonly bases: ReadonlyMap<string, ImageConfigFacts>;
  /** Proxies for its steps. */
  readonly proxies: ChosenProxies;
}

const NO_PROXIES: ChosenProxies = { args: new Map() };

/**
 * Inspects the Dockerfile of a build. Builds that it reads must be finished.
 *
 * @returns undefined if the Dockerfile is in a remote context; problems: `dockerfile/*`
 */
export async function inspectNode(keying: Keying, node: PlanNode): Promise<Result<NodeFacts> | undefined> {
  const { build } = node;
  const dockerfile = keying.dockerfiles.dockerfileOf(build);
  if (dockerfile === undefined || !dockerfile.ok) return dockerfile;
  const options = {
    ...optionsOf(build),
    contextNames: new Set([...build.contexts.keys(), ...linkNames(node)]),
    enginePlatform: keying.enginePlatform,
  };
  // First without configs, to find the base images; then with their configs.
  const outline = inspectDockerfile(dockerfile.value, options);
  if (!outline.ok) return outline;
  const bases = await readBases(keying, node, outline.value.bases);
  const taker = (): ProxyTaker => {
    if (outline.value.stages.length === 0) return 'frontend';
    const triggers = [...bases.values()].flatMap(({ onbuild }) => onbuild);
    return declaredBy(dockerfile.value, triggers).args;
  };
  const proxies = keying.proxies.size === 0 ? NO_PROXIES : chooseProxies(build, keying.proxies, taker());
  const args = proxies.args.size === 0 ? build.args : new Map([...build.args, ...proxies.args]);
  const inspected =
    bases.size === 0 && args === build.args
      ? outline
      : inspectDockerfile(dockerfile.value, { ...options, args, bases });
  if (!inspected.ok) return inspected;
  const facts = mayScanContext(node, dockerfile.value.source.text)
    ? { ...inspected.value, reads: new Map([...inspected.value.reads, [MAIN_CONTEXT, 'all'] as const]) }
    : inspected.value;
  return { ok: true, value: { facts, bases, proxies } };
}

/** An SBOM may include the context, even files that are not copied (buildkit dockerfile2llb, `sbomScanContext`). */
function mayScanContext({ build }: PlanNode, dockerfile: string): boolean {
  const name = 'BUILDKIT_SBOM_SCAN_CONTEXT';
  return sbomGenerators(build).length > 0 && (build.args.has(name) || dockerfile.includes(name));
}

function linkNames(node: PlanNode): readonly string[] {
  return node.edges.flatMap((edge) => edge.contextName ?? []);
}
