/** What expressions of bake files are written with: the names in scope, and what these stand for. */
import type { Call, Expression } from '../hcl/mod.ts';
import { Untranslatable, type Written } from './cel-text.ts';

/** What a name stands for: text of CEL, or (a parameter of a function) an expression with the names around it. */
export type Binding =
  | { readonly kind: 'cel'; readonly written: Written }
  | { readonly kind: 'expression'; readonly expression: Expression; readonly names: Names }
  | { readonly kind: 'none'; readonly why: string };

/** Names in scope. */
export interface Names {
  readonly lookup: (name: string) => Binding | undefined;
  /** What a name means in the file itself, whatever loops and functions are around. */
  readonly global: (name: string) => Binding | undefined;
}

/** A function that the file defines. */
export interface FileFunction {
  readonly parameters: readonly string[];
  readonly rest?: string;
  readonly result: Expression;
}

/** What an expression is written with. */
export interface Writing {
  readonly names: Names;
  readonly functions: ReadonlyMap<string, FileFunction>;
  /** The attribute of another target, as that target says it. */
  readonly targetAttribute: (target: string, attribute: string) => Expression | undefined;
  /** Writes calls (hcl-calls.ts). */
  readonly writeCall: (call: Call, w: Writing) => Written;
  /** A call of a function of the file that stays a function; undefined: what it gives is to be put in place. */
  readonly keepCall: (call: Call, w: Writing) => Written | undefined;
  /**
   * What functions give is to be put in place: `value` where it is the whole value, or a part of it that is taken apart; `all`
   * wherever they are called.
   */
  readonly inPlace?: 'value' | 'all';
  /** Names that macros around it bind. */
  readonly locals: ReadonlySet<string>;
  readonly depth: number;
  /** Whether a value of such a text is an axis of the matrix, whose maps have all names of one another. */
  readonly isFilled: (text: string) => boolean;
  /** What may still be written: functions that call functions grow without bound. */
  readonly budget: { left: number };
}

/** Deeper calls of functions of the file are a recursion. */
export const MAX_DEPTH = 200;

/** An expression and the names it is to be read with. */
export interface Reduced {
  readonly expression: Expression;
  readonly w: Writing;
}

/** Follows parameters, members of literal objects and attributes of other targets to what they stand for. */
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

/** `target.NAME.ATTRIBUTE`: what that target itself says. */
function ofTarget(expression: Expression, w: Writing): Expression | undefined {
  if (expression.kind !== 'attribute' || expression.of.kind !== 'attribute') return undefined;
  const { of: root, name } = expression.of;
  if (root.kind !== 'variable' || root.name !== 'target' || w.names.lookup('target') !== undefined)
    return undefined;
  return w.targetAttribute(name, expression.name);
}
