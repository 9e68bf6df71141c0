/**
 * The registries that the registry client is tested against: distribution 2.8, distribution 3 and go-containerregistry.
 * They are compiled from pinned modules (`.ci/registries`), so that every machine tests against the same ones; what
 * `bake-ts engine install --registry` brings is one version or the other, as it finds it.
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
