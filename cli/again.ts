/** The command that runs some builds again as they were run: to be read, copied and typed. */
import { buildsToRunAgain, createHider, hideInOption, type Variable } from '../lib/model/mod.ts';
import type { RunTimeline } from '../lib/timeline/mod.ts';
import { shellWord } from '../lib/util/shell.ts';
import type { ParsedArgs } from './args.ts';

/** Options that say what a build is, and where; how a run is shown or which builds are selected is no part of it. */
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
/** Those that say which builds; kept where none are named. */
const SELECTING_VALUES = ['filter', 'since'];
const SELECTING_FLAGS = ['dependents'];

/**
 * `bake-ts run NAME… --var TAG=1.10`, with words quoted for a shell. Values of sensitive variables, and values behind
 * names that sound secret, are hidden.
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
 * The same for what a run left undone.
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
