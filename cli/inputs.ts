/** From options to a set of builds and a selection: what `run`, `plan`, `print`, `list` and `validate` have in common. */
import type { ReadBuildsValue } from '../lib/config/mod.ts';
import { fail, type Problem, problem, type Result } from '../lib/model/mod.ts';
import type { Selection } from '../lib/plan/mod.ts';
import { isSet, listOf, type ParsedArgs } from './args.ts';
import type { Io } from './io.ts';

/** Reads builds.yaml with the variables and overrides of the command line. Problems: those of reading, `cli/bad-value`. */
export async function readInputs(args: ParsedArgs, io: Io): Promise<Result<ReadBuildsValue>> {
  const vars = readVars(listOf(args, 'var'));
  if (!vars.ok) return vars;
  const files = listOf(args, 'file');
  const { readBuilds } = await import('../lib/config/mod.ts');
  return readBuilds({
    cwd: io.cwd,
    env: io.env,
    files,
    vars: vars.value,
    varFiles: listOf(args, 'var-file'),
    overrides: overridesOf(args),
    ...(files.includes('-') ? { stdin: await io.readStdin() } : {}),
  });
}

/** Which builds are meant. */
export function selectionOf(args: ParsedArgs): Selection {
  return {
    patterns: args.positionals,
    filters: listOf(args, 'filter'),
    ...(isSet(args, 'dependents') ? { dependents: true } : {}),
  };
}

/** `--set` as written, then the flags that are overrides of every build; there is one way to override, and plan shows it. */
export function overridesOf(args: ParsedArgs): readonly string[] {
  const push = args.flags.get('push');
  const platforms = listOf(args, 'platform');
  return [
    ...listOf(args, 'set'),
    ...(push === undefined ? [] : [`*.push=${push}`]),
    ...(platforms.length === 0 ? [] : [`*.platforms=${platforms.join(',')}`]),
    ...(isSet(args, 'pull') ? ['*.pull=true'] : []),
    ...(isSet(args, 'no-cache') ? ['*.no-cache=true'] : []),
  ];
}

/** `NAME=value` pairs; the last of a name wins. Problem: `cli/bad-value`. */
export function readVars(written: readonly string[]): Result<ReadonlyMap<string, string>> {
  const vars = new Map<string, string>();
  const problems: Problem[] = [];
  for (const one of written) {
    const equals = one.indexOf('=');
    if (equals > 0) vars.set(one.slice(0, equals), one.slice(equals + 1));
    else {
      // What stands after a missing name may be a secret.
      const shown = equals === -1 ? `"${one}"` : 'something without a name';
      problems.push(
        problem('cli/bad-value', `--var needs NAME=value, and got ${shown}`, {
          hint: 'write --var TAG=1.10',
        }),
      );
    }
  }
  return problems.length > 0 ? fail(problems) : { ok: true, value: vars };
}

/** A whole number between two bounds. Problem: `cli/bad-value`. */
export function readNumber(option: string, written: string, least: number, most: number): Result<number> {
  const value = /^\d{1,9}$/.test(written) ? Number(written) : Number.NaN;
  if (value >= least && value <= most) return { ok: true, value };
  return fail([
    problem('cli/bad-value', `--${option} cannot be "${written}"`, {
      hint: `it is a whole number from ${least} to ${most}`,
    }),
  ]);
}
