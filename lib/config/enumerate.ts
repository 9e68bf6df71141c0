/** Lists the concrete builds: each build, or each row of its matrix, with its name. */
import { problem } from '../model/mod.ts';
import { toCel } from './cel.ts';
import { type Evaluator, FAILED, type Scope } from './expression.ts';
import { lastOf } from './layers.ts';
import { defaultRowName, matrixRows, type Row } from './matrix.ts';
import type { Definition, Merged } from './merge.ts';
import type { Problems } from './problems.ts';
import { at, atKey } from './tree.ts';
import { plainText } from './values.ts';

/** A concrete build before its values are evaluated. */
export interface Instance {
  readonly name: string;
  readonly definition: Definition;
  readonly matrix?: { readonly name: string; readonly row: Row };
  readonly scope: Scope;
}

/** All concrete builds in the order of the file, and the rows of each matrix. */
export interface Instances {
  readonly builds: ReadonlyMap<string, Instance>;
  readonly matrices: ReadonlyMap<string, readonly string[]>;
  /** False if rows are missing because of a problem: an unknown name may then be one of them. */
  readonly isComplete: boolean;
}

const NAME = /^(?!__proto__$)[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

/** Names every concrete build; duplicate and invalid names are problems. */
export function enumerateBuilds(
  merged: Merged,
  scope: Scope,
  evaluator: Evaluator,
  problems: Problems,
): Instances {
  const builds = new Map<string, Instance>();
  const matrices = new Map<string, readonly string[]>();
  let isComplete = true;

  function add(instance: Instance): void {
    const { name, definition } = instance;
    const other = builds.get(name);
    if (other === undefined) {
      builds.set(name, instance);
      return;
    }
    const { map, entry } = definition.keyOf;
    const isOneMatrix = other.definition === definition;
    const keyOfOther = other.definition.keyOf;
    const nameNode = lastOf(definition, 'name');
    problems.add(
      problem(
        'config/name-clash',
        isOneMatrix
          ? `Two rows of "${definition.name}" are named "${name}"`
          : `Two builds are named "${name}"`,
        {
          hint: isOneMatrix
            ? `Use every axis in the name. Rows: ${rowText(other.matrix?.row)} and ${rowText(instance.matrix?.row)}.`
            : 'Rename one of them; `name:` sets the names of rows.',
          ...(isOneMatrix && nameNode !== undefined ? at(nameNode) : atKey(map, entry)),
          related: isOneMatrix
            ? []
            : [{ message: 'first used here', ...atKey(keyOfOther.map, keyOfOther.entry) }],
          build: definition.name,
        },
      ),
    );
  }

  for (const definition of merged.builds.values()) {
    const matrix = lastOf(definition, 'matrix');
    if (matrix?.kind !== 'map') {
      const { name } = definition;
      const nameNode = lastOf(definition, 'name');
      if (nameNode !== undefined) {
        problems.add(
          problem('config/name-without-matrix', `"${name}" has a name but no matrix`, {
            hint: 'Remove `name` (a build is named by its key), or add a matrix.',
            ...at(nameNode),
            build: name,
          }),
        );
      }
      add({ name, definition, scope: { ...scope, matrix: {}, build: { name } } });
      continue;
    }
    const rows = matrixRows(definition.name, matrix, scope, evaluator, problems);
    const names: string[] = [];
    if (rows === undefined) isComplete = false;
    for (const row of rows ?? []) {
      const rowScope = { ...scope, matrix: toCel(row) };
      const name = rowName(definition, row, rowScope, evaluator, problems);
      if (name === undefined) {
        isComplete = false;
        continue;
      }
      names.push(name);
      add({
        name,
        definition,
        matrix: { name: definition.name, row },
        scope: { ...rowScope, build: { name } },
      });
    }
    if (rows?.length === 0) {
      const { map, entry } = definition.keyOf;
      problems.add({
        ...problem('config/empty-matrix', `The matrix of "${definition.name}" has no rows`, {
          hint: 'Check its `when`, `exclude` and empty axes.',
          ...atKey(map, entry),
          build: definition.name,
        }),
        severity: 'warning',
      });
    }
    matrices.set(definition.name, names);
  }
  for (const [matrix, names] of matrices) {
    const other = builds.get(matrix);
    if (other === undefined || (names.length === 1 && names[0] === matrix)) continue;
    const { map, entry } = other.definition.keyOf;
    problems.add(
      problem('config/name-clash', `"${matrix}" names both a matrix and a build`, {
        hint: 'Rename the build: the name of a matrix selects all of its rows.',
        ...atKey(map, entry),
        build: matrix,
      }),
    );
  }
  return { builds, matrices, isComplete };
}

function rowText(row: Row | undefined): string {
  const text = JSON.stringify(row ?? {});
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function rowName(
  definition: Definition,
  row: Row,
  scope: Scope,
  evaluator: Evaluator,
  problems: Problems,
): string | undefined {
  const node = lastOf(definition, 'name');
  if (node === undefined) return defaultRowName(definition.name, row);
  if (node.kind !== 'scalar') return undefined;
  const value = evaluator.scalar(node, scope);
  if (value === FAILED) return undefined;
  const name = plainText({ value, node });
  if (name !== undefined && NAME.test(name)) return name;
  problems.add(
    problem(
      'config/bad-name',
      `The name of a row of "${definition.name}" cannot be ${name === undefined ? 'a list, a map or null' : `"${name}"`}`,
      {
        hint: 'Use letters, digits, _, . and -, and start with a letter, digit or _. slug(…) makes a valid name of any text.',
        ...at(node),
        build: definition.name,
      },
    ),
  );
  return undefined;
}
