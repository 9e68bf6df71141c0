/** Collects the output of a run's builds, as far as a page can hold it. */
import type { BakeEvent } from '../model/mod.ts';
import { MAX_BUILD_CHARACTERS } from './fit-logs.ts';
import type { BuildLog, LogPart } from './page-data.ts';

/** Takes the events of a run. */
export interface LogCollector {
  readonly onEvent: (event: BakeEvent) => void;
  readonly logs: () => ReadonlyMap<string, BuildLog>;
}

interface Chunk {
  readonly step: string;
  readonly attempt: number;
  readonly text: string;
}

interface Kept {
  /** It runs before its turn. */
  isEarly: boolean;
  attempt: number;
  chunks: Chunk[];
  size: number;
  omitted: number;
}

/** Collects logs by build and step. Of a long log the end is kept, because failures are there. */
export function collectLogs(): LogCollector {
  const builds = new Map<string, Kept>();
  const keptOf = (build: string): Kept => {
    const found = builds.get(build);
    if (found !== undefined) return found;
    const made: Kept = { isEarly: false, attempt: 0, chunks: [], size: 0, omitted: 0 };
    builds.set(build, made);
    return made;
  };
  return {
    onEvent: (event) => {
      if (event.type === 'early-started') keptOf(event.build).isEarly = true;
      if (event.type === 'early-finished') {
        const kept = keptOf(event.build);
        kept.isEarly = false;
        kept.attempt = 0;
      }
      if (event.type === 'node-started' && event.beside !== true) {
        const kept = keptOf(event.build);
        kept.attempt = kept.isEarly ? 0 : event.attempt;
      }
      if (event.type !== 'log') return;
      const kept = keptOf(event.build);
      kept.chunks.push({ step: event.vertex, attempt: kept.attempt, text: event.text });
      kept.size += event.text.length;
      // Lets it grow to twice the limit, so that the front is not cut off with every line.
      if (kept.size > 2 * MAX_BUILD_CHARACTERS) cutFront(kept);
    },
    logs: () => {
      for (const kept of builds.values()) cutFront(kept);
      const filled = [...builds].filter(([, { chunks }]) => chunks.length > 0);
      return new Map(
        filled.map(([build, { chunks, omitted }]) => [build, { parts: joinParts(chunks), omitted }]),
      );
    },
  };
}

function cutFront(kept: Kept): void {
  let from = 0;
  let excess = kept.size - MAX_BUILD_CHARACTERS;
  if (excess <= 0) return;
  kept.omitted += excess;
  kept.size -= excess;
  while (excess > 0) {
    const first = kept.chunks[from];
    if (first === undefined) break;
    if (first.text.length > excess) {
      kept.chunks[from] = { ...first, text: first.text.slice(excess) };
      excess = 0;
    } else {
      excess -= first.text.length;
      from += 1;
    }
  }
  kept.chunks = kept.chunks.slice(from);
}

/** Output of parallel steps is interleaved; this joins the parts of each step. */
function joinParts(chunks: readonly Chunk[]): readonly LogPart[] {
  const parts = new Map<string, { step: string; attempt: number; texts: string[] }>();
  for (const { step, attempt, text } of chunks) {
    const key = `${attempt} ${step}`;
    const found = parts.get(key);
    if (found === undefined) parts.set(key, { step, attempt, texts: [text] });
    else found.texts.push(text);
  }
  return [...parts.values()].map(({ step, attempt, texts }) => ({ step, attempt, text: texts.join('') }));
}
