/** Limits the height of parsed trees: long chains of operators in parentheses are deeper than their nesting. */
import type { Expression, TemplatePart } from './syntax.ts';

/** More levels than any expression needs, but few enough for recursive walks. */
const MAX_HEIGHT = 500;

/** Whether a tree is too deep for a recursive walk. */
export function isTooHigh(expression: Expression): boolean {
  const left: { readonly node: Expression | TemplatePart; readonly height: number }[] = [
    { node: expression, height: 1 },
  ];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const height = next.height + 1;
    if (height > MAX_HEIGHT) return true;
    for (const node of childrenOf(next.node)) left.push({ node, height });
  }
  return false;
}

function childrenOf(node: Expression | TemplatePart): readonly (Expression | TemplatePart)[] {
  switch (node.kind) {
    case 'interpolation':
      return [node.value];
    case 'if':
      return [node.test, ...node.yes, ...node.no];
    case 'for':
      return 'parts' in node
        ? [node.over, ...node.parts]
        : [node.over, node.value, ...defined(node.key), ...defined(node.when)];
    case 'template':
      return node.parts;
    case 'attribute':
    case 'unary':
      return [node.of];
    case 'index':
      return [node.of, node.key];
    case 'splat':
      return [node.of, node.each];
    case 'call':
      return node.args;
    case 'binary':
      return [node.left, node.right];
    case 'conditional':
      return [node.test, node.yes, node.no];
    case 'tuple':
      return node.items;
    case 'object':
      return node.items.flatMap(({ key, value }) => [key, value]);
    case 'parentheses':
      return [node.inner];
    default:
      return [];
  }
}

function defined(expression: Expression | undefined): readonly Expression[] {
  return expression === undefined ? [] : [expression];
}
