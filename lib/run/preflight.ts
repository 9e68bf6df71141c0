/**
 * Checks for errors that BuildKit silently ignores: a missing context directory results in an empty image (measured, exit code
 * 0).
 */
import { stat } from 'node:fs/promises';
import {
  type BuildSet,
  type ContextSource,
  type Plan,
  type PlanNode,
  type Problem,
  parseTag,
  problem,
  type Tag,
  type VariableOrigin,
} from '../model/mod.ts';
import {
  type DockerfileLibrary,
  findRefused,
  findUnmatched,
  findUnnamed,
  hintForMissing,
  mergeMissingContexts,
} from '../prepare/mod.ts';
import { option } from '../util/option-words.ts';
import { throwDenied } from '../util/permission.ts';

/**
 * Checks every build of a plan.
 *
 * @returns all problems: `config/needs-grant` and the like, `context/missing`, `build/bad-tag`, `build/annotation-case`,
 *   `plan/push-without-tags`, `dockerfile/*`, and the warnings of `findUnmatched`. Secrets are not checked, since only builds
 *   that run need theirs.
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
      // Whether contexts are there was checked above.
      ...dockerfiles.problemsOf(node.build.name).filter(({ code }) => code !== 'context/missing'),
      ...checkAnnotations(node),
      ...checkTags(node, plan.set.variables),
    ]),
  );
  return [
    ...findRefused(plan, dockerfiles.cwd),
    ...findUnnamed(plan),
    ...mergeMissingContexts(found.flat()),
    ...findUnmatched(plan, dockerfiles),
  ];
}

type KindOf = (file: string) => Promise<'directory' | 'file' | 'missing'>;

async function kindOfPath(file: string): Promise<'directory' | 'file' | 'missing'> {
  try {
    return (await stat(file)).isDirectory() ? 'directory' : 'file';
  } catch (error) {
    throwDenied(error);
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
          hint: hintForMissing(node.build.isBake),
        },
      ),
    );
  }
  return problems;
}

/** Invalid tags can be planned, but not published. */
export function checkTags(node: PlanNode, variables: BuildSet['variables']): readonly Problem[] {
  return node.build.tags.flatMap((tag) => {
    if (tag.ref !== undefined) return [];
    return [
      problem('build/bad-tag', `\`${tag.text}\` is an invalid tag`, {
        build: node.build.name,
        ...(tag.span === undefined ? {} : { span: tag.span }),
        hint: [hintOfTag(tag.text), ...originsOf(tag, variables)].join('\n'),
      }),
    ];
  });
}

function hintOfTag(text: string): string {
  const colon = text.lastIndexOf(':');
  const isTag = colon > text.lastIndexOf('/') && !text.includes('@');
  if (isTag && parseTag(text.slice(0, colon)) !== undefined) {
    return 'Use at most 128 letters, digits, `.`, `_` and `-` after the colon, without a leading `.` or `-`; `slug(…)` converts any text.';
  }
  if (parseTag(text.toLowerCase()) !== undefined)
    return `Write the repository in lowercase: ${text.toLowerCase()}`;
  return 'Use lowercase letters, digits, `.`, `_`, `-` and `/` in the repository, and no digest.';
}

/** Where the values of the variables come from that a tag is written with. */
function originsOf({ span }: Tag, variables: BuildSet['variables']): readonly string[] {
  if (span === undefined) return [];
  const written = span.source.text.slice(span.start, span.end);
  const names = [...written.matchAll(/\bvars\.([A-Za-z_]\w*)/g)].map(([, name = '']) => name);
  return [...new Set(names)].flatMap((name) => {
    const origin = variables.get(name)?.origin;
    return origin === undefined ? [] : [`\`vars.${name}\` gets its value from ${wordsOf(origin)}.`];
  });
}

function wordsOf(origin: VariableOrigin): string {
  switch (origin.kind) {
    case 'default':
      return 'its default in builds.yaml';
    case 'env':
      return `the environment variable ${origin.variable}`;
    case 'flag':
      return option('--var');
    case 'file':
      return `the file ${origin.path}`;
  }
}

/** buildctl lower-cases every key of `--output` (cmd/buildctl/build/output.go), so such an annotation would be lost. */
function checkAnnotations(node: PlanNode): readonly Problem[] {
  const problems: Problem[] = [];
  const written = node.build.outputs.flatMap(({ attributes }) =>
    [...attributes.keys()].filter((key) => /^annotation/i.test(key)),
  );
  for (const key of new Set([...node.build.annotations.keys(), ...written])) {
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
