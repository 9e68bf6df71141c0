/** `bake-ts run --watch`: what is run, what is shown between rounds, and which options cannot be combined with it. */
import { realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KeptRounds, type RecordedRound } from '../../lib/history/mod.ts';
import {
  type BuildSet,
  fail,
  ok,
  type Problem,
  problem,
  type Result,
  type RunSummary,
} from '../../lib/model/mod.ts';
import { plainText, plural, type Reporter } from '../../lib/report/mod.ts';
import type { BakeOptions, EngineAccess } from '../../lib/run/mod.ts';
import { findDefinition } from '../../lib/since/mod.ts';
import { stateDirectory } from '../../lib/state/mod.ts';
import { isWithin } from '../../lib/system/mod.ts';
import type { Round, WatchEvent, WatchedSet } from '../../lib/watch/mod.ts';
import { isSet, listOf, type ParsedArgs, textOf } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { readInputs, selectionOf } from '../inputs.ts';
import type { Io } from '../io.ts';
import { paletteFor, progressMode, reportProblems } from '../output.ts';
import { RUN_FILE_OPTIONS } from '../run-files.ts';
import { withCancellation } from '../signals.ts';

/** The input of one run. */
export interface RunInput
  extends Pick<BakeOptions, 'plan' | 'dockerfiles' | 'signal' | 'onReads' | 'onEvent' | 'force' | 'changed'> {
  /** Default: the engines of this machine, with no state from earlier rounds. */
  readonly engines?: EngineAccess;
  /** Which round of a watch it is, and the recorded other rounds. */
  readonly round?: RecordedRound;
  /** Events are no longer shown. */
  readonly isHidden?: () => boolean;
}

/** How a run ended. `code`: exit code for files that could not be written. */
export interface RunEnd {
  readonly summary: RunSummary;
  readonly code: ExitCode;
}

/** Runs once; `onOpen` gets what currently uses the terminal. */
type RunOnce = (onOpen: (opened: Shown) => void, what: RunInput) => Promise<RunEnd>;

/** What shows the current run; between rounds nothing does. */
export type Shown = Pick<Reporter, 'abandon' | 'close' | 'interrupt'>;

const NOTHING_SHOWN: Shown = { abandon: () => {}, close: () => {}, interrupt: () => {} };

/** Runs, and runs again on every change, until a signal comes. */
export async function watchRuns(args: ParsedArgs, io: Io, runOnce: RunOnce): Promise<ExitCode> {
  const wrong = conflictsOf(args);
  if (wrong.length > 0) return reportProblems(wrong, args, io);
  const sinceMs = io.now();
  const first = await readSet(args, io);
  if (!first.ok) return reportProblems(first.error, args, io);
  const { preparePlan } = await import('../../lib/prepare/mod.ts');
  const selection = selectionOf(args);
  const prepared = preparePlan(first.value.set, selection, io.cwd);
  const { warnings } = first.value;
  if (!prepared.ok) return reportProblems([...warnings, ...prepared.error], args, io);
  const { missing } = prepared.value;
  const code = reportProblems([...warnings, ...missing], args, io);
  if (missing.some((one) => one.severity === 'error')) return code;

  const { watchBuilds } = await import('../../lib/watch/mod.ts');
  const isJson = textOf(args, 'progress') === 'json';
  const { engineAccess, KnownEngines } = await import('../../lib/run/mod.ts');
  const engines = engineAccess(new KnownEngines());
  const kept = new KeptRounds();
  let shown = NOTHING_SHOWN;
  return withCancellation(
    io,
    async ({ signal }) => {
      const ended = await watchBuilds({
        first: first.value,
        prepared: prepared.value,
        read: () => readSet(args, io),
        selection,
        cwd: io.cwd,
        sinceMs,
        ownFiles: ownFilesOf(args, io, first.value.set),
        signal,
        onEvent: (event) => {
          if (event.type === 'changed' && event.supersedes) shown.close();
          showEvent(event, args, io);
        },
        run: async (round) => {
          const { summary } = await runOnce(
            (reporter) => {
              shown = reporter;
            },
            { ...inputOf(round, kept, isJson), engines },
          );
          shown = NOTHING_SHOWN;
          return summary;
        },
      });
      if (!ended.ok) return reportProblems(ended.error, args, io);
      return ended.value.ok ? EXIT.ok : EXIT.buildFailed;
    },
    () => shown.abandon(),
    (name) => shown.interrupt(name),
  );
}

function inputOf(round: Round, kept: KeptRounds, isJson: boolean): RunInput {
  const { plan, dockerfiles, signal, onEvent, onReads, isSuperseded, number, changed } = round;
  return {
    plan,
    dockerfiles,
    signal,
    onEvent,
    onReads,
    round: { number, kept, isSuperseded },
    ...(changed === undefined ? {} : { changed }),
    // A run that a newer round replaces is hidden from people; programs get all events of each run.
    ...(isJson ? {} : { isHidden: isSuperseded }),
    // Otherwise every edit would rebuild builds that it does not affect.
    ...(number === 1 ? {} : { force: false }),
  };
}

async function readSet(args: ParsedArgs, io: Io): Promise<Result<WatchedSet>> {
  const read = await readInputs(args, io);
  if (!read.ok) return fail(read.error);
  const { files, readsUnknown } = await findDefinition(
    read.value.set,
    listOf(args, 'var-file'),
    await realpath(io.cwd),
  );
  const warnings = readsUnknown ? [...read.value.warnings, unseenFiles()] : read.value.warnings;
  return ok({ ...read.value, warnings, files });
}

function unseenFiles(): Problem {
  return problem('cli/watch-unseen', 'an expression or a script reads files whose names are not known', {
    severity: 'warning',
    hint: 'When one of them changes, save builds.yaml to read it again.',
  });
}

/** Options for files that a run writes. */
const WRITTEN = ['metadata-file', ...RUN_FILE_OPTIONS];

/** Paths that only bake-ts writes. A directory that contains the repository is not one of them. */
function ownFilesOf(args: ParsedArgs, io: Io, { root }: BuildSet): readonly string[] {
  const named = WRITTEN.flatMap((option) => textOf(args, option) ?? []);
  const home = io.env['BAKE_TS_HOME'] ?? '';
  const directories = [stateDirectory(io.env), tmpdir(), ...(path.isAbsolute(home) ? [home] : [])];
  return [
    ...named.map((file) => path.resolve(io.cwd, file)),
    ...directories.filter((directory) => !isWithin(root, [directory])),
  ];
}

/** Options that make no sense in repeated runs, or could go wrong unnoticed. */
function conflictsOf(args: ParsedArgs): readonly Problem[] {
  const conflict = (option: string, hint: string): Problem =>
    problem('cli/conflict', `--watch and ${option} cannot be combined`, { hint });
  return [
    ...(textOf(args, 'audit') === undefined
      ? []
      : [conflict('--audit', 'Run the audit separately, without --watch.')]),
    ...(textOf(args, 'since') === undefined
      ? []
      : [conflict('--since', '--watch runs what changes anyway; name the builds to watch instead.')]),
    ...(textOf(args, 'parents-from') === undefined
      ? []
      : [
          conflict(
            '--parents-from',
            'It uses results of the same files, and watched files change. Run without --watch.',
          ),
        ]),
    ...(isSet(args, 'untrusted')
      ? [
          conflict(
            '--untrusted',
            'Nothing is recorded for untrusted files, so each run would build everything. Run without --watch.',
          ),
        ]
      : []),
    ...(listOf(args, 'file').includes('-')
      ? [conflict('--file -', 'Standard input cannot be read again. Give --file the path of a file.')]
      : []),
  ];
}

const NAMES_SHOWN = 6;

/** Writes to stderr what happens between rounds. With `--progress=json` and `quiet` it writes only problems. */
function showEvent(event: WatchEvent, args: ParsedArgs, io: Io): void {
  if (event.type === 'problems') {
    reportProblems(event.problems, args, io);
    return;
  }
  const mode = progressMode(args, io);
  if (mode === 'json' || mode === 'quiet') return;
  const text = textOfEvent(event, io.cwd);
  const { dim } = paletteFor(args, io, io.stderr);
  if (text !== undefined) io.stderr.write(`${dim(text)}\n`);
}

/** One line for an event; undefined: nothing to say. */
export function textOfEvent(
  event: Exclude<WatchEvent, { type: 'problems' }>,
  cwd: string,
): string | undefined {
  if (event.type === 'waiting') {
    const { builds, files, failed } = event;
    const left = failed === 0 ? '' : `${plural(failed, 'build')} failed · `;
    return `${left}waiting for changes in ${plural(builds, 'build')}, ${count(files, 'file')} · Ctrl-C ends it`;
  }
  if (event.type === 'unwatched') {
    const { contexts, images } = event;
    const what = [...contexts.map(plainText), ...(images === 0 ? [] : [plural(images, 'external image')])];
    return what.length === 0 ? undefined : `not watched, but checked by each run: ${listed(what)}`;
  }
  const { paths, total, builds, supersedes } = event;
  const names = paths.map((file) => plainText(shownPath(cwd, file)));
  const more = total - names.length;
  const what =
    names.length === 0
      ? 'many files changed'
      : `${names.join(', ')}${more === 0 ? '' : ` and ${more} more`} changed`;
  if (supersedes) return `\n${what} while it was built; again: ${listed(builds)}`;
  return `\n${what}: ${builds.length === 0 ? 'nothing to run' : listed(builds)}`;
}

function listed(names: readonly string[]): string {
  const rest = names.length - NAMES_SHOWN;
  return `${names.slice(0, NAMES_SHOWN).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

function count(number: number, what: string): string {
  return `${number.toLocaleString('en-US')} ${what}${number === 1 ? '' : 's'}`;
}

function shownPath(cwd: string, file: string): string {
  const short = path.relative(cwd, file);
  return short === '' || short.startsWith('..') ? file : short;
}
