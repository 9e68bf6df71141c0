/** Recent builds of an engine: the records that buildkitd keeps (of two days, or the last fifty). */
import { type Digest, isDigest, ok, type Problem, type Result } from '../model/mod.ts';
import { askBuildctl, type EngineTool } from './ask-buildctl.ts';
import type { EngineOptions } from './notice.ts';

/** A name that a build gave to an image, from its record. The name may have been removed or moved to another image since. */
export interface BuiltImage {
  /** The full reference: `localhost:5000/shop/api:dev`. */
  readonly name: string;
  /** Media type of the manifest or index. */
  readonly mediaType: string;
  /** The digest of that image. */
  readonly digest: Digest;
  /** ISO 8601. */
  readonly builtAt: string;
}

/** Lists the images that an engine recently built into its store, by name. Problems: `engine/unreachable`, `run/cancelled`. */
export async function listHistory(
  engine: EngineTool,
  options: EngineOptions,
): Promise<Result<readonly BuiltImage[], Problem>> {
  const asked = await askBuildctl(
    engine,
    { ...QUESTION, unanswered: 'does not report its history' },
    options,
  );
  return asked.ok ? ok(parseHistory(asked.value)) : asked;
}

const QUESTION = { argv: ['debug', 'histories', '--format', '{{json .}}'], timeoutMs: 30_000 };

/** Counts the builds of all clients that run on an engine now. Problems as of {@link listHistory}. */
export async function countRunningBuilds(
  engine: EngineTool,
  options: EngineOptions,
): Promise<Result<number, Problem>> {
  const asked = await askBuildctl(engine, { ...QUESTION, unanswered: 'does not report its builds' }, options);
  return asked.ok ? ok(asked.value.split('\n').filter(isRunningBuild).length) : asked;
}

/** Whether a line is the record of an unfinished build (buildkit api/services/control, `BuildHistoryEvent`). */
function isRunningBuild(line: string): boolean {
  try {
    const { record } = JSON.parse(line) as { readonly record?: { readonly CompletedAt?: unknown } };
    return record !== undefined && (record.CompletedAt ?? undefined) === undefined;
  } catch {
    return false;
  }
}

/** A record as buildctl prints it (buildkit api/services/control, `BuildHistoryRecord`). */
interface RawRecord {
  readonly Exporters?: readonly {
    readonly Type?: string;
    readonly Attrs?: Readonly<Record<string, string>>;
  }[];
  readonly CompletedAt?: { readonly seconds?: number };
  readonly error?: unknown;
  readonly Result?: {
    readonly ResultDeprecated?: RawDescriptor;
    readonly Results?: Readonly<Record<string, RawDescriptor>>;
  };
}

interface RawDescriptor {
  readonly media_type?: string;
  readonly digest?: string;
}

/** Parses one record per line. Invalid records and those without an image in the store are skipped. The latest record of a name applies. */
export function parseHistory(text: string): readonly BuiltImage[] {
  const found = new Map<string, BuiltImage>();
  for (const line of text.split('\n')) {
    for (const image of imagesOf(line)) {
      const known = found.get(image.name);
      if (known === undefined || known.builtAt < image.builtAt) found.set(image.name, image);
    }
  }
  return [...found.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

function imagesOf(line: string): readonly BuiltImage[] {
  let record: RawRecord | undefined;
  try {
    ({ record } = JSON.parse(line) as { readonly record?: RawRecord });
  } catch {
    return [];
  }
  const seconds = record?.CompletedAt?.seconds;
  if (record === undefined || seconds === undefined || (record.error ?? undefined) !== undefined) return [];
  const builtAt = new Date(seconds * 1_000).toISOString();
  const { Results, ResultDeprecated } = record.Result ?? {};
  return (record.Exporters ?? []).flatMap(({ Type, Attrs = {} }, at) => {
    // Each exporter has its own result; older records with one exporter have a single result.
    const { digest = '', media_type: mediaType = '' } = Results?.[at] ?? ResultDeprecated ?? {};
    if (Type !== 'image' || Attrs['store'] === 'false' || !isDigest(digest)) return [];
    const names = (Attrs['name'] ?? '').split(',').filter((name) => name !== '');
    return names.map((name) => ({ name, mediaType, digest, builtAt }));
  });
}
