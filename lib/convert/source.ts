/** From the files that were found to a draft. */
import type { Result } from '../model/mod.ts';
import { draftBake, type SourceText } from './bake.ts';
import { createEvaluated, evaluateBake } from './bake-evaluated.ts';
import { draftCompose } from './compose.ts';
import type { Draft } from './draft.ts';
import type { FoundSources } from './sources.ts';

/** What a repository's own bake or Compose file says. */
export interface Source {
  readonly draft: Draft;
  /** The files, as a person would name them. */
  readonly names: readonly string[];
}

/** What came of reading such files. */
export interface SourceReading {
  readonly source?: Source;
  /** What a person should know: which file is not read, and why; a sentence each. */
  readonly remarks: readonly string[];
}

/** Converts what was found; bake's files come before Compose's, which is for those who have no bake file. */
export async function readSource(found: FoundSources): Promise<SourceReading> {
  const remarks = found.unreadable.map((name) => `${name} cannot be read; it is skipped`);
  const take = (names: readonly string[], drafted: Result<Draft>): Source | undefined => {
    if (drafted.ok) return { draft: drafted.value, names };
    remarks.push(`${drafted.error[0]?.message ?? names.join(' and ')}; it is skipped`);
    return undefined;
  };
  const { compose } = found;
  const { bake } = found;
  let source =
    bake.length === 0
      ? undefined
      : take(
          bake.map(({ name }) => name),
          await draftEvaluated(bake),
        );
  if (compose !== undefined) {
    if (source === undefined) source = take([compose.name], await draftCompose([compose], found.reader));
    else
      remarks.push(
        `${compose.name} is not imported; \`bake-ts import ${compose.name}\` shows what it builds`,
      );
  }
  return source === undefined ? { remarks } : { source, remarks };
}

async function draftEvaluated(files: readonly SourceText[]): Promise<Result<Draft>> {
  const sources = files.map(({ name, text }) => ({ path: name, text }));
  const localPlatform = 'linux/amd64';
  const evaluated = await evaluateBake(sources, { env: {}, localPlatform, now: new Date() });
  return draftBake(files, evaluated.ok ? createEvaluated(evaluated.value, localPlatform) : undefined);
}
