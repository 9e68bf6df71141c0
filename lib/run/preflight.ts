/**
 * What BuildKit would pass over in silence, checked before it runs: a missing context directory gives an empty image
 * (measured, exit code 0).
 */
import { stat } from 'node:fs/promises';
import type { ContextSource, Plan, PlanNode, Problem } from '../model/mod.ts';
import { problem } from '../model/mod.ts';
import { type DockerfileLibrary, findRefused, findUnmatched, findUnnamed } from '../prepare/mod.ts';

/**
 * Checks every build of a plan.
 *
 * @returns all problems: `config/needs-grant` and the like, `context/missing`, `build/bad-tag`, `build/annotation-case`, `plan/push-without-tags`, `dockerfile/*`, and the warnings of
 * `findUnmatched`. Secrets are not among them: only builds that run need theirs.
 */
export async function checkPlan(plan: Plan, dockerfiles: DockerfileLibrary): Promise<readonly Problem[]> {
  const directories = new Map<string, Promise<'directory' | 'file' | 'missing'>>();
  const kindOf = (file: string) => {
    const known = directories.get(file) ?? kindOfPath(file);
    directories.set(file, known);
    return known;
  };
  const found = await Promise.all(
    [...plan.nodes.values()].map(async (node) => [
      ...(await checkContexts(node, kindOf)),
      ...dockerfiles.problemsOf(node.build.name),
      ...checkAnnotations(node),
      ...checkTags(node),
    ]),
  );
  return [
    ...findRefused(plan, dockerfiles.cwd),
    ...findUnnamed(plan),
    ...found.flat(),
    ...findUnmatched(plan, dockerfiles),
  ];
}

type KindOf = (file: string) => Promise<'directory' | 'file' | 'missing'>;

async function kindOfPath(file: string): Promise<'directory' | 'file' | 'missing'> {
  try {
    return (await stat(file)).isDirectory() ? 'directory' : 'file';
  } catch {
    return 'missing';
  }
}

async function checkContexts(node: PlanNode, kindOf: KindOf): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  const sources: [string, ContextSource][] = [['the context', node.build.context]];
  for (const [name, source] of node.build.contexts) sources.push([`the context \`${name}\``, source]);
  for (const [what, source] of sources) {
    if (source.ref.kind !== 'local') continue;
    const kind = await kindOf(source.ref.path);
    if (kind === 'directory') continue;
    problems.push(
      problem(
        'context/missing',
        kind === 'file'
          ? `${what} of \`${node.build.name}\` is a file, not a directory: ${source.written}`
          : `${what} of \`${node.build.name}\` does not exist: ${source.written}`,
        {
          build: node.build.name,
          ...(source.span === undefined ? {} : { span: source.span }),
          hint: 'Paths are relative to the file they are written in. BuildKit would take a missing directory for an empty one.',
        },
      ),
    );
  }
  return problems;
}

/** An invalid tag can be planned with, but not published under. */
export function checkTags(node: PlanNode): readonly Problem[] {
  return node.build.tags.flatMap((tag) => {
    if (tag.ref !== undefined) return [];
    return [
      problem('build/bad-tag', `\`${tag.text}\` is an invalid tag`, {
        build: node.build.name,
        ...(tag.span === undefined ? {} : { span: tag.span }),
        hint: 'Repositories have lowercase letters, digits, `.`, `_`, `-` and `/`; a digest cannot be chosen.',
      }),
    ];
  });
}

/** buildctl lower-cases every key of `--output` (cmd/buildctl/build/output.go), so such an annotation would be lost. */
function checkAnnotations(node: PlanNode): readonly Problem[] {
  const problems: Problem[] = [];
  for (const key of node.build.annotations.keys()) {
    if (key === key.toLowerCase()) continue;
    problems.push(
      problem(
        'build/annotation-case',
        `the annotation \`${key}\` has uppercase letters, which buildctl turns into lowercase`,
        {
          build: node.build.name,
          ...(node.build.span === undefined ? {} : { span: node.build.span }),
          severity: 'warning',
          hint: 'Use a lowercase key.',
        },
      ),
    );
  }
  return problems;
}
