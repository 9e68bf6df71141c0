/** `--notify`: a terminal notification at the end of a long run. */
import type { RunSummary } from '../lib/model/mod.ts';
import { formatDuration } from '../lib/report/mod.ts';
import type { EventReader } from './event-readers.ts';
import type { Io } from './io.ts';

/** Users still watch shorter runs. */
const LEAST_MS = 60_000;

/** Notifies when a run of more than a minute has ended, only on a terminal. */
export function createNotifier({ stderr, env }: Pick<Io, 'stderr' | 'env'>): EventReader {
  let summary: RunSummary | undefined;
  return {
    name: 'the notification',
    onEvent: (event) => {
      if (event.type === 'run-finished') summary = event.summary;
    },
    close: async () => {
      if (summary !== undefined && summary.durationMs > LEAST_MS && stderr.isTTY === true)
        (stderr.writeRaw ?? stderr.write).call(stderr, notification(summary, env));
      return [];
    },
  };
}

function notification(summary: RunSummary, env: Io['env']): string {
  const { ok, cancelled, outcomes, durationMs } = summary;
  const failed = outcomes.filter((one) => one.kind === 'failed').length;
  const verdict = cancelled ? 'stopped' : ok ? 'done' : failed > 0 ? `${failed} failed` : 'failed';
  const text = `${verdict} after ${formatDuration(durationMs)}`;
  const sequence = speaks777(env) ? `777;notify;bake-ts;${text}` : `9;bake-ts: ${text}`;
  const osc = `\u001b]${sequence}\u0007`;
  // tmux forwards sequences wrapped like this (if `allow-passthrough` is on) and drops others.
  return (env['TMUX'] ?? '') === '' ? osc : `\u001bPtmux;${osc.replaceAll('\u001b', '\u001b\u001b')}\u001b\\`;
}

/** Terminals with OSC 777 but without OSC 9: those with GNOME's VTE, foot and urxvt. Terminals with neither show nothing. */
function speaks777(env: Io['env']): boolean {
  return (env['VTE_VERSION'] ?? '') !== '' || /^(?:foot|rxvt)/.test(env['TERM'] ?? '');
}
