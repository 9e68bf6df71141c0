/**
 * Runs whose images go to their repositories by digest, and that move no tag: of a build whose platforms are built by several, each
 * on a machine of its own, which somebody joins in the end.
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
 * The same plan, but that what it pushes gets no tag: instead of its tags, each build has the repositories of them. Its annotations
 * are those that a part of an image can have.
 */
export function pushedByDigest(plan: Plan): Plan {
  const nodes = [...plan.nodes].map(
    ([name, node]) => [name, node.pushes ? withoutTags(node) : node] as const,
  );
  // There is nothing that could move together.
  return { ...plan, nodes: new Map(nodes), set: { ...plan.set, publish: 'each' } };
}

function withoutTags(node: PlanNode): PlanNode {
  const repositories = repositoriesOf(wantedTags(node)).map(
    (ref): Tag => ({ text: formatImageRef(ref), ref }),
  );
  // What is no tag is a problem all the same.
  const wrong = node.build.tags.filter(({ ref }) => ref === undefined);
  const build = partOfBuild(node.build);
  return { ...node, build: { ...build, tags: [...repositories, ...wrong] } };
}
