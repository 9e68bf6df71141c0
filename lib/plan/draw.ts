/** A plan as pictures: a tree for terminals, and graphs for Graphviz and Mermaid. Stable, as the plan itself is. */
import type { Edge, Plan, PlanNode } from '../model/mod.ts';

/** Edges of one build, one for each build that it needs, with all reasons. */
interface Need {
  readonly to: string;
  readonly reasons: readonly string[];
}

/**
 * What needs what, from the builds that nothing in the plan needs down. A build that was shown further up is
 * shown again without what is below it, marked `…`. Ends with a line break.
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

/** The graph in Graphviz' DOT (https://graphviz.org/doc/info/lang.html): arrows lead from a build to what it needs. */
export function drawDot(plan: Plan): string {
  const lines = ['digraph builds {', '  rankdir=LR;', '  node [shape=box];'];
  for (const node of plan.nodes.values()) {
    const style = [
      ...(node.role === 'needed' ? ['style=dashed'] : []),
      ...(node.pushes ? ['penwidth=2'] : []),
    ];
    lines.push(`  ${quoteDot(node.build.name)}${style.length === 0 ? '' : ` [${style.join(', ')}]`};`);
  }
  for (const node of plan.nodes.values()) {
    for (const { to, reasons } of needsOf(node.edges)) {
      lines.push(
        `  ${quoteDot(node.build.name)} -> ${quoteDot(to)} [label=${quoteDot(reasons.join(', '))}];`,
      );
    }
  }
  return `${[...lines, '}'].join('\n')}\n`;
}

/** The graph as a Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html), same arrows. */
export function drawMermaid(plan: Plan): string {
  const ids = new Map([...plan.nodes.keys()].map((name, at) => [name, `b${at}`]));
  const lines = ['flowchart LR'];
  for (const [name, node] of plan.nodes) {
    const text = `"${escapeMermaid(name)}"`;
    lines.push(`  ${ids.get(name) ?? ''}${node.role === 'asked' ? `[${text}]` : `([${text}])`}`);
  }
  for (const [name, node] of plan.nodes) {
    for (const { to, reasons } of needsOf(node.edges)) {
      lines.push(`  ${ids.get(name) ?? ''} -->|${reasons.join(', ')}| ${ids.get(to) ?? ''}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function needsOf(edges: readonly Edge[]): readonly Need[] {
  const reasons = new Map<string, Set<string>>();
  for (const { to, reason } of edges) reasons.set(to, (reasons.get(to) ?? new Set()).add(reason));
  return [...reasons].map(([to, set]) => ({ to, reasons: [...set] }));
}

function quoteDot(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** Mermaid reads `#code;` for characters that mean something to it. */
function escapeMermaid(text: string): string {
  return text.replace(/["#<>&]/g, (one) => `#${one.codePointAt(0)};`);
}
