/** Chooses the results that are the parts of a build: exactly one for each of its platforms. Pure. */
import {
  type Digest,
  fail,
  formatPlatform,
  isSamePlatform,
  type Outcome,
  ok,
  type PlanNode,
  type Problem,
  parsePlatform,
  problem,
  type Result,
} from '../model/mod.ts';

/** The result of a build in a run: an outcome of its summary, or an entry of a metadata file. */
export interface PartResult extends Pick<Outcome, 'build' | 'kind' | 'digest' | 'platforms' | 'tags'> {
  /** The run reused the result of an earlier run. */
  readonly isGiven?: boolean;
  /** It was not requested, but built as a dependency. */
  readonly isNeeded?: boolean;
  /** Where the result comes from, for messages. */
  readonly from?: string;
}

/** A platform of a build, and the image that was built for it. */
export interface ChosenPart {
  readonly platform: string;
  readonly digest: Digest;
}

const MADE: ReadonlySet<Outcome['kind']> = new Set(['built', 'retagged', 'unchanged']);

/**
 * Chooses the parts of a build.
 *
 * @returns in the order of its platforms; problems of all of them: `run/part-missing`, `run/part-twice`,
 *   `run/part-extra`
 */
export function chooseParts(
  { build }: PlanNode,
  results: readonly PartResult[],
): Result<readonly ChosenPart[]> {
  const own = bestOf(results.filter((one) => one.build === build.name));
  const said = own.flatMap(({ digest, platforms = [], from = 'a run' }) =>
    digest === undefined
      ? []
      : platforms.map((platform): Said => ({ platform: normalised(platform), digest, from })),
  );
  const wanted =
    build.platforms.length > 0 ? build.platforms : [...new Set(said.map(({ platform }) => platform))];
  const problems: Problem[] = [];
  const missing = wanted.filter((platform) => !said.some((one) => isSamePlatform(one.platform, platform)));
  if (missing.length > 0 || wanted.length === 0)
    problems.push(partMissing(build.name, wanted, missing, said));
  const extra = said.filter((one) => !wanted.some((platform) => isSamePlatform(one.platform, platform)));
  if (extra.length > 0) problems.push(partExtra(build.name, wanted, extra));
  const parts = wanted.flatMap((platform): readonly ChosenPart[] => {
    const [first, ...others] = said.filter((one) => isSamePlatform(one.platform, platform));
    if (first === undefined) return [];
    const other = others.find(({ digest }) => digest !== first.digest);
    if (other !== undefined) problems.push(partTwice(build.name, first, other));
    return [{ platform, digest: first.digest }];
  });
  return problems.length > 0 ? fail(problems) : ok(parts);
}

interface Said extends ChosenPart {
  readonly from: string;
}

/**
 * The most reliable results: parts that a run was requested to build, then dependencies, then whole images pushed to
 * tags. When a pipeline is repeated, the result of an earlier merge lies beside the parts and must not be chosen.
 */
function bestOf(results: readonly PartResult[]): readonly PartResult[] {
  const ranked = results.flatMap((result) => {
    const { kind, digest, tags, isGiven, isNeeded } = result;
    // A result that was not pushed is only in the engine of its machine.
    if (!MADE.has(kind) || digest === undefined || isGiven === true || tags.length === 0) return [];
    const isPart = tags.every(({ ref }) => ref.includes('@'));
    return [{ result, rank: (isPart ? 0 : 2) + (isNeeded === true ? 1 : 0) }];
  });
  const best = Math.min(...ranked.map(({ rank }) => rank));
  return ranked.filter(({ rank }) => rank === best).map(({ result }) => result);
}

function normalised(platform: string): string {
  const parsed = parsePlatform(platform);
  return parsed === undefined ? platform : formatPlatform(parsed);
}

function partMissing(
  build: string,
  wanted: readonly string[],
  missing: readonly string[],
  said: readonly Said[],
): Problem {
  const lacking = missing.length > 0 && said.length > 0 ? ` for ${missing.join(', ')}` : '';
  const all = wanted.length === 0 ? '' : `, which is built for ${wanted.join(', ')}`;
  return problem('run/part-missing', `there is no image${lacking} of \`${build}\`${all}`, {
    build,
    ...(said.length === 0 ? {} : { detail: said.map(textOf).join('\n') }),
    hint: `Run a job for each: bake-ts run ${build} --platform ${missing[0] ?? 'OS/ARCH'} --by-digest --metadata-file FILE; then merge with all of these files.`,
  });
}

function partExtra(build: string, wanted: readonly string[], extra: readonly Said[]): Problem {
  const platforms = [...new Set(extra.map(({ platform }) => platform))].join(', ');
  return problem(
    'run/part-extra',
    `\`${build}\` is not built for ${platforms}, and there is an image of that`,
    {
      build,
      detail: extra.map(textOf).join('\n'),
      hint: `Remove the file, or add its platform in builds.yaml. The platforms are ${wanted.join(', ')}.`,
    },
  );
}

function partTwice(build: string, one: Said, other: Said): Problem {
  return problem('run/part-twice', `there are two images of \`${build}\` for ${one.platform}`, {
    build,
    detail: [one, other].map(textOf).join('\n'),
    hint: 'Remove the wrong file, usually one of an earlier pipeline.',
  });
}

function textOf({ platform, digest, from }: Said): string {
  return `${platform}: ${digest} (${from})`;
}
