/** Makes the command that repeats a run for some builds, for people to read, copy and type. */
import { buildsToRunAgain, createHider, hideInOption, type Variable } from '../lib/model/mod.ts';
import type { RunTimeline } from '../lib/timeline/mod.ts';
import { shellWord } from '../lib/util/shell.ts';
import type { ParsedArgs } from './args.ts';

/** Options that define a build and its surroundings. Options for the display of a run or the selection of builds are not among them. */
const KEPT_VALUES = [
  'directory',
  'file',
  'var',
  'var-file',
  'set',
  'allow',
  'platform',
  'provenance',
  'sbom',
  'addr',
];
const KEPT_FLAGS = ['untrusted', 'push', 'pull', 'no-cache'];
/** Options that select builds; kept if no builds are named. */
const SELECTING_VALUES = ['filter', 'since'];
const SELECTING_FLAGS = ['dependents'];

/**
 * `bake-ts run NAME… --var TAG=1.10`, quoted for a shell. Hides the values of sensitive variables and of names that
 * sound secret.
 *
 * @param builds undefined: those that this command selected
 */
export function commandFor(
  args: ParsedArgs,
  builds: readonly string[] | undefined,
  variables: ReadonlyMap<string, Variable>,
): string {
  const hider = createHider(variables);
  const isSame = builds === undefined;
  const options = [...(isSame ? SELECTING_VALUES : []), ...KEPT_VALUES].flatMap((option) =>
    (args.values.get(option) ?? []).flatMap((value) => [
      `--${option}`,
      shellWord(hideInOption(value, hider)),
    ]),
  );
  const flags = [...(isSame ? SELECTING_FLAGS : []), ...KEPT_FLAGS].flatMap((flag) => {
    const value = args.flags.get(flag);
    return value === undefined ? [] : [value ? `--${flag}` : `--no-${flag}`];
  });
  return ['bake-ts run', ...(builds ?? args.positionals).map(shellWord), ...options, ...flags].join(' ');
}

/**
 * The same command for the builds that failed or did not run.
 *
 * @param run how its builds ended
 */
export function rerunOf(
  args: ParsedArgs,
  { builds }: Pick<RunTimeline, 'builds'>,
  variables: ReadonlyMap<string, Variable>,
): string {
  return commandFor(args, buildsToRunAgain(builds), variables);
}
