/** All builds as a sortable table. Invisible rows are not rendered, so a thousand cost no more than thirty. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { formatEngines } from '../../timeline/engines.ts';
import { formatBytes, formatDelta, formatDuration, formatShare } from './format.ts';
import { type Model, RESULTS, type Row, reasonOf } from './model.ts';
import { BuildLink, ResultBadge } from './parts.tsx';
import { useView } from './state.ts';

interface Column {
  readonly key: string;
  readonly label: string;
  readonly numeric: boolean;
  /** The sort key; absent values are last in both directions. */
  readonly value: (row: Row) => number | string | undefined;
  readonly cell: (row: Row) => preact.ComponentChildren;
}

function columnsOf({ data, rows }: Model): readonly Column[] {
  if (data.kind === 'plan') return PLAN_COLUMNS;
  return rows.some(({ build }) => build.engines !== undefined) ? POOL_COLUMNS : COLUMNS;
}

function show<T>(value: T | undefined, format: (value: T) => string): string {
  return value === undefined ? '' : format(value);
}

const COLUMNS: readonly Column[] = [
  {
    key: 'build',
    label: 'Build',
    numeric: false,
    value: ({ name }) => name,
    cell: (row) => <BuildLink row={row} />,
  },
  {
    key: 'result',
    label: 'Result',
    numeric: false,
    value: ({ result }) => RESULTS.indexOf(result),
    cell: ({ result }) => <ResultBadge result={result} />,
  },
  {
    key: 'time',
    label: 'Time',
    numeric: true,
    value: ({ tookMs }) => tookMs,
    cell: ({ tookMs, usualMs }) => (
      <>
        {show(tookMs, formatDuration)}
        {tookMs !== undefined && usualMs !== undefined && tookMs > 2 * usualMs && tookMs - usualMs > 5000 ? (
          <span class="worse" title={`usually ${formatDuration(usualMs)}`}>
            {' '}
            ▲
          </span>
        ) : null}
      </>
    ),
  },
  {
    key: 'queued',
    label: 'Queued',
    numeric: true,
    value: ({ queuedMs }) => queuedMs,
    cell: ({ queuedMs }) => show(queuedMs, formatDuration),
  },
  {
    key: 'cached',
    label: 'Cached',
    numeric: true,
    value: ({ cachedShare }) => cachedShare,
    cell: ({ cachedShare }) => show(cachedShare, formatShare),
  },
  {
    key: 'size',
    label: 'Size',
    numeric: true,
    value: ({ sizeBytes }) => sizeBytes,
    cell: ({ sizeBytes }) => show(sizeBytes, formatBytes),
  },
  {
    key: 'change',
    label: 'Against last',
    numeric: true,
    value: ({ sizeDelta }) => sizeDelta,
    cell: ({ sizeDelta }) => (
      <span class={sizeDelta !== undefined && sizeDelta > 0 ? 'grew' : ''}>
        {show(sizeDelta, formatDelta)}
      </span>
    ),
  },
  {
    key: 'layers',
    label: 'Layers',
    numeric: true,
    value: ({ layers }) => layers,
    cell: ({ layers }) => show(layers, String),
  },
  {
    key: 'why',
    label: 'Why',
    numeric: false,
    value: ({ build }) => reasonOf(build)?.text,
    cell: ({ build }) => (
      <span class="why">
        {build.outcome?.blockedBy === undefined ? reasonOf(build)?.text : `needs ${build.outcome.blockedBy}`}
      </span>
    ),
  },
];

/** Columns for runs on a pool. */
const POOL_COLUMNS: readonly Column[] = [
  ...COLUMNS.slice(0, -1),
  {
    key: 'engine',
    label: 'Engine',
    numeric: false,
    value: ({ build }) => show(build.engines, formatEngines) || undefined,
    cell: ({ build }) => show(build.engines, formatEngines),
  },
  ...COLUMNS.slice(-1),
];

const PLAN_COLUMNS: readonly Column[] = [
  ...COLUMNS.slice(0, 1),
  {
    key: 'level',
    label: 'Level',
    numeric: true,
    value: ({ build }) => build.level,
    cell: ({ build }) => String(build.level),
  },
  {
    key: 'needs',
    label: 'Needs',
    numeric: true,
    value: ({ needs }) => needs.length,
    cell: ({ needs }) => String(needs.length),
  },
  {
    key: 'neededBy',
    label: 'Needed by',
    numeric: true,
    value: ({ neededBy }) => neededBy.length,
    cell: ({ neededBy }) => String(neededBy.length),
  },
  {
    key: 'usual',
    label: 'Usually takes',
    numeric: true,
    value: ({ usualMs }) => usualMs,
    cell: ({ usualMs }) => show(usualMs, formatDuration),
  },
  {
    key: 'tags',
    label: 'Tags',
    numeric: false,
    value: ({ build }) => build.tags[0],
    cell: ({ build }) => <span class="why">{build.tags.join(', ')}</span>,
  },
];

const ROW_PX = 36;
/** Rendered rows before and after the visible ones. */
const SPARE = 8;

/** The table. */
export function BuildsView() {
  const view = useView();
  const columns = columnsOf(view.model);
  const [sort, setSort] = useState({ key: view.model.data.kind === 'plan' ? '' : 'result', down: false });
  const rows = useMemo(
    () => sortRows(view.model.rows.filter(view.matches), columns, sort),
    [view, sort, columns],
  );
  const box = useRef<HTMLDivElement>(null);
  const { from, to } = useVisible(box, rows.length);
  // The row with the keyboard focus. If it is not rendered, the box has the focus until it is.
  const place = useRef(0);
  const isWaiting = useRef(false);
  useLayoutEffect(() => {
    const button = isWaiting.current
      ? box.current?.querySelector<HTMLElement>(`[data-place="${place.current}"] button`)
      : undefined;
    if (!button) return;
    isWaiting.current = false;
    button.focus({ preventScroll: true });
  });
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
    const here = (event.target as HTMLElement).closest<HTMLElement>('[data-place]')?.dataset['place'];
    if (step === undefined || (here === undefined && !isWaiting.current)) return;
    event.preventDefault();
    if (here !== undefined && !isWaiting.current) place.current = Number(here);
    place.current = Math.max(0, Math.min(rows.length - 1, place.current + step));
    scrollTo(box.current, place.current);
    const button = box.current?.querySelector<HTMLElement>(`[data-place="${place.current}"] button`);
    isWaiting.current = !button;
    (button ?? box.current)?.focus({ preventScroll: true });
  };
  return (
    <>
      <p class="count" aria-live="polite">
        {rows.length === view.model.rows.length
          ? `${rows.length} builds`
          : `${rows.length} of ${view.model.rows.length} builds`}
      </p>
      <div class="table-box" ref={box} tabIndex={0} role="region" aria-label="Builds" onKeyDown={onKeyDown}>
        <table aria-rowcount={rows.length + 1}>
          <thead>
            <tr>
              {columns.map(({ key, label, numeric }) => (
                <th
                  key={key}
                  scope="col"
                  class={numeric ? 'number' : ''}
                  aria-sort={sort.key === key ? (sort.down ? 'descending' : 'ascending') : 'none'}
                >
                  <button
                    type="button"
                    // Numeric columns start with the largest.
                    onClick={() => setSort({ key, down: sort.key === key ? !sort.down : numeric })}
                  >
                    {label}
                    <span aria-hidden="true" class="arrow">
                      {sort.key === key ? (sort.down ? '↓' : '↑') : ''}
                    </span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <Space rows={from} columns={columns.length} />
            {rows.slice(from, to).map((row, place) => (
              <tr
                key={row.at}
                data-at={row.at}
                data-place={from + place}
                aria-rowindex={from + place + 2}
                class={view.open?.at === row.at ? 'open' : ''}
              >
                {columns.map(({ key, numeric, cell }) => (
                  <td key={key} class={numeric ? 'number' : ''}>
                    {cell(row)}
                  </td>
                ))}
              </tr>
            ))}
            <Space rows={rows.length - to} columns={columns.length} />
          </tbody>
        </table>
        {rows.length === 0 ? <p class="empty">No build matches the filter.</p> : null}
      </div>
    </>
  );
}

/** Takes the height of rows that are not rendered. */
function Space({ rows, columns }: { readonly rows: number; readonly columns: number }) {
  if (rows <= 0) return null;
  return (
    <tr class="space" aria-hidden="true">
      <td colSpan={columns} style={{ height: `${rows * ROW_PX}px` }} />
    </tr>
  );
}

function scrollTo(box: HTMLElement | null, place: number): void {
  if (box === null) return;
  const [top, bottom] = [place * ROW_PX, (place + 2) * ROW_PX];
  if (top < box.scrollTop) box.scrollTop = top;
  else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight;
}

function useVisible(box: { current: HTMLElement | null }, count: number): { from: number; to: number } {
  const [range, setRange] = useState({ from: 0, to: Math.min(count, 40) });
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const update = (): void => {
      const from = Math.max(0, Math.floor(element.scrollTop / ROW_PX) - SPARE);
      const to = Math.min(count, Math.ceil((element.scrollTop + element.clientHeight) / ROW_PX) + SPARE);
      setRange((old) => (old.from === from && old.to === to ? old : { from, to }));
    };
    update();
    const size = new ResizeObserver(update);
    size.observe(element);
    element.addEventListener('scroll', update, { passive: true });
    return () => {
      size.disconnect();
      element.removeEventListener('scroll', update);
    };
  }, [box, count]);
  return { from: Math.min(range.from, count), to: Math.min(range.to, count) };
}

/** Sorts rows; those without a value are last, equal ones in the order of the plan. */
export function sortRows(
  rows: readonly Row[],
  columns: readonly Column[],
  sort: { readonly key: string; readonly down: boolean },
): readonly Row[] {
  const column = columns.find(({ key }) => key === sort.key);
  if (column === undefined) return rows;
  const sign = sort.down ? -1 : 1;
  return [...rows].sort((one, other) => {
    const [a, b] = [column.value(one), column.value(other)];
    if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
    if (a === b) return one.at - other.at;
    if (typeof a === 'string' && typeof b === 'string')
      return sign * a.localeCompare(b, undefined, { numeric: true });
    return sign * (a < b ? -1 : 1);
  });
}
