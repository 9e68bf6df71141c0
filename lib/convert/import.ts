/** Any file that can be imported; which kind it is follows from what is in it. */
import type { Result } from '../model/mod.ts';
import { type Imported, type ImportOptions, importBake } from './bake.ts';
import { importCompose } from './compose.ts';

/**
 * Imports `bake --print` JSON, a bake file in JSON, or a Compose file. Problems: those of {@link importBake} and
 * {@link importCompose}.
 */
export function importBuilds(text: string, options: ImportOptions): Result<Imported> {
  return isCompose(text, options.fileName) ? importCompose(text, options) : importBake(text, options);
}

/** JSON is YAML, so Compose may be JSON, too: what has `services` is Compose. */
function isCompose(text: string, fileName: string): boolean {
  const start = text.replace(/^\uFEFF/, '').trimStart();
  if (start.startsWith('{')) return /"services"\s*:/.test(start) && !/"target"\s*:\s*[{[]/.test(start);
  if (/^\s*(?:target|group|variable|function)\s+"[^"]*"\s*\{/m.test(text)) return false;
  return /\.ya?ml$/i.test(fileName) || /^services\s*:/m.test(text);
}
