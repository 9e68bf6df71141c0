/** Comments inside a value of a bake file: on entries of objects and on items of lists, however deep. */
import type { Comments, Expression } from '../hcl/mod.ts';

/** Comments by the way to what they are on: names of entries and numbers of items. */
export type ValueComments = ReadonlyMap<string, Comments>;

/** The way to an entry or item of what is at `path`. */
export function pathTo(path: string, step: string): string {
  return path === '' ? step : `${path}\0${step}`;
}

/** Finds the comments in a value as it is written. */
export function readValueComments(expression: Expression): ValueComments {
  const found = new Map<string, Comments>();
  collect(expression, '', found);
  return found;
}

function collect(expression: Expression, path: string, found: Map<string, Comments>): void {
  if (expression.kind === 'object') {
    for (const { key, value, comments } of expression.items) {
      const name = nameOf(key);
      if (name === undefined) continue;
      const at = pathTo(path, name);
      if (comments !== undefined && (comments.above.length > 0 || comments.behind !== undefined))
        found.set(at, comments);
      collect(value, at, found);
    }
  } else if (expression.kind === 'tuple') {
    for (const [index, comments] of commentsOfItems(expression).entries())
      if (comments !== undefined) found.set(pathTo(path, String(index)), comments);
    for (const [index, item] of expression.items.entries()) collect(item, pathTo(path, String(index)), found);
  } else {
    // What is computed has no such entries here: they stand above all of it.
    const inner = new Map<string, Comments>();
    for (const part of partsOf(expression)) collect(part, '', inner);
    const lines = [...inner.values()].flatMap(({ above, behind }) => [
      ...above,
      ...(behind === undefined ? [] : [behind]),
    ]);
    const known = found.get(path);
    if (lines.length > 0) found.set(path, { ...known, above: [...(known?.above ?? []), ...lines] });
  }
}

function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'parentheses':
      return [expression.inner];
    case 'conditional':
      return [expression.test, expression.yes, expression.no];
    case 'call':
      return expression.args;
    case 'for':
      return [expression.over, expression.value];
    default:
      return [];
  }
}

function nameOf(key: Expression): string | undefined {
  if (key.kind === 'variable') return key.name;
  if (key.kind !== 'template' || key.parts.length !== 1) return undefined;
  const [part] = key.parts;
  return part?.kind === 'text' ? part.value : undefined;
}

/** What stands between the items: on the line of the one before it is behind that, else above the next. */
function commentsOfItems({
  items,
  span,
}: Extract<Expression, { kind: 'tuple' }>): readonly (Comments | undefined)[] {
  const { text } = span.source;
  const above: string[][] = items.map(() => []);
  const behind = new Map<number, string>();
  for (let index = 0; index <= items.length; index++) {
    const from = items[index - 1]?.span.end ?? span.start + 1;
    const to = items[index]?.span.start ?? span.end - 1;
    const [first = '', ...rest] = text.slice(from, to).split('\n');
    const same = lineComment(first);
    if (same !== undefined && index > 0) behind.set(index - 1, same);
    const lines = rest.flatMap((line) => lineComment(line) ?? []);
    if (same !== undefined && index === 0) lines.unshift(same);
    // Behind the last item, what was taken out of use stands with it.
    above[Math.min(index, items.length - 1)]?.push(...lines);
  }
  return items.map((_, index) => {
    const remark = behind.get(index);
    const lines = above[index] ?? [];
    if (lines.length === 0 && remark === undefined) return undefined;
    return { above: lines, ...(remark === undefined ? {} : { behind: remark }) };
  });
}

function lineComment(line: string): string | undefined {
  return /^[\s,]*(?:#+|\/\/)\s?(.*?)\s*$/.exec(line)?.[1];
}
