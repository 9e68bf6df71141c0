/** State for writing expressions of bake files: the names in scope and their meanings. */
import type { Call, Expression } from '../hcl/mod.ts';
import { Untranslatable, type Written } from './cel-text.ts';

/** The meaning of a name: CEL text or, for a parameter of a function, an expression with its scope. */
export type Binding =
  | { readonly kind: 'cel'; readonly written: Written }
  | { readonly kind: 'expression'; readonly expression: Expression; readonly names: Names }
  | { readonly kind: 'none'; readonly why: string };

/** Names in scope. */
export interface Names {
  readonly lookup: (name: string) => Binding | undefined;
  /** The meaning of a name at the top level of the file, regardless of loops and functions. */
  readonly global: (name: string) => Binding | undefined;
}

/** A function that the file defines. */
export interface FileFunction {
  readonly parameters: readonly string[];
  readonly rest?: string;
  readonly result: Expression;
}

/** State for writing an expression. */
export interface Writing {
  readonly names: Names;
  readonly functions: ReadonlyMap<string, FileFunction>;
  /** The attribute of another target, from its own definition. */
  readonly targetAttribute: (target: string, attribute: string) => Expression | undefined;
  /** Writes calls (hcl-calls.ts). */
  readonly writeCall: (call: Call, w: Writing) => Written;
  /** A call of a function of the file that is kept; undefined: the call is inlined. */
  readonly keepCall: (call: Call, w: Writing) => Written | undefined;
  /**
   * Whether calls of functions must be inlined: `value` if the call is the whole value, or a part that is processed
   * further; `all` everywhere.
   */
  readonly inPlace?: 'value' | 'all';
  /** Variables of surrounding macros. */
  readonly locals: ReadonlySet<string>;
  readonly depth: number;
  /** Whether values with this text are axes of the matrix, whose maps all have the same keys. */
  readonly isFilled: (text: string) => boolean;
  /** Remaining size: functions that call functions can grow without bound. */
  readonly budget: { left: number };
}

/** Deeper calls of functions of the file are recursive. */
export const MAX_DEPTH = 200;

/** An expression and its scope. */
export interface Reduced {
  readonly expression: Expression;
  readonly w: Writing;
}

/** Resolves parameters, members of literal objects and attributes of other targets. */
export function reduce(expression: Expression, w: Writing): Reduced {
  if (w.depth > MAX_DEPTH || --w.budget.left < 0) throw new Untranslatable('it becomes too long');
  const deeper: Writing = { ...w, depth: w.depth + 1 };
  if (expression.kind === 'parentheses') return reduce(expression.inner, deeper);
  if (expression.kind === 'template') {
    const [first] = expression.parts;
    if (expression.parts.length === 1 && first?.kind === 'interpolation') return reduce(first.value, deeper);
  }
  if (expression.kind === 'variable') {
    const binding = w.names.lookup(expression.name);
    return binding?.kind === 'expression'
      ? reduce(binding.expression, { ...deeper, names: binding.names })
      : { expression, w };
  }
  if (expression.kind === 'attribute') {
    const other = ofTarget(expression, w);
    if (other !== undefined) return reduce(other, deeper);
    const of = reduce(expression.of, deeper);
    const item =
      of.expression.kind === 'object'
        ? of.expression.items.find(({ key }) => keyText(key) === expression.name)
        : undefined;
    return item === undefined ? { expression, w } : reduce(item.value, of.w);
  }
  return { expression, w };
}

function keyText(key: Expression): string | undefined {
  if (key.kind === 'variable') return key.name;
  if (key.kind !== 'template' || key.parts.length > 1) return undefined;
  const [first] = key.parts;
  return first === undefined ? '' : first.kind === 'text' ? first.value : undefined;
}

/** `target.NAME.ATTRIBUTE`, from that target's own definition. */
function ofTarget(expression: Expression, w: Writing): Expression | undefined {
  if (expression.kind !== 'attribute' || expression.of.kind !== 'attribute') return undefined;
  const { of: root, name } = expression.of;
  if (root.kind !== 'variable' || root.name !== 'target' || w.names.lookup('target') !== undefined)
    return undefined;
  return w.targetAttribute(name, expression.name);
}
