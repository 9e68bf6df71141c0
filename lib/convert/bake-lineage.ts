/** Inheritance of targets: which keys a parent may set, and which targets are only templates. */
import type { Expression } from '../hcl/mod.ts';
import { escapePattern } from '../util/escape-pattern.ts';
import { readAxes, withAxes } from './bake-axes.ts';
import { attributeOf, type BakeImport } from './bake-context.ts';
import { Untranslatable } from './cel-text.ts';
import { readValue } from './hcl-value.ts';
import type { Writing } from './hcl-writing.ts';
import { type Marked, readerOf } from './marks.ts';
import { outputKeys } from './target-outputs.ts';

/** Keys set by a parent that a child, or a later parent, must reset if it does not want them. */
const SET_BY: Readonly<Record<string, string>> = {
  push: 'output',
  outputs: 'output',
  target: 'target',
  pull: 'pull',
  'no-cache': 'no-cache',
};

/** For a target and a key: whether a target that is merged below it, or below a child of it, may set the key. */
export function findLineage(context: BakeImport): (target: string, key: string) => boolean {
  const { files } = context;
  const parents = new Map([...files.targets.keys()].map((name) => [name, parentsOf(name, context)]));
  const before = new Map<string, Set<string>>();
  for (const name of files.targets.keys()) {
    const line = lineOf(name, parents);
    for (const [at, one] of line.entries()) {
      const known = before.get(one) ?? new Set();
      for (const earlier of line.slice(0, at)) known.add(earlier);
      before.set(one, known);
    }
  }
  return (target, key) => {
    const attribute = SET_BY[key] ?? key;
    return [...(before.get(target) ?? [])].some((one) => sets(one, attribute, key, context));
  };
}

/** The targets that are merged into a target, lowest first; itself is last. */
function lineOf(name: string, parents: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const line: string[] = [];
  const seen = new Set<string>();
  const visit = (one: string): void => {
    if (seen.has(one)) return;
    seen.add(one);
    for (const parent of parents.get(one) ?? []) visit(parent);
    line.push(one);
  };
  visit(name);
  return line;
}

/** For outputs it only matters whether they can be a push, or something else. */
function sets(target: string, attribute: string, key: string, context: BakeImport): boolean {
  const expressions = (context.files.targets.get(target) ?? []).flatMap(
    (block) => attributeOf(block, attribute) ?? [],
  );
  if (key !== 'push' && key !== 'outputs') return expressions.length > 0;
  return expressions.some((expression) => {
    const value = read(expression, target, context);
    return (
      value === undefined ||
      outputKeys(
        value,
        readerOf(context.marks, () => {}),
      ).includes(key)
    );
  });
}

function read(expression: Expression, target: string, context: BakeImport): Marked | undefined {
  const { marks, writing, files } = context;
  try {
    const { types } = readAxes(files.targets.get(target) ?? [], context, () => {});
    const w: Writing = { ...withAxes(writing, types)(), inPlace: 'all' };
    return readValue(expression, { w, marks, isLoose: true, isFlat: true });
  } catch (thrown) {
    if (thrown instanceof Untranslatable) return undefined;
    throw thrown;
  }
}

function parentsOf(name: string, context: BakeImport): readonly string[] {
  return (context.files.targets.get(name) ?? []).flatMap((block) => {
    const expression = attributeOf(block, 'inherits');
    return expression === undefined ? [] : textsOf(read(expression, name, context), context);
  });
}

/** The texts in a value; for a computed one, all possible texts as far as known. */
function textsOf(value: Marked | undefined, context: BakeImport): readonly string[] {
  if (value === undefined || value === null) return [];
  const choice = context.marks.choiceOf(value);
  if (choice !== undefined) return [...textsOf(choice.yes, context), ...textsOf(choice.no, context)];
  if (Array.isArray(value)) return (value as readonly Marked[]).flatMap((item) => textsOf(item, context));
  if (typeof value === 'object') return Object.values(value).flatMap((item) => textsOf(item, context));
  const text = String(value);
  if (!context.marks.isMarked(text)) return [text];
  // It is not known which one is meant, so all matching names are included.
  const form = new RegExp(
    `^${text
      .split(/\uFDD0[0-9]+\uFDD1/)
      .map(escapePattern)
      .join('.*')}$`,
    's',
  );
  return [...context.files.targets.keys()].filter((name) => form.test(name));
}

/** Targets that are only inherited from and never built. */
export function findTemplates(context: BakeImport): ReadonlySet<string> {
  const { targets, groups } = context.files;
  const parents = new Set([...targets.keys()].flatMap((name) => parentsOf(name, context)));
  const used = new Set(['default']);
  for (const [name, blocks] of targets) {
    for (const block of blocks) {
      const contexts = attributeOf(block, 'contexts');
      for (const text of contexts === undefined ? [] : textsOf(read(contexts, name, context), context))
        used.add(text.replace(/^target:/, ''));
    }
  }
  for (const group of groups.values()) {
    const members = attributeOf(group, 'targets');
    for (const text of members === undefined ? [] : textsOf(read(members, '', context), context))
      used.add(text);
  }
  const says = (name: string, keys: readonly string[]): boolean =>
    (targets.get(name) ?? []).some((block) => keys.some((key) => attributeOf(block, key) !== undefined));
  const found = new Set(
    [...targets.keys()].filter(
      (name) =>
        parents.has(name) &&
        !used.has(name) &&
        !says(name, ['matrix']) &&
        (name.startsWith('_') || !says(name, ['context', 'dockerfile', 'dockerfile-inline', 'target'])),
    ),
  );
  // A target that is a variant of something that is built is itself built.
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const name of found)
      if (!name.startsWith('_') && parentsOf(name, context).some((parent) => !found.has(parent)))
        found.delete(name);
  }
  return found;
}
