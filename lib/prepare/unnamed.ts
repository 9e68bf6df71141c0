/** Builds that are to be pushed but have no tags. */
import type { Build, Plan, PlanNode, Problem } from '../model/mod.ts';
import { type Finding, mergeBuilds } from './findings.ts';

/**
 * The problem `plan/push-without-tags`: an error if a file requests the push of a build without tags; a warning if an
 * option requests it for many builds at once, except for those that only other builds read. Tags that are written but
 * evaluate to an empty text are allowed.
 */
export function findUnnamed(plan: Plan): readonly Problem[] {
  return mergeBuilds([...plan.nodes.values()].flatMap(checkPush));
}

function checkPush({ build, role, neededBy }: PlanNode): readonly Finding[] {
  const wanted = build.push === 'always' || (build.push === 'selected' && role === 'asked');
  if (!wanted || build.tags.length > 0 || build.hasNoTags === true || isNamedOtherwise(build)) return [];
  const isOption = build.pushSpan?.source.isCommandLine === true;
  if (isOption && neededBy.length > 0) return [];
  return [
    {
      code: 'plan/push-without-tags',
      severity: isOption ? 'warning' : 'error',
      build,
      span: build.pushSpan,
      text: (isOne) => `would be pushed, but ${isOne ? 'has' : 'have'} no \`tags\``,
      hint: isOption
        ? 'Add `tags`; without them nothing is pushed.'
        : build.isBake === true
          ? 'Add `tags` (in Compose `image`), such as `tags = ["registry.example.com/app:1"]`; or use an output that does not push.'
          : 'Add `tags`, such as `tags: [registry.example.com/app:1]`, or set `push: false`.',
    },
  ];
}

function isNamedOtherwise(build: Build): boolean {
  return build.outputs.some(({ attributes }) => attributes.has('name'));
}
