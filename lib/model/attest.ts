/** What attestations read in addition to the build itself. */
import type { Build } from './build.ts';

/** BuildKit's default image for SBOM scans (buildkit frontend/attestations/parse.go). */
const DEFAULT_GENERATOR = 'docker/buildkit-syft-scanner:stable-1';

/**
 * The images that scan a build for its SBOM, as written. Empty if it has no SBOM; several only if both `attest` and the
 * argument BUILDKIT_ATTEST_SBOM request one, of which BuildKit may use either.
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

/** True if the result has provenance. */
export function attestsProvenance(build: Build): boolean {
  return (
    build.args.has('BUILDKIT_ATTEST_PROVENANCE') ||
    build.attest.some((one) => one.type === 'provenance' && isEnabled(one))
  );
}

/**
 * True if provenance includes the build arguments with their values, which `mode=min` does not. BuildKit's default is
 * `max` (solver/llbsolver/provenance.go).
 */
export function attestsArguments(build: Build): boolean {
  const argument = build.args.get('BUILDKIT_ATTEST_PROVENANCE');
  if (argument !== undefined && !/(?:^|[,"])mode=min(?:$|[,"])/.test(argument)) return true;
  return build.attest.some(
    (one) => one.type === 'provenance' && isEnabled(one) && one.attributes.get('mode') !== 'min',
  );
}

/** True if the result has attestations. It is then an index that describes how it was made, and differs each time. */
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
