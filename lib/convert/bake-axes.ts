/** Matrices of bake files. */
import type { Expression } from '../hcl/mod.ts';
import { attributeOf, type BakeImport } from './bake-context.ts';
import { type BakeBlock, sourceOf } from './bake-file.ts';
import { member, tight, Untranslatable } from './cel-text.ts';
import { isRecord } from './draft.ts';
import { write } from './hcl-cel.ts';
import { readValue } from './hcl-value.ts';
import type { Names, Writing } from './hcl-writing.ts';
import type { Marked } from './marks.ts';
import { ANY, elementOf, type StaticType } from './static-type.ts';

/** The matrix of a target and the types of its axes. */
export interface Axes {
  readonly matrix?: Readonly<Record<string, Marked>>;
  readonly types: ReadonlyMap<string, { readonly name: string; readonly type: StaticType }>;
}

const RESERVED_AXES: ReadonlySet<string> = new Set(['include', 'exclude', 'when']);

/** Reads the axes of a target's blocks. */
export function readAxes(
  blocks: readonly BakeBlock[],
  context: BakeImport,
  note: (sentence: string) => void,
): Axes {
  const expression = blocks.map((block) => attributeOf(block, 'matrix')).findLast((one) => one !== undefined);
  const types = new Map<string, { readonly name: string; readonly type: StaticType }>();
  if (expression === undefined) return { types };
  const matrix: Record<string, Marked> = {};
  for (const [axis, read] of axesOf(expression, context, note)) {
    const name = RESERVED_AXES.has(axis) ? `${axis}_` : axis.replaceAll(/[^A-Za-z0-9_]/g, '_');
    if (name !== axis) note(`the matrix axis "${axis}" is renamed to "${name}"`);
    const { value, type } = read;
    if (value !== undefined) matrix[name] = value;
    types.set(axis, { name, type });
  }
  return { ...(Object.keys(matrix).length > 0 ? { matrix } : {}), types };
}

interface Axis {
  readonly value?: Marked;
  /** The type of one of its values. */
  readonly type: StaticType;
}

function axesOf(
  expression: Expression,
  context: BakeImport,
  note: (sentence: string) => void,
): readonly (readonly [string, Axis])[] {
  const { marks, writing } = context;
  const at = { marks, isLoose: false, isFlat: false };
  if (expression.kind === 'object') {
    return expression.items.flatMap(({ key, value }): (readonly [string, Axis])[] => {
      const axis = key.kind === 'variable' ? key.name : constantOf(key, writing());
      if (axis === undefined) return [];
      try {
        const type = elementOf(write(value, writing()).type);
        return [[axis, { value: readValue(value, { ...at, w: writing() }), type }]];
      } catch (thrown) {
        if (!(thrown instanceof Untranslatable)) throw thrown;
        note(`${thrown.message}, and the axis "${axis}" was not converted: ${sourceOf(value)}`);
        return [[axis, { type: ANY }]];
      }
    });
  }
  try {
    const written = write(expression, writing());
    if (written.type.fields === undefined) throw new Untranslatable('its matrix is computed');
    const value = readValue(expression, { ...at, w: writing() });
    return [...written.type.fields].map(([axis, type]) => [
      axis,
      {
        value: isRecord(value) ? (value[axis] as Marked) : marks.mark(member(written, axis, type)),
        type: elementOf(type),
      },
    ]);
  } catch (thrown) {
    if (!(thrown instanceof Untranslatable)) throw thrown;
    note(`${thrown.message}, and was not converted: ${sourceOf(expression)}`);
    return [];
  }
}

/** Adds the axes to the names that expressions can use. */
export function withAxes(writing: () => Writing, types: Axes['types']): () => Writing {
  return () => {
    const w = writing();
    const lookup: Names['lookup'] = (name) => {
      const axis = types.get(name);
      return axis === undefined
        ? w.names.lookup(name)
        : { kind: 'cel', written: member(tight('matrix'), axis.name, axis.type) };
    };
    // A function of the file does not see the axes of the target that calls it.
    return { ...w, names: { lookup, global: w.names.global } };
  };
}

/** The text of a constant expression; undefined: not constant. */
export function constantOf(key: Expression, w: Writing): string | undefined {
  try {
    const { constant } = write(key, w);
    return typeof constant === 'string' ? constant : undefined;
  } catch (thrown) {
    if (thrown instanceof Untranslatable) return undefined;
    throw thrown;
  }
}
