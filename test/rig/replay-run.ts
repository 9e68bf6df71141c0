/**
 * A process that shows a run as `bake-ts run` does, with the real reporter on the real terminal, but of events that it
 * reads: `node replay-run.ts SCRIPT`. Time stands still between them, so that each screen is known.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createProcessIo } from '../../cli/io.ts';
import { withCancellation } from '../../cli/signals.ts';
import type { BakeEvent, EventBody } from '../../lib/model/mod.ts';
import { createReporter } from '../../lib/report/mod.ts';

/** What is done, one after the other. */
export type ReplayStep =
  | { readonly events: readonly EventBody[]; readonly stepMs?: number }
  /** Something else in the process writes to the terminal. */
  | { readonly stdout: string }
  | { readonly stderr: string }
  /** The runtime warns. */
  | { readonly warning: string }
  /** Time goes on. */
  | { readonly passMs: number }
  /** Waits until this file is there, or its directory is gone, or the run is stopped where `orStopped` is said. */
  | { readonly holdUntil: string; readonly orStopped?: true };

/** A whole run. */
export interface ReplayScript {
  readonly startMs: number;
  readonly steps: readonly ReplayStep[];
  /** Text of files by the path a problem names. */
  readonly sources?: Readonly<Record<string, string>>;
  readonly color?: boolean;
}

async function replay(script: ReplayScript): Promise<void> {
  const io = createProcessIo();
  let nowMs = script.startMs;
  let seq = 0;
  const reporter = createReporter({
    mode: 'tty',
    out: io.stdout,
    err: io.stderr,
    color: script.color === true,
    now: () => nowMs,
    sourceOf: (file) => script.sources?.[file],
    logOf: (build) => `/state/runs/1/${build}.log`,
    commandFor: (builds) => ['bake-ts run', ...(builds ?? [])].join(' '),
    ...(io.takeTerminal === undefined ? {} : { takeTerminal: io.takeTerminal }),
  });
  process.exitCode = await withCancellation(
    io,
    async ({ signal }) => {
      for (const step of script.steps) {
        if ('events' in step) {
          for (const body of step.events) {
            seq += 1;
            const event: BakeEvent = { ...body, seq, atMs: nowMs };
            reporter.onEvent(event);
            nowMs += step.stepMs ?? 100;
          }
        } else if ('stdout' in step) process.stdout.write(step.stdout);
        else if ('stderr' in step) process.stderr.write(step.stderr);
        else if ('warning' in step) process.emitWarning(step.warning, 'MaxListenersExceededWarning');
        else if ('passMs' in step) nowMs += step.passMs;
        else {
          const isHeld = (): boolean =>
            !existsSync(step.holdUntil) &&
            existsSync(path.dirname(step.holdUntil)) &&
            !(step.orStopped === true && signal.aborted);
          while (isHeld()) await sleep(5);
        }
      }
      reporter.close();
      return signal.aborted ? 1 : 0;
    },
    reporter.abandon,
    reporter.interrupt,
  );
}

await replay(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as ReplayScript);
