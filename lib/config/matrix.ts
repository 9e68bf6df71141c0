/** A matrix and its rows: the product of the axes, without `exclude`, with `include`, filtered by `when`. */
import { type Json, problem } from '../model/mod.ts';
import { slug, toCel } from './cel.ts';
import { type Evaluator, FAILED, type Failed, type ListItem, listItems, type Scope } from './expression.ts';
import type { Problems } from './problems.ts';
import { at, atKey, isNull, kindOf, type MapNode, type Node } from './tree.ts';

/** One row: axis to value. */
export type Row = { readonly [axis: string]: Json };

/** A matrix with more rows is a mistake (for example, an axis that should be an `include`). */
export const MAX_ROWS = 20_000;

const RESERVED = new Set(['include', 'exclude', 'when']);

/**
 * The rows of a matrix in order: the first axis changes slowest, included rows are last. Undefined: a problem was
 * reported.
 */
export function matrixRows(
  build: string,
  matrix: MapNode,
  scope: Scope,
  evaluator: Evaluator,
  problems: Problems,
): readonly Row[] | undefined {
  const before = problems.errors.length;
  const axes = readAxes(build, matrix, scope, evaluator, problems);
  const includes = readRows(build, matrix, 'include', scope, evaluator, problems);
  const excludes = readRows(build, matrix, 'exclude', scope, evaluator, problems);
  if (problems.errors.length > before) return undefined;
  if (axes === undefined || includes === undefined || excludes === undefined) return undefined;
  const count = axes.reduce((product, [, values]) => product * values.length, 1);
  if (count > MAX_ROWS) {
    problems.add(
      problem(
        'config/matrix-too-big',
        `The matrix of "${build}" has ${count} rows; ${MAX_ROWS} are allowed`,
        {
          hint: 'List the wanted rows with `include` instead of multiplying axes.',
          ...at(matrix),
          build,
        },
      ),
    );
    return undefined;
  }
  const kept =
    axes.length === 0 ? [] : product(axes).filter((row) => !excludes.some((one) => contains(row, one.row)));
  for (const one of axes.length === 0 ? [] : excludes) {
    for (const axis of Object.keys(one.row)) {
      if (axes.some(([name]) => name === axis)) continue;
      problems.add(
        problem('config/matrix', `exclude names "${axis}", which is not an axis of "${build}"`, {
          hint: `Use one of ${axes.map(([name]) => name).join(', ')}.`,
          ...at(one.node),
          build,
        }),
      );
    }
  }
  const rows = unify([...kept, ...includes.map((one) => one.row)]);
  const wanted = filterWhen(build, matrix, rows, scope, evaluator, problems);
  return problems.errors.length > before ? undefined : wanted;
}

function readAxes(
  build: string,
  matrix: MapNode,
  scope: Scope,
  evaluator: Evaluator,
  problems: Problems,
): readonly (readonly [string, readonly Json[]])[] | undefined {
  const axes: [string, readonly Json[]][] = [];
  let isWhole = true;
  for (const [axis, entry] of matrix.entries) {
    if (RESERVED.has(axis) || isNull(entry.value)) continue;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(axis)) {
      problems.add(
        problem('config/bad-name', `"${axis}" cannot be the name of an axis`, {
          hint: `Use letters, digits and _ only, such as matrix.${axis.replaceAll(/[^A-Za-z0-9_]/g, '_')}.`,
          ...atKey(matrix, entry),
          build,
        }),
      );
      continue;
    }
    const value = evaluator.tree(entry.value, scope);
    if (value === FAILED) {
      // A variable that could not be read has its own problem already.
      isWhole = false;
      continue;
    }
    if (!Array.isArray(value)) {
      isWhole = false;
      problems.add(
        problem(
          'config/wrong-type',
          `The axis "${axis}" must be a list of values, not ${kindOf(entry.value)}`,
          {
            ...at(entry.value),
            build,
          },
        ),
      );
      continue;
    }
    axes.push([axis, dedupe(value.filter((one) => one !== null))]);
  }
  return isWhole ? axes : undefined;
}

function dedupe(values: readonly Json[]): readonly Json[] {
  const seen = new Set<string>();
  return values.filter((value) => {
    const key = JSON.stringify(value);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

interface WrittenRow {
  readonly row: Row;
  readonly node: Node;
}

function readRows(
  build: string,
  matrix: MapNode,
  key: 'include' | 'exclude',
  scope: Scope,
  evaluator: Evaluator,
  problems: Problems,
): readonly WrittenRow[] | undefined {
  const node = matrix.entries.get(key)?.value;
  if (node === undefined || isNull(node)) return [];
  const rows: WrittenRow[] = [];
  for (const { value: item, node: itemNode } of itemsOf(node, scope, evaluator)) {
    if (item === FAILED) return undefined;
    if (item === null) continue;
    if (typeof item !== 'object' || Array.isArray(item)) {
      problems.add(
        problem(
          'config/wrong-type',
          `An item of ${key} must be a map of axis to value, not ${kindOf(itemNode)}`,
          {
            hint: `Write - { axis: value }.`,
            ...at(itemNode),
            build,
          },
        ),
      );
    } else rows.push({ row: item as Row, node: itemNode });
  }
  return rows;
}

/** The items of a list or of an expression that returns one; a single value is a list of one item. */
function itemsOf(node: Node, scope: Scope, evaluator: Evaluator): readonly ListItem[] {
  if (node.kind === 'list') return listItems(node, scope, evaluator);
  const value = evaluator.tree(node, scope);
  const values: readonly (Json | Failed)[] = Array.isArray(value) ? value : [value];
  return values.map((one) => ({ value: one, node }));
}

function product(axes: readonly (readonly [string, readonly Json[]])[]): readonly Row[] {
  let rows: Row[] = [Object.create(null) as Row];
  for (const [axis, values] of axes) {
    rows = rows.flatMap((row) =>
      values.map((value) => Object.assign(Object.create(null), row, { [axis]: value })),
    );
  }
  return rows;
}

/** Whether `whole` has all values of `part`; for maps, those of the keys of `part`. Numbers equal their text. */
function contains(whole: Json | undefined, part: Json): boolean {
  if (part === null || typeof part !== 'object') {
    if (whole === null || whole === undefined || typeof whole === 'object') return whole === part;
    return part !== null && String(whole) === String(part);
  }
  if (Array.isArray(part)) return JSON.stringify(whole) === JSON.stringify(part);
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole)) return false;
  const map = whole as Row;
  return Object.entries(part).every(([key, value]) => contains(map[key], value));
}

/**
 * Gives all rows the same axes, and all maps of an axis the same keys, so that expressions need no `has()`: a missing
 * value is false if all other rows have true or false, and null otherwise.
 */
function unify(rows: readonly Row[]): readonly Row[] {
  return fill(rows) as readonly Row[];
}

function fill(maps: readonly Row[]): readonly Row[] {
  const keys = new Set<string>();
  for (const map of maps) for (const key of Object.keys(map)) keys.add(key);
  const filled: Record<string, Json>[] = maps.map((map) => Object.assign(Object.create(null), map));
  for (const key of keys) {
    const present = maps.filter((map) => key in map).map((map) => map[key] as Json);
    const missing = present.every((value) => typeof value === 'boolean') ? false : null;
    if (present.length < maps.length) {
      for (const map of filled) if (!(key in map)) map[key] = missing;
    }
    const isNested = present.every(
      (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    );
    if (isNested && present.length > 0) {
      const withMap = filled.filter((map) => map[key] !== null && map[key] !== false);
      const nested = fill(withMap.map((map) => map[key] as Row));
      for (const [index, map] of withMap.entries()) map[key] = nested[index] as Row;
    }
  }
  return filled;
}

function filterWhen(
  build: string,
  matrix: MapNode,
  rows: readonly Row[],
  scope: Scope,
  evaluator: Evaluator,
  problems: Problems,
): readonly Row[] {
  const node = matrix.entries.get('when')?.value;
  if (node?.kind !== 'scalar' || node.value === null) return rows;
  return rows.filter((row) => {
    const value = evaluator.scalar(node, { ...scope, matrix: toCel(row) });
    if (value === FAILED) return false;
    if (typeof value !== 'boolean') {
      problems.add(
        problem('config/wrong-type', '"when" must be true or false for every row', {
          hint: 'Use a comparison: ${{ matrix.os == "alpine" }}.',
          ...at(node),
          build,
        }),
      );
      return false;
    }
    return value;
  });
}

/** The name of a row without `name:`: the build's name and those of the row's values, joined by `-`. */
export function defaultRowName(build: string, row: Row): string {
  const parts = Object.values(row)
    .map(labelOf)
    .filter((part) => part !== '');
  return [build, ...parts].join('-');
}

function labelOf(value: Json): string {
  if (value === null || value === false) return '';
  if (Array.isArray(value))
    return value
      .map(labelOf)
      .filter((part) => part !== '')
      .join('-');
  if (typeof value === 'object') {
    const map = value as Row;
    const named =
      map['name'] ?? Object.values(map).find((one) => typeof one === 'string') ?? Object.values(map)[0];
    return named === undefined ? '' : labelOf(named);
  }
  return slug(String(value));
}
