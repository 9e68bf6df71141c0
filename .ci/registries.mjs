/**
 * The registries for tests of the registry client: distribution 2.8, distribution 3 and go-containerregistry. They are
 * compiled from pinned modules (`.ci/registries`), so that every machine tests the same versions; `bake-ts engine
 * install --registry` installs one or the other version, depending on the source.
 */
import { ensurePrograms } from './programs.mjs';

const PROGRAMS = ['distribution-2', 'distribution-3', 'ggcr'];

/** The directory with the registries; see `ensurePrograms`. */
export function ensureRegistries() {
  return ensurePrograms(
    'registries',
    PROGRAMS.map((name) => `./${name}`),
    PROGRAMS,
  );
}
