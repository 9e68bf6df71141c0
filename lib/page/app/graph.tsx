/** The dependency graph, coloured by result. Wheel and pinch zoom, dragging moves; the part around one build can be shown separately. */
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { type Size, useColours, usePainting, useSize } from './canvas.ts';
import { formatDuration, plural } from './format.ts';
import { useGestures } from './gestures.ts';
import { type GraphLayout, type GraphNode, layoutGraph, NODE_HEIGHT, NODE_WIDTH } from './graph-layout.ts';
import { GRAPH_COLOURS, type GraphPicture, type Place, paintGraph, pathOf } from './graph-paint.ts';
import { closureOf, type Row } from './model.ts';
import { BuildLink } from './parts.tsx';
import { useView, type View } from './state.ts';
import { ZoomButtons } from './timeline.tsx';

const MARGIN = 14;

/** The view. */
export function GraphView() {
  const view = useView();
  const frame = useRef<HTMLDivElement>(null);
  const size = useSize(frame);
  const colours = useColours(frame, GRAPH_COLOURS);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { layout, shown } = useGraph(view, size);
  const fitting = fit(layout, size);
  const [moved, setMoved] = useState<Place | undefined>(undefined);
  const [hover, setHover] = useState<number | undefined>(undefined);
  const byAt = useMemo(() => new Map(layout.nodes.map((node) => [node.at, node])), [layout]);
  const place = moved ?? fitting;
  useLayoutEffect(() => setMoved(undefined), [view.focus, layout]);

  const zoom = (factor: number, x: number, y: number): void =>
    setMoved((old) => {
      const from = old ?? fitting;
      const scale = Math.min(2.5, Math.max(Math.min(fitting.scale, 1), from.scale * factor));
      const ratio = scale / from.scale;
      return bound({ scale, x: x - (x - from.x) * ratio, y: y - (y - from.y) * ratio }, layout, size);
    });
  const pan = (dx: number, dy: number): void =>
    setMoved((old) => {
      const from = old ?? fitting;
      return bound({ ...from, x: from.x + dx, y: from.y + dy }, layout, size);
    });
  const nodeAt = (x: number, y: number): GraphNode | undefined =>
    findNode(layout, (x - place.x) / place.scale, (y - place.y) / place.scale);
  useGestures(frame, {
    onZoom: zoom,
    onPan: pan,
    onHover: (x, y) => setHover(nodeAt(x, y)?.at),
    onLeave: () => setHover(undefined),
    onTap: (x, y) => {
      const node = nodeAt(x, y);
      setHover(node?.at);
      view.setOpen(node === undefined ? undefined : view.model.rows[node.at]);
    },
    wheelZooms: (isIn) => isIn || place.scale > fitting.scale * 1.001,
  });
  const show = (at: number | undefined): void => {
    const node = at === undefined ? undefined : byAt.get(at);
    if (node === undefined) return;
    setHover(node.at);
    setMoved((old) => keepInSight(old ?? fitting, node, size));
  };
  const lit = hover ?? view.open?.at;
  const edges = useMemo(() => pathOf(layout), [layout]);
  const related = useMemo(() => relate(layout, view.model.rows, lit), [layout, view.model, lit]);
  const picture: GraphPicture | undefined =
    colours === undefined || size.width === 0
      ? undefined
      : { layout, rows: view.model.rows, place, size, colours, edges, lit: related, matches: view.matches };
  usePainting(canvas, size, picture === undefined ? undefined : (context) => paintGraph(context, picture));
  const onKeyDown = (event: KeyboardEvent): void => {
    const action =
      event.ctrlKey || event.metaKey || event.altKey
        ? undefined
        : keysOf({
            view,
            layout,
            byAt,
            hover: hover ?? lit,
            zoom,
            pan,
            show,
            size,
            fit: () => setMoved(undefined),
          })[event.key];
    if (action === undefined) return;
    event.preventDefault();
    if (event.key === 'Escape') event.stopPropagation();
    action(event.shiftKey);
  };
  return (
    <div class="chart-view">
      <div class="chart-tools">
        <ZoomButtons
          zoom={(factor) => zoom(factor, size.width / 2, size.height / 2)}
          fit={() => setMoved(undefined)}
        />
        {view.focus === undefined ? (
          <span class="note">{plural(shown.length, 'build')}; dependencies are on the left</span>
        ) : (
          <span class="focus-note">
            Only what <BuildLink row={view.focus} /> needs and what needs it: {plural(shown.length, 'build')}{' '}
            <button type="button" onClick={() => view.setFocus(undefined)}>
              Show all
            </button>
          </span>
        )}
      </div>
      {/* What is focused and pointed at is described in words below; the picture itself has none. */}
      <div
        class="chart graph"
        ref={frame}
        tabIndex={0}
        role="application"
        aria-label="Graph. Left goes to a dependency, right to a dependent, up and down to others, Enter opens a build, F shows only its part, plus and minus zoom, zero shows everything."
        aria-describedby="graph-tip"
        onKeyDown={onKeyDown}
        onBlur={() => setHover(undefined)}
      >
        <canvas ref={canvas} aria-hidden="true" />
        <GraphTip
          row={hover === undefined ? undefined : view.model.rows[hover]}
          node={byAt.get(hover ?? -1)}
          place={place}
          size={size}
        />
      </div>
    </div>
  );
}

/** A build with all its dependencies and dependents. */
function relate(layout: GraphLayout, rows: readonly Row[], at: number | undefined): GraphPicture['lit'] {
  if (at === undefined || !layout.nodes.some((node) => node.at === at)) return undefined;
  const all = new Set([at, ...closureOf(rows, at, 'needs'), ...closureOf(rows, at, 'neededBy')]);
  return { at, all, edges: pathOf(layout, ({ from, to }) => all.has(from) && all.has(to)) };
}

function useGraph(view: View, size: Size): { layout: GraphLayout; shown: readonly Row[] } {
  const { rows } = view.model;
  const { focus } = view;
  // When details make the frame narrower, builds keep their positions.
  const laidOut = useRef<{ readonly focus: Row | undefined; readonly aspect: number } | undefined>(undefined);
  const frame = size.width / Math.max(1, size.height);
  const before = laidOut.current;
  const isOther =
    before === undefined ||
    before.focus !== focus ||
    Math.max(frame, before.aspect) > 1.9 * Math.min(frame, before.aspect);
  const aspect = isOther ? frame : before.aspect;
  laidOut.current = { focus, aspect };
  return useMemo(() => {
    const places =
      focus === undefined
        ? rows.map(({ at }) => at)
        : [...closureOf(rows, focus.at, 'needs'), focus.at, ...closureOf(rows, focus.at, 'neededBy')].sort(
            (a, b) => a - b,
          );
    const index = new Map(places.map((at, own) => [at, own]));
    const needs = places.map((at) => (rows[at]?.needs ?? []).flatMap((one) => index.get(one) ?? []));
    const layout = layoutGraph({ needs }, Math.max(0.4, aspect));
    const at = (own: number): number => places[own] ?? 0;
    return {
      shown: places.flatMap((one) => rows[one] ?? []),
      layout: {
        ...layout,
        nodes: layout.nodes.map((node) => ({ ...node, at: at(node.at) })),
        edges: layout.edges.map(({ from, to }) => ({ from: at(from), to: at(to) })),
      },
    };
  }, [rows, focus, aspect]);
}

interface TipProps {
  readonly row: Row | undefined;
  readonly node: GraphNode | undefined;
  readonly place: Place;
  readonly size: Size;
}

function GraphTip({ row, node, place, size }: TipProps) {
  const { rows } = useView().model;
  if (row === undefined || node === undefined)
    return <div id="graph-tip" class="tip" aria-live="polite" hidden />;
  const [left, top] = [node.x * place.scale + place.x, (node.y + NODE_HEIGHT) * place.scale + place.y + 8];
  const isLow = top > size.height - 90;
  const above = size.height - (node.y * place.scale + place.y) + 8;
  return (
    <div
      id="graph-tip"
      class="tip"
      aria-live="polite"
      style={{
        left: `${Math.max(0, Math.min(left, size.width - 300))}px`,
        ...(isLow ? { bottom: `${above}px` } : { top: `${Math.max(0, top)}px` }),
      }}
    >
      <b>
        <bdi>{row.name}</bdi>
      </b>{' '}
      {row.result}
      {row.tookMs === undefined ? '' : ` in ${formatDuration(row.tookMs)}`}
      <br />
      needs {closureOf(rows, row.at, 'needs').size}, needed by {closureOf(rows, row.at, 'neededBy').size}
    </div>
  );
}

/** Fits and centres the whole picture. */
function fit(layout: GraphLayout, size: Size): Place {
  const scale = Math.min(
    1.1,
    (size.width - 2 * MARGIN) / layout.width,
    (size.height - 2 * MARGIN) / layout.height,
  );
  return {
    scale,
    x: (size.width - layout.width * scale) / 2,
    y: (size.height - layout.height * scale) / 2,
  };
}

/** Keeps a part of the picture within the frame. */
function bound(place: Place, layout: GraphLayout, size: Size): Place {
  const keep = 80;
  const within = (value: number, extent: number, room: number): number =>
    Math.min(room - keep, Math.max(keep - extent * place.scale, value));
  return {
    ...place,
    x: within(place.x, layout.width, size.width),
    y: within(place.y, layout.height, size.height),
  };
}

function keepInSight(place: Place, node: GraphNode, size: Size): Place {
  const [x, y] = [node.x * place.scale + place.x, node.y * place.scale + place.y];
  const [w, h] = [NODE_WIDTH * place.scale, NODE_HEIGHT * place.scale];
  const isIn = x >= 0 && y >= 0 && x + w <= size.width && y + h <= size.height;
  return isIn ? place : { ...place, x: place.x + size.width / 2 - x, y: place.y + size.height / 2 - y };
}

function findNode(layout: GraphLayout, x: number, y: number): GraphNode | undefined {
  return layout.nodes.find(
    (node) => x >= node.x && x <= node.x + NODE_WIDTH && y >= node.y && y <= node.y + NODE_HEIGHT,
  );
}

interface KeyContext {
  readonly view: View;
  readonly layout: GraphLayout;
  readonly byAt: ReadonlyMap<number, GraphNode>;
  readonly hover: number | undefined;
  readonly zoom: (factor: number, x: number, y: number) => void;
  readonly pan: (dx: number, dy: number) => void;
  readonly show: (at: number | undefined) => void;
  readonly size: Size;
  readonly fit: () => void;
}

function keysOf(context: KeyContext): Readonly<Record<string, (shift: boolean) => void>> {
  const { view, layout, byAt, hover, zoom, pan, show, size } = context;
  const row = hover === undefined ? undefined : view.model.rows[hover];
  const here = hover === undefined ? undefined : byAt.get(hover);
  const nearest = (nodes: readonly GraphNode[]): number | undefined => {
    if (here === undefined) return layout.nodes[0]?.at;
    const distance = (node: GraphNode): number => Math.abs(node.y - here.y) + Math.abs(node.x - here.x) * 0.6;
    return nodes.reduce<GraphNode | undefined>(
      (best, node) => (best === undefined || distance(node) < distance(best) ? node : best),
      undefined,
    )?.at;
  };
  const related = (places: readonly number[]): void =>
    show(nearest(places.flatMap((at) => byAt.get(at) ?? [])));
  const beside = (sign: number): void =>
    show(
      nearest(
        here === undefined
          ? []
          : layout.nodes.filter(
              (node) => Math.abs(node.x - here.x) < NODE_WIDTH && (node.y - here.y) * sign > 0,
            ),
      ),
    );
  const middle = [size.width / 2, size.height / 2] as const;
  return {
    ArrowLeft: (shift) => (shift ? pan(80, 0) : related(row?.needs ?? [])),
    ArrowRight: (shift) => (shift ? pan(-80, 0) : related(row?.neededBy ?? [])),
    ArrowUp: (shift) => (shift ? pan(0, 80) : beside(-1)),
    ArrowDown: (shift) => (shift ? pan(0, -80) : beside(1)),
    '+': () => zoom(1.4, ...middle),
    '=': () => zoom(1.4, ...middle),
    '-': () => zoom(1 / 1.4, ...middle),
    '0': context.fit,
    Enter: () => view.setOpen(row),
    f: () => view.setFocus(row),
    F: () => view.setFocus(row),
    ...(view.focus === undefined || view.open !== undefined
      ? {}
      : { Escape: () => view.setFocus(undefined) }),
  };
}
