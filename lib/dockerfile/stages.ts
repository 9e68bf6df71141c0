/** What each stage is based on: expands FROM lines and resolves names to stages, named contexts and images. */
import { contextKey, formatImageRef, parseImageRef, type UnknownKind, withDefaultTag } from '../model/mod.ts';
import type { InspectOptions } from './facts.ts';
import type { Dockerfile, StageSource } from './instruction.ts';
import type { GlobalScope } from './scope.ts';
import type { Expanded } from './words.ts';

/** The source of the files of a stage, COPY or mount. */
export type Origin =
  | { readonly kind: 'stage'; readonly index: number }
  | { readonly kind: 'scratch' }
  | { readonly kind: 'context'; readonly name: string; readonly written: string }
  | { readonly kind: 'image'; readonly written: string }
  | { readonly kind: 'unknown'; readonly because: UnknownKind; readonly why: string };

/** A stage with its FROM line expanded for the platform. */
export interface ResolvedStage {
  readonly source: StageSource;
  readonly base: Expanded;
  readonly platform: string | undefined;
  readonly origin: Origin;
  /** Names of the variables in the FROM line. */
  readonly names: ReadonlySet<string>;
}

/** A named context by BuildKit's key; the form with the platform takes precedence. */
function findContext(
  options: InspectOptions,
  written: string,
  platform: string | undefined,
): string | undefined {
  if (/^(?:scratch|context)$/i.test(written)) return undefined;
  const key = contextKey(written);
  for (const wanted of platform === undefined ? [key] : [`${key}::${platform}`, key]) {
    for (const name of options.contextNames) if (contextKey(name) === wanted) return name;
  }
  return undefined;
}

/** Expands every FROM line and resolves its base. */
export function resolveStages(
  dockerfile: Dockerfile,
  options: InspectOptions,
  scope: GlobalScope,
  target: string | undefined,
): readonly ResolvedStage[] {
  const byName = new Map<string, number>();
  return dockerfile.stages.map((source) => {
    const base = scope.expand(source.base.text);
    const expandedPlatform = source.platform === undefined ? undefined : scope.expand(source.platform.text);
    const platform = expandedPlatform?.kind === 'value' ? expandedPlatform.text : undefined;
    const lookupPlatform = source.platform === undefined ? target : platform;
    const own = source.name === undefined ? undefined : findContext(options, source.name, lookupPlatform);
    const origin: Origin =
      own !== undefined
        ? { kind: 'context', name: own, written: source.name ?? own }
        : originOf(base, byName, options, lookupPlatform);
    if (source.name !== undefined) byName.set(source.name, source.index);
    const names = new Set([...base.names, ...(expandedPlatform?.names ?? [])]);
    return { source, base, platform, origin, names };
  });
}

function originOf(
  base: Expanded,
  stages: ReadonlyMap<string, number>,
  options: InspectOptions,
  platform: string | undefined,
): Origin {
  if (base.kind === 'error') return { kind: 'unknown', because: 'value', why: base.message };
  if (base.kind === 'unknown')
    return { kind: 'unknown', because: 'value', why: `it depends on ${base.unknown.join(', ')}` };
  const index = stages.get(base.text);
  if (index !== undefined) return { kind: 'stage', index };
  if (base.text === 'scratch') return { kind: 'scratch' };
  return externalOrigin(base.text, options, platform);
}

/** Resolves a name that is not a stage of the file. */
export function externalOrigin(
  written: string,
  options: InspectOptions,
  platform: string | undefined,
): Origin {
  const name = findContext(options, fullNameOf(written), platform);
  return name === undefined ? { kind: 'image', written } : { kind: 'context', name, written };
}

/** The most recent full names: thousands of builds start from the same images. */
const fullNames = new Map<string, string>();
const MAX_FULL_NAMES = 1000;

function fullNameOf(written: string): string {
  let full = fullNames.get(written);
  if (full === undefined) {
    const ref = parseImageRef(written);
    full = ref === undefined ? written : formatImageRef(withDefaultTag(ref));
    if (fullNames.size >= MAX_FULL_NAMES) fullNames.clear();
    fullNames.set(written, full);
  }
  return full;
}
