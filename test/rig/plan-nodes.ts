/** Builds and nodes of a plan as plain records, for tests of single functions: what a test says, and nothing else. */
import { type Build, type PlanNode, parseImageRef, type Tag } from '../../lib/model/mod.ts';

/** A build of the context `/project` that nothing is said about but what is given. */
function makeBuild(given: Partial<Build> = {}): Build {
  return {
    name: 'x',
    context: { ref: { kind: 'local', path: '/project' }, written: '.' },
    dockerfile: { kind: 'file', path: '/project/Dockerfile', written: 'Dockerfile' },
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
    ...given,
  };
}

/** A node that somebody requested, without edges. */
export function makeNode(build: Partial<Build> = {}, given: Partial<PlanNode> = {}): PlanNode {
  return {
    build: makeBuild(build),
    role: 'asked',
    edges: [],
    neededBy: [],
    level: 0,
    pushes: false,
    externalImages: [],
    unusedContexts: [],
    unknowns: [],
    ...given,
  };
}

/** A tag as builds.yaml writes it. */
export function makeTag(text: string): Tag {
  const ref = parseImageRef(text);
  return { text, ...(ref === undefined ? {} : { ref }) };
}
