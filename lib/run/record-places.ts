/**
 * The places that must agree on a result before it is trusted, and where results are shared.
 *
 * A repository speaks for its own images: whoever may push there may move its tags anyway. What is made from a build carries
 * its bytes on into other repositories, so those have to vouch for it too; otherwise push rights on the repository of a base
 * would be enough to put something else below every image that is based on it.
 */
import {
  type BuildSet,
  fail,
  formatImageRef,
  type ImageRef,
  ok,
  type Plan,
  type PlanNode,
  type Problem,
  parseImageRef,
  problem,
  type Result,
  repositoriesOf,
} from '../model/mod.ts';
import { wantedTags } from './publish.ts';

const TAG = 'bake-records';

/** Where records lie. */
export interface RecordPlaces {
  /** Only what is signed counts there: one place for everything, of which no repository knows. */
  readonly onlySigned: boolean;
  /** The places that have to vouch for the result of a build, those of its own tags first; none: it is never believed. */
  readonly readFrom: (build: string) => readonly ImageRef[];
  /** The places among them that this run pushes to. */
  readonly writeTo: (build: string) => readonly ImageRef[];
  /** References that the result of a build has, where it is pushed. */
  readonly refsOf: (build: string) => readonly string[];
}

/**
 * The places of a plan's records.
 *
 * @returns undefined where records stay on this machine; the problem `run/bad-record`
 */
export function recordPlaces(plan: Plan): Result<RecordPlaces | undefined, Problem> {
  const { record } = plan.set;
  if (record === undefined || record === 'local') return ok(undefined);
  const refsOf = (build: string) => {
    const node = plan.nodes.get(build);
    return node === undefined || !mayBePushed(node) ? [] : wantedTags(node).map(formatImageRef);
  };
  if (record === 'registry') {
    const readFrom = placesBy(plan, mayBePushed);
    const writeTo = placesBy(plan, (node) => node.pushes);
    return ok({
      onlySigned: false,
      readFrom: (build) => readFrom.get(build) ?? [],
      writeTo: (build) => writeTo.get(build) ?? [],
      refsOf,
    });
  }
  const ref = referenceOf(record);
  if (ref === undefined) {
    return fail(
      problem('run/bad-record', `\`record: ${record}\` is not a reference that can be written to`, {
        hint: 'Write `record: registry`, or a reference like `registry.example.com/team/records:main`.',
      }),
    );
  }
  const places = [ref];
  return ok({ onlySigned: true, readFrom: () => places, writeTo: () => places, refsOf });
}

/** The place of a `record:` that is a reference of one's own. */
function referenceOf(record: NonNullable<BuildSet['record']>): ImageRef | undefined {
  const ref = parseImageRef(record);
  if (ref === undefined || ref.digest !== undefined) return undefined;
  return ref.tag === undefined ? { ...ref, tag: TAG } : ref;
}

function mayBePushed({ build }: PlanNode): boolean {
  return build.push !== 'never';
}

/** Build → the records of its own repositories, and of those of everything that is made from it. */
function placesBy(
  plan: Plan,
  isPlace: (node: PlanNode) => boolean,
): ReadonlyMap<string, readonly ImageRef[]> {
  const places = new Map<string, Map<string, ImageRef>>();
  const placesOf = (build: string) => {
    const known = places.get(build) ?? new Map<string, ImageRef>();
    places.set(build, known);
    return known;
  };
  // What reads comes after what it reads.
  for (const node of [...plan.nodes.values()].reverse()) {
    const above = [...placesOf(node.build.name)];
    const own = isPlace(node)
      ? repositoriesOf(wantedTags(node)).map((ref) => [formatImageRef(ref), { ...ref, tag: TAG }] as const)
      : [];
    const all = new Map([...own, ...above]);
    places.set(node.build.name, all);
    for (const { to, contextName } of node.edges) {
      if (contextName === undefined) continue;
      const below = placesOf(to);
      for (const [name, ref] of all) below.set(name, ref);
    }
  }
  return new Map([...places].map(([build, refs]) => [build, [...refs.values()]]));
}
