/**
 * Runs that push images by digest and move no tags: for builds whose platforms are built on separate machines and joined at the
 * end.
 */
import {
  formatImageRef,
  type Plan,
  type PlanNode,
  partOfBuild,
  repositoriesOf,
  type Tag,
} from '../model/mod.ts';
import { wantedTags } from './publish.ts';

/**
 * Returns the plan without tags: each pushed build has the repositories of its tags instead, and only annotations that a part of
 * an image can have.
 */
export function pushedByDigest(plan: Plan): Plan {
  const nodes = [...plan.nodes].map(
    ([name, node]) => [name, node.pushes ? withoutTags(node) : node] as const,
  );
  // No tags can move together.
  return { ...plan, nodes: new Map(nodes), set: { ...plan.set, publish: 'each' } };
}

function withoutTags(node: PlanNode): PlanNode {
  const repositories = repositoriesOf(wantedTags(node)).map(
    (ref): Tag => ({ text: formatImageRef(ref), ref }),
  );
  // Invalid tags are kept, so that they are reported.
  const wrong = node.build.tags.filter(({ ref }) => ref === undefined);
  const build = partOfBuild(node.build);
  return { ...node, build: { ...build, tags: [...repositories, ...wrong] } };
}
