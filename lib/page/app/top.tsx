/** What is read first: what happened, how long it took, what failed and how its log ends. */
import { useState } from 'preact/hooks';
import { makeHeadline } from '../headline.ts';
import { formatDuration, plural, shortStep } from './format.ts';
import { type Model, RESULTS, type Row } from './model.ts';
import { BuildLink, Copyable, formatPlace, LogBox, ProblemView } from './parts.tsx';
import { readLog } from './read-log.ts';
import { useView } from './state.ts';
import { ThemeSwitch } from './theme.tsx';

/** Failures that are shown with their logs; of the others the names. */
const MOST_CARDS = 5;

/** The head of the page. */
export function Top() {
  const { model } = useView();
  const { timeline, kind } = model.data;
  const { tone, title, facts } = makeHeadline(timeline, kind);
  const failed = model.rows.filter(({ result }) => result === 'failed');
  const problems = timeline.summary?.problems ?? [];
  return (
    <header class={`top ${tone}`}>
      <div class="top-row">
        <p class="what">
          <b>bake-ts</b> {(timeline.command ?? []).slice(0, 12).join(' ')}
        </p>
        <ThemeSwitch />
      </div>
      <h1>{title}</h1>
      <p class="facts">{[...facts, ...whenAndWhere(model)].join(' · ')}</p>
      {kind === 'run' ? <Share model={model} /> : null}
      {problems.map((found, at) => (
        <section key={at} class="failure">
          <ProblemView found={found} />
        </section>
      ))}
      {failed.length > 0 ? <Failures failed={failed} rerun={model.data.rerun} /> : null}
      {kind === 'run' ? <Figures model={model} /> : null}
    </header>
  );
}

function whenAndWhere({ data: { timeline, kind } }: Model): readonly string[] {
  const name = timeline.root?.split('/').filter(Boolean).at(-1);
  const when = new Date(timeline.startedAtMs).toLocaleString(undefined, {
    dateStyle: 'medium',
    timeStyle: 'short',
  });
  return [...(kind === 'run' ? [when] : []), ...(name === undefined ? [] : [`in ${name}`])];
}

/** The results as one bar. */
function Share({ model }: { readonly model: Model }) {
  return (
    <div class="share" aria-hidden="true">
      {[...model.counts]
        .sort(([a], [b]) => RESULTS.indexOf(a) - RESULTS.indexOf(b))
        .map(([result, count]) => (
          <span key={result} class={`fill ${result}`} style={{ flexGrow: String(count) }} />
        ))}
    </div>
  );
}

function Failures({ failed, rerun }: { readonly failed: readonly Row[]; readonly rerun: string }) {
  const [all, setAll] = useState(false);
  const shown = all ? failed : failed.slice(0, MOST_CARDS);
  const more = failed.length - shown.length;
  return (
    <div class="failures">
      {shown.map((row, at) => (
        <FailureCard key={row.at} row={row} isFirst={at === 0} />
      ))}
      {more > 0 ? (
        <button type="button" class="more" onClick={() => setAll(true)}>
          Show {plural(more, 'more failed build')}
        </button>
      ) : null}
      <p class="rerun">
        Run {failed.length === 1 ? 'it' : 'these'} again: <Copyable text={rerun} label="the command" />
      </p>
    </div>
  );
}

function FailureCard({ row, isFirst }: { readonly row: Row; readonly isFirst: boolean }) {
  const view = useView();
  const found = row.build.outcome?.problem;
  const step = row.build.steps.find(({ state }) => state === 'failed');
  const blocked = view.model.rows.filter(({ build }) => build.outcome?.blockedBy === row.name).length;
  const text = found?.detail ?? endOfLog(row, step?.digest) ?? step?.error;
  return (
    <details class="failure" open={isFirst}>
      <summary>
        <span class="mark failed" aria-hidden="true">
          ✗
        </span>
        <strong>
          <bdi>{row.name}</bdi>
        </strong>
        <span class="where">{step === undefined ? found?.message : shortStep(step.name)}</span>
      </summary>
      <p class="message">
        {found?.message ?? 'failed'}
        {found?.place === undefined ? null : <code class="place">{formatPlace(found.place)}</code>}
      </p>
      {text === undefined ? null : <LogBox text={text} label={`End of the log of ${row.name}`} toEnd />}
      {found?.hint === undefined ? null : <p class="hint">{found.hint}</p>}
      <p class="actions">
        <button type="button" onClick={() => view.setOpen(row)}>
          Whole log and details
        </button>
        <button type="button" onClick={() => view.setFocus(row)}>
          Show in the graph
        </button>
        {blocked > 0 ? <span>It blocks {plural(blocked, 'build')}.</span> : null}
        {found === undefined ? null : <code>{found.code}</code>}
      </p>
    </details>
  );
}

function endOfLog(row: Row, step: string | undefined): string | undefined {
  const log = readLog(row.at);
  const part = log?.parts.findLast((one) => one.step === step) ?? log?.parts.at(-1);
  return part?.text.split('\n').slice(-25).join('\n');
}

/** A few numbers about the run as a whole. */
function Figures({ model }: { readonly model: Model }) {
  const { timeline } = model.data;
  const { rows } = model;
  const sum = (pick: (row: Row) => number | undefined): number =>
    rows.reduce((total, row) => total + (pick(row) ?? 0), 0);
  const steps = sum(({ build }) => build.outcome?.steps?.total);
  const cached = sum(({ build }) => build.outcome?.steps?.cached);
  const critical = rows.filter(({ build }) => build.critical);
  const dearest = rows.reduce<Row | undefined>(
    (most, row) => (row.build.costMs > (most?.build.costMs ?? 0) ? row : most),
    undefined,
  );
  const usage = timeline.summary;
  return (
    <dl class="figures">
      <Figure
        name="Time"
        value={formatDuration(timeline.durationMs)}
        note={`${plural(timeline.concurrency, 'slot')}`}
      />
      {steps > 0 ? (
        <Figure
          name="Steps from the cache"
          value={`${Math.round((cached / steps) * 100)}%`}
          note={`${cached} of ${steps}`}
        />
      ) : null}
      {critical.length > 0 ? (
        <Figure
          name="Critical path"
          value={plural(critical.length, 'build')}
          note="what the end waited for"
        />
      ) : null}
      {dearest === undefined ? null : (
        <div class="figure">
          <dt>Costs the run most</dt>
          <dd>
            <BuildLink row={dearest} />
            <small>{formatDuration(dearest.build.costMs)} less without it</small>
          </dd>
        </div>
      )}
      {usage === undefined ? null : (
        <Figure
          name="Calls"
          value={`${usage.buildctlCalls}`}
          note={`of buildctl; ${usage.registryRequests.reads + usage.registryRequests.writes} requests to registries`}
        />
      )}
    </dl>
  );
}

function Figure({
  name,
  value,
  note,
}: {
  readonly name: string;
  readonly value: string;
  readonly note: string;
}) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd>
        <b>{value}</b>
        <small>{note}</small>
      </dd>
    </div>
  );
}
