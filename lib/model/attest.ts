/** What attestations read besides the build itself. */
import type { Build } from './build.ts';

/** What BuildKit scans images with where nothing else is asked for (buildkit frontend/attestations/parse.go). */
const DEFAULT_GENERATOR = 'docker/buildkit-syft-scanner:stable-1';

/**
 * The images that scan a build for its SBOM, as written. None where it has none; several only where both `attest` and
 * the argument BUILDKIT_ATTEST_SBOM ask for one, of which BuildKit takes either.
 */
export function sbomGenerators(build: Build): readonly string[] {
  const found = new Set<string>();
  for (const one of build.attest) {
    if (one.type === 'sbom' && isEnabled(one))
      found.add(one.attributes.get('generator') ?? DEFAULT_GENERATOR);
  }
  const argument = build.args.get('BUILDKIT_ATTEST_SBOM');
  if (argument !== undefined)
    found.add(/(?:^|[,"])generator=([^,"]+)/.exec(argument)?.[1] ?? DEFAULT_GENERATOR);
  return [...found];
}

/** True where the result says by provenance what it was made of. */
export function attestsProvenance(build: Build): boolean {
  return (
    build.args.has('BUILDKIT_ATTEST_PROVENANCE') ||
    build.attest.some((one) => one.type === 'provenance' && isEnabled(one))
  );
}

/**
 * True where provenance holds the arguments of the build with their values; with `mode=min` it does not. `max` is
 * BuildKit's default (solver/llbsolver/provenance.go).
 */
export function attestsArguments(build: Build): boolean {
  const argument = build.args.get('BUILDKIT_ATTEST_PROVENANCE');
  if (argument !== undefined && !/(?:^|[,"])mode=min(?:$|[,"])/.test(argument)) return true;
  return build.attest.some(
    (one) => one.type === 'provenance' && isEnabled(one) && one.attributes.get('mode') !== 'min',
  );
}

/**
 * True where anything is attested of the result: it is an index then, which says what it was made of and is another one
 * each time.
 */
export function isAttested(build: Build): boolean {
  return (
    build.args.has('BUILDKIT_ATTEST_PROVENANCE') ||
    build.args.has('BUILDKIT_ATTEST_SBOM') ||
    build.attest.some(isEnabled)
  );
}

function isEnabled({ attributes }: Build['attest'][number]): boolean {
  return attributes.get('disabled') !== 'true';
}
