/** The whole page: the summary, then the views, with the details of one build beside them. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Details } from './details.tsx';
import { EnvironmentView } from './environment.tsx';
import { Filter } from './filter.tsx';
import { GraphView } from './graph.tsx';
import type { Model } from './model.ts';
import { type Tab, tabsOf, useNewView, useView, ViewProvider } from './state.ts';
import { BuildsView } from './table.tsx';
import { TimelineView } from './timeline.tsx';
import { Top } from './top.tsx';

const LABELS: Readonly<Record<Tab, string>> = {
  timeline: 'Timeline',
  graph: 'Graph',
  builds: 'Builds',
  environment: 'Environment',
};

/** The root component. */
export function App({ model }: { readonly model: Model }) {
  const view = useNewView(model);
  const isOpen = view.open !== undefined;
  return (
    <ViewProvider value={view}>
      <div class={`page ${isOpen ? 'with-details' : ''}`}>
        <Top />
        <main>
          <div class="bar">
            <Tabs />
            {view.tab === 'environment' ? null : <Filter />}
          </div>
          <div role="tabpanel" id="panel" aria-labelledby={`tab-${view.tab}`} class="panel">
            {view.tab === 'timeline' ? <TimelineView /> : null}
            {view.tab === 'graph' ? <GraphView /> : null}
            {view.tab === 'builds' ? <BuildsView /> : null}
            {view.tab === 'environment' ? <EnvironmentView /> : null}
          </div>
        </main>
      </div>
      {view.open === undefined ? null : <Details row={view.open} key={view.open.at} />}
      <Keys isOpen={isOpen} close={() => view.setOpen(undefined)} />
    </ViewProvider>
  );
}

/** Global keys: `/` filters, Escape closes the details. */
function Keys({ isOpen, close }: { readonly isOpen: boolean; readonly close: () => void }) {
  useLayoutEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLInputElement;
      if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey) {
        const field = document.getElementById('filter');
        if (field === null) return;
        event.preventDefault();
        field.focus();
      } else if (event.key === 'Escape' && isOpen && !isTyping) close();
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, [isOpen, close]);
  return null;
}

/** The tabs of the views; arrow keys move between them. */
function Tabs() {
  const view = useView();
  const { model } = view;
  const tabs = tabsOf(model);
  const warnings = model.data.timeline.warnings.length;
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = tabs.indexOf(view.tab);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
    const tab = to === undefined ? undefined : tabs[(to + tabs.length) % tabs.length];
    if (tab === undefined) return;
    event.preventDefault();
    view.setTab(tab);
    list.current?.querySelector<HTMLElement>(`#tab-${tab}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Views" ref={list} onKeyDown={onKeyDown}>
      {tabs.map((tab) => (
        <button
          type="button"
          role="tab"
          key={tab}
          id={`tab-${tab}`}
          aria-controls="panel"
          aria-selected={tab === view.tab}
          tabIndex={tab === view.tab ? 0 : -1}
          onClick={() => view.setTab(tab)}
        >
          {LABELS[tab]}
          {tab === 'environment' && warnings > 0 ? <span class="tab-count">{warnings}</span> : null}
        </button>
      ))}
    </div>
  );
}
