import { type Problem, problem } from '../../lib/model/mod.ts';
import type { PassedOver, PromotedTag, Promotion } from '../../lib/promote/mod.ts';
import { type Palette, plural, shortDigest } from '../../lib/report/mod.ts';
import { VERSION } from '../../lib/util/version.ts';
import { isSet, listOf, type ParsedArgs } from '../args.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { formatTable, paletteFor, reportProblems, reportStoppable, writeJson } from '../output.ts';
import { planSelected } from '../planned.ts';
import { formatTransfer, readSignIn } from '../registry.ts';
import { withCancellation } from '../signals.ts';
import { withTransferView } from '../transfers.ts';

/** `bake-ts promote`: copies the tags of a plan to another registry, all or none. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const written = listOf(args, 'to');
  if (written.length === 0) {
    const hint = 'write --to prod.example.com, or --to ghcr.io/acme/staging=ghcr.io/acme/prod';
    return reportProblems([problem('cli/missing-value', '"promote" needs --to', { hint })], args, io);
  }
  const { promote, readDestinations } = await import('../../lib/promote/mod.ts');
  const to = readDestinations(written);
  if (!to.ok) return reportProblems(to.error, args, io);
  const registries = to.value.map(({ to: [registry = ''] }) => ({ registry, repository: '' }));
  const signIn = await readSignIn(args, io, registries);
  if (!signIn.ok) return reportProblems(signIn.error, args, io);
  const planned = await planSelected(args, io);
  if (!planned.ok) return reportProblems(planned.error, args, io);
  const { plan, warnings, missing } = planned.value;
  // Only `--dependents` needs the dependencies that Dockerfiles declare; otherwise unreadable ones do not matter.
  reportProblems(isSet(args, 'dependents') ? [...warnings, ...missing] : warnings, args, io);
  return withCancellation(io, async ({ signal }) => {
    const promoted = await withTransferView('promoting', args, io, (onBlob) =>
      promote({
        plan,
        to: to.value,
        env: io.env,
        referrers: isSet(args, 'referrers'),
        dryRun: isSet(args, 'dry-run'),
        signal,
        onBlob,
        userAgent: `bake-ts/${VERSION}`,
        ...(signIn.value === undefined ? {} : { signIn: signIn.value }),
      }),
    );
    if (promoted.ok) return show(promoted.value, args, io);
    const code = reportStoppable(promoted.error, signal, args, io);
    io.stderr.write(`${whatStands(promoted.error)}\n`);
    return code;
  });
}

function whatStands(problems: readonly Problem[]): string {
  return problems.some(({ code }) => code === 'run/publish-left')
    ? 'not promoted, and not every tag is where it was'
    : 'nothing was promoted: no tag has moved';
}

function show(promotion: Promotion, args: ParsedArgs, io: Io): ExitCode {
  const { problems, passedOver, tags, ...rest } = promotion;
  if (isSet(args, 'json')) writeJson({ version: 1, ...rest, tags, passedOver }, io);
  else io.stdout.write(formatPromotion(promotion, paletteFor(args, io, io.stdout)));
  io.stderr.write(formatTransfer(promotion));
  for (const one of passedOver) io.stderr.write(`${notPromoted(one)}\n`);
  return reportProblems(problems, args, io);
}

function notPromoted({ build, why }: PassedOver): string {
  return why === 'not-pushed'
    ? `not promoted: ${build} (no pushed tag)`
    : `not promoted: ${build} (only a dependency; name it to promote its tags too)`;
}

function formatPromotion({ dryRun, tags }: Promotion, palette: Palette): string {
  const rows = tags.map((tag) => [
    tag.source,
    tag.target,
    shortDigest(tag.digest),
    resultOf(tag, dryRun, palette),
  ]);
  const put = tags.filter(({ action }) => action === 'put').length;
  const counts = [
    ...(put > 0 ? [`${plural(put, 'tag')} ${dryRun ? 'to write' : 'written'}`] : []),
    ...(put < tags.length ? [`${tags.length - put} up to date`] : []),
  ];
  const table = formatTable(['SOURCE', 'TARGET', 'DIGEST', 'RESULT'], rows, palette);
  return `${table}\n${counts.join(', ')}\n`;
}

function resultOf({ action, previous }: PromotedTag, dryRun: boolean, palette: Palette): string {
  if (action === 'there') return palette.good('up to date');
  if (previous === 'unknown') return palette.error('not known');
  if (previous === 'absent') return dryRun ? 'would be new' : palette.good('new');
  return palette.warning(`${dryRun ? 'would move' : 'moved'} from ${shortDigest(previous)}`);
}
