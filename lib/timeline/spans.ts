/**
 * A run as spans of a distributed trace: one for the run, below it one for each active build, below these one for each
 * step. Attributes follow OpenTelemetry's semantic conventions where they exist (cicd.*, container.*, oci.*,
 * error.type); others begin with `bake.`.
 */
import { type Outcome, parseImageRef } from '../model/mod.ts';
import type { BuildTimeline, RunTimeline, Span } from './timeline.ts';

/** Value of an attribute. */
export type AttributeValue = string | number | boolean | readonly string[];

/** A span without id. Times are milliseconds since 1970. */
export interface TraceSpan {
  readonly name: string;
  /** Index of the parent span; absent for the run. */
  readonly parent?: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** Why it failed; absent: it did not fail. */
  readonly error?: string;
  readonly events: readonly { readonly name: string; readonly atMs: number }[];
}

/** Names of spans must be short; the full name is in an attribute. */
const LONGEST_NAME = 120;
const LONGEST_VALUE = 4_000;
const MOST_ITEMS = 50;

type Result = 'success' | 'failure' | 'cancellation' | 'skip' | 'error';

const RESULTS: Readonly<Record<Outcome['kind'], Result>> = {
  built: 'success',
  retagged: 'success',
  unchanged: 'skip',
  failed: 'failure',
  cancelled: 'cancellation',
  blocked: 'skip',
};

/** All spans, each after its parent. */
export function traceSpans(run: RunTimeline): readonly TraceSpan[] {
  const spans: TraceSpan[] = [spanOfRun(run)];
  for (const build of run.builds) {
    const time = timeOf(build);
    if (time === undefined) continue;
    const at = spans.push(spanOfBuild(build, run, time)) - 1;
    for (const step of build.steps) {
      spans.push({
        name: cut(step.name, LONGEST_NAME),
        parent: at,
        ...absolute(step, run),
        attributes: {
          'bake.step.name': cut(step.name, LONGEST_VALUE),
          'bake.step.digest': step.digest,
          'bake.step.state': step.state,
          'bake.step.attempt': step.attempt,
        },
        ...(step.state === 'failed' ? { error: cut(step.error ?? 'failed', LONGEST_VALUE) } : {}),
        events: [],
      });
    }
  }
  return spans;
}

function spanOfRun(run: RunTimeline): TraceSpan {
  const { summary, interruptedBy, runId, builds } = run;
  const failed = builds.filter(({ outcome }) => outcome?.kind === 'failed').length;
  const [first] = summary?.problems ?? [];
  const result: Result =
    summary === undefined ? 'error' : summary.cancelled ? 'cancellation' : summary.ok ? 'success' : 'failure';
  const why =
    result === 'failure' ? (first?.message ?? `${failed} of ${builds.length} builds failed`) : undefined;
  const code =
    first?.code ?? builds.find(({ outcome }) => outcome?.problem !== undefined)?.outcome?.problem?.code;
  return {
    name: 'bake-ts run',
    ...absolute({ fromMs: 0, toMs: run.durationMs }, run),
    attributes: {
      'cicd.pipeline.run.id': runId,
      'cicd.pipeline.action.name': 'BUILD',
      'cicd.pipeline.result': result,
      ...(why === undefined ? {} : { 'error.type': code ?? '_OTHER' }),
      ...(run.command === undefined ? {} : { 'process.command_args': ['bake-ts', ...run.command] }),
      'bake.builds': builds.length,
      'bake.slots': run.concurrency,
      'bake.dry_run': run.dryRun,
      ...(summary === undefined ? {} : { 'bake.buildctl_calls': summary.buildctlCalls }),
      ...(run.engine?.version === undefined ? {} : { 'bake.engine.version': run.engine.version }),
    },
    ...(why === undefined ? {} : { error: why }),
    events: [
      ...run.waits.map(({ text, fromMs }) => ({
        name: `waiting for ${text}`,
        atMs: run.startedAtMs + fromMs,
      })),
      ...(interruptedBy === undefined
        ? []
        : [{ name: `stopped by ${interruptedBy}`, atMs: run.startedAtMs + (run.interruptedAtMs ?? 0) }]),
    ],
  };
}

function spanOfBuild(build: BuildTimeline, run: RunTimeline, time: Span): TraceSpan {
  const { outcome, phases, waits } = build;
  const result = outcome === undefined ? 'error' : RESULTS[outcome.kind];
  const events = [
    ...phases.map(({ phase, slot, fromMs }) => ({
      name: slot === undefined ? phase : `${phase} in slot ${slot}`,
      fromMs,
    })),
    ...waits.map(({ kind, text, fromMs }) => ({ name: `${kind}: ${text}`, fromMs })),
  ].sort((a, b) => a.fromMs - b.fromMs);
  return {
    name: cut(build.build, LONGEST_NAME),
    parent: 0,
    ...absolute(time, run),
    attributes: {
      'cicd.pipeline.task.name': build.build,
      'cicd.pipeline.task.type': 'build',
      'cicd.pipeline.task.run.id': `${run.runId}/${build.build}`,
      'cicd.pipeline.task.run.result': result,
      ...(outcome?.problem === undefined ? {} : { 'error.type': outcome.problem.code }),
      ...imageAttributes(build),
      ...buildAttributes(build),
    },
    ...(outcome?.kind === 'failed'
      ? { error: cut(outcome.problem?.message ?? 'failed', LONGEST_VALUE) }
      : {}),
    events: events.map(({ name, fromMs }) => ({
      name: cut(name, LONGEST_VALUE),
      atMs: run.startedAtMs + fromMs,
    })),
  };
}

function imageAttributes({ outcome, tags }: BuildTimeline): TraceSpan['attributes'] {
  const refs = tags.flatMap((text) => parseImageRef(text) ?? []);
  const [first] = refs;
  if (first === undefined)
    return outcome?.digest === undefined ? {} : { 'oci.manifest.digest': outcome.digest };
  const name = `${first.registry}/${first.repository}`;
  return {
    'container.image.name': name,
    'container.image.tags': refs.flatMap(({ tag }) => tag ?? []),
    ...(outcome?.digest === undefined
      ? {}
      : {
          'oci.manifest.digest': outcome.digest,
          ...(outcome.tags.length === 0
            ? {}
            : { 'container.image.repo_digests': [`${name}@${outcome.digest}`] }),
        }),
  };
}

function buildAttributes({
  outcome,
  decision,
  engines,
  needs,
  critical,
  costMs,
}: BuildTimeline): TraceSpan['attributes'] {
  const reason = outcome?.reason ?? decision?.reason;
  return {
    ...(outcome === undefined ? {} : { 'bake.result': outcome.kind, 'bake.duration_ms': outcome.durationMs }),
    ...(outcome?.queuedMs === undefined ? {} : { 'bake.queued_ms': outcome.queuedMs }),
    ...(outcome?.sizeBytes === undefined ? {} : { 'bake.size_bytes': outcome.sizeBytes }),
    ...(outcome?.steps === undefined
      ? {}
      : { 'bake.steps.total': outcome.steps.total, 'bake.steps.cached': outcome.steps.cached }),
    ...(reason === undefined ? {} : { 'bake.reason': cut(reason.text, LONGEST_VALUE) }),
    ...(reason?.items === undefined ? {} : { 'bake.reason.items': listOf(reason.items) }),
    ...(engines === undefined ? {} : { 'bake.engine': listOf([...new Set(engines.flat())]) }),
    ...(outcome?.blockedBy === undefined ? {} : { 'bake.blocked_by': outcome.blockedBy }),
    ...(needs.length === 0 ? {} : { 'bake.needs': listOf(needs) }),
    'bake.critical': critical,
    'bake.cost_ms': Math.round(costMs),
  };
}

/** From the first to the last activity of a build, including early work; undefined if there was none. */
function timeOf({ time, phases, steps }: BuildTimeline): Span | undefined {
  const spans = [...(time === undefined ? [] : [time]), ...phases, ...steps];
  if (spans.length === 0) return undefined;
  return spans.reduce<Span>(
    (whole, { fromMs, toMs }) => ({
      fromMs: Math.min(whole.fromMs, fromMs),
      toMs: Math.max(whole.toMs, toMs),
    }),
    { fromMs: Number.POSITIVE_INFINITY, toMs: 0 },
  );
}

function absolute({ fromMs, toMs }: Span, { startedAtMs }: RunTimeline): Pick<TraceSpan, 'fromMs' | 'toMs'> {
  return { fromMs: startedAtMs + fromMs, toMs: startedAtMs + toMs };
}

function listOf(items: readonly string[]): readonly string[] {
  return items.slice(0, MOST_ITEMS).map((item) => cut(item, LONGEST_VALUE));
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}
