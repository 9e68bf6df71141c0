/** Shared by all canvas pictures: size, colours of the style sheet, and painting once per frame. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { shorten } from './format.ts';
import { themeChanged } from './theme.tsx';

/** Width and height in pixels of the style sheet. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The current size of an element. */
export function useSize(element: { current: HTMLElement | null }): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const target = element.current;
    if (target === null) return;
    const update = (): void =>
      setSize((old) =>
        old.width === target.clientWidth && old.height === target.clientHeight
          ? old
          : { width: target.clientWidth, height: target.clientHeight },
      );
    update();
    const observer = new ResizeObserver(update);
    observer.observe(target);
    return () => observer.disconnect();
  }, [element]);
  return size;
}

/** Colours of the style sheet, by property name, for a canvas; read again when they change. */
export function useColours<Name extends string>(
  element: { current: HTMLElement | null },
  names: readonly Name[],
): Readonly<Record<Name, string>> | undefined {
  const [colours, setColours] = useState<Readonly<Record<Name, string>> | undefined>(undefined);
  useLayoutEffect(() => {
    const read = (): void => {
      if (element.current !== null) setColours(readColours(element.current, names));
    };
    read();
    themeChanged.addEventListener('change', read);
    return () => themeChanged.removeEventListener('change', read);
  }, [element, names]);
  return colours;
}

function readColours<Name extends string>(
  element: HTMLElement,
  names: readonly Name[],
): Readonly<Record<Name, string>> {
  const probe = document.createElement('span');
  element.append(probe);
  const pairs = names.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  });
  probe.remove();
  return Object.fromEntries(pairs);
}

/** Paints after changes, at most once per frame. Pass undefined while there is nothing to paint. */
export function usePainting(
  canvas: { current: HTMLCanvasElement | null },
  size: Size,
  paint: ((context: CanvasRenderingContext2D) => void) | undefined,
): void {
  const frame = useRef(0);
  useEffect(() => {
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => {
      const context = canvas.current?.getContext('2d');
      if (canvas.current === null || !context || paint === undefined) return;
      const ratio = globalThis.devicePixelRatio || 1;
      const [width, height] = [Math.round(size.width * ratio), Math.round(size.height * ratio)];
      if (canvas.current.width !== width) canvas.current.width = width;
      if (canvas.current.height !== height) canvas.current.height = height;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      paint(context);
    });
  });
}

/** Shortens a text in the middle to fit. */
export function fitText(context: CanvasRenderingContext2D, text: string, room: number): string {
  const most = Math.ceil(room / 3);
  const start = text.length > most ? shorten(text, most) : text;
  const width = context.measureText(start).width;
  if (width <= room) return start;
  return shorten(text, Math.max(1, Math.floor((start.length * room) / width)));
}
