/**
 * Restricts a set whose files are not trusted: nothing is pushed, no cache is exported, no remote host is contacted, and
 * no result is shared. The settings are removed, so later stages cannot use them.
 */
import { type Build, type BuildSet, notUntrusted, type TypedAttributes } from '../model/mod.ts';
import { option } from '../util/option-words.ts';
import type { Problems } from './problems.ts';

/** Caches that can be read without this machine's credentials and are not written elsewhere. */
const CACHE_SOURCES: ReadonlySet<string> = new Set(['registry', 'local', 'inline']);
const CACHE_TARGETS: ReadonlySet<string> = new Set(['local', 'inline']);
/** Outputs that remain on this machine. */
const LOCAL_OUTPUTS: ReadonlySet<string> = new Set(['local', 'tar', 'oci', 'docker', 'cacheonly']);

/** Removes what an untrusted file may not do, with one warning for each kind. */
export function withoutTrust(set: BuildSet, problems: Problems): BuildSet {
  const { record: _, engine, registries, builds, ...rest } = set;
  const restricted = new Map([...builds].map(([name, build]) => [name, withoutPush(build)]));
  const pushing = [...builds.values()].filter(({ push }) => push !== 'never').length;
  const asks =
    engine !== undefined || [...builds.values()].some(({ engineLabels }) => engineLabels !== undefined);
  const leaves = [...builds].filter(([name, build]) => isCut(build, restricted.get(name))).length;
  const leftOut = [
    ...(pushing === 0 ? [] : [`pushing (${pushing} ${pushing === 1 ? 'build' : 'builds'})`]),
    ...(leaves === 0 ? [] : ['caches and outputs that leave this machine']),
    ...(asks ? ['`engine`'] : []),
    ...(registries.size === 0 ? [] : ['`registries`']),
    ...(set.record === undefined || set.record === 'local' ? [] : ['`record`']),
  ];
  if (leftOut.length > 0) {
    problems.add(
      notUntrusted(
        `Skipped because the file is untrusted: ${leftOut.join(', ')}`,
        `To use your own engine, give ${option('--addr')} or BUILDKIT_HOST.`,
        { severity: 'warning' },
      ),
    );
  }
  return { ...rest, builds: restricted, registries: new Map() };
}

function withoutPush({ engineLabels: _, ...build }: Build): Build {
  return {
    ...build,
    push: 'never',
    outputs: build.outputs.filter(staysHere),
    cacheFrom: build.cacheFrom.filter(({ type }) => CACHE_SOURCES.has(type)),
    cacheTo: build.cacheTo.filter(({ type }) => CACHE_TARGETS.has(type)),
  };
}

/** An image with a name that the file chooses could be used by later builds. */
function staysHere({ type, attributes }: TypedAttributes): boolean {
  return LOCAL_OUTPUTS.has(type) && ![...attributes.keys()].some((key) => key.startsWith('push'));
}

function isCut(before: Build, after: Build | undefined): boolean {
  return (
    after !== undefined &&
    (['outputs', 'cacheFrom', 'cacheTo'] as const).some((key) => before[key].length !== after[key].length)
  );
}
