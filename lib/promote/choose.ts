/** Chooses the tags of a plan to promote, and their new names. Pure. */
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
import { option } from '../util/option-words.ts';
import { type Destination, fitsAny, meantDestinations, promotedName } from './destination.ts';

/** A tag and its new name. */
export interface WantedTag {
  readonly source: ImageRef;
  readonly target: ImageRef;
}

/** The tags of one build. */
export interface WantedImage {
  readonly build: string;
  readonly tags: readonly WantedTag[];
}

/** A build whose tags are not promoted. */
export interface PassedOver {
  /** Name of the build. */
  readonly build: string;
  /** `not-pushed`: it has no tag that is pushed. `only-needed`: it is only a dependency; its tags would be promoted if it were selected. */
  readonly why: 'not-pushed' | 'only-needed';
}

/** What to promote. */
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
  const unmatched: Unmatched[] = [];
  for (const [build, node] of plan.nodes) {
    if (node.pushes) {
      const tags = chooseNames(node, destinations, problems, unmatched);
      problems.push(...checkTags(node, plan.set.variables));
      images.push({ build, tags });
    } else if (node.role === 'asked') passedOver.push({ build, why: 'not-pushed' });
    else if (node.build.tags.length > 0 && node.build.push === 'selected')
      passedOver.push({ build, why: 'only-needed' });
  }
  if (unmatched.length > 0) {
    const refs = [...plan.nodes.values()].filter(({ pushes }) => pushes).flatMap(wantedTags);
    const idle = destinations.filter((one) => !refs.some((ref) => fitsAny(ref, [one])));
    problems.push(noDestination(unmatched, destinations, idle));
  }
  if (images.length === 0) {
    problems.push(
      problem('plan/empty-selection', 'no selected build has a tag that is pushed', {
        hint: `Select others, or treat these as pushed, whatever their \`push\` is: ${option('--push')}`,
      }),
    );
  }
  return problems.length > 0 ? fail(problems) : ok({ images, passedOver });
}

function chooseNames(
  node: PlanNode,
  destinations: readonly Destination[],
  problems: Problem[],
  unmatched: Unmatched[],
): readonly WantedTag[] {
  const { name: build } = node.build;
  return wantedTags(node).flatMap((source) => {
    const target = promotedName(source, destinations);
    const written = formatImageRef(source);
    if (target === undefined && !fitsAny(source, destinations)) {
      unmatched.push({ build, ref: source });
      return [];
    }
    if (target === undefined) {
      problems.push(
        problem('plan/no-destination', `\`${written}\` has no valid name at any destination`, {
          build,
          hint: 'Use another registry or prefix, or do not select the build.',
        }),
      );
      return [];
    }
    if (formatImageRef(target) === written) {
      problems.push(
        problem('plan/own-destination', `\`${written}\` would be promoted to itself`, {
          build,
          hint: `Name another registry or prefix with ${option('--to')}, or do not select the build.`,
        }),
      );
      return [];
    }
    return [{ source, target }];
  });
}

/** A tag that matches no destination. */
interface Unmatched {
  readonly build: string;
  readonly ref: ImageRef;
}

/** One problem for all of them, because the usual cause is one typo in a destination that matches nothing (`idle`). */
function noDestination(
  unmatched: readonly Unmatched[],
  destinations: readonly Destination[],
  idle: readonly Destination[],
): Problem {
  const names = unmatched.map(({ ref }) => formatImageRef(ref));
  const [first = '', ...more] = names;
  const [build, ...others] = new Set(unmatched.map((one) => one.build));
  const whose = more.length === 0 ? `\`${first}\`` : `\`${first}\` and ${more.length} more`;
  const to = destinations.map(({ from }) => `\`${from.join('/')}=…\``).join(', ');
  const refs = unmatched.map(({ ref }) => ref);
  return problem(
    'plan/no-destination',
    `${destinations.length > 1 ? `The destinations ${to} are` : `The destination ${to} is`} not for ${whose}`,
    {
      ...(build === undefined || others.length > 0 ? {} : { build }),
      ...(more.length === 0 ? {} : { detail: names.join('\n') }),
      hint: [
        ...meantDestinations(refs, idle),
        `Add ${option('--to FROM=TO')}, where FROM is how the name begins (whole parts of its path), or do not select the build.`,
      ].join('\n'),
    },
  );
}
