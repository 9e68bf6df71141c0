import type { Merged, MergedBuild, MergedTag, PartResult } from '../../lib/merge/mod.ts';
import { isDigest, type Outcome, ok, type Problem, problem, type Result } from '../../lib/model/mod.ts';
import { type Palette, plural, shortDigest } from '../../lib/report/mod.ts';
import { VERSION } from '../../lib/util/version.ts';
import { isSet, listOf, type ParsedArgs, textOf } from '../args.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { readMetadataFiles, recordOf, writeMetadataFile } from '../metadata-files.ts';
import { formatTable, paletteFor, reportProblems, reportStoppable, writeJson } from '../output.ts';
import { planSelected } from '../planned.ts';
import { readSignIn } from '../registry.ts';
import { withCancellation } from '../signals.ts';
import { withTransferView } from '../transfers.ts';

/** `bake-ts merge`: joins platforms that were built separately into one image, for builds or, with `--tag`, for images by reference. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const wrong = checkWords(args);
  if (wrong !== undefined) return reportProblems([wrong], args, io);
  if (listOf(args, 'tag').length === 0) return mergeBuilds(args, io);
  const { mergeImages } = await import('./merge-images.ts');
  return mergeImages(args, io);
}

function checkWords(args: ParsedArgs): Problem | undefined {
  const isPlain = listOf(args, 'tag').length > 0;
  const ofBuilds = ['from', 'push', 'metadata-file', 'filter', 'dependents', 'dry-run'].find(
    (name) => args.flags.has(name) || args.values.has(name),
  );
  if (isPlain && ofBuilds !== undefined) {
    return problem('cli/conflict', `--tag joins images by reference, but --${ofBuilds} is for builds`, {
      hint: 'Leave --tag out: builds get the tags of builds.yaml.',
    });
  }
  if (isPlain && args.positionals.length === 0) {
    return problem('cli/missing-argument', '"merge" with --tag needs the images to join', {
      hint: 'Write `bake-ts merge --tag REGISTRY/REPOSITORY:TAG REGISTRY/REPOSITORY@sha256:… REGISTRY/REPOSITORY@sha256:…`.',
    });
  }
  const reference = isPlain ? undefined : args.positionals.find((word) => /[/:@]/.test(word));
  if (reference !== undefined) {
    return problem(
      'cli/missing-value',
      `"${reference}" is a reference, and "merge" needs --tag to name the result`,
      {
        hint: `Write \`bake-ts merge --tag REGISTRY/REPOSITORY:TAG ${args.positionals.join(' ')}\`.`,
      },
    );
  }
  if (isPlain || listOf(args, 'from').length > 0) {
    if (!isSet(args, 'dry-run') || textOf(args, 'metadata-file') === undefined) return undefined;
    return problem('cli/conflict', '--dry-run pushes nothing that --metadata-file could contain', {
      hint: 'Leave one of them out. --json shows what would be done.',
    });
  }
  return problem('cli/missing-value', '"merge" needs --from', {
    hint: 'Write --from FILE for each file that `bake-ts run --by-digest --metadata-file FILE` wrote, or --from DIRECTORY.',
  });
}

async function mergeBuilds(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const results = await readResults(args, io);
  if (!results.ok) return reportProblems(results.error, args, io);
  const planned = await planSelected(args, io);
  if (!planned.ok) return reportProblems(planned.error, args, io);
  const { plan, warnings, missing } = planned.value;
  // Only `--dependents` needs the dependencies that Dockerfiles declare; otherwise unreadable ones do not matter.
  reportProblems(isSet(args, 'dependents') ? [...warnings, ...missing] : warnings, args, io);
  const targets = [...plan.nodes.values()].flatMap(({ role, build }) =>
    role === 'asked' ? build.tags.flatMap(({ ref }) => ref ?? []) : [],
  );
  const signIn = targets.length === 0 ? ok(undefined) : await readSignIn(args, io, targets);
  if (!signIn.ok) return reportProblems(signIn.error, args, io);
  const { merge } = await import('../../lib/merge/mod.ts');
  return withCancellation(io, async ({ signal }) => {
    const merged = await withTransferView('copying', args, io, (onBlob) =>
      merge({
        plan,
        results: results.value,
        env: io.env,
        dryRun: isSet(args, 'dry-run'),
        signal,
        onBlob,
        userAgent: `bake-ts/${VERSION}`,
        ...(signIn.value === undefined ? {} : { signIn: signIn.value }),
      }),
    );
    if (merged.ok) return show(merged.value, args, io);
    const code = reportStoppable(merged.error, signal, args, io);
    io.stderr.write(`${whatStands(merged.error)}\n`);
    return code;
  });
}

function whatStands(problems: readonly Problem[]): string {
  return problems.some(({ code }) => code === 'run/publish-left')
    ? 'not merged, and not every tag is where it was'
    : 'no tag was moved';
}

/** Results of builds from the metadata files. */
async function readResults(args: ParsedArgs, io: Io): Promise<Result<readonly PartResult[]>> {
  const files = await readMetadataFiles('from', args, io);
  if (!files.ok) return files;
  return ok(
    files.value.flatMap(({ file, builds }) =>
      builds.map(
        ([build, { result, role, digest, platforms, tags }]): PartResult => ({
          build,
          kind: result as Outcome['kind'],
          ...(typeof digest === 'string' && isDigest(digest) ? { digest } : {}),
          platforms: Array.isArray(platforms) ? platforms.filter((one) => typeof one === 'string') : [],
          tags: Array.isArray(tags)
            ? tags.map((tag) => ({ ref: String(recordOf(tag)['ref']) }) as PartResult['tags'][number])
            : [],
          ...(role === 'given' ? { isGiven: true } : {}),
          ...(role === 'asked' ? {} : { isNeeded: true }),
          from: file,
        }),
      ),
    ),
  );
}

async function show(merged: Merged, args: ParsedArgs, io: Io): Promise<ExitCode> {
  const { problems, passedOver, builds, dryRun } = merged;
  if (isSet(args, 'json')) writeJson({ version: 1, dryRun, builds, passedOver }, io);
  else io.stdout.write(formatMerged(merged, paletteFor(args, io, io.stdout)));
  for (const build of passedOver) io.stderr.write(`not merged: ${build} (no pushed tag)\n`);
  const file = textOf(args, 'metadata-file');
  const unwritten = file === undefined ? undefined : await writeMetadataFile(file, metadataOf(builds), io);
  return reportProblems([...problems, ...(unwritten === undefined ? [] : [unwritten])], args, io);
}

/** Metadata in the form that a run of these builds would write. */
function metadataOf(builds: readonly MergedBuild[]): Readonly<Record<string, unknown>> {
  const said = builds.map(({ build, digest, platforms, tags }) => {
    const result = tags.every(({ action }) => action === 'there') ? 'unchanged' : 'built';
    const put = tags.map(({ ref, action }) => ({
      ref,
      digest,
      action: action === 'put' ? 'pushed' : 'there',
    }));
    return [
      build,
      { result, role: 'asked', digest, platforms: platforms.map((one) => one.platform), tags: put },
    ];
  });
  return { version: 1, ok: true, builds: Object.fromEntries(said) };
}

function formatMerged({ dryRun, builds }: Merged, palette: Palette): string {
  const rows = builds.flatMap(({ build, digest, platforms, tags }) =>
    tags.map((tag) => [
      build,
      platforms.map(({ platform }) => platform).join(', '),
      tag.ref,
      shortDigest(digest),
      resultOf(tag, dryRun, palette),
    ]),
  );
  const all = builds.flatMap(({ tags }) => tags);
  const put = all.filter(({ action }) => action === 'put').length;
  const counts = [
    ...(put > 0 ? [`${plural(put, 'tag')} ${dryRun ? 'to write' : 'written'}`] : []),
    ...(put < all.length ? [`${all.length - put} up to date`] : []),
  ];
  const table = formatTable(['BUILD', 'PLATFORMS', 'TAG', 'DIGEST', 'RESULT'], rows, palette);
  return `${table}\n${counts.join(', ')}\n`;
}

function resultOf({ action, previous }: MergedTag, dryRun: boolean, palette: Palette): string {
  if (action === 'there') return palette.good('up to date');
  if (previous === 'unknown') return palette.error('not known');
  if (previous === 'absent') return dryRun ? 'would be new' : palette.good('new');
  return palette.warning(`${dryRun ? 'would move' : 'moved'} from ${shortDigest(previous)}`);
}
