/** Paints the graph on a canvas, because a thousand elements in a document would be slow to move. */
import { fitText, type Size } from './canvas.ts';
import { type GraphLayout, type GraphNode, NODE_HEIGHT, NODE_WIDTH } from './graph-layout.ts';
import { MARKS, type Result, type Row } from './model.ts';

/** Position and scale of the picture in its frame. */
export interface Place {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

const RESULT_COLOURS = [
  'failed',
  'blocked',
  'cancelled',
  'built',
  'retagged',
  'unchanged',
  'running',
] as const;

/** The used properties of the style sheet. */
export const GRAPH_COLOURS = [
  'text',
  'soft',
  'card',
  'accent',
  'critical',
  ...RESULT_COLOURS,
  ...RESULT_COLOURS.map((name) => `${name}-ground` as const),
  ...RESULT_COLOURS.map((name) => `${name}-fill` as const),
] as const;

type Colours = Readonly<Record<(typeof GRAPH_COLOURS)[number], string>>;

/** The input of a picture. */
export interface GraphPicture {
  readonly layout: GraphLayout;
  readonly rows: readonly Row[];
  readonly place: Place;
  readonly size: Size;
  readonly colours: Colours;
  /** All edges, in coordinates of the layout. */
  readonly edges: Path2D;
  /** Highlighted builds: one build and its relatives; everything else is pale. */
  readonly lit:
    | { readonly at: number; readonly all: ReadonlySet<number>; readonly edges: Path2D }
    | undefined;
  readonly matches: (row: Row) => boolean;
}

/** Below this scale names are unreadable and omitted. */
const FAR = 0.55;
const MOST_SIGNS = 12;

/** Results that share colours with another. */
const SAME: Readonly<Partial<Record<Result, (typeof RESULT_COLOURS)[number]>>> = {
  rebased: 'built',
  waiting: 'cancelled',
  planned: 'running',
};

function nameOf(result: Result): (typeof RESULT_COLOURS)[number] {
  return SAME[result] ?? (result as (typeof RESULT_COLOURS)[number]);
}

/** Edges as one path: created once per layout, painted with every frame. */
export function pathOf(
  { edges, nodes }: GraphLayout,
  isWanted: (edge: GraphLayout['edges'][number]) => boolean = () => true,
): Path2D {
  const byAt = new Map(nodes.map((node) => [node.at, node]));
  const path = new Path2D();
  for (const edge of edges) {
    const [from, to] = [byAt.get(edge.from), byAt.get(edge.to)];
    if (from === undefined || to === undefined || !isWanted(edge)) continue;
    const [x1, y1] = [from.x + NODE_WIDTH, from.y + NODE_HEIGHT / 2];
    const [x2, y2] = [to.x, to.y + NODE_HEIGHT / 2];
    const bend = Math.max(30, (x2 - x1) / 2);
    path.moveTo(x1, y1);
    path.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
  }
  return path;
}

/** Paints everything. */
export function paintGraph(context: CanvasRenderingContext2D, picture: GraphPicture): void {
  const { layout, rows, place, size, colours, lit, matches } = picture;
  context.clearRect(0, 0, size.width, size.height);
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  paintEdges(
    context,
    picture,
    picture.edges,
    colours.soft,
    lit !== undefined ? 0.12 : place.scale < FAR ? 0.25 : 0.45,
    1.2,
  );
  if (lit !== undefined) paintEdges(context, picture, lit.edges, colours.accent, 0.9, 1.8);
  for (const node of layout.nodes) {
    const row = rows[node.at];
    if (row === undefined || !isInSight(picture, node)) continue;
    const isPale = lit === undefined ? !matches(row) : !lit.all.has(node.at);
    context.globalAlpha = isPale ? 0.22 : 1;
    paintNode(context, picture, node, row);
  }
  context.globalAlpha = 1;
  if (place.scale < FAR) paintSigns(context, picture);
}

function paintEdges(
  context: CanvasRenderingContext2D,
  { place }: GraphPicture,
  path: Path2D,
  colour: string,
  alpha: number,
  width: number,
): void {
  context.save();
  context.translate(place.x, place.y);
  context.scale(place.scale, place.scale);
  context.globalAlpha = alpha;
  context.strokeStyle = colour;
  context.lineWidth = width / Math.min(1, Math.max(0.4, place.scale));
  context.stroke(path);
  context.restore();
}

function isInSight({ place, size }: GraphPicture, node: GraphNode): boolean {
  const [x, y] = [node.x * place.scale + place.x, node.y * place.scale + place.y];
  return (
    x < size.width && y < size.height && x + NODE_WIDTH * place.scale > 0 && y + NODE_HEIGHT * place.scale > 0
  );
}

function paintNode(
  context: CanvasRenderingContext2D,
  picture: GraphPicture,
  node: GraphNode,
  row: Row,
): void {
  const { place, colours, lit } = picture;
  const [x, y] = [node.x * place.scale + place.x, node.y * place.scale + place.y];
  const [width, height] = [NODE_WIDTH * place.scale, NODE_HEIGHT * place.scale];
  const name = nameOf(row.result);
  const isFar = place.scale < FAR;
  const isOwn = lit?.at === node.at;
  if (isFar && !isOwn && !row.build.critical) {
    // Zoomed out, a thousand rounded rectangles take longer than everything else, and their corners are invisible.
    context.fillStyle = colours[`${name}-fill`];
    context.fillRect(x, y, width, height);
    return;
  }
  context.beginPath();
  context.roundRect(x, y, width, height, 6 * place.scale);
  // Zoomed out, only the fill shows the result.
  context.fillStyle = isFar ? colours[`${name}-fill`] : colours.card;
  context.fill();
  if (!isFar) {
    context.fillStyle = colours[`${name}-ground`];
    context.fill();
  }
  if (!isFar || isOwn) {
    context.strokeStyle = isOwn ? colours.text : colours[`${name}-fill`];
    context.lineWidth = isOwn ? 2.5 : row.result === 'failed' ? 2.2 : 1.2;
    context.stroke();
  }
  if (row.build.critical) {
    context.fillStyle = colours.critical;
    context.fillRect(
      x + 5 * place.scale,
      y + height - 1,
      width - 10 * place.scale,
      Math.max(2, 3 * place.scale),
    );
  }
  if (isFar) return;
  const size = 13 * place.scale;
  context.font = `${row.result === 'failed' ? '700 ' : ''}${size}px system-ui, sans-serif`;
  context.fillStyle = colours[name];
  context.fillText(MARKS[row.result], x + 8 * place.scale, y + height / 2 + 1);
  context.fillText(
    fitText(context, row.name, width - 34 * place.scale),
    x + 26 * place.scale,
    y + height / 2 + 1,
  );
}

/** Zoomed out, only names of some failed builds are shown, as large as normal. */
function paintSigns(
  context: CanvasRenderingContext2D,
  { layout, rows, place, size, colours }: GraphPicture,
): void {
  context.font = '700 12px system-ui, sans-serif';
  context.lineJoin = 'round';
  context.lineWidth = 4;
  context.strokeStyle = colours.card;
  context.fillStyle = colours.failed;
  const failed = layout.nodes.filter(({ at }) => rows[at]?.result === 'failed');
  for (const node of failed.slice(0, MOST_SIGNS)) {
    const text = fitText(context, `✗ ${rows[node.at]?.name ?? ''}`, 170);
    const width = context.measureText(text).width;
    const middle = (node.x + NODE_WIDTH / 2) * place.scale + place.x;
    const x = Math.max(2, Math.min(size.width - width - 4, middle - width / 2));
    const y = node.y * place.scale + place.y - 8;
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  }
}
