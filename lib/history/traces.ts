/** Traces of a project's builds in its recorded runs, by which records of an engine can be attributed to builds. */
import path from 'node:path';
import { type Digest, formatImageRef, parseTag } from '../model/mod.ts';
import { listRuns, readEvents } from './read.ts';

/** Traces of a build in the recorded runs. */
export interface BuildTraces {
  /** Its steps, as BuildKit prints them: `[stage-0 2/4] RUN make`. */
  readonly steps: ReadonlySet<string>;
  /** Names under which its directories were sent. */
  readonly sources: ReadonlySet<string>;
  /** Tag, as a full reference → the images that it pointed at. */
  readonly images: ReadonlyMap<string, ReadonlySet<Digest>>;
  /** Names (without directories) of the files of the latest run with this build. */
  readonly files: readonly string[];
}

/** A bake-ts name of a local source (lib/fingerprint/source-name.ts), anywhere in a text. */
export const SOURCE_NAME: RegExp = /\bbake[0-9a-f]{32}\b/;

interface Traces {
  steps: Set<string>;
  sources: Set<string>;
  images: Map<string, Set<Digest>>;
  files: readonly string[];
}

/**
 * Traces of the builds of a project, by name.
 *
 * @param runsDir directory of the runs of the project
 */
export async function readTraces(runsDir: string): Promise<ReadonlyMap<string, BuildTraces>> {
  const found = new Map<string, Traces>();
  const of = (build: string): Traces => {
    const known = found.get(build);
    if (known !== undefined) return known;
    const made: Traces = { steps: new Set(), sources: new Set(), images: new Map(), files: [] };
    found.set(build, made);
    return made;
  };
  // From the oldest on, so that the latest files win.
  for (const run of (await listRuns(runsDir)).toReversed()) {
    const files = run.files.map((file) => path.basename(file));
    const tags = new Map<string, readonly string[]>();
    for await (const event of readEvents(run, isTelling)) {
      if (event.type === 'planned') for (const node of event.nodes) tags.set(node.build, node.tags);
      if (event.type === 'vertex') of(event.build).steps.add(event.name);
      if (event.type === 'transfer') {
        const name = SOURCE_NAME.exec(event.id)?.[0];
        if (name !== undefined) of(event.build).sources.add(name);
      }
      if (event.type !== 'node-finished') continue;
      const { build, digest } = event.outcome;
      const traces = of(build);
      traces.files = files;
      if (digest === undefined) continue;
      for (const tag of tags.get(build) ?? []) {
        const ref = parseTag(tag);
        if (ref === undefined) continue;
        const name = formatImageRef(ref);
        const digests = traces.images.get(name) ?? new Set();
        traces.images.set(name, digests.add(digest));
      }
    }
  }
  return found;
}

/** All steps of a build are announced before the first one runs. */
function isTelling(line: string): boolean {
  return (
    (line.startsWith('{"type":"vertex"') && line.includes('"state":"pending"')) ||
    (line.startsWith('{"type":"transfer"') && line.includes('transferring bake')) ||
    line.startsWith('{"type":"planned"') ||
    line.startsWith('{"type":"node-finished"')
  );
}
