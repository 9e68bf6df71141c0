/** Paints a timeline on a canvas. Only the visible part is painted, so the cost depends on it and not on the number of builds. */
import type { RunTimeline } from '../../timeline/timeline.ts';
import { fitText } from './canvas.ts';
import { shortStep } from './format.ts';
import type { Row } from './model.ts';
import { type Bar, type Fill, formatTick, type Lane, type Layout, makeTicks } from './timeline-layout.ts';

/** The visible part of times and lanes. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
  readonly scrollPx: number;
}

/** The input of a picture. */
export interface Picture {
  readonly timeline: RunTimeline;
  readonly layout: Layout;
  readonly window: Window;
  readonly width: number;
  readonly height: number;
  readonly colours: Colours;
  /** Builds that match the filter; others are pale. */
  readonly matches: (row: Row) => boolean;
  /** The bar under the pointer, or selected by keyboard. */
  readonly active: Bar | undefined;
  readonly open: Row | undefined;
}

export const TIMELINE_COLOURS = [
  'text',
  'soft',
  'line',
  'card',
  'sunk',
  'accent',
  'critical',
  'wait',
  'on-bar',
  'checking',
  'queued',
  'step',
  'step-2',
  'cached',
  'exporting',
  'pushing',
  'tagging',
  'failed-fill',
] as const;

type Colours = Readonly<Record<(typeof TIMELINE_COLOURS)[number], string>>;

const AXIS_PX = 26;
const QUEUE_PX = 30;
/** Waits are stripes along the upper edge of a bar, so that they cover no name. */
const STRIPES_PX = 5;
/** Narrower bars have one colour. */
const NARROW_PX = 26;

/** Width of the column of lane names. */
export function gutterOf(layout: Layout, width: number): number {
  const isBuilds = layout.lanes[0]?.kind === 'build';
  return isBuilds ? Math.min(200, Math.max(96, width * 0.2)) : width < 600 ? 66 : 74;
}

/** Height of the area above the lanes. */
export function headOf(layout: Layout): number {
  return AXIS_PX + (layout.queue.length > 2 ? QUEUE_PX : 0);
}

/** The horizontal position of a time, in pixels. */
export function xOf({ window, width, layout }: Picture, ms: number): number {
  const gutter = gutterOf(layout, width);
  return gutter + ((ms - window.fromMs) / (window.toMs - window.fromMs)) * (width - gutter - 8);
}

/** Paints everything. */
export function paint(context: CanvasRenderingContext2D, picture: Picture): void {
  const { width, height, layout, window, colours } = picture;
  context.clearRect(0, 0, width, height);
  context.font = '12px system-ui, sans-serif';
  context.textBaseline = 'middle';
  const gutter = gutterOf(layout, width);
  const head = headOf(layout);
  paintAxis(context, picture, head);
  context.save();
  context.beginPath();
  context.rect(0, head, width, height - head);
  context.clip();
  context.translate(0, head - window.scrollPx);
  paintLanes(context, picture, gutter);
  context.save();
  context.beginPath();
  context.rect(gutter, window.scrollPx, width - gutter, height);
  context.clip();
  const shown = barsInSight(picture);
  for (const bar of shown) paintBar(context, picture, bar);
  for (const bar of shown) paintMarks(context, picture, bar);
  paintPath(context, picture);
  context.restore();
  context.restore();
  paintRunWaits(context, picture, head);
  paintCost(context, picture, head);
  paintQueue(context, picture, gutter);
  context.fillStyle = colours.line;
  context.fillRect(gutter, 0, 1, height);
}

function paintAxis(context: CanvasRenderingContext2D, picture: Picture, head: number): void {
  const { window, width, height, colours, layout, timeline } = picture;
  const ticks = makeTicks(window.fromMs, window.toMs, width / 90);
  const step = (ticks[1] ?? 0) - (ticks[0] ?? 0);
  context.textAlign = 'center';
  for (const tick of ticks) {
    const x = xOf(picture, tick);
    if (x < gutterOf(layout, width) + 12) continue;
    context.fillStyle = colours.line;
    context.fillRect(Math.round(x), AXIS_PX - 6, 1, height);
    context.fillStyle = colours.soft;
    context.fillText(formatTick(tick, step), Math.min(x, width - 22), AXIS_PX / 2 - 1);
  }
  const end = xOf(picture, timeline.durationMs);
  context.fillStyle = colours.soft;
  context.fillRect(Math.round(end), AXIS_PX - 6, 1, height);
  context.fillStyle = colours.line;
  context.fillRect(0, head - 1, width, 1);
}

function paintLanes(context: CanvasRenderingContext2D, picture: Picture, gutter: number): void {
  const { layout, colours, width, window, height } = picture;
  context.textAlign = 'right';
  for (const lane of layout.lanes) {
    if (lane.y + lane.height < window.scrollPx || lane.y > window.scrollPx + height) continue;
    if (lane.kind === 'slot') {
      context.fillStyle = colours.sunk;
      context.fillRect(gutter, lane.y, width - gutter, lane.height);
    }
    if (lane.row !== undefined && lane.row === picture.open) {
      context.fillStyle = colours.sunk;
      context.fillRect(0, lane.y, width, lane.height);
    }
    const isPale = lane.row !== undefined && !picture.matches(lane.row);
    context.globalAlpha = isPale ? 0.4 : 1;
    context.fillStyle =
      lane.row?.result === 'failed'
        ? colours['failed-fill']
        : lane.kind === 'build'
          ? colours.text
          : colours.soft;
    if (lane.kind === 'beside') paintSmallLabel(context, lane, gutter);
    else {
      const label = fitText(context, lane.label, gutter - 12);
      context.fillText(label, gutter - 8, lane.y + lane.height / 2 + 1, gutter - 10);
    }
    context.globalAlpha = 1;
  }
}

/** The two-line name of a lane that is lower than its name. */
function paintSmallLabel(context: CanvasRenderingContext2D, { label, y }: Lane, gutter: number): void {
  const cut = label.lastIndexOf(' ');
  context.font = '11px system-ui, sans-serif';
  context.fillText(label.slice(0, Math.max(0, cut)), gutter - 8, y + 5, gutter - 10);
  context.fillText(label.slice(cut + 1), gutter - 8, y + 18, gutter - 10);
  context.font = '12px system-ui, sans-serif';
}

function barsInSight({ layout, window, height }: Picture): readonly Bar[] {
  const { fromMs, toMs, scrollPx } = window;
  return layout.bars.filter((bar) => {
    const lane = layout.lanes[bar.lane];
    return (
      lane !== undefined &&
      bar.toMs >= fromMs &&
      bar.fromMs <= toMs &&
      lane.y + lane.height >= scrollPx &&
      lane.y <= scrollPx + height
    );
  });
}

function colourOf(colours: Colours, fill: Fill): string {
  return fill === 'failed' ? colours['failed-fill'] : colours[fill];
}

function paintBar(context: CanvasRenderingContext2D, picture: Picture, bar: Bar): void {
  const { layout, colours, window } = picture;
  const lane = layout.lanes[bar.lane];
  if (lane === undefined) return;
  context.globalAlpha = picture.matches(bar.row) ? 1 : 0.22;
  const end = xOf(picture, bar.toMs);
  if (lane.kind !== 'beside' && end - xOf(picture, bar.fromMs) < NARROW_PX) {
    paintNarrow(context, picture, bar, lane);
    context.globalAlpha = 1;
    return;
  }
  for (const [at, part] of bar.parts.entries()) {
    if (part.toMs < window.fromMs || part.fromMs > window.toMs) continue;
    const [from, to] = [xOf(picture, part.fromMs), xOf(picture, part.toMs)];
    const isQueued = part.fill === 'queued';
    context.fillStyle = colourOf(colours, part.fill);
    const inset = isQueued && lane.kind !== 'wait' ? lane.height / 2 - 2 : 0;
    const gap = at === bar.parts.length - 1 ? 2 : to - from > 4 ? 1 : 0;
    context.fillRect(from, lane.y + inset, Math.max(1, to - from - gap), lane.height - 2 * inset);
  }
  if (lane.kind !== 'beside') paintLabels(context, picture, bar, lane.y, lane.height);
  context.globalAlpha = 1;
}

/** A bar too narrow to show steps: one colour for failed, run, or cached. */
function paintNarrow(context: CanvasRenderingContext2D, picture: Picture, bar: Bar, lane: Lane): void {
  const { colours } = picture;
  const fills = new Set(bar.parts.map((part) => part.fill));
  const isFailed = fills.has('failed');
  const fill =
    (['failed', 'step', 'step-2', 'cached', 'pushing'] as const).find((one) => fills.has(one)) ??
    bar.parts[0]?.fill ??
    'step';
  const [from, to] = [xOf(picture, bar.fromMs), xOf(picture, bar.toMs)];
  const inset = fill === 'queued' && lane.kind !== 'wait' ? lane.height / 2 - 2 : 0;
  context.fillStyle = colourOf(colours, fill === 'step-2' ? 'step' : fill);
  context.fillRect(
    from,
    lane.y + inset,
    Math.max(isFailed ? 3 : 1, to - from - (to - from > 3 ? 1 : 0)),
    lane.height - 2 * inset,
  );
}

/** Labels: in a slot, the build's name above its steps; in a build's lane, only the steps; for a wait, the build and the reason. */
function paintLabels(
  context: CanvasRenderingContext2D,
  picture: Picture,
  bar: Bar,
  y: number,
  height: number,
): void {
  const { colours, layout, window } = picture;
  const kind = layout.lanes[bar.lane]?.kind;
  const isSlot = kind === 'slot';
  context.textAlign = 'left';
  context.fillStyle = colours['on-bar'];
  if (isSlot) {
    const from = xOf(picture, Math.max(bar.fromMs, window.fromMs));
    const room = xOf(picture, bar.toMs) - from - 8;
    const mark = bar.row.result === 'failed' ? '✗ ' : '';
    if (room > 40) {
      context.font = '600 12px system-ui, sans-serif';
      context.fillText(fitText(context, `${mark}${bar.row.name}`, room), from + 5, y + 12, room);
      context.font = '12px system-ui, sans-serif';
    }
  }
  context.font = '11px system-ui, sans-serif';
  for (const part of bar.parts) {
    const from = Math.max(xOf(picture, part.fromMs), xOf(picture, window.fromMs));
    const room = xOf(picture, part.toMs) - from - 8;
    if (room < 50 || (part.fill === 'queued' && kind !== 'wait')) continue;
    const text = kind === 'wait' ? `${bar.row.name}: ${part.text}` : shortStep(part.text);
    if (kind === 'wait') context.fillStyle = colours.text;
    const middle = isSlot ? y + height - 10 : y + height / 2 + 2;
    context.fillText(fitText(context, text, room), from + 5, middle, room);
  }
  context.font = '12px system-ui, sans-serif';
}

/** Waits, the critical path and the active bar, over everything. */
function paintMarks(context: CanvasRenderingContext2D, picture: Picture, bar: Bar): void {
  const { layout, colours } = picture;
  const lane = layout.lanes[bar.lane];
  if (lane === undefined) return;
  const [from, to] = [xOf(picture, bar.fromMs), xOf(picture, bar.toMs)];
  const size = Math.max(2, to - from);
  for (const wait of bar.waits) {
    const left = xOf(picture, wait.fromMs);
    const tall = Math.min(lane.height, STRIPES_PX);
    stripes(context, left, lane.y, Math.max(3, xOf(picture, wait.toMs) - left), tall, colours.wait);
  }
  if (bar.row.build.critical) {
    context.fillStyle = colours.critical;
    context.fillRect(from, lane.y + lane.height - 2, size, 4);
  }
  const isActive = picture.active === bar || (picture.active !== undefined && picture.active.row === bar.row);
  if (isActive || picture.open === bar.row) {
    context.strokeStyle = isActive ? colours.text : colours.accent;
    context.lineWidth = 2;
    context.strokeRect(from - 1, lane.y - 1, size + 2, lane.height + 2);
  }
}

/** Connects the bars of the critical path. */
function paintPath(context: CanvasRenderingContext2D, picture: Picture): void {
  const { layout, colours } = picture;
  context.strokeStyle = colours.critical;
  context.lineWidth = 1.5;
  context.beginPath();
  let last: Bar | undefined;
  for (const bar of layout.critical) {
    const [lane, before] = [layout.lanes[bar.lane], last === undefined ? undefined : layout.lanes[last.lane]];
    if (lane !== undefined && before !== undefined && last !== undefined) {
      const x = xOf(picture, bar.fromMs);
      const y = before.y + before.height;
      context.moveTo(xOf(picture, last.toMs), y);
      context.lineTo(x, y);
      context.lineTo(x, lane.y > y ? lane.y : lane.y + lane.height);
    }
    last = bar;
  }
  context.stroke();
}

function stripes(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  width: number,
  height: number,
  colour: string,
): void {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.beginPath();
  // Nothing is visible beyond the width of any screen.
  for (let at = x - height; at < x + Math.min(width, 8000); at += 7) {
    context.moveTo(at, y + height);
    context.lineTo(at + height, y);
  }
  context.stroke();
  context.restore();
}

/** Waits of the whole run: for the engine and registries. */
function paintRunWaits(context: CanvasRenderingContext2D, picture: Picture, head: number): void {
  const { timeline, colours, layout, width, height } = picture;
  const gutter = gutterOf(layout, width);
  for (const wait of timeline.waits) {
    const from = Math.max(gutter, xOf(picture, wait.fromMs));
    const to = Math.min(width, xOf(picture, wait.toMs));
    if (to <= gutter || from >= width) continue;
    context.globalAlpha = 0.12;
    context.fillStyle = colours.wait;
    context.fillRect(from, head, Math.max(2, to - from), height);
    context.globalAlpha = 1;
    stripes(context, from, AXIS_PX - 6, Math.max(4, to - from), 6, colours.wait);
  }
}

/** How much earlier the run would have ended without the active build. */
function paintCost(context: CanvasRenderingContext2D, picture: Picture, head: number): void {
  const { active, timeline, colours, height, layout, width } = picture;
  if (active === undefined || active.row.build.costMs <= 0) return;
  const from = Math.max(gutterOf(layout, width), xOf(picture, timeline.durationMs - active.row.build.costMs));
  const to = xOf(picture, timeline.durationMs);
  if (to <= from) return;
  context.globalAlpha = 0.14;
  context.fillStyle = colours.critical;
  context.fillRect(from, head, to - from, height);
  context.globalAlpha = 1;
  context.fillRect(from, head, 2, height);
}

/** The number of builds waiting for a slot. */
function paintQueue(context: CanvasRenderingContext2D, picture: Picture, gutter: number): void {
  const { layout, colours, width } = picture;
  const { queue } = layout;
  if (queue.length <= 2) return;
  const most = Math.max(...queue.map(({ count }) => count), 1);
  const base = AXIS_PX + QUEUE_PX - 3;
  const y = (count: number): number => base - (count / most) * (QUEUE_PX - 6);
  context.save();
  context.beginPath();
  context.rect(gutter, AXIS_PX, width, QUEUE_PX);
  context.clip();
  context.beginPath();
  context.moveTo(xOf(picture, 0), base);
  let last = 0;
  for (const { atMs, count } of queue) {
    const x = xOf(picture, atMs);
    context.lineTo(x, y(last));
    context.lineTo(x, y(count));
    last = count;
  }
  context.closePath();
  context.fillStyle = colours.queued;
  context.fill();
  context.restore();
  context.fillStyle = colours.soft;
  context.textAlign = 'right';
  context.font = '11px system-ui, sans-serif';
  context.fillText(`queue ${most}`, gutter - 8, AXIS_PX + QUEUE_PX / 2, gutter - 8);
  context.font = '12px system-ui, sans-serif';
}
