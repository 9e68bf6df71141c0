/** A build with nothing in it, for tests that care about one or two of its properties. */
import type { Build } from '../../lib/model/mod.ts';

/** Makes a build; what is given replaces the empty defaults. */
export function makeBuild(parts: Partial<Build> = {}): Build {
  return {
    name: 'app',
    context: { ref: { kind: 'local', path: '/context' }, written: '.' },
    dockerfile: { kind: 'file', path: '/context/Dockerfile', written: 'Dockerfile' },
    args: new Map(),
    contexts: new Map(),
    needs: [],
    platforms: [],
    tags: [],
    push: 'never',
    labels: new Map(),
    annotations: new Map(),
    outputs: [],
    attest: [],
    reproducible: false,
    cacheFrom: [],
    cacheTo: [],
    noCache: false,
    noCacheFilter: [],
    pull: false,
    secrets: [],
    ssh: [],
    extraHosts: new Map(),
    ulimits: [],
    entitlements: [],
    ...parts,
  };
}
