/**
 * The OpenTelemetry trace of a run, if the environment requests one (OTEL_EXPORTER_OTLP_ENDPOINT or
 * OTEL_EXPORTER_OTLP_TRACES_ENDPOINT). The code that sends it is loaded only after the run.
 */
import { problem } from '../lib/model/mod.ts';
import { isSet } from './args.ts';
import type { EventReader } from './event-readers.ts';
import type { Io } from './io.ts';
import type { ReadRun } from './shared-timeline.ts';

type Env = Io['env'];

/** Whether the environment requests a trace. */
function wantsTrace(env: Env): boolean {
  const isOff = env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true';
  const exporters = setIn(env, 'OTEL_TRACES_EXPORTER')
    ?.split(',')
    .map((one) => one.trim());
  return !isOff && exporters?.includes('otlp') !== false && endpointOf(env) !== undefined;
}

/**
 * A reader that sends the trace on close; none if the environment requests none. Untrusted runs send none, because
 * untrusted files must not use the credentials for the endpoint.
 *
 * @param signal stops the run
 */
export async function openTelemetry(
  { args, io, timeline }: ReadRun,
  signal: AbortSignal | undefined,
): Promise<readonly EventReader[]> {
  if (isSet(args, 'untrusted') || !wantsTrace(io.env)) return [];
  const timelineOf = await timeline.open();
  return [
    {
      name: 'the trace for OpenTelemetry',
      onEvent: () => undefined,
      close: async () => {
        const url = readEndpoint(io.env);
        const protocol = protocolOf(io.env);
        const why =
          url === undefined
            ? 'its address is not an http or https URL'
            : protocol === undefined
              ? 'its protocol is not supported'
              : await (await import('./telemetry-send.ts')).sendTrace(timelineOf(), {
                  url: url.href,
                  protocol,
                  env: io.env,
                  cwd: io.cwd,
                  signal,
                });
        if (why === undefined) return [];
        return [
          problem('run/traces-unsent', `the trace was not sent to ${url?.host ?? 'the endpoint'} (${why})`, {
            severity: 'warning',
            hint: 'Set OTEL_EXPORTER_OTLP_ENDPOINT to a collector that accepts OTLP over HTTP (http/protobuf, http/json; usually port 4318), or OTEL_SDK_DISABLED=true to send nothing.',
          }),
        ];
      },
    },
  ];
}

function endpointOf(env: Env): string | undefined {
  return setIn(env, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? setIn(env, 'OTEL_EXPORTER_OTLP_ENDPOINT');
}

/** The address for traces is used unchanged; `v1/traces` is appended to the common one (OTLP exporter specification). */
function readEndpoint(env: Env): URL | undefined {
  const own = setIn(env, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const common = setIn(env, 'OTEL_EXPORTER_OTLP_ENDPOINT') ?? '';
  const text = own ?? `${common}${common.endsWith('/') ? '' : '/'}v1/traces`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined;
}

function protocolOf(env: Env): 'http/protobuf' | 'http/json' | undefined {
  const asked =
    setIn(env, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ??
    setIn(env, 'OTEL_EXPORTER_OTLP_PROTOCOL') ??
    'http/protobuf';
  return asked === 'http/protobuf' || asked === 'http/json' ? asked : undefined;
}

/** An empty variable is treated as unset. */
function setIn(env: Env, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}
