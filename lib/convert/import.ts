/** Any file that can be imported; which kind it is follows from what is in it. */
import { ok, type Result } from '../model/mod.ts';
import { draftBake, type SourceText } from './bake.ts';
import { draftCompose } from './compose.ts';
import { formatNotes } from './draft.ts';
import { emitDraft } from './emit.ts';
import { shareCommon } from './share.ts';

/** What an import gives: the file, and what could not be carried over or reads otherwise here, a sentence each. */
export interface Imported {
  readonly yaml: string;
  readonly notes: readonly string[];
}

/** Where the text came from, for messages and the comment at the top. */
export interface ImportOptions {
  /** As a person would name it. */
  readonly fileName: string;
}

/**
 * Imports a bake file (HCL or JSON), what `bake --print` writes, or a Compose file. Problems: those of {@link draftBake} and
 * {@link draftCompose}.
 */
export function importBuilds(text: string, { fileName }: ImportOptions): Result<Imported> {
  const file: SourceText = { name: fileName, text };
  const drafted = isCompose(text, fileName) ? draftCompose(file) : draftBake([file]);
  if (!drafted.ok) return drafted;
  const draft = drafted.value;
  draft.header.unshift(`Made from ${fileName} by bake-ts import.`, ...(draft.header.length > 0 ? [''] : []));
  if (draft.isFlat) shareCommon(draft);
  return ok({ yaml: emitDraft(draft), notes: formatNotes(draft) });
}

/** JSON is YAML, so Compose may be JSON, too: what has `services` is Compose. */
function isCompose(text: string, fileName: string): boolean {
  const start = text.replace(/^\uFEFF/, '').trimStart();
  if (start.startsWith('{')) return /"services"\s*:/.test(start) && !/"target"\s*:\s*[{[]/.test(start);
  if (/^\s*(?:target|group|variable|function)\s+"[^"]*"\s*\{/m.test(text)) return false;
  return /\.ya?ml$/i.test(fileName) || /^services\s*:/m.test(text);
}
