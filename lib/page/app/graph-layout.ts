/**
 * Positions of the builds in the graph: levels from left to right, each build near its dependencies. A level with many
 * builds is folded into several columns, so that hundreds of builds make a picture and not a strip. Pure.
 */

/** Input of a layout: the indexes of each build's dependencies. */
export interface GraphInput {
  readonly needs: readonly (readonly number[])[];
}

/** A build in the picture. */
export interface GraphNode {
  readonly at: number;
  readonly x: number;
  readonly y: number;
}

/** An arrow from a dependency to a dependent. */
export interface GraphEdge {
  readonly from: number;
  readonly to: number;
}

/** The picture. */
export interface GraphLayout {
  readonly nodes: readonly GraphNode[];
  /** Without edges that a longer path implies. */
  readonly edges: readonly GraphEdge[];
  readonly width: number;
  readonly height: number;
}

export const NODE_WIDTH = 172;
export const NODE_HEIGHT = 28;
const ROW_PX = 40;
const COLUMN_PX = NODE_WIDTH + 14;
const LEVEL_GAP_PX = 96;
/** Smaller levels have one column. */
const FEWEST_ROWS = 9;
const SWEEPS = 4;

/** Lays a graph out for a frame whose width is `aspect` times its height. */
export function layoutGraph({ needs }: GraphInput, aspect: number): GraphLayout {
  const levels = levelsOf(needs);
  const edges = reduceEdges(needs, levels.levelOf);
  const order = orderLevels(levels.byLevel, needs);
  const rows = pickRows(
    order.map((level) => level.length),
    aspect,
  );
  const nodes: GraphNode[] = [];
  const height = Math.max(...order.map((level) => Math.min(level.length, rows)), 1) * ROW_PX;
  let x = 0;
  for (const level of order) {
    const columns = Math.ceil(level.length / rows);
    const used = Math.ceil(level.length / Math.max(1, columns));
    const top = (height - used * ROW_PX) / 2;
    // Row by row, so that vertical positions follow the order in the level.
    for (const [place, at] of level.entries()) {
      const [row, column] = [Math.floor(place / columns), place % columns];
      const shift = columns > 1 && column % 2 === 1 ? ROW_PX / 2 - 3 : 0;
      nodes.push({ at, x: x + column * COLUMN_PX, y: top + row * ROW_PX + shift });
    }
    x += columns * COLUMN_PX - 14 + LEVEL_GAP_PX;
  }
  return { nodes, edges, width: Math.max(NODE_WIDTH, x - LEVEL_GAP_PX), height: height + 20 };
}

/** One more than the highest level of its dependencies, which come earlier in the list, as in every plan. */
function levelsOf(needs: readonly (readonly number[])[]) {
  const levelOf: number[] = [];
  for (const own of needs) levelOf.push(Math.max(-1, ...own.map((at) => levelOf[at] ?? 0)) + 1);
  const byLevel: number[][] = [];
  for (const [at, level] of levelOf.entries()) {
    byLevel[level] = byLevel[level] ?? [];
    byLevel[level].push(at);
  }
  return { levelOf, byLevel };
}

/** Removes edges that a longer path implies: they add no information and fill up the picture. */
function reduceEdges(
  needs: readonly (readonly number[])[],
  levelOf: readonly number[],
): readonly GraphEdge[] {
  return needs.flatMap((own, to) => {
    if (own.length < 2) return own.map((from) => ({ from, to }));
    const lowest = Math.min(...own.map((at) => levelOf[at] ?? 0));
    const implied = new Set<number>();
    const open = own.flatMap((at) => needs[at] ?? []);
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (implied.has(next) || (levelOf[next] ?? 0) < lowest) continue;
      implied.add(next);
      open.push(...(needs[next] ?? []));
    }
    return own.filter((from) => !implied.has(from)).map((from) => ({ from, to }));
  });
}

/** Orders the builds of each level by their neighbours, from both sides in turns. */
function orderLevels(
  byLevel: readonly (readonly number[])[],
  needs: readonly (readonly number[])[],
): readonly (readonly number[])[] {
  const neededBy = needs.map((): number[] => []);
  for (const [at, own] of needs.entries()) for (const parent of own) neededBy[parent]?.push(at);
  // Between 0 and 1, so that levels of different sizes are comparable.
  const place = new Array<number>(needs.length).fill(0);
  const spread = (level: readonly number[]): void => {
    for (const [at, one] of level.entries()) place[one] = (at + 0.5) / level.length;
  };
  const levels = byLevel.map((level) => [...level]);
  for (const level of levels) spread(level);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const isDown = sweep % 2 === 0;
    for (const level of isDown ? levels : [...levels].reverse()) {
      const centre = new Map(
        level.map((at) => {
          const others = (isDown ? needs[at] : neededBy[at]) ?? [];
          const sum = others.reduce((total, one) => total + (place[one] ?? 0), 0);
          return [at, others.length === 0 ? (place[at] ?? 0) : sum / others.length];
        }),
      );
      level.sort((a, b) => (centre.get(a) ?? 0) - (centre.get(b) ?? 0) || a - b);
      spread(level);
    }
  }
  return levels;
}

/** How many builds are at most in a column, so that the picture has about the shape of its frame. */
function pickRows(sizes: readonly number[], aspect: number): number {
  const most = Math.max(...sizes, 1);
  let best = most;
  let bestFit = Number.POSITIVE_INFINITY;
  for (let rows = Math.min(FEWEST_ROWS, most); rows <= most; rows += 1) {
    const columns = sizes.reduce((sum, size) => sum + Math.ceil(size / rows), 0);
    const width = columns * COLUMN_PX + (sizes.length - 1) * LEVEL_GAP_PX;
    // Both are proportional to how much the picture must shrink to fit.
    const fit = Math.max(width / aspect, rows * ROW_PX);
    if (fit < bestFit) [best, bestFit] = [rows, fit];
  }
  return best;
}
