/**
 * The live view of a run: it has the terminal until the run ends or it is closed. Frames come at a steady pace, however
 * many events there are, and whatever else the process writes to the terminal meanwhile is put above them.
 */
import { clearInterval, setInterval } from 'node:timers';
import type { BakeEvent, ProblemJson } from '../model/mod.ts';
import { paintLive } from './live.ts';
import { failureText } from './outcome.ts';
import { createPalette } from './palette.ts';
import { formatProblem } from './problem.ts';
import type { Reporter, ReporterOptions } from './reporting.ts';
import { Screen } from './screen.ts';
import { applyEvent, type RunState } from './state.ts';
import { DEFAULT_COLUMNS, guardWriter } from './writer.ts';

const FRAME_MS = 100;

/** @param onEnd writes what stands below the last frame; called when the terminal is everybody's again */
export function createLiveView(
  options: ReporterOptions,
  state: RunState,
  onEnd: (event: BakeEvent) => void,
): Reporter {
  const { now } = options;
  const palette = createPalette(options.color);
  const said = new Set<string>();
  let pending: string[] = [];
  /** What others wrote without a line break so far. */
  let unbroken = '';
  let open = true;
  let timer: NodeJS.Timeout | undefined;
  const start = (): void => {
    timer ??= setInterval(draw, options.frameMs ?? FRAME_MS);
    // A timer of ours must not keep a process alive that is done.
    timer.unref();
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  const taken = options.takeTerminal?.({
    onText: (text) => {
      const lines = `${unbroken}${text}`.split('\n');
      unbroken = lines.pop() ?? '';
      pending.push(...lines);
    },
    onSuspend: () => {
      stop();
      draw();
      screen.close();
    },
    onResume: () => {
      if (!open) return;
      // Whoever stopped the process without asking (SIGSTOP) has left the last frame where it was.
      screen.forget();
      start();
      draw();
    },
    onExit: () => close(),
  });
  const err = taken === undefined ? options.err : guardWriter(taken.writer);
  const screen = new Screen(err);
  const columns = (): number => err.columns ?? DEFAULT_COLUMNS;
  const draw = (): void => {
    const lines = pending;
    pending = [];
    screen.draw(lines, paintLive(state, { columns: columns(), rows: err.rows ?? 24 }, now(), palette));
  };
  const close = (): void => {
    if (!open) return;
    open = false;
    stop();
    if (unbroken !== '') pending.push(unbroken);
    if (pending.length > 0) screen.draw(pending, []);
    screen.close();
    taken?.release();
  };
  start();
  return {
    onEvent: (event) => {
      if (!open) return;
      applyEvent(state, event);
      if (event.type === 'warning') {
        // What many builds share is said once here, and once more at the end with their names.
        const { build: _, ...rest } = event.problem;
        const identity = JSON.stringify(rest);
        if (!said.has(identity)) pending.push(...warningLines(event.problem, options.color, columns()));
        said.add(identity);
      }
      if (event.type !== 'run-finished') return;
      close();
      onEnd(event);
    },
    interrupt: (signal) => {
      if (!open) return;
      applyEvent(state, { type: 'interrupted', signal, seq: 0, atMs: now() });
      draw();
    },
    close,
    abandon: () => {
      if (!open) return;
      for (const { build, outcome, failedStep } of state.nodes.values()) {
        if (outcome?.problem === undefined || outcome.kind !== 'failed') continue;
        pending.push(
          `${palette.error('✗')} ${palette.bold(build)}  ${failureText(outcome.problem, failedStep)}`,
        );
      }
      close();
    },
  };
}

function warningLines(found: ProblemJson, color: boolean, columns: number): readonly string[] {
  return formatProblem(found, { color, columns: columns - 1 }).split('\n');
}
