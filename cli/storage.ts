/** Shared by `engine du` and `engine prune`: the engine, the repository, and their output. */
import { type Engine, findEngine } from '../lib/engine/mod.ts';
import { ok, problem, type Result } from '../lib/model/mod.ts';
import {
  formatBytes,
  type Palette,
  plainText,
  plural,
  shortDigest,
  toProblemJson,
} from '../lib/report/mod.ts';
import { type Leftovers, type Repository, type StorageUsage, sumBytes } from '../lib/storage/mod.ts';
import { listOf, type ParsedArgs, textOf } from './args.ts';
import { readInputs } from './inputs.ts';
import type { Io } from './io.ts';
import { formatTable, reportProblems } from './output.ts';

/** The engine that a run would use, and the repository here. Starts nothing. Problems: as of `findEngine`. */
export async function findStorage(
  args: ParsedArgs,
  io: Io,
): Promise<Result<{ readonly engine: Engine; readonly repository: Repository }>> {
  const read = await readInputs(args, io);
  if (!read.ok) {
    // Wrong options and denied permissions are errors here, because they may hide what to keep.
    const usage = read.error.filter(({ code }) => code.startsWith('cli/') || code === 'system/permission');
    if (usage.length > 0) return { ok: false, error: usage };
    if (!read.error.some(({ code }) => code === 'config/no-file')) {
      const unread = problem(
        'engine/builds-unread',
        'the builds here cannot be read, so none is treated as gone',
        {
          severity: 'warning',
          hint: '`bake-ts validate` shows what is wrong.',
        },
      );
      reportProblems([unread], args, io);
    }
  }
  const address = textOf(args, 'addr');
  const settings = read.ok ? read.value.set.engine : undefined;
  const engine = await findEngine({
    env: io.env,
    autoStart: false,
    ...(address === undefined ? {} : { flagAddress: address }),
    ...(settings === undefined ? {} : { settings }),
  });
  if (!engine.ok) return engine;
  if (read.ok)
    return ok({ engine: engine.value, repository: { root: read.value.set.root, set: read.value.set } });
  const { findRoot } = await import('../lib/config/mod.ts');
  const root = await findRoot({ cwd: io.cwd, env: io.env, files: listOf(args, 'file') });
  return ok({ engine: engine.value, repository: { root } });
}

/** A table of leftovers; empty if there are none. */
export function formatLeftovers(
  { unnamed, images, sources, state }: Leftovers,
  which: { readonly images: boolean; readonly gone: boolean },
  palette: Palette,
): string {
  const rows = [
    ...(which.images ? unnamed : []).map((one) => [
      'image',
      plainText(one.name),
      shortDigest(one.digest),
      formatBytes(one.sizeBytes),
      `of ${plainText(one.build ?? '')}; builds.yaml no longer names it`,
    ]),
    ...(which.gone ? images : []).map((one) => [
      'image',
      plainText(one.name),
      shortDigest(one.digest),
      formatBytes(one.sizeBytes),
      whyGone(one),
    ]),
    ...(which.gone ? sources : []).map((one) => [
      'files',
      plainText(one.description),
      '',
      formatBytes(one.sizeBytes),
      'sent for a build that is gone',
    ]),
    ...(which.gone ? state : []).map((one) => [
      'state',
      one.build === undefined ? 'a checkout' : plainText(one.build),
      '',
      formatBytes(one.sizeBytes),
      whyGone(one),
    ]),
  ];
  return rows.length === 0 ? '' : formatTable(['WHAT', 'NAME', 'DIGEST', '>SIZE', 'WHY'], rows, palette);
}

function whyGone({ build, root }: { readonly build?: string; readonly root?: string }): string {
  if (build !== undefined) return `${plainText(build)} is no longer in builds.yaml`;
  return `${plainText(root ?? '')} no longer exists`;
}

/** Lines about what can be deleted besides the cache. */
export function tellLeftovers({ unnamed, images, sources, state }: Leftovers): readonly string[] {
  const gone = [
    ...(images.length > 0 ? [`${plural(images.length, 'image')} (${formatBytes(sumBytes(images))})`] : []),
    ...(sources.length > 0
      ? [`${plural(sources.length, 'copy', 'copies')} of files (${formatBytes(sumBytes(sources))})`]
      : []),
    ...(state.length > 0
      ? [`state of ${plural(state.length, 'build or checkout', 'builds or checkouts')}`]
      : []),
  ];
  return [
    ...(unnamed.length > 0
      ? [
          `${plural(unnamed.length, 'image')} (${formatBytes(sumBytes(unnamed))}) of builds that are no longer in builds.yaml: bake-ts engine prune --images`,
        ]
      : []),
    ...(gone.length > 0
      ? [`leftovers of builds or checkouts that are gone: ${gone.join(', ')}: bake-ts engine prune --gone`]
      : []),
  ];
}

/** A survey as JSON. Fields are added, never changed. */
export function surveyToJson({ address, source }: Engine, survey: StorageUsage): object {
  const { records, kinds, builds, elsewhere, images, imagesUnreadable, leftovers } = survey;
  return {
    version: 1,
    engine: { address, source },
    totalBytes: sumBytes(records),
    kinds,
    builds,
    elsewhere,
    records,
    ...(images === undefined ? {} : { images }),
    ...(imagesUnreadable === undefined ? {} : { imagesUnreadable: toProblemJson(imagesUnreadable) }),
    leftovers,
  };
}
