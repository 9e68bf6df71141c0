/**
 * Paths relative to the file that contains them (`BUILDX_BAKE_FILE_RELATIVE_PATHS`; buildx bake/bake.go,
 * `rebaseContextPaths`).
 */
import { isAbsolute } from 'node:path';
import type { Draft } from './draft.ts';
import { cleanPath } from './go-text.ts';
import { isSpecialContext } from './remote.ts';

/** Directory of a file as named; undefined for standard input and remote files. */
export function dirOf(path: string): string | undefined {
  if (path === '' || path === '-' || /^[a-z]+:\/\//i.test(path)) return undefined;
  const slash = path.lastIndexOf('/');
  return slash === -1 ? '.' : cleanPath(path.slice(0, slash + 1));
}

/** The path relative to where bake runs. */
export function rebaseContext(base: string, path: string): string {
  if (base === '' || path === '' || isAbsolute(path) || isSpecialContext(path)) return path;
  return cleanPath(`${base}/${path}`);
}

/** Makes the paths of all targets relative to where bake runs. */
export function rebaseAll(drafts: Iterable<Draft>): void {
  const byName = new Map(Array.from(drafts, (draft) => [draft.name, draft]));
  for (const draft of byName.values()) {
    const { values, bases } = draft;
    const other = bases.contextOf === undefined ? undefined : byName.get(bases.contextOf);
    const from = other?.bases.context ?? other?.bases.own;
    if (from !== undefined) bases.context = from;
    if (values.context === undefined) {
      if (bases.own !== undefined) bases.usesOwn = true;
    } else if (bases.context !== undefined) values.context = rebaseContext(bases.context, values.context);
    if (values.contexts !== undefined)
      values.contexts = new Map(
        Array.from(values.contexts, ([name, path]) => {
          const base = bases.contexts.get(name);
          return [name, base === undefined ? path : rebaseContext(base, path)] as const;
        }),
      );
  }
}
