/** The state of the view: tab, filter, open build. Stored in the address, so that it can be shared. */
import { createContext } from 'preact';
import { useContext, useEffect, useMemo, useState } from 'preact/hooks';
import { type Model, RESULTS, type Result, type Row } from './model.ts';

/** The views of a run. */
export type Tab = 'timeline' | 'graph' | 'builds' | 'environment';

/** The current view, and functions to change it. */
export interface View {
  readonly model: Model;
  readonly tab: Tab;
  readonly query: string;
  /** Empty: all. */
  readonly results: ReadonlySet<Result>;
  /** The build with open details. */
  readonly open: Row | undefined;
  /** The graph is limited to the dependencies and dependents of this build. */
  readonly focus: Row | undefined;
  readonly setTab: (tab: Tab) => void;
  readonly setQuery: (query: string) => void;
  readonly toggleResult: (result: Result) => void;
  readonly setOpen: (row: Row | undefined) => void;
  readonly setFocus: (row: Row | undefined) => void;
  /** Whether a build passes the filter. */
  readonly matches: (row: Row) => boolean;
  readonly isFiltered: boolean;
}

const ViewContext = createContext<View | undefined>(undefined);

export const ViewProvider = ViewContext.Provider;

/** The view of the page. */
export function useView(): View {
  const view = useContext(ViewContext);
  if (view === undefined) throw new Error('no view');
  return view;
}

interface Address {
  readonly tab: Tab;
  readonly query: string;
  readonly results: ReadonlySet<Result>;
  readonly open: string | undefined;
  readonly focus: string | undefined;
}

/** The tabs of a page. */
export function tabsOf(model: Model): readonly Tab[] {
  return model.data.kind === 'plan'
    ? ['graph', 'builds', 'environment']
    : ['timeline', 'graph', 'builds', 'environment'];
}

/** Makes the view; once, at the root. */
export function useNewView(model: Model): View {
  const [address, setAddress] = useState(() => readAddress(model));
  useEffect(() => {
    const onChange = (): void => setAddress(readAddress(model));
    window.addEventListener('hashchange', onChange);
    return () => window.removeEventListener('hashchange', onChange);
  }, [model]);
  return useMemo(() => {
    const go = (change: Partial<Address>): void =>
      setAddress((old) => {
        const next = { ...old, ...change };
        writeAddress(next);
        return next;
      });
    const words = address.query.toLowerCase().split(/\s+/).filter(Boolean);
    return {
      model,
      tab: address.tab,
      query: address.query,
      results: address.results,
      open: address.open === undefined ? undefined : model.byName.get(address.open),
      focus: address.focus === undefined ? undefined : model.byName.get(address.focus),
      setTab: (tab) => go({ tab }),
      setQuery: (query) => go({ query }),
      toggleResult: (result) => {
        const results = new Set(address.results);
        if (!results.delete(result)) results.add(result);
        go({ results });
      },
      setOpen: (row) => go({ open: row?.name }),
      setFocus: (row) => go(row === undefined ? { focus: undefined } : { focus: row.name, tab: 'graph' }),
      matches: (row) =>
        (address.results.size === 0 || address.results.has(row.result)) &&
        words.every((word) => row.words.includes(word)),
      isFiltered: words.length > 0 || address.results.size > 0,
    };
  }, [model, address]);
}

function readAddress(model: Model): Address {
  const given = new URLSearchParams(location.hash.slice(1));
  const tabs = tabsOf(model);
  const tab = tabs.find((one) => one === given.get('tab')) ?? tabs[0] ?? 'builds';
  const wanted = (given.get('results') ?? '').split(',');
  return {
    tab,
    query: given.get('filter') ?? '',
    results: new Set(RESULTS.filter((one) => wanted.includes(one))),
    open: given.get('build') ?? undefined,
    focus: given.get('focus') ?? undefined,
  };
}

function writeAddress({ tab, query, results, open, focus }: Address): void {
  const given = new URLSearchParams({ tab });
  if (query !== '') given.set('filter', query);
  if (results.size > 0) given.set('results', [...results].join(','));
  if (open !== undefined) given.set('build', open);
  if (focus !== undefined) given.set('focus', focus);
  try {
    history.replaceState(undefined, '', `#${given}`);
  } catch {
    // A sandbox may forbid this; the page works anyway.
  }
}
