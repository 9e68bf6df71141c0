/** Draws a plan as a tree for terminals, and as graphs for Graphviz and Mermaid. The output is as stable as the plan. */
import { type Edge, type Plan, type PlanNode, type Problem, problem } from '../model/mod.ts';
import {
  type ArrowKind,
  type Box,
  foldAlike,
  labelOf,
  legendOf,
  type Picture,
  pictureOf,
  withoutImplied,
} from './picture.ts';

/** Edges of one build to one dependency, with all reasons. */
interface Need {
  readonly to: string;
  readonly reasons: readonly string[];
}

/**
 * The dependencies as a tree, starting with the builds that no other build of the plan needs. A build that was already
 * shown is repeated without its own dependencies, marked `…`. Ends with a line break.
 */
export function drawTree(plan: Plan): string {
  const lines: string[] = [];
  const shown = new Set<string>();
  const walk = (node: PlanNode, label: string, lead: string, indent: string): void => {
    const needs = needsOf(node.edges);
    const again = shown.has(node.build.name) && needs.length > 0;
    lines.push(`${lead}${label}${again ? ' …' : ''}`);
    if (again) return;
    shown.add(node.build.name);
    needs.forEach(({ to, reasons }, at) => {
      const below = plan.nodes.get(to);
      if (below === undefined) return;
      const last = at === needs.length - 1;
      walk(
        below,
        `${to} (${reasons.join(', ')})`,
        `${indent}${last ? '└─ ' : '├─ '}`,
        `${indent}${last ? '   ' : '│  '}`,
      );
    });
  };
  for (const node of plan.nodes.values()) {
    if (node.neededBy.length === 0) walk(node, node.build.name, '', '');
  }
  return `${lines.join('\n')}\n`;
}

/** The graph in Graphviz' DOT (https://graphviz.org/doc/info/lang.html): arrows in build order. */
export function drawDot(plan: Plan): string {
  const picture = pictureOf(plan);
  const lines = ['digraph builds {', '  rankdir=LR;', '  node [shape=box];'];
  const legend = legendOf(picture);
  if (legend.length > 0)
    lines.push(`  label="${legend.map((line) => `${escapeDot(line)}\\l`).join('')}";`, '  labeljust=l;');
  const nodeOf = (box: Box): string => {
    const style = [
      ...(box.isAsked ? [] : ['style=rounded']),
      ...(box.isPushed ? ['penwidth=2'] : []),
      ...(box.isAsked ? [] : ['color=gray40']),
    ];
    return `${quoteDot(labelOf(box))}${style.length === 0 ? '' : ` [${style.join(', ')}]`};`;
  };
  for (const { matrix, boxes } of groupByMatrix(picture.boxes)) {
    if (matrix === undefined) lines.push(...boxes.map((box) => `  ${nodeOf(box)}`));
    else {
      lines.push(`  subgraph ${quoteDot(`cluster_${matrix}`)} {`, `    label=${quoteDot(matrix)};`);
      lines.push(...boxes.map((box) => `    ${nodeOf(box)}`), '  }');
    }
  }
  const nameAt = (at: number) => quoteDot(picture.boxes[at] === undefined ? '' : labelOf(picture.boxes[at]));
  for (const { from, to, kind } of picture.arrows)
    lines.push(`  ${nameAt(from)} -> ${nameAt(to)}${DOT_ARROWS[kind]};`);
  return `${[...lines, '}'].join('\n')}\n`;
}

const DOT_ARROWS: Readonly<Record<ArrowKind, string>> = {
  based: '',
  copied: ' [style=dashed]',
  order: ' [style=dotted, label="order only"]',
};

/** Mermaid's limits unless configured otherwise (https://mermaid.js.org/config/schema-docs/config.html). */
const MERMAID_LIMITS = { edges: 500, characters: 50_000 };

/** A picture, and warnings about it. */
export interface Drawn {
  readonly text: string;
  readonly warnings: readonly Problem[];
}

/**
 * The graph as a Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html), with the same arrows. A graph that
 * exceeds Mermaid's limits is reduced: first, builds with the same dependencies and dependents become one box, then
 * arrows that follow from others are removed. If that is not enough, there is a warning: `plan/picture-too-large`.
 */
export function drawMermaid(plan: Plan): Drawn {
  const whole = pictureOf(plan);
  const folded = foldAlike(whole);
  const attempts = [() => whole, () => folded, () => withoutImplied(folded)];
  let text = '';
  for (const attempt of attempts) {
    const picture = attempt();
    text = mermaidOf(picture);
    const fits = picture.arrows.length <= MERMAID_LIMITS.edges && text.length <= MERMAID_LIMITS.characters;
    if (fits) return { text, warnings: [] };
  }
  const tooLarge = problem(
    'plan/picture-too-large',
    `Mermaid does not draw a graph of ${plan.nodes.size} builds like this one, even with builds of the same kind as one box`,
    {
      severity: 'warning',
      hint: 'draw a part of it (bake-ts plan BUILD --mermaid), or use --html or --dot',
    },
  );
  return { text, warnings: [tooLarge] };
}

function mermaidOf(picture: Picture): string {
  const lines = ['flowchart LR'];
  const idOf = new Map(picture.boxes.map((box, at) => [box, `b${at}`]));
  const nodeOf = (box: Box): string => {
    const text = `"${escapeMermaid(labelOf(box))}"`;
    return `${idOf.get(box) ?? ''}${box.isAsked ? `[${text}]` : `([${text}])`}`;
  };
  groupByMatrix(picture.boxes).forEach(({ matrix, boxes }, at) => {
    if (matrix === undefined) lines.push(...boxes.map((box) => `  ${nodeOf(box)}`));
    else {
      lines.push(`  subgraph g${at}["${escapeMermaid(matrix)}"]`);
      lines.push(...boxes.map((box) => `    ${nodeOf(box)}`), '  end');
    }
  });
  for (const { from, to, kind } of picture.arrows) lines.push(`  b${from} ${MERMAID_ARROWS[kind]} b${to}`);
  const pushed = picture.boxes.flatMap((box) => (box.isPushed ? (idOf.get(box) ?? []) : []));
  if (pushed.length > 0)
    lines.push('  classDef pushed stroke-width:3px', `  class ${pushed.join(',')} pushed`);
  const legend = legendOf(picture);
  if (legend.length > 0) {
    lines.push(`  legend["${legend.map(escapeMermaid).join('<br>')}"]`);
    lines.push('  classDef note fill:none,stroke:none,text-align:left', '  class legend note');
  }
  return `${lines.join('\n')}\n`;
}

const MERMAID_ARROWS: Readonly<Record<ArrowKind, string>> = {
  based: '-->',
  copied: '-.->',
  order: '-.->|order only|',
};

/** Groups the rows of each matrix, if there are several. Other builds are single, in the order of the plan. */
function groupByMatrix(
  boxes: readonly Box[],
): readonly { readonly matrix?: string; readonly boxes: readonly Box[] }[] {
  const rows = new Map<string, Box[]>();
  for (const box of boxes)
    if (box.matrix !== undefined) rows.set(box.matrix, [...(rows.get(box.matrix) ?? []), box]);
  return boxes.flatMap((box) => {
    const some = box.matrix === undefined ? undefined : rows.get(box.matrix);
    if (box.matrix === undefined || some === undefined || some.length < 2) return [{ boxes: [box] }];
    return some[0] === box ? [{ matrix: box.matrix, boxes: some }] : [];
  });
}

function needsOf(edges: readonly Edge[]): readonly Need[] {
  const reasons = new Map<string, Set<string>>();
  for (const { to, reason } of edges) reasons.set(to, (reasons.get(to) ?? new Set()).add(reason));
  return [...reasons].map(([to, set]) => ({ to, reasons: [...set] }));
}

function quoteDot(text: string): string {
  return `"${escapeDot(text)}"`;
}

function escapeDot(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
}

/** Mermaid reads `#code;` as an escaped character. */
function escapeMermaid(text: string): string {
  return text.replace(/["#<>&`]/g, (one) => `#${one.codePointAt(0)};`);
}
