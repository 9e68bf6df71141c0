/** Compares installed packages with the pinned versions. */
import type { Installation } from './installation.ts';
import { type EnginePackage, isAtLeast, PACKAGES } from './versions.ts';

/** A package that is older than the version that this bake-ts is made for. */
export interface OutdatedPackage {
  /** The outdated package. */
  readonly package: EnginePackage;
  /** The installed version: the oldest of its programs. */
  readonly installed: string;
  /** The version that this bake-ts is made for. */
  readonly pinned: string;
}

/** Packages of an installation that are older than the pinned ones, in the order of {@link PACKAGES}. */
export function findOutdated(installation: Pick<Installation, 'parts'>): readonly OutdatedPackage[] {
  return PACKAGES.flatMap(({ name, version, parts }) => {
    const older = parts.flatMap((part) => {
      const there = installation.parts.get(part)?.version;
      return there === undefined || isAtLeast(there, version) ? [] : there;
    });
    const [first] = older;
    if (first === undefined) return [];
    const installed = older.reduce((oldest, one) => (isAtLeast(one, oldest) ? oldest : one), first);
    return { package: name, installed, pinned: version };
  });
}

/** Describes outdated packages for `up` and `status`; undefined if there are none. */
export function tellOutdated(installation: Pick<Installation, 'parts'>): string | undefined {
  const outdated = findOutdated(installation);
  if (outdated.length === 0) return undefined;
  const what = outdated
    .map((one) => `${one.package} ${one.installed} is older than ${one.pinned}`)
    .join(', ');
  return `${what}: bake-ts engine upgrade`;
}
