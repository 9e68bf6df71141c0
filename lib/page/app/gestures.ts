/** Wheel, drag and pinch gestures of a picture. */
import { useLayoutEffect, useRef } from 'preact/hooks';

/** Handlers of gestures. Positions are pixels within the element. */
export interface Gestures {
  readonly onZoom: (factor: number, x: number, y: number) => void;
  readonly onPan: (dx: number, dy: number) => void;
  readonly onHover: (x: number, y: number) => void;
  readonly onLeave: () => void;
  readonly onTap: (x: number, y: number) => void;
  /** Whether a wheel without Ctrl also zooms; otherwise it scrolls. */
  readonly wheelZooms: (zoomIn: boolean) => boolean;
  readonly onScroll?: (dy: number) => boolean;
}

/** A longer move is not a tap. */
const TAP_PX = 5;
/** After a wheel has scrolled the page, it continues to scroll it for this time. */
const WHEEL_MS = 400;

/** Connects an element with the handlers. */
export function useGestures(element: { current: HTMLElement | SVGElement | null }, gestures: Gestures): void {
  const latest = useRef(gestures);
  latest.current = gestures;
  useLayoutEffect(() => {
    const target = element.current;
    if (target === null) return;
    const place = (event: MouseEvent): readonly [number, number] => {
      const box = target.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    const ended = new AbortController();
    const options = { signal: ended.signal };
    listenToWheel(target, latest, place, ended.signal);
    const fingers = new Map<number, readonly [number, number]>();
    let moved = 0;
    const on = (name: string, run: (event: PointerEvent) => void): void =>
      target.addEventListener(name, (event) => run(event as PointerEvent), options);
    on('pointerdown', (event) => {
      if (event.button !== 0) return;
      fingers.set(event.pointerId, place(event));
      if (fingers.size === 1) moved = 0;
    });
    on('pointermove', (event) => {
      const before = fingers.get(event.pointerId);
      const now = place(event);
      if (before === undefined) return latest.current.onHover(...now);
      const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
      moved += Math.abs(dx) + Math.abs(dy);
      if (moved > TAP_PX && !target.hasPointerCapture(event.pointerId))
        target.setPointerCapture(event.pointerId);
      if (fingers.size === 1 && moved > TAP_PX) latest.current.onPan(dx, dy);
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
      fingers.set(event.pointerId, now);
      if (other === undefined) return;
      const distance = (a: readonly [number, number]): number => Math.hypot(a[0] - other[0], a[1] - other[1]);
      const was = Math.max(1, distance(before));
      latest.current.onZoom(distance(now) / was, (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    });
    const end = (event: PointerEvent): void => {
      const wasDown = fingers.delete(event.pointerId);
      if (wasDown && event.type === 'pointerup' && fingers.size === 0 && moved <= TAP_PX) {
        latest.current.onTap(...place(event));
      }
    };
    on('pointerup', end);
    on('pointercancel', end);
    on('pointerleave', (event) => {
      if (!fingers.has(event.pointerId)) latest.current.onLeave();
    });
    return () => ended.abort();
  }, [element]);
}

function listenToWheel(
  target: HTMLElement | SVGElement,
  latest: { readonly current: Gestures },
  place: (event: MouseEvent) => readonly [number, number],
  signal: AbortSignal,
): void {
  let elsewhere = Number.NEGATIVE_INFINITY;
  window.addEventListener(
    'wheel',
    (event) => {
      const isHere = event.target instanceof Node && target.contains(event.target);
      if (!isHere) elsewhere = event.timeStamp;
      else if (event.timeStamp - elsewhere < WHEEL_MS && !event.ctrlKey) elsewhere = event.timeStamp;
    },
    { signal, passive: true, capture: true },
  );
  target.addEventListener(
    'wheel',
    (given) => {
      const event = given as WheelEvent;
      const isPinch = event.ctrlKey || event.metaKey;
      if (!isPinch && event.timeStamp - elsewhere < WHEEL_MS) return;
      const { onZoom, onPan, wheelZooms, onScroll } = latest.current;
      const unit = event.deltaMode === 1 ? 20 : 1;
      const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
      if (event.shiftKey || Math.abs(dx) > Math.abs(dy)) {
        event.preventDefault();
        onPan(-(dx || dy), 0);
      } else if (isPinch || wheelZooms(dy < 0)) {
        event.preventDefault();
        onZoom(Math.exp(-dy * (event.ctrlKey ? 0.01 : 0.002)), ...place(event));
      } else if (onScroll?.(dy) === true) event.preventDefault();
    },
    { signal, passive: false },
  );
}
