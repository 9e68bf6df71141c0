/**
 * Sends a trace by OpenTelemetry's SDK. Headers, compression, sampling and resource attributes are read from the environment by
 * the SDK; what could take long, or go elsewhere, is decided here.
 */
import { readFile } from 'node:fs/promises';
import type { Agent } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Context, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode, parseTraceParent, TraceState } from '@opentelemetry/core';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { type RunTimeline, traceSpans } from '../lib/timeline/mod.ts';
import type { Io } from './io.ts';
import { VERSION } from './version.ts';

/** Where a trace goes. */
export interface TraceTarget {
  readonly url: string;
  readonly protocol: 'http/protobuf' | 'http/json';
  readonly env: Io['env'];
  readonly cwd: string;
}

/** Nobody waits longer at the end of a run (milliseconds). */
const LONGEST_MS = 5_000;
/** Spans in one request; there are at most as many requests as the exporter sends at once. */
const SPANS_AT_ONCE = 1_000;
const MOST_REQUESTS = 20;

/** Sends the trace of a run; says why it could not, in words and without anything of the headers. Never rejects. */
export async function sendTrace(run: RunTimeline, target: TraceTarget): Promise<string | undefined> {
  let agent: Agent | undefined;
  try {
    const tls = await readTls(target);
    const spans = makeSpans(run, target.env);
    if (spans.length === 0) return undefined;
    const exporter = await createExporter(target, async (protocol) => {
      const { Agent: Made } = await (protocol === 'http:' ? import('node:http') : import('node:https'));
      agent = new Made({ ...tls, keepAlive: false });
      return agent;
    });
    const timer = new AbortController();
    const late = sleep(LONGEST_MS, 'no answer within 5 s', { signal: timer.signal }).catch(() => undefined);
    const why = await Promise.race([exportAll(exporter, spans), late]);
    timer.abort();
    return why;
  } catch (error) {
    return describe(error);
  } finally {
    // Whatever is on its way holds the process no longer.
    agent?.destroy();
  }
}

async function createExporter(
  { url, protocol, env }: TraceTarget,
  httpAgentOptions: (protocol: string) => Promise<Agent>,
): Promise<SpanExporter> {
  const asked = Number(env['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT'] ?? env['OTEL_EXPORTER_OTLP_TIMEOUT']);
  const timeoutMillis = asked > 0 ? Math.min(asked, LONGEST_MS) : LONGEST_MS;
  const config = { url, timeoutMillis, httpAgentOptions, userAgent: `bake-ts/${VERSION}` };
  if (protocol === 'http/json') {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
    return new OTLPTraceExporter(config);
  }
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter(config);
}

async function exportAll(
  exporter: SpanExporter,
  spans: readonly ReadableSpan[],
): Promise<string | undefined> {
  const size = Math.max(SPANS_AT_ONCE, Math.ceil(spans.length / MOST_REQUESTS));
  const parts: ReadableSpan[][] = [];
  for (let at = 0; at < spans.length; at += size) parts.push(spans.slice(at, at + size));
  const results = await Promise.all(
    parts.map((part) => new Promise<ExportResult>((resolve) => exporter.export(part, resolve))),
  );
  const failed = results.find(({ code }) => code !== ExportResultCode.SUCCESS);
  return failed === undefined ? undefined : describe(failed.error);
}

/** The spans as the SDK makes them; none where sampling, or a parent that is not sampled, wants none. */
function makeSpans(run: RunTimeline, env: Io['env']): readonly ReadableSpan[] {
  const ended: ReadableSpan[] = [];
  const collector: SpanProcessor = {
    onStart: () => undefined,
    onEnd: (span) => ended.push(span),
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
  const [runtimeName = '', runtimeVersion = ''] = run.runtime.split(' ');
  const resource = resourceFromAttributes({
    'service.name': 'bake-ts',
    'service.version': run.version,
    'process.runtime.name': runtimeName,
    'process.runtime.version': runtimeVersion,
  }).merge(detectResources({ detectors: [envDetector] }));
  const provider = new BasicTracerProvider({ resource, spanProcessors: [collector] });
  const tracer = provider.getTracer('bake-ts', run.version);
  const contexts: Context[] = [];
  for (const { name, parent, fromMs, toMs, attributes, error, events } of traceSpans(run)) {
    const context = parent === undefined ? parentOf(env) : (contexts[parent] ?? ROOT_CONTEXT);
    const copied = Object.entries(attributes).map(([key, value]) => [
      key,
      typeof value === 'object' ? [...value] : value,
    ]);
    const span = tracer.startSpan(
      name,
      { startTime: new Date(fromMs), attributes: Object.fromEntries(copied) },
      context,
    );
    for (const event of events) span.addEvent(event.name, {}, new Date(event.atMs));
    if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    span.end(new Date(toMs));
    contexts.push(trace.setSpan(ROOT_CONTEXT, span));
  }
  return ended;
}

/** The span that a CI system runs us in, where it says so (W3C Trace Context in variables). */
function parentOf(env: Io['env']): Context {
  const parent = parseTraceParent(env['TRACEPARENT'] ?? '');
  if (parent === null) return ROOT_CONTEXT;
  const state = env['TRACESTATE'];
  return trace.setSpanContext(ROOT_CONTEXT, {
    ...parent,
    isRemote: true,
    ...(state === undefined ? {} : { traceState: new TraceState(state) }),
  });
}

/** Certificates that the environment names. The SDK reads them itself only where it makes the connection. */
async function readTls({ env, cwd }: TraceTarget): Promise<Readonly<Record<string, Buffer>>> {
  const files = { ca: 'CERTIFICATE', cert: 'CLIENT_CERTIFICATE', key: 'CLIENT_KEY' };
  const read = Object.entries(files).map(async ([option, suffix]) => {
    const file = env[`OTEL_EXPORTER_OTLP_TRACES_${suffix}`] || env[`OTEL_EXPORTER_OTLP_${suffix}`];
    return file === undefined || file === ''
      ? []
      : [[option, await readFile(path.resolve(cwd, file))] as const];
  });
  return Object.fromEntries((await Promise.all(read)).flat());
}

/** Errors of the exporter: a status of HTTP, or what the system says. What the endpoint answered is not repeated. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'it was not taken';
  const { code } = error as { readonly code?: unknown };
  if (typeof code === 'number') return `HTTP ${code}`;
  return typeof code === 'string' ? code : error.message;
}
