/** Bake's results for its files: replacements for what cannot be expressed, and the reference for checking an import. */
import {
  type BakeDefinition,
  type BakeTarget,
  type BakeTargetHead,
  printBake,
  readBake,
  resolveBake,
  type TargetKey,
} from '../bake/mod.ts';
import { fail, type Json, ok, type Result, type SourceFile } from '../model/mod.ts';
import type { BakeImport } from './bake-context.ts';
import type { Block } from './bake-printed.ts';
import type { TargetValuesOf } from './bake-targets.ts';
import type { ValueOf } from './bake-variables.ts';
import { BINDING, choose, literalOf, operation, print, quoted, tight, type Written } from './cel-text.ts';
import { isRecord } from './draft.ts';
import type { Marked, Marks } from './marks.ts';
import { BOOL, TEXT, union } from './static-type.ts';

/** Bake's results for the files, for values that cannot be expressed. */
export interface Evaluated {
  readonly variable: ValueOf;
  readonly target: TargetValuesOf;
  readonly group: (name: string) => readonly string[] | undefined;
  /** The machine's platform. */
  readonly localPlatform: string;
  /** Names of all matrix rows; undefined: not known. */
  readonly rowNames?: ReadonlySet<string>;
}

/** For files that bake rejects. */
export const NOTHING_EVALUATED: Evaluated = {
  variable: () => undefined,
  target: () => undefined,
  group: () => undefined,
  localPlatform: 'linux/amd64',
};

/** The environment for the evaluation. */
export interface BakeEnvironment {
  readonly env: Readonly<Record<string, string>>;
  readonly localPlatform: string;
  readonly now: Date;
}

/** Evaluates bake files using only the files and the given environment. */
export async function evaluateBake(
  sources: readonly SourceFile[],
  { env, localPlatform, now }: BakeEnvironment,
): Promise<Result<BakeDefinition>> {
  return readBake(
    sources.map((source) => ({ source, dir: '/' })),
    { env, vars: new Map(), cmdContext: 'cwd://', localPlatform, now, readFile: async () => undefined },
  );
}

/** All targets and groups as `docker buildx bake --print` writes them. */
export function printAll(definition: BakeDefinition): Result<Block> {
  const resolved = resolveBake(definition, { targets: [...definition.targets.keys()], overrides: [] });
  if (!resolved.ok) return resolved;
  const printed = printBake({ targets: resolved.value.targets, groups: new Map() });
  return isRecord(printed) ? ok(printed) : fail([]);
}

/** Creates replacements for what cannot be translated. */
export function createEvaluated(
  definition: BakeDefinition,
  localPlatform: string,
): (context: BakeImport) => Evaluated {
  return ({ marks }) => {
    const resolved = new Map<string, BakeTarget | undefined>();
    const targetOf = (name: string): BakeTarget | undefined => {
      if (!resolved.has(name)) {
        const result = resolveBake(definition, { targets: [name], overrides: [] });
        resolved.set(name, result.ok ? result.value.targets.get(name) : undefined);
      }
      return resolved.get(name);
    };
    return {
      variable: (name) => definition.variables.get(name)?.default,
      target: (block, attribute, entry) => {
        const rows = [...definition.targets.values()].filter(
          ({ name, matrix }) => (matrix?.name ?? name) === block,
        );
        const values = rows.flatMap((row): RowValue[] => {
          const value = attribute === 'name' ? row.name : finalValue(targetOf(row.name), attribute, entry);
          return value === undefined ? [] : [{ row, value }];
        });
        if (values.length < rows.length || values.length === 0) return undefined;
        return byRow(values, attribute === 'name', marks);
      },
      group: (name) => definition.groups.get(name)?.targets,
      localPlatform,
      rowNames: new Set(definition.targets.keys()),
    };
  };
}

function finalValue(
  target: BakeTarget | undefined,
  attribute: string,
  entry: string | undefined,
): Marked | undefined {
  const value = target?.values[attribute as TargetKey] as Json | undefined;
  if (entry === undefined) return value as Marked | undefined;
  return isRecord(value) ? (value[entry] as Marked | undefined) : undefined;
}

interface RowValue {
  readonly row: BakeTargetHead;
  readonly value: Marked;
}

/** More distinct values than this are written as a map lookup. */
const MAX_CHOICES = 4;

/** A value for each row of a matrix; the most common value is last. */
function byRow(values: readonly RowValue[], isName: boolean, marks: Marks): Marked {
  const groups = new Map<string, RowValue[]>();
  for (const one of values) {
    const key = JSON.stringify(one.value);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const sorted = [...groups.values()].sort((a, b) => a.length - b.length);
  const written = sorted.map((group) => marks.writtenOf(group[0]?.value ?? null));
  const last = written.at(-1);
  if (last === undefined) return null;
  if (sorted.length === 1) return sorted[0]?.[0]?.value ?? null;
  const type = written.map((one) => one.type).reduce(union);
  if (!isName && sorted.length > MAX_CHOICES) {
    const entries = values.map(({ row, value }) => `${quoted(row.name)}: ${print(marks.writtenOf(value))}`);
    return marks.mark(tight(`{${entries.join(', ')}}[build.name]`, type));
  }
  const tests = sorted.map((group) => (isName ? rowsTest(group, marks) : namesTest(group)));
  return marks.mark(
    written.slice(0, -1).reduceRight((rest, one, at) => choose(tests[at] as Written, one, rest, type), last),
  );
}

function namesTest(group: readonly RowValue[]): Written {
  const names = group.map(({ row }) => literalOf(row.name));
  const [first] = names;
  const name = tight('build.name', TEXT);
  if (names.length === 1 && first !== undefined) return operation(name, '==', first, BINDING.compare, BOOL);
  return operation(name, 'in', tight(`[${names.map(({ text }) => text).join(', ')}]`), BINDING.compare, BOOL);
}

/** A test for these rows by the values of their axes: a row's name is not known while it is evaluated. */
function rowsTest(group: readonly RowValue[], marks: Marks): Written {
  const tests = group.map(({ row }) =>
    Object.entries(row.matrix?.row ?? {})
      .map(([axis, value]) =>
        operation(
          tight(`matrix[${quoted(axis)}]`),
          '==',
          marks.writtenOf(value as Marked),
          BINDING.compare,
          BOOL,
        ),
      )
      .reduce((a, b) => operation(a, '&&', b, BINDING.and, BOOL)),
  );
  return tests.reduce((a, b) => operation(a, '||', b, BINDING.or, BOOL));
}
