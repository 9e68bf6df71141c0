/** Output of `docker buildx bake --print`: final, with literal texts. */

import { addGroups } from './bake-groups.ts';
import { addNote, createBuild, type Draft, isRecord, literal, scalarText, textList } from './draft.ts';
import { convertTarget } from './target.ts';

/** A section of such a file. */
export type Block = Readonly<Record<string, unknown>>;

/** `--print` writes the context and Dockerfile of every target, but no variables, parents or matrices. */
export function isPrinted(file: Block): boolean {
  const targets = isRecord(file['target']) ? Object.values(file['target']) : [];
  if (file['variable'] !== undefined || file['function'] !== undefined || targets.length === 0) return false;
  return targets.every((target) => {
    if (!isRecord(target)) return false;
    const isOpen = ['inherits', 'matrix', 'name'].some((key) => target[key] !== undefined);
    return !isOpen && typeof target['context'] === 'string' && typeof target['dockerfile'] === 'string';
  });
}

/** Adds the builds and groups. */
export function draftPrinted(file: Block, draft: Draft, names: ReadonlyMap<string, string>): void {
  const targets = isRecord(file['target']) ? file['target'] : {};
  for (const [name, target] of Object.entries(targets)) {
    if (!isRecord(target)) continue;
    const build = createBuild(names.get(name) ?? name);
    convertTarget(build, unescapePrinted(target), {
      textOf: literal,
      isComputed: () => false,
      mayInherit: false,
      nameOf: (other) => names.get(other) ?? other,
      note: (sentence) => addNote(draft, sentence, build.name),
    });
    draft.builds.push(build);
  }
  const groups = isRecord(file['group']) ? Object.entries(file['group']) : [];
  addGroups(
    draft,
    new Map(
      groups.map(([name, group]) => {
        const block = isRecord(group) ? group : {};
        const description = scalarText(block['description']);
        return [
          name,
          {
            members: textList(block['targets']),
            ...(description === undefined ? {} : { description: literal(description) }),
          },
        ];
      }),
    ),
    names,
  );
}

/** Keys that `--print` escapes so that bake can read them again (buildx bake/bake.go, `Target.MarshalJSON`). */
const ESCAPED_KEYS: ReadonlySet<string> = new Set([
  'annotations',
  'dockerfile-inline',
  'labels',
  'args',
  'extra-hosts',
]);

function unescapePrinted(block: Block): Block {
  return Object.fromEntries(
    Object.entries(block).map(([key, value]) => [key, ESCAPED_KEYS.has(key) ? unescapeAll(value) : value]),
  );
}

function unescapeAll(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('$${', () => '${').replaceAll('%%{', '%{');
  if (Array.isArray(value)) return value.map(unescapeAll);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unescapeAll(inner)]));
}
