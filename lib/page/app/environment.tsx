/** The environment of the run, and its warnings. */
import type { ChangedFiles } from '../../model/event.ts';
import { formatDuration } from './format.ts';
import { BuildLink, Copyable, Fact, ProblemView } from './parts.tsx';
import { useView } from './state.ts';

/** Versions, engine, files, command line; warnings. */
export function EnvironmentView() {
  const { model } = useView();
  const { timeline, environment } = model.data;
  const { engine, summary, changed } = timeline;
  const waits = [
    ...timeline.waits.map((wait) => ({ wait, row: undefined })),
    ...model.rows.flatMap((row) => row.build.waits.map((wait) => ({ wait, row }))),
  ].sort((a, b) => a.wait.fromMs - b.wait.fromMs);
  return (
    <div class="environment">
      <section>
        <h2>Environment</h2>
        <dl class="fact-list">
          {timeline.command === undefined ? null : (
            <Fact name="Command">
              <Copyable text={['bake-ts', ...timeline.command].join(' ')} label="the command" />
            </Fact>
          )}
          <Fact name="bake-ts">{timeline.version}</Fact>
          <Fact name="Runtime">{timeline.runtime}</Fact>
          {timeline.root === undefined ? null : <Fact name="Directory">{timeline.root}</Fact>}
          <Fact name="Files">{timeline.files.join(', ')}</Fact>
          {changed === undefined ? null : <Fact name="Changed before">{changedText(changed)}</Fact>}
          <Fact name="Slots">{timeline.concurrency}</Fact>
          <Fact name="Started">{new Date(timeline.startedAtMs).toISOString()}</Fact>
          <Fact name="Run">{timeline.runId}</Fact>
          {engine === undefined ? null : (
            <>
              <Fact name="Engine">
                {engine.address} ({engine.source})
              </Fact>
              {engine.version === undefined ? null : <Fact name="buildkitd">{engine.version}</Fact>}
              <Fact name="buildctl">{engine.buildctl}</Fact>
            </>
          )}
          {summary === undefined ? null : (
            <>
              <Fact name="buildctl calls">{summary.buildctlCalls}</Fact>
              <Fact name="Registry requests">
                {summary.registryRequests.reads} reads, {summary.registryRequests.writes} writes
              </Fact>
            </>
          )}
          {environment.map(([name, value]) => (
            <Fact key={name} name={name}>
              {value}
            </Fact>
          ))}
        </dl>
      </section>
      {waits.length === 0 ? null : (
        <section>
          <h2>Waits</h2>
          <ul class="items">
            {waits.map(({ wait, row }, at) => (
              <li key={at}>
                {row === undefined ? null : <BuildLink row={row} />} from {formatDuration(wait.fromMs)}, for{' '}
                {formatDuration(wait.toMs - wait.fromMs)}: {wait.text}
              </li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h2>Warnings</h2>
        {timeline.warnings.length === 0 ? <p>None.</p> : null}
        {timeline.warnings.map(({ build, problem }, at) => {
          const row = model.byName.get(build ?? problem.build ?? '');
          return (
            <div key={at} class="warning-card">
              {row === undefined ? null : <BuildLink row={row} />}
              <ProblemView found={problem} />
            </div>
          );
        })}
      </section>
    </div>
  );
}

/** The changes that led to a round of a watch. */
function changedText({ files, total }: ChangedFiles): string {
  if (files.length === 0) return 'much';
  const more = total - files.length;
  return `${files.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
