/** Parsing, sorting and cleaning of texts as in Go's library. */
import { compareTexts } from '../hcl/mod.ts';

/** Order by UTF-8 bytes, as Go sorts names. */
export { compareTexts as compareBytes } from '../hcl/mod.ts';

/** Names in the order in which Go writes the keys of a map. */
export function sortedNames(names: Iterable<string>): readonly string[] {
  return [...names].sort(compareTexts);
}

/** https://pkg.go.dev/strconv#ParseBool */
export function parseBool(text: string): boolean | undefined {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(?:0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
}

/** https://pkg.go.dev/path#Clean */
export function cleanPath(path: string): string {
  const isRooted = path.startsWith('/');
  const kept: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== '..') kept.pop();
    else if (!isRooted) kept.push('..');
  }
  const joined = kept.join('/');
  if (isRooted) return `/${joined}`;
  return joined === '' ? '.' : joined;
}
