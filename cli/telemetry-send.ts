/**
 * Sends a trace with OpenTelemetry's SDK. The SDK reads headers, compression, sampling and resource attributes from the
 * environment. This module decides what could take long or send data elsewhere.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Agent } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { clearTimeout, setTimeout } from 'node:timers';
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
import { VERSION } from '../lib/util/version.ts';
import type { Io } from './io.ts';

/** Where a trace goes. */
export interface TraceTarget {
  readonly url: string;
  readonly protocol: 'http/protobuf' | 'http/json';
  readonly env: Io['env'];
  readonly cwd: string;
  /** Aborted when the user stops the run; then sending gets less time. */
  readonly signal: AbortSignal | undefined;
}

/** Longest wait at the end of a run. */
const LONGEST_MS = 5_000;
/** Longest wait after the user stopped the run. */
const LONGEST_STOPPED_MS = 1_000;
/** Spans per request, unless that makes more requests than the exporter sends at once. */
const SPANS_AT_ONCE = 1_000;
const MOST_REQUESTS = 20;

/** Sends the trace of a run. Returns why it could not, without any header values. Never rejects. */
export async function sendTrace(run: RunTimeline, target: TraceTarget): Promise<string | undefined> {
  let agent: Agent | undefined;
  const late = watchTheTime(target.signal);
  try {
    const tls = await readTls(target);
    const spans = makeSpans(run, target.env);
    if (spans.length === 0) return undefined;
    const exporter = await createExporter(target, async (protocol) => {
      const { Agent: Made } = await (protocol === 'http:' ? import('node:http') : import('node:https'));
      agent = new Made({ ...tls, keepAlive: false });
      return agent;
    });
    const why = await Promise.race([send(exporter, spans, target.url), late.why]);
    return why;
  } catch (error) {
    return describe(error);
  } finally {
    // Requests under way no longer keep the process alive.
    agent?.destroy();
    late.stop();
  }
}

/** Resolves when the time to wait is over. */
function watchTheTime(signal: AbortSignal | undefined) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let onAbort = (): void => undefined;
  const why = new Promise<string>((resolve) => {
    const waitFor = (ms: number): void => {
      clearTimeout(timer);
      timer = setTimeout(resolve, ms, `no answer within ${ms / 1_000} s`);
    };
    onAbort = () => waitFor(LONGEST_STOPPED_MS);
    waitFor(signal?.aborted === true ? LONGEST_STOPPED_MS : LONGEST_MS);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
  const stop = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  };
  return { why, stop };
}

async function send(
  exporter: SpanExporter,
  spans: readonly ReadableSpan[],
  url: string,
): Promise<string | undefined> {
  return (await findUnreachable(new URL(url))) ?? exportAll(exporter, spans);
}

/** Why the endpoint is unreachable; the exporter would retry again and again. */
async function findUnreachable({ protocol, hostname, port }: URL): Promise<string | undefined> {
  const socket = connect({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port === '' ? (protocol === 'https:' ? 443 : 80) : port),
  });
  socket.unref();
  socket.setTimeout(LONGEST_MS, () => socket.destroy());
  try {
    await once(socket, 'connect');
    return undefined;
  } catch (error) {
    return describe(error);
  } finally {
    socket.destroy();
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

/** The spans as the SDK makes them; none if sampling or an unsampled parent drops them. */
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

/** The CI system's span around this run, if set (W3C Trace Context in variables). */
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

/** Certificates that the environment names. The SDK reads them only if it creates the connection itself. */
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

/** Errors of the exporter: an HTTP status, or a system error. The response of the endpoint is not repeated. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'it was not accepted';
  const { code } = error as { readonly code?: unknown };
  if (typeof code === 'number') return `HTTP ${code}`;
  return typeof code === 'string' ? code : error.message;
}
