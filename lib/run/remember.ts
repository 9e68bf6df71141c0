/** Remembering a result under its key, if its inputs are still what the key says they were. */
import { lastInputs, type NodeInputs, touchedSince } from '../inputs/mod.ts';
import {
  type BuildRecord,
  type ImageResult,
  KEY_VERSION,
  type PlanNode,
  type Problem,
  problem,
} from '../model/mod.ts';
import type { NodeContext } from './context.ts';

/** Changed paths that a warning shows; the rest is counted. */
const TOUCHED_SHOWN = 10;

/** What a record says of a result besides its key. */
export interface Memorable {
  readonly image: ImageResult | undefined;
  readonly mediaType: string;
  readonly sizeBytes: number | undefined;
  readonly refs: readonly string[];
  readonly durationMs: number;
  readonly steps: BuildRecord['steps'];
}

/** What remembering needs of the run. */
export type Remembering = Pick<NodeContext, 'keying' | 'memory' | 'clock'>;

/**
 * Remembers a result.
 *
 * @returns warnings: `run/changed-while-building` (nothing is remembered then), `state/not-written`
 */
export async function remember(
  { keying, memory, clock }: Remembering,
  node: PlanNode,
  inputs: NodeInputs,
  { image, sizeBytes, ...rest }: Memorable,
): Promise<readonly Problem[]> {
  const build = node.build.name;
  const last = lastInputs(keying.resultOf, node, inputs);
  if (last === undefined || image === undefined) return [];
  const touched = await touchedSince(keying, node, inputs);
  if (touched.length > 0) return [changedWhileBuilding(build, touched)];
  const record: BuildRecord = {
    version: KEY_VERSION,
    key: last.key,
    build,
    digest: image.digest,
    platforms: image.platforms,
    finishedAt: new Date(clock()).toISOString(),
    ...rest,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
  };
  const written = await memory.remember(record, last);
  return written.ok ? [] : written.error;
}

function changedWhileBuilding(build: string, touched: readonly string[]): Problem {
  const more = touched.length - TOUCHED_SHOWN;
  return problem(
    'run/changed-while-building',
    'files changed during the build, so the result is not remembered',
    {
      severity: 'warning',
      build,
      detail: [...touched.slice(0, TOUCHED_SHOWN), ...(more > 0 ? [`and ${more} more`] : [])].join('\n'),
      hint: 'The next run builds it again. Add files that always change to .dockerignore.',
    },
  );
}
