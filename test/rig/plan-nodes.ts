/** Builds and nodes of a plan as plain records, for tests of single functions: what a test says, and nothing else. */
import type { Build, PlanNode } from '../../lib/model/mod.ts';
import { makeBuild } from './sets.ts';

/** A build of the context `/project` that nothing is said about but what is given. */
function makeProjectBuild(given: Partial<Build>): Build {
  return {
    ...makeBuild('x', {
      context: { ref: { kind: 'local', path: '/project' }, written: '.' },
      dockerfile: { kind: 'file', path: '/project/Dockerfile', written: 'Dockerfile' },
    }),
    ...given,
  };
}

/** A node that somebody requested, without edges. */
export function makeNode(build: Partial<Build> = {}, given: Partial<PlanNode> = {}): PlanNode {
  return {
    build: makeProjectBuild(build),
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
