/** The timeline: a lane for each slot or each build. Wheel and pinch zoom, dragging moves, keys do both. */
import { useMemo, useRef, useState } from 'preact/hooks';
import { formatEngines } from '../../timeline/engines.ts';
import { useColours, usePainting, useSize } from './canvas.ts';
import { formatDuration, plural, shortStep } from './format.ts';
import { useGestures } from './gestures.ts';
import { useView } from './state.ts';
import { type Bar, type Layout, layoutBuilds, layoutSlots, sumPhases } from './timeline-layout.ts';
import { gutterOf, headOf, type Picture, paint, TIMELINE_COLOURS, type Window } from './timeline-paint.ts';

type By = 'slot' | 'build';

const SMALLEST_MS = 20;
const LEGEND: readonly (readonly [string, string])[] = [
  ['checking', 'checking'],
  ['queued', 'waiting for a slot'],
  ['step', 'steps'],
  ['cached', 'from the cache'],
  ['failed-fill', 'failed'],
  ['exporting', 'exporting'],
  ['pushing', 'pushing'],
  ['tagging', 'tagging'],
  ['wait', 'retry, stall, lost engine'],
  ['critical', 'critical path'],
];

/** The view. */
export function TimelineView() {
  const view = useView();
  const { timeline } = view.model.data;
  const [by, setBy] = useState<By>('slot');
  const { rows } = view.model;
  // Lanes of builds are filtered; in slots, where builds share lanes, the others are pale.
  const matching = useMemo(() => rows.filter(view.matches), [rows, view.matches]);
  const layout = useMemo(
    () => (by === 'slot' ? layoutSlots(timeline, rows) : layoutBuilds(timeline, matching)),
    [by, timeline, rows, matching],
  );
  const whole: Window = { fromMs: 0, toMs: Math.max(1, timeline.durationMs), scrollPx: 0 };
  const [wanted, setWindow] = useState(whole);
  const [chosen, setActive] = useState<Bar | undefined>(undefined);
  const active = useMemo(
    () => layout.bars.find((bar) => bar === chosen || isSameBar(bar, chosen)),
    [layout, chosen],
  );
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box).width;
  const colours = useColours(box, TIMELINE_COLOURS);
  const head = headOf(layout);
  const height = Math.min(head + layout.height + 8, Math.max(260, globalThis.innerHeight - 150));
  const mostScroll = Math.max(0, head + layout.height + 8 - height);
  const window = boundWindow(wanted, whole, mostScroll);
  const picture: Picture | undefined =
    colours === undefined || size === 0
      ? undefined
      : {
          timeline,
          layout,
          window,
          width: size,
          height,
          colours,
          matches: view.matches,
          active,
          open: view.open,
        };
  const canvas = useRef<HTMLCanvasElement>(null);
  usePainting(
    canvas,
    { width: size, height },
    picture === undefined ? undefined : (context) => paint(context, picture),
  );
  const bound = (next: Window): Window => boundWindow(next, whole, mostScroll);
  const gutter = gutterOf(layout, size);
  const perPx = (window.toMs - window.fromMs) / Math.max(1, size - gutter - 8);
  const zoom = (factor: number, x: number): void =>
    setWindow((old) => {
      const span = Math.max(SMALLEST_MS, (old.toMs - old.fromMs) / factor);
      const share = Math.min(1, Math.max(0, (x - gutter) / Math.max(1, size - gutter - 8)));
      const at = old.fromMs + share * (old.toMs - old.fromMs);
      return bound({ ...old, fromMs: at - share * span, toMs: at - share * span + span });
    });
  const pan = (dx: number, dy: number): void =>
    setWindow((old) =>
      bound({ fromMs: old.fromMs - dx * perPx, toMs: old.toMs - dx * perPx, scrollPx: old.scrollPx - dy }),
    );
  const barAt = (x: number, y: number): Bar | undefined =>
    findBar(layout, window.fromMs + (x - gutter) * perPx, y - head + window.scrollPx, perPx * 3, x < gutter);
  useGestures(canvas, {
    onZoom: (factor, x) => zoom(factor, x),
    onPan: pan,
    onHover: (x, y) => setActive(barAt(x, y)),
    onLeave: () => setActive(undefined),
    onTap: (x, y) => {
      const bar = barAt(x, y);
      setActive(bar);
      view.setOpen(bar?.row);
    },
    wheelZooms: (isIn) => by === 'slot' && (isIn || window.toMs - window.fromMs < whole.toMs * 0.999),
    onScroll: (dy) => {
      const next = bound({ ...window, scrollPx: window.scrollPx + dy });
      if (next.scrollPx === window.scrollPx) return false;
      setWindow(next);
      return true;
    },
  });
  const show = (bar: Bar | undefined): void => {
    if (bar === undefined) return;
    setActive(bar);
    setWindow((old) => bound(windowWith(old, bar, layout, height - head)));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const middle = gutter + (size - gutter) / 2;
    const actions: Readonly<Record<string, () => void>> = {
      '+': () => zoom(1.5, middle),
      '=': () => zoom(1.5, middle),
      '-': () => zoom(1 / 1.5, middle),
      '0': () => setWindow(whole),
      ArrowRight: () => (event.shiftKey ? pan(-80, 0) : show(neighbour(layout, active, 1))),
      ArrowLeft: () => (event.shiftKey ? pan(80, 0) : show(neighbour(layout, active, -1))),
      ArrowDown: () => show(across(layout, active, 1)),
      ArrowUp: () => show(across(layout, active, -1)),
      Enter: () => view.setOpen(active?.row),
    };
    const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  };
  return (
    <div class="chart-view">
      <div class="chart-tools">
        <div class="segmented" role="group" aria-label="Lanes">
          {(['slot', 'build'] as const).map((one) => (
            <button
              type="button"
              key={one}
              aria-pressed={by === one}
              onClick={() => {
                setBy(one);
                setActive(undefined);
                setWindow(whole);
              }}
            >
              By {one}
            </button>
          ))}
        </div>
        <ZoomButtons
          zoom={(factor) => zoom(factor, gutter + (size - gutter) / 2)}
          fit={() => setWindow(whole)}
        />
        <ul class="legend" aria-label="Colours">
          {LEGEND.map(([name, label]) => (
            <li key={name}>
              <span class={`swatch swatch-${name}`} />
              {label}
            </li>
          ))}
        </ul>
      </div>
      {view.isFiltered ? (
        <p class="count" aria-live="polite">
          {matching.length === 0
            ? 'No build matches the filter.'
            : `${matching.length} of ${plural(rows.length, 'build')}`}
        </p>
      ) : null}
      <div class="chart" ref={box}>
        <canvas
          ref={canvas}
          tabIndex={0}
          role="application"
          aria-label="Timeline. Arrow keys select a build, Enter opens it, plus and minus zoom, zero shows everything."
          aria-describedby="timeline-tip"
          style={{ height: `${height}px` }}
          onKeyDown={onKeyDown}
          onBlur={() => setActive(undefined)}
        />
        <Tip bar={active} picture={picture} />
      </div>
    </div>
  );
}

/** Zoom in, zoom out, show all. */
export function ZoomButtons(props: { readonly zoom: (factor: number) => void; readonly fit: () => void }) {
  return (
    <div class="segmented" role="group" aria-label="Zoom">
      <button type="button" aria-label="Zoom out" onClick={() => props.zoom(1 / 1.6)}>
        −
      </button>
      <button type="button" aria-label="Zoom in" onClick={() => props.zoom(1.6)}>
        +
      </button>
      <button type="button" onClick={props.fit}>
        Fit
      </button>
    </div>
  );
}

function Tip({ bar, picture }: { readonly bar: Bar | undefined; readonly picture: Picture | undefined }) {
  if (bar === undefined || picture === undefined) {
    return <div id="timeline-tip" class="tip" aria-live="polite" hidden />;
  }
  const { row } = bar;
  const lane = picture.layout.lanes[bar.lane];
  const { window, width, layout, height } = picture;
  const share = (Math.max(bar.fromMs, window.fromMs) - window.fromMs) / (window.toMs - window.fromMs);
  const gutter = gutterOf(layout, width);
  const left = Math.min(gutter + share * (width - gutter), width - Math.min(340, width));
  const below = headOf(layout) + (lane?.y ?? 0) - window.scrollPx + (lane?.height ?? 0) + 8;
  const isLow = below > height - 130;
  const parts = sumPhases(row.build.phases).map(([phase, ms]) => `${phase} ${formatDuration(ms)}`);
  const steps = row.build.steps.filter(({ state }) => state !== 'cached');
  const longest = steps.reduce<(typeof steps)[number] | undefined>(
    (most, one) => (most === undefined || one.toMs - one.fromMs > most.toMs - most.fromMs ? one : most),
    undefined,
  );
  return (
    <div
      id="timeline-tip"
      class="tip"
      aria-live="polite"
      style={
        isLow
          ? { left: `${Math.max(0, left)}px`, bottom: `${height - below + (lane?.height ?? 0) + 18}px` }
          : { left: `${Math.max(0, left)}px`, top: `${below}px` }
      }
    >
      <b>
        <bdi>{row.name}</bdi>
      </b>{' '}
      {row.result} · from {formatDuration(bar.fromMs)}
      {row.build.engines === undefined ? null : ` · on ${formatEngines(row.build.engines)}`}
      <br />
      {parts.join(' · ')}
      {longest === undefined ? null : (
        <>
          <br />
          longest step: {formatDuration(longest.toMs - longest.fromMs)} {shortStep(longest.name).slice(0, 70)}
        </>
      )}
      {bar.waits.map((wait, at) => (
        <span key={at} class="tip-wait">
          {wait.text}
        </span>
      ))}
      <br />
      {row.build.costMs > 0
        ? `The run would have been ${formatDuration(row.build.costMs)} shorter without it.`
        : 'Without it the run would have taken as long.'}
    </div>
  );
}

/** Whether bars of two layouts are the same. */
function isSameBar(bar: Bar, other: Bar | undefined): boolean {
  return (
    other !== undefined && bar.row === other.row && bar.fromMs === other.fromMs && bar.toMs === other.toMs
  );
}

function boundWindow(next: Window, whole: Window, mostScroll: number): Window {
  const span = Math.min(whole.toMs, next.toMs - next.fromMs);
  const fromMs = Math.max(0, Math.min(next.fromMs, whole.toMs - span));
  return { fromMs, toMs: fromMs + span, scrollPx: Math.max(0, Math.min(next.scrollPx, mostScroll)) };
}

/** The same window, moved so that a bar is visible. */
function windowWith(old: Window, bar: Bar, layout: Layout, heightPx: number): Window {
  const span = old.toMs - old.fromMs;
  const isInTime = bar.fromMs >= old.fromMs && bar.fromMs <= old.toMs - span * 0.05;
  const fromMs = isInTime ? old.fromMs : bar.fromMs - span * 0.2;
  const lane = layout.lanes[bar.lane];
  const y = lane?.y ?? 0;
  const isInSight = y >= old.scrollPx && y + (lane?.height ?? 0) <= old.scrollPx + heightPx;
  return { fromMs, toMs: fromMs + span, scrollPx: isInSight ? old.scrollPx : y - heightPx / 2 };
}

function findBar(layout: Layout, atMs: number, y: number, nearMs: number, isLabel: boolean): Bar | undefined {
  const lane = layout.lanes.findIndex((one) => y >= one.y - 2 && y <= one.y + one.height + 2);
  const bars = layout.barsOfLane[lane] ?? [];
  if (isLabel && layout.lanes[lane]?.kind === 'build') return bars[0];
  // Of several close bars, the one painted last is visible.
  return bars.findLast((bar) => atMs >= bar.fromMs - nearMs && atMs <= bar.toMs + nearMs);
}

function neighbour(layout: Layout, active: Bar | undefined, step: number): Bar | undefined {
  if (active === undefined) return layout.bars[0];
  return layout.bars[layout.bars.indexOf(active) + step];
}

/** The nearest bar in time in another lane. */
function across(layout: Layout, active: Bar | undefined, step: number): Bar | undefined {
  if (active === undefined) return layout.bars[0];
  for (let lane = active.lane + step; layout.lanes[lane] !== undefined; lane += step) {
    const bars = layout.barsOfLane[lane] ?? [];
    const best = bars.reduce<Bar | undefined>((nearest, bar) => {
      const distance = (one: Bar): number => Math.abs(one.fromMs - active.fromMs);
      return nearest === undefined || distance(bar) < distance(nearest) ? bar : nearest;
    }, undefined);
    if (best !== undefined) return best;
  }
  return undefined;
}
