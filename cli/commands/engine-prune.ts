import { type CacheRecord, LONGEST_KEPT_MS, type PruneLimits } from '../../lib/engine/mod.ts';
import { fail, ok, type Problem, problem, type Result } from '../../lib/model/mod.ts';
import { formatBytes, plural, toProblemJson } from '../../lib/report/mod.ts';
import {
  isReclaimable,
  type PruneChoice,
  type PruneReport,
  pruneStorage,
  type StorageUsage,
  sumBytes,
  surveyForPrune,
} from '../../lib/storage/mod.ts';
import { parseDuration } from '../../lib/util/duration.ts';
import { parseSize } from '../../lib/util/size.ts';
import { isSet, type ParsedArgs, textOf } from '../args.ts';
import { confirm } from '../confirm.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { paletteFor, reportProblems, writeJson } from '../output.ts';
import { withCancellation } from '../signals.ts';
import { findStorage, formatLeftovers, tellLeftovers } from '../storage.ts';

const NOBODY = problem('cli/not-confirmed', 'nothing was deleted: there is nobody to ask for confirmation', {
  hint: 'Add --yes to confirm, or set limits: --keep 10GB, --older 7d.',
});

/** `bake-ts engine prune`: deletes cache, images that no builds.yaml names, and leftovers of deleted builds and checkouts. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const chosen = readChoice(args);
  if (!chosen.ok) return reportProblems(chosen.error, args, io);
  const found = await findStorage(args, io);
  if (!found.ok) return reportProblems(found.error, args, io);
  const choice = chosen.value;
  return withCancellation(io, async ({ signal }) => {
    const options = { ...found.value, env: io.env, signal };
    const surveyed = await surveyForPrune(options);
    if (!surveyed.ok) return reportProblems(surveyed.error, args, io);
    const shown = surveyed.value;
    if (shown.imagesUnreadable !== undefined && (choice.images === true || choice.gone === true))
      reportProblems([{ ...shown.imagesUnreadable, severity: 'warning' }], args, io);
    const question = show(shown, choice, args, io);
    if (isSet(args, 'dry-run')) return EXIT.ok;
    if (question !== undefined && !isSet(args, 'yes')) {
      const answer = await confirm(question, io);
      if (answer === 'nobody') return reportProblems([NOBODY], args, io);
      if (answer === 'no') return EXIT.ok;
    }
    const pruned = await pruneStorage(options, choice, shown);
    if (!pruned.ok) return reportProblems(pruned.error, args, io);
    report(pruned.value, args, io);
    return EXIT.ok;
  });
}

/** What to delete. Without options: the whole cache that is not in use. Problem: `cli/bad-value`. */
function readChoice(args: ParsedArgs): Result<PruneChoice> {
  const problems: Problem[] = [];
  const read = (option: string, parse: (text: string) => number | undefined, hint: string) => {
    const written = textOf(args, option);
    if (written === undefined) return undefined;
    // Most programs read a plain number as bytes or seconds, and nobody means so few.
    const value = /[a-z]$/i.test(written) ? parse(written) : undefined;
    if (value === undefined || !(value > 0) || value > Number.MAX_SAFE_INTEGER)
      problems.push(problem('cli/bad-value', `--${option} cannot be "${written}"`, { hint }));
    return value;
  };
  const keepBytes = read('keep', parseSize, 'Use a size with its unit: 500MB, 10GB, 1.5t.');
  const keepMs = read(
    'older',
    (text) => parseDuration(text, LONGEST_KEPT_MS),
    'Use a duration with its unit: 7d, 12h, 1d12h.',
  );
  if (problems.length > 0) return fail(problems);
  const limits: PruneLimits = {
    ...(keepBytes === undefined ? {} : { keepBytes }),
    ...(keepMs === undefined ? {} : { keepMs }),
    ...(isSet(args, 'all') ? { all: true } : {}),
  };
  const images = isSet(args, 'images');
  const gone = isSet(args, 'gone');
  const isCache = Object.keys(limits).length > 0 || !(images || gone);
  return ok({ ...(isCache ? { cache: limits } : {}), images, gone });
}

/**
 * Shows what would be deleted.
 *
 * @returns the question to confirm; undefined if nothing is deleted or the options say exactly what
 */
function show(shown: StorageUsage, choice: PruneChoice, args: ParsedArgs, io: Io): string | undefined {
  const palette = paletteFor(args, io, io.stderr);
  const which = { images: choice.images === true, gone: choice.gone === true };
  const { unnamed, images, sources, state } = shown.leftovers;
  const count =
    (which.images ? unnamed.length : 0) + (which.gone ? images.length + sources.length + state.length : 0);
  const isDry = isSet(args, 'dry-run');
  if (count > 0) io.stderr.write(`${formatLeftovers(shown.leftovers, which, palette)}\n`);
  else if (which.images || which.gone)
    io.stderr.write('nothing to delete: no leftovers and no unused images\n');
  const { cache } = choice;
  if (cache === undefined) return count > 0 ? `delete ${count === 1 ? 'it' : 'all of it'}?` : undefined;
  const goes = estimate(shown, cache, io.now());
  const most = `${formatBytes(sumBytes(goes))} in ${plural(goes.length, 'record')} of ${formatBytes(sumBytes(shown.records))}`;
  const isOpen = cache.keepBytes === undefined && cache.keepMs === undefined;
  if (isDry)
    io.stderr.write(
      `${cache.keepBytes === undefined ? '' : 'at most '}${most} of the cache would be deleted\n`,
    );
  if (count > 0) return `delete ${count === 1 ? 'it' : 'all of it'}, and prune the cache?`;
  return isOpen && goes.length > 0 ? `delete the cache, ${most}?` : undefined;
}

/** What BuildKit would delete, as far as this is visible from outside. With a size to keep it stops earlier. */
function estimate({ records }: StorageUsage, limits: PruneLimits, nowMs: number): readonly CacheRecord[] {
  const since = limits.keepMs === undefined ? undefined : nowMs - limits.keepMs;
  return records.filter((one) => {
    if (one.inUse || (limits.all !== true && !isReclaimable(one))) return false;
    return since === undefined || one.lastUsedAt === undefined || Date.parse(one.lastUsedAt) < since;
  });
}

function report(
  { cache, images, state, left, imagesUnreadable }: PruneReport,
  args: ParsedArgs,
  io: Io,
): void {
  if (isSet(args, 'json')) {
    const unreadable =
      imagesUnreadable === undefined ? {} : { imagesUnreadable: toProblemJson(imagesUnreadable) };
    writeJson({ version: 1, freedBytes: sumBytes(cache), cache, images, state, left, ...unreadable }, io);
    return;
  }
  const done = [
    `${formatBytes(sumBytes(cache))} of the cache in ${plural(cache.length, 'record')}`,
    ...(images.length > 0 ? [plural(images.length, 'image')] : []),
    ...(state.length > 0
      ? [`state of ${plural(state.length, 'build or checkout', 'builds or checkouts')}`]
      : []),
  ];
  io.stdout.write(`deleted ${done.join(', ')}\n`);
  for (const line of tellLeftovers(left)) io.stdout.write(`${line}\n`);
}
