/** One build: reason, times, inputs, steps and log. Beside the page if there is space, else over it. */
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { formatEngines } from '../../timeline/engines.ts';
import type { StepSpan } from '../../timeline/timeline.ts';
import type { BuildLog, LogPart } from '../page-data.ts';
import { formatBytes, formatDelta, formatDuration, formatShare, plural, shortStep } from './format.ts';
import { closureOf, type Row, reasonOf } from './model.ts';
import { BuildLink, Copyable, Fact, LogBox, ProblemView, ResultBadge } from './parts.tsx';
import { readLog } from './read-log.ts';
import { useView } from './state.ts';

/** The panel. */
export function Details({ row }: { readonly row: Row }) {
  const view = useView();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    heading.current?.focus();
    return () => {
      if (before instanceof HTMLElement || before instanceof SVGElement) before.focus();
    };
  }, []);
  const found = row.build.outcome?.problem;
  return (
    <aside class="details" aria-label={`Build ${row.name}`}>
      <div class="details-head">
        <h2 ref={heading} tabIndex={-1}>
          <bdi>{row.name}</bdi>
        </h2>
        <button
          type="button"
          class="close"
          onClick={() => view.setOpen(undefined)}
          aria-label="Close the details"
        >
          ✕
        </button>
      </div>
      <p class="details-line">
        <ResultBadge result={row.result} />
        {row.tookMs === undefined ? null : <span>in {formatDuration(row.tookMs)}</span>}
        <button type="button" onClick={() => view.setFocus(row)}>
          Only its part of the graph
        </button>
      </p>
      {found === undefined ? null : <ProblemView found={found} detail={!view.model.data.logs[row.at]} />}
      {row.result === 'failed' ? <LogView row={row} /> : null}
      <Why row={row} />
      <Facts row={row} />
      {row.result === 'failed' ? null : <LogView row={row} />}
      <Neighbours row={row} />
    </aside>
  );
}

function Why({ row }: { readonly row: Row }) {
  const { byName } = useView().model;
  const reason = reasonOf(row.build);
  const blocker = byName.get(row.build.outcome?.blockedBy ?? '');
  if (reason === undefined && blocker === undefined) return null;
  return (
    <section>
      <h3>Why</h3>
      {reason === undefined ? null : <p>{reason.text}</p>}
      {blocker === undefined ? null : (
        <p>
          It needs <BuildLink row={blocker} />, which did not succeed.
        </p>
      )}
      {reason?.items === undefined ? null : (
        <ul class="items">
          {reason.items.map((item, at) => (
            <li key={at}>{item}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Facts({ row }: { readonly row: Row }) {
  const { build, sizeBytes, sizeDelta, queuedMs, cachedShare, usualMs } = row;
  const { outcome, inputs } = build;
  return (
    <section>
      <h3>Figures</h3>
      <dl class="fact-list">
        {row.tookMs === undefined ? null : <Fact name="Time">{formatDuration(row.tookMs)}</Fact>}
        {usualMs === undefined ? null : <Fact name="Usually">{formatDuration(usualMs)}</Fact>}
        {queuedMs === undefined ? null : <Fact name="Waited for a slot">{formatDuration(queuedMs)}</Fact>}
        {build.engines === undefined ? null : (
          <Fact name="Engine">
            <span class="break">{formatEngines(build.engines)}</span>
          </Fact>
        )}
        {build.critical ? <Fact name="Critical path">the end of the run waited for it</Fact> : null}
        {build.costMs > 0 ? (
          <Fact name="Costs the run">{formatDuration(build.costMs)} (so much shorter without it)</Fact>
        ) : null}
        {cachedShare === undefined ? null : (
          <Fact name="From the cache">
            {formatShare(cachedShare)} ({row.steps?.cached} of {row.steps?.total} steps)
          </Fact>
        )}
        {sizeBytes === undefined ? null : (
          <Fact name="Size">
            {formatBytes(sizeBytes)}
            {sizeDelta === undefined ? '' : ` (${formatDelta(sizeDelta)} since the last run)`}
          </Fact>
        )}
        {(outcome?.layers ?? []).map(({ platform, sizes }) => (
          <Fact key={platform} name={`Layers, ${platform}`}>
            <LayerBar sizes={sizes} />
          </Fact>
        ))}
        {inputs === undefined ? null : (
          <Fact name="Inputs">
            {plural(inputs.files, 'file')}, {formatBytes(inputs.bytes)}
            {inputs.untracked.map((one) => (
              <span key={one} class="untracked">
                unknown:{one}
              </span>
            ))}
          </Fact>
        )}
        {outcome?.digest === undefined ? null : (
          <Fact name="Digest">
            <code class="break">{outcome.digest}</code>
          </Fact>
        )}
        {(outcome?.tags ?? []).map(({ ref, action }) => (
          <Fact key={ref} name={action}>
            <code class="break">{ref}</code>
          </Fact>
        ))}
        {outcome !== undefined && outcome.tags.length > 0
          ? null
          : build.tags.map((ref) => (
              <Fact key={ref} name="Tag">
                <code class="break">{ref}</code>
              </Fact>
            ))}
        {build.waits.map((wait, at) => (
          <Fact key={at} name={`Waited (${wait.kind})`}>
            {formatDuration(wait.toMs - wait.fromMs)}: {wait.text}
          </Fact>
        ))}
      </dl>
    </section>
  );
}

/** Layers by size, from the lowest up. */
function LayerBar({ sizes }: { readonly sizes: readonly number[] }) {
  return (
    <>
      <span class="layers" aria-hidden="true">
        {sizes.map((size, at) => (
          <span key={at} style={{ flexGrow: String(Math.max(size, 1)) }} title={formatBytes(size)} />
        ))}
      </span>
      <small>{sizes.map(formatBytes).join(' · ')}</small>
    </>
  );
}

/** A step and its output. */
interface StepLog {
  readonly step?: StepSpan;
  readonly parts: readonly LogPart[];
}

function LogView({ row }: { readonly row: Row }) {
  const { model } = useView();
  const log = useMemo(() => readLog(row.at), [row]);
  const steps = useMemo(() => arrange(row.build.steps, log), [row, log]);
  if (steps.length === 0) return null;
  const command = `${model.data.logsCommand} ${row.name}`;
  return (
    <section>
      <h3>Steps and log</h3>
      {(log?.omitted ?? 0) > 0 ? (
        <p class="note">
          The first {formatBytes(log?.omitted ?? 0)} of the log are not on this page. Full log:{' '}
          <Copyable text={command} label="the command" />
        </p>
      ) : null}
      {steps.map(({ step, parts }, at) => (
        <StepView key={at} step={step} parts={parts} />
      ))}
    </section>
  );
}

function StepView({
  step,
  parts,
}: {
  readonly step: StepSpan | undefined;
  readonly parts: readonly LogPart[];
}) {
  const text = parts.map((part) => part.text).join('');
  const state = step?.state ?? 'done';
  const head = (
    <>
      <span class={`step-state ${state}`}>{state}</span>
      <span class="step-name">{step === undefined ? 'Other output' : shortStep(step.name)}</span>
      {step === undefined || state === 'cached' ? null : (
        <span class="step-time">{formatDuration(step.toMs - step.fromMs)}</span>
      )}
    </>
  );
  if (text === '' && step?.error === undefined) return <div class="step">{head}</div>;
  return (
    <details class="step" open={state === 'failed' || step === undefined}>
      <summary>{head}</summary>
      {text === '' ? null : <LogBox text={text} label="Log of the step" toEnd={state === 'failed'} />}
      {step?.error === undefined ? null : <p class="step-error">{step.error}</p>}
    </details>
  );
}

/** Steps with their output, the failed one first; then output without a step. */
export function arrange(steps: readonly StepSpan[], log: BuildLog | undefined): readonly StepLog[] {
  const left = new Set(log?.parts ?? []);
  const arranged: StepLog[] = joinSpans(steps).map((step) => {
    const own = [...left].filter((part) => part.step === step.digest && part.attempt === step.attempt);
    for (const part of own) left.delete(part);
    return { step, parts: own };
  });
  arranged.sort((a, b) => Number(b.step?.state === 'failed') - Number(a.step?.state === 'failed'));
  return left.size === 0 ? arranged : [...arranged, { parts: [...left] }];
}

const STATES = ['failed', 'unfinished', 'done', 'cached'] as const;

/** Joins several executions of a BuildKit step into one row, from the first start to the last end. */
function joinSpans(steps: readonly StepSpan[]): readonly StepSpan[] {
  const joined = new Map<string, StepSpan>();
  for (const step of steps) {
    const key = `${step.attempt} ${step.digest}`;
    const known = joined.get(key);
    const state = STATES.find((one) => one === step.state || one === known?.state) ?? step.state;
    joined.set(key, known === undefined ? step : { ...known, ...step, state, fromMs: known.fromMs });
  }
  return [...joined.values()];
}

function Neighbours({ row }: { readonly row: Row }) {
  const { rows } = useView().model;
  const all = closureOf(rows, row.at, 'neededBy').size;
  const list = (places: readonly number[]) =>
    places.flatMap((at) => rows[at] ?? []).map((one) => <BuildLink key={one.at} row={one} />);
  return (
    <section>
      {row.needs.length === 0 ? null : (
        <>
          <h3>Needs</h3>
          <p class="links">{list(row.needs)}</p>
        </>
      )}
      {row.neededBy.length === 0 ? null : (
        <>
          <h3>Needed by</h3>
          <p class="links">{list(row.neededBy)}</p>
          {all > row.neededBy.length ? <p class="note">{all} including indirect dependents.</p> : null}
        </>
      )}
    </section>
  );
}
