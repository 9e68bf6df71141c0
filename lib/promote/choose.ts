/** Which tags of a plan are promoted, and to which names. Pure. */
import {
  fail,
  formatImageRef,
  type ImageRef,
  ok,
  type Plan,
  type PlanNode,
  type Problem,
  problem,
  type Result,
} from '../model/mod.ts';
import { checkTags, wantedTags } from '../run/mod.ts';
import { type Destination, promotedName } from './destination.ts';

/** A tag, and the name that what it points at is to get. */
export interface WantedTag {
  readonly source: ImageRef;
  readonly target: ImageRef;
}

/** The tags of one build. */
export interface WantedImage {
  readonly build: string;
  readonly tags: readonly WantedTag[];
}

/** A build whose tags stay where they are. */
export interface PassedOver {
  readonly build: string;
  /** `not-pushed`: it has no tag that is pushed. `only-needed`: it would be pushed if it were selected, and others need it. */
  readonly why: 'not-pushed' | 'only-needed';
}

/** What is to be done. */
export interface Chosen {
  readonly images: readonly WantedImage[];
  readonly passedOver: readonly PassedOver[];
}

/**
 * Chooses the tags that a run of the plan would push.
 *
 * @returns problems: `plan/no-destination`, `plan/own-destination`, `plan/empty-selection`, `build/bad-tag`
 */
export function chooseTags(plan: Plan, destinations: readonly Destination[]): Result<Chosen> {
  const images: WantedImage[] = [];
  const passedOver: PassedOver[] = [];
  const problems: Problem[] = [];
  for (const [build, node] of plan.nodes) {
    if (node.pushes) {
      const tags = chooseNames(node, destinations, problems);
      problems.push(...checkTags(node, plan.set.variables));
      images.push({ build, tags });
    } else if (node.role === 'asked') passedOver.push({ build, why: 'not-pushed' });
    else if (node.build.tags.length > 0 && node.build.push === 'selected')
      passedOver.push({ build, why: 'only-needed' });
  }
  if (images.length === 0) {
    problems.push(
      problem('plan/empty-selection', 'no selected build has a tag that is pushed', {
        hint: 'Name others, or take them as pushed, whatever their `push` says: --push',
      }),
    );
  }
  return problems.length > 0 ? fail(problems) : ok({ images, passedOver });
}

function chooseNames(
  node: PlanNode,
  destinations: readonly Destination[],
  problems: Problem[],
): readonly WantedTag[] {
  const { name: build } = node.build;
  return wantedTags(node).flatMap((source) => {
    const target = promotedName(source, destinations);
    const written = formatImageRef(source);
    if (target === undefined) {
      problems.push(
        problem('plan/no-destination', `\`${written}\` has no valid name at any destination`, {
          build,
          hint: 'Add one that fits, --to FROM=TO with what the name begins with, or leave the build out.',
        }),
      );
      return [];
    }
    if (formatImageRef(target) === written) {
      problems.push(
        problem('plan/own-destination', `\`${written}\` would be promoted to itself`, {
          build,
          hint: 'Name another registry or prefix with --to, or leave the build out.',
        }),
      );
      return [];
    }
    return [{ source, target }];
  });
}
