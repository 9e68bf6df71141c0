/** The plan: a table in the order in which builds may run, and the graph of the report page. */
import { useMemo, useState } from 'preact/hooks';
import type { PlannedBuild } from '../../plan/mod.ts';
import { plural } from '../app/format.ts';
import { GraphView } from '../app/graph.tsx';
import { makeModel, type Row } from '../app/model.ts';
import { type View, ViewProvider } from '../app/state.ts';
import type { Planned } from './plan-files.ts';

/** Both; a word where there is no plan. */
export function PlanView({ made }: { readonly made: Planned['made'] }) {
  if (made === undefined)
    return (
      <section aria-labelledby="plan-title">
        <h2 id="plan-title">Plan</h2>
        <p class="note">There is no plan as long as there are errors.</p>
      </section>
    );
  return <Shown made={made} />;
}

function Shown({ made }: { readonly made: NonNullable<Planned['made']> }) {
  const { document, timeline } = made;
  const model = useMemo(
    () =>
      makeModel({
        kind: 'plan',
        timeline,
        previous: {},
        environment: [],
        rerun: '',
        logsCommand: '',
        logs: {},
      }),
    [timeline],
  );
  const [openName, setOpenName] = useState<string | undefined>(undefined);
  const [focusName, setFocusName] = useState<string | undefined>(undefined);
  const rowOf = (name: string | undefined): Row | undefined =>
    name === undefined ? undefined : model.byName.get(name);
  const view: View = {
    model,
    tab: 'graph',
    query: '',
    results: new Set(),
    open: rowOf(openName),
    focus: rowOf(focusName),
    setTab: () => {},
    setQuery: () => {},
    toggleResult: () => {},
    setOpen: (row) => setOpenName(row?.name),
    setFocus: (row) => setFocusName(row?.name),
    matches: () => true,
    isFiltered: false,
  };
  const levels = new Set(document.builds.map(({ level }) => level)).size;
  return (
    <>
      <section aria-labelledby="plan-title">
        <h2 id="plan-title">Plan</h2>
        <p class="note" id="plan-size">
          {plural(document.builds.length, 'build')} in {plural(levels, 'level')}
        </p>
        <PlanTable builds={document.builds} open={openName} setOpen={setOpenName} />
      </section>
      <section aria-labelledby="graph-title">
        <h2 id="graph-title">Graph</h2>
        <ViewProvider value={view}>
          <GraphView />
        </ViewProvider>
      </section>
    </>
  );
}

interface PlanTableProps {
  readonly builds: readonly PlannedBuild[];
  readonly open: string | undefined;
  readonly setOpen: (name: string | undefined) => void;
}

function PlanTable({ builds, open, setOpen }: PlanTableProps) {
  return (
    // What scrolls must be reached by keys.
    <section class="plan-table" tabIndex={0} aria-label="Builds in order">
      <table>
        <thead>
          <tr>
            {['Level', 'Build', 'Needs', 'External images', 'Push', 'Tags'].map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {builds.map((one) => (
            <tr key={one.name} class={one.name === open ? 'open' : ''}>
              <td>{one.level}</td>
              <th scope="row">
                <button
                  type="button"
                  class="build-link"
                  aria-pressed={one.name === open}
                  onClick={() => setOpen(one.name === open ? undefined : one.name)}
                >
                  {one.name}
                </button>
                {one.role === 'needed' ? <span class="note"> dependency</span> : null}
              </th>
              <td>{needsOf(one)}</td>
              <td>{[...new Set(one.images.map(({ ref }) => ref))].join(', ')}</td>
              <td>{one.push ? 'push' : ''}</td>
              <td>{(one.tags ?? []).join(', ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function needsOf({ edges }: PlannedBuild): string {
  const needs = new Map(edges.map(({ to, reason }) => [to, reason]));
  return [...needs].map(([to, reason]) => `${to} (${reason})`).join(', ');
}
