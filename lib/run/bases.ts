/** What the images say that a build stands on: variables, triggers, platforms. */
import type { BaseUse, DockerfileFacts } from '../dockerfile/mod.ts';
import { formatPlatform, type PlanNode, parsePlatform } from '../model/mod.ts';
import type { ImageConfigFacts } from '../state/mod.ts';
import type { RunContext } from './context.ts';

/** Configs of the bases of a build, by name; those that cannot be read are left out. Parents must have results. */
export async function readBases(
  context: RunContext,
  node: PlanNode,
  bases: readonly BaseUse[],
): Promise<ReadonlyMap<string, ImageConfigFacts>> {
  const found = new Map<string, ImageConfigFacts>();
  await Promise.all(
    bases.map(async (base) => {
      const facts = await readBase(context, node, base);
      if (facts !== undefined) found.set(base.name, facts);
    }),
  );
  return found;
}

async function readBase(
  context: RunContext,
  node: PlanNode,
  base: BaseUse,
): Promise<ImageConfigFacts | undefined> {
  if (base.kind === 'image') return readImage(context, node, base, base.name);
  const link = node.edges.find((edge) => edge.contextName === base.name);
  if (link !== undefined) return context.resultOf(link.to)?.produces;
  const source = node.build.contexts.get(base.name)?.ref;
  if (source?.kind === 'image') return readImage(context, node, base, source.ref);
  // A directory as a base has no config at all.
  return source?.kind === 'local' ? { env: [], onbuild: [] } : undefined;
}

/** Platforms may differ in what their configs say; only where they agree is there one answer. */
async function readImage(
  context: RunContext,
  node: PlanNode,
  base: BaseUse,
  written: string,
): Promise<ImageConfigFacts | undefined> {
  const lookup = await context.images.lookUp(written);
  if (lookup.kind !== 'known') return undefined;
  const wanted = base.platform === undefined ? node.build.platforms : [normal(base.platform)];
  const platforms = wanted.length === 0 ? [context.enginePlatform] : wanted;
  const answers = await Promise.all(
    platforms.map((platform) => context.images.factsOf(written, lookup.digest, platform)),
  );
  const [first] = answers;
  const textOf = (facts: ImageConfigFacts | undefined) => JSON.stringify([facts?.env, facts?.onbuild]);
  if (first === undefined || !answers.every((answer) => textOf(answer) === textOf(first))) return undefined;
  return { ...first, platforms: answers.flatMap((answer) => answer?.platforms ?? []) };
}

/**
 * Whether a build without `platforms` is the same build as one with the engine's. BuildKit takes the engine's for it,
 * but then goes by what its base images are of, should that be another one (frontend/dockerfile/dockerfile2llb/convert.go,
 * `autoDetectPlatform` and what is done where the target is not implicit). So every base must be of the engine's.
 *
 * @param bases from {@link readBases}
 */
export function isOfEnginePlatform(
  { build }: PlanNode,
  facts: DockerfileFacts,
  bases: ReadonlyMap<string, ImageConfigFacts>,
  enginePlatform: string,
): boolean {
  // A variant of the engine may be written or left out; and how a build was asked for stands in its provenance.
  if (!/^linux\/[^/]+$/.test(enginePlatform) || build.attest.length > 0) return false;
  if (facts.stages.length === 0 || [...build.contexts.keys()].some((name) => name.includes('::')))
    return false;
  const stages = facts.stages.filter((stage) => stage.reachable);
  return (
    stages.every(({ platform }) => platform === undefined || normal(platform) === enginePlatform) &&
    facts.bases.every(({ name }) => bases.get(name)?.platforms?.includes(enginePlatform) === true)
  );
}

function normal(platform: string): string {
  const parsed = parsePlatform(platform);
  return parsed === undefined ? platform : formatPlatform(parsed);
}
