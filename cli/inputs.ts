/** From options to a set of builds and a selection: shared by `run`, `plan`, `print`, `list` and `validate`. */
import type { ReadBuildsOptions, ReadBuildsValue } from '../lib/config/mod.ts';
import {
  type EngineSettings,
  fail,
  GRANT_FORMS,
  namedEngine,
  ok,
  type Problem,
  parseGrant,
  problem,
  type Result,
  tlsFor,
} from '../lib/model/mod.ts';
import type { Selection } from '../lib/plan/mod.ts';
import { parseDuration } from '../lib/util/duration.ts';
import { isSet, listOf, type ParsedArgs, textOf } from './args.ts';
import type { Io } from './io.ts';

/** Reads builds.yaml with the user's variables, overrides and grants. Problems: those of reading, `cli/bad-value`. */
export async function readInputs(
  args: ParsedArgs,
  io: Io,
  what: Pick<ReadBuildsOptions, 'onlySettings'> = {},
): Promise<Result<ReadBuildsValue>> {
  const reading = await readingOf(args, io);
  if (!reading.ok) return reading;
  const { readBuilds } = await import('../lib/config/mod.ts');
  const read = await readBuilds({ ...reading.value, ...what });
  if (read.ok && read.value.foundBake !== undefined) sayFound(read.value.foundBake, args, io);
  return read;
}

/** Options for reading builds, from the command line. Problem: `cli/bad-value`. */
export async function readingOf(args: ParsedArgs, io: Io): Promise<Result<ReadBuildsOptions>> {
  const vars = readVars(listOf(args, 'var'));
  if (!vars.ok) return vars;
  const granted = await readGrants(args, io);
  if (!granted.ok) return granted;
  return ok({ ...granted.value, ...(await sourcesOf(args, io, vars.value)) });
}

/** The files, variables and overrides from the command line. Reads stdin if a file is `-`. */
async function sourcesOf(
  args: ParsedArgs,
  io: Io,
  vars: ReadonlyMap<string, string>,
): Promise<Omit<ReadBuildsOptions, 'allow' | 'untrusted'>> {
  const files = listOf(args, 'file');
  return {
    cwd: io.cwd,
    env: io.env,
    library,
    files,
    vars,
    varFiles: listOf(args, 'var-file'),
    overrides: overridesOf(args),
    ...(files.includes('-') ? { stdin: await io.readStdin() } : {}),
  };
}

/** The library, for a builds.ts that imports it where it is not installed. */
export const library = (): Promise<Readonly<Record<string, unknown>>> => import('../lib/mod.ts');

const reported = new WeakSet<object>();

/** Names the files that were found by default, once per command. */
function sayFound(files: readonly string[], args: ParsedArgs, io: Io): void {
  if (reported.has(args) || textOf(args, 'progress') === 'quiet') return;
  reported.add(args);
  const last = files.at(-1) ?? '';
  const names = files.length > 1 ? `${files.slice(0, -1).join(', ')} and ${last} are` : `${last} is`;
  io.stderr.write(`${names} read (no builds.yaml here)\n`);
}

/**
 * Permissions for builds: `--allow`, and the user's settings for the working directory, which do not apply to untrusted
 * files.
 */
async function readGrants(
  args: ParsedArgs,
  io: Io,
): Promise<Result<{ readonly allow: readonly string[]; readonly untrusted: boolean }>> {
  const allow = listOf(args, 'allow');
  const bad = allow.filter((text) => parseGrant(text) === undefined);
  const untrusted = isSet(args, 'untrusted');
  if (bad.length > 0) return fail(bad.map(badGrant));
  if (untrusted && args.flags.get('push') === true) {
    return fail([
      problem('cli/conflict', '--untrusted and --push cannot be combined', {
        hint: 'Files of strangers are only built. Read them, then push without --untrusted.',
      }),
    ]);
  }
  if (untrusted) return ok({ allow, untrusted });
  const { readUserGrants } = await import('../lib/config/mod.ts');
  const own = await readUserGrants(io.cwd, io.env);
  return own.ok ? ok({ allow: [...own.value, ...allow], untrusted }) : own;
}

function badGrant(text: string): Problem {
  return problem('cli/bad-value', `--allow cannot be "${text}"`, { hint: `Use one of ${GRANT_FORMS}.` });
}

/**
 * `engine:` of the builds.yaml here, for commands that need nothing else of it; an unreadable file is ignored. If an
 * engine is named in another way, only its TLS files matter.
 */
export async function engineOfFile(
  args: ParsedArgs,
  io: Io,
): Promise<{ readonly settings?: EngineSettings }> {
  const named = namedEngine({ flagAddresses: listOf(args, 'addr'), env: io.env, settings: undefined });
  if (named !== undefined && tlsFor(named.address, { tls: {} }) === undefined) return {};
  const read = await readInputs(args, io, { onlySettings: true });
  const settings = read.ok ? read.value.set.engine : undefined;
  return settings === undefined ? {} : { settings };
}

/** The engines named on the command line, as options of the library. */
export function addressesOf(args: ParsedArgs): { readonly address?: readonly string[] } {
  const address = listOf(args, 'addr');
  return address.length === 0 ? {} : { address };
}

/** The selected builds. */
export function selectionOf(args: ParsedArgs): Selection {
  return {
    patterns: args.positionals,
    filters: listOf(args, 'filter'),
    ...(isSet(args, 'dependents') ? { dependents: true } : {}),
  };
}

/** `--set` as written, then the flags that override every build. All become overrides, so `plan` shows them. */
export function overridesOf(args: ParsedArgs): readonly string[] {
  const push = args.flags.get('push');
  const platforms = listOf(args, 'platform');
  return [
    ...listOf(args, 'set'),
    ...(push === undefined ? [] : [`*.push=${push}`]),
    ...(platforms.length === 0 ? [] : [`*.platforms=${platforms.join(',')}`]),
    ...(isSet(args, 'pull') ? ['*.pull=true'] : []),
    ...(isSet(args, 'no-cache') ? ['*.no-cache=true'] : []),
    ...['provenance', 'sbom'].flatMap((type) => attestOf(type, textOf(args, type))),
  ];
}

/** `true`, `false` or attributes, as in buildx (util/buildflags/attests.go, `CanonicalizeAttest`). */
function attestOf(type: string, written: string | undefined): readonly string[] {
  if (written === undefined || written === '') return [];
  if (/^(?:1|t|true)$/i.test(written)) return [`*.attest+=type=${type}`];
  if (/^(?:0|f|false)$/i.test(written)) return [`*.attest+=type=${type},disabled=true`];
  return [`*.attest+=type=${type},${written}`];
}

/** `NAME=value` pairs; the last value of a name wins. Problem: `cli/bad-value`. */
function readVars(written: readonly string[]): Result<ReadonlyMap<string, string>> {
  const vars = new Map<string, string>();
  const problems: Problem[] = [];
  for (const one of written) {
    const equals = one.indexOf('=');
    if (equals > 0) vars.set(one.slice(0, equals), one.slice(equals + 1));
    else {
      // If the name is missing, the rest may be a secret.
      const shown = equals === -1 ? `"${one}"` : 'something without a name';
      problems.push(
        problem('cli/bad-value', `--var needs NAME=value, but got ${shown}`, {
          hint: 'Write for example --var TAG=1.10.',
        }),
      );
    }
  }
  return problems.length > 0 ? fail(problems) : { ok: true, value: vars };
}

/** A duration in milliseconds; undefined if the option is not used. Problem: `cli/bad-value`. */
export function readDuration(args: ParsedArgs, option: string): Result<number | undefined> {
  const written = textOf(args, option);
  if (written === undefined) return { ok: true, value: undefined };
  const ms = parseDuration(written);
  if (ms !== undefined && ms > 0) return { ok: true, value: ms };
  return fail([
    problem('cli/bad-value', `--${option} cannot be "${written}"`, {
      hint: 'Use seconds or a duration such as 90s, 20m, 1h30m.',
    }),
  ]);
}

/** A whole number between two bounds. Problem: `cli/bad-value`. */
export function readNumber(option: string, written: string, least: number, most: number): Result<number> {
  const value = /^\d{1,9}$/.test(written) ? Number(written) : Number.NaN;
  if (value >= least && value <= most) return { ok: true, value };
  return fail([
    problem('cli/bad-value', `--${option} cannot be "${written}"`, {
      hint: `Use a whole number from ${least} to ${most}.`,
    }),
  ]);
}
