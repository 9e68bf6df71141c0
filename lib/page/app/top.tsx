/** The top of the page: result, duration, and failures with the ends of their logs. */
import { useMemo, useState } from 'preact/hooks';
import type { WaitSpan } from '../../timeline/timeline.ts';
import { makeHeadline } from '../headline.ts';
import { failedStep, foldFailures } from './failures.ts';
import { formatDuration, plural, shortStep } from './format.ts';
import { type Model, RESULTS, type Row } from './model.ts';
import { BuildLink, Copyable, formatPlace, LogBox, ProblemView } from './parts.tsx';
import { readLog } from './read-log.ts';
import { useView } from './state.ts';
import { ThemeSwitch } from './theme.tsx';

/** Failures shown with their logs at first; equal ones are grouped. */
const MOST_CARDS = 5;

/** The head of the page. */
export function Top() {
  const { model } = useView();
  const { timeline, kind } = model.data;
  const { tone, title, facts } = makeHeadline(timeline, kind);
  const failed = useMemo(() => model.rows.filter(({ result }) => result === 'failed'), [model]);
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
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
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
  const groups = useMemo(() => foldFailures(failed), [failed]);
  const shown = all ? groups : groups.slice(0, MOST_CARDS);
  const more = failed.length - shown.reduce((sum, group) => sum + group.length, 0);
  return (
    <div class="failures">
      {shown.map((group, at) => {
        const [row, ...others] = group;
        return row === undefined ? null : (
          <FailureCard key={row.at} row={row} others={others} isFirst={at === 0} />
        );
      })}
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

interface FailureCardProps {
  readonly row: Row;
  /** Other builds with the same failure. */
  readonly others: readonly Row[];
  readonly isFirst: boolean;
}

function FailureCard({ row, others, isFirst }: FailureCardProps) {
  const view = useView();
  const found = row.build.outcome?.problem;
  const step = failedStep(row);
  const names = new Set([row, ...others].map(({ name }) => name));
  const blocked = view.model.rows.filter(({ build }) => names.has(build.outcome?.blockedBy ?? '')).length;
  const text = found?.detail ?? endOfLog(row, step?.digest) ?? step?.error;
  return (
    <details class="failure" open={isFirst}>
      <summary>
        <span class="mark failed" aria-hidden="true">
          ✗
        </span>
        <strong>
          <bdi>{row.name}</bdi>
          {others.length === 0 ? null : ` and ${plural(others.length, 'more build')}`}
        </strong>
        <span class="where">{step === undefined ? found?.message : shortStep(step.name)}</span>
      </summary>
      <p class="message">
        {found?.message ?? 'failed'}
        {found?.place === undefined ? null : <code class="place">{formatPlace(found.place)}</code>}
      </p>
      {others.length === 0 ? null : (
        <p class="same">
          The same in{' '}
          {others.map((other) => (
            <BuildLink key={other.at} row={other} />
          ))}
        </p>
      )}
      {text === undefined ? null : <LogBox text={text} label={`End of the log of ${row.name}`} toEnd />}
      {found?.hint === undefined ? null : <p class="hint">{found.hint}</p>}
      <p class="actions">
        <button type="button" onClick={() => view.setOpen(row)}>
          Full log and details
        </button>
        <button type="button" onClick={() => view.setFocus(row)}>
          Show in the graph
        </button>
        {blocked > 0 ? (
          <span>
            {others.length === 0 ? 'It blocks' : 'They block'} {plural(blocked, 'build')}.
          </span>
        ) : null}
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
  const steps = sum((row) => row.steps?.total);
  const cached = sum((row) => row.steps?.cached);
  const critical = rows.filter(({ build }) => build.critical);
  // A failed build must be fixed, not made faster.
  const dearest = rows
    .filter(({ result }) => result !== 'failed' && result !== 'cancelled')
    .reduce<Row | undefined>(
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
      {timeline.waits.length > 0 ? (
        <Figure
          name="Waited for"
          value={formatDuration(unionMs(timeline.waits))}
          note={`${waitedFor(timeline.waits)}; see Environment`}
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
          note={`of buildctl; ${usage.registryRequests.reads + usage.registryRequests.writes} registry requests`}
        />
      )}
    </dl>
  );
}

function waitedFor(waits: readonly WaitSpan[]): string {
  const has = (kind: WaitSpan['kind']): boolean => waits.some((wait) => wait.kind === kind);
  return [...(has('engine') ? ['the engine'] : []), ...(has('registry') ? ['registries'] : [])].join(' and ');
}

/** How long at least one of the waits was active. */
function unionMs(waits: readonly WaitSpan[]): number {
  let sum = 0;
  let until = 0;
  for (const { fromMs, toMs } of [...waits].sort((a, b) => a.fromMs - b.fromMs)) {
    sum += Math.max(0, toMs - Math.max(fromMs, until));
    until = Math.max(until, toMs);
  }
  return sum;
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
