/** What the base images of a build contribute: variables, triggers, platforms. */
import type { BaseUse, DockerfileFacts } from '../dockerfile/mod.ts';
import { formatPlatform, isAttested, type PlanNode, parsePlatform } from '../model/mod.ts';
import type { ImageConfigFacts } from '../state/mod.ts';
import type { Keying } from './keying.ts';

/** Input for reading the configs of base images. */
export type BaseReading = Pick<Keying, 'images' | 'enginePlatform' | 'resultOf'>;

/** Configs of a build's bases, by name, without those that cannot be read. Bases that are builds must be finished. */
export async function readBases(
  keying: BaseReading,
  node: PlanNode,
  bases: readonly BaseUse[],
): Promise<ReadonlyMap<string, ImageConfigFacts>> {
  const found = new Map<string, ImageConfigFacts>();
  await Promise.all(
    bases.map(async (base) => {
      const facts = await readBase(keying, node, base);
      if (facts !== undefined) found.set(base.name, facts);
    }),
  );
  return found;
}

async function readBase(
  keying: BaseReading,
  node: PlanNode,
  base: BaseUse,
): Promise<ImageConfigFacts | undefined> {
  if (base.kind === 'image') return readImage(keying, node, base, base.name);
  const link = node.edges.find((edge) => edge.contextName === base.name);
  if (link !== undefined) return keying.resultOf(link.to)?.produces;
  const source = node.build.contexts.get(base.name)?.ref;
  if (source?.kind === 'image') return readImage(keying, node, base, source.ref);
  // A directory as a base has no config.
  return source?.kind === 'local' ? { env: [], onbuild: [] } : undefined;
}

/** Configs may differ between platforms; there is a result only if they agree. */
async function readImage(
  keying: BaseReading,
  node: PlanNode,
  base: BaseUse,
  written: string,
): Promise<ImageConfigFacts | undefined> {
  const lookup = await keying.images.lookUp(written);
  if (lookup.kind !== 'known') return undefined;
  const wanted = base.platform === undefined ? node.build.platforms : [normal(base.platform)];
  const platforms = wanted.length === 0 ? [keying.enginePlatform] : wanted;
  const answers = await Promise.all(
    platforms.map((platform) => keying.images.factsOf(written, lookup.digest, platform)),
  );
  const [first] = answers;
  const textOf = (facts: ImageConfigFacts | undefined) => JSON.stringify([facts?.env, facts?.onbuild]);
  if (first === undefined || !answers.every((answer) => textOf(answer) === textOf(first))) return undefined;
  return { ...first, platforms: answers.flatMap((answer) => answer?.platforms ?? []) };
}

/**
 * Whether a build without `platforms` is the same as one with the engine's platform. BuildKit uses the engine's, but then
 * follows its base images if they have another one (frontend/dockerfile/dockerfile2llb/convert.go, `autoDetectPlatform`,
 * and the handling of an explicit target). So every base must have the engine's platform.
 *
 * @param bases from {@link readBases}
 */
export function isOfEnginePlatform(
  { build }: PlanNode,
  facts: DockerfileFacts,
  bases: ReadonlyMap<string, ImageConfigFacts>,
  enginePlatform: string,
): boolean {
  // The engine's variant may be written or left out, and provenance records how a build was requested.
  if (!/^linux\/[^/]+$/.test(enginePlatform) || isAttested(build)) return false;
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
