/** The live view of a run: redrawn until the run ends or the view is closed, regardless of the number of events. */
import type { BakeEvent, ProblemJson } from '../model/mod.ts';
import { paintLive } from './live.ts';
import { LiveScreen } from './live-screen.ts';
import { createPalette } from './palette.ts';
import { formatProblem } from './problem.ts';
import type { Reporter, ReporterOptions } from './reporting.ts';
import { applyEvent, type RunState } from './state.ts';
import { failedLines, stoppedLines } from './stopped.ts';
import { warningIdentity } from './unwritten.ts';

/** @param onEnd writes what follows the last frame; called after the terminal is released */
export function createLiveView(
  options: ReporterOptions,
  state: RunState,
  onEnd: (event: BakeEvent) => void,
): Reporter {
  const { now, err, frameMs, takeTerminal } = options;
  const palette = createPalette(options.color);
  const said = new Set<string>();
  const screen = new LiveScreen({
    err,
    paint: (size) => paintLive(state, size, now(), palette),
    ...(frameMs === undefined ? {} : { frameMs }),
    ...(takeTerminal === undefined ? {} : { takeTerminal }),
  });
  return {
    onEvent: (event) => {
      if (!screen.isOpen) return;
      applyEvent(state, event);
      if (event.type === 'warning') {
        // A warning that many builds share is shown once here, and at the end with their names.
        const identity = warningIdentity(event.problem);
        if (!said.has(identity)) screen.say(warningLines(event.problem, options.color, screen.columns));
        said.add(identity);
      }
      if (event.type !== 'run-finished') return;
      screen.close();
      onEnd(event);
    },
    interrupt: (signal) => {
      if (!screen.isOpen) return;
      applyEvent(state, { type: 'interrupted', signal, seq: 0, atMs: now() });
      screen.draw();
    },
    close: () => screen.close(),
    abandon: () => {
      if (!screen.isOpen) return;
      screen.say([...failedLines(state, palette), ...stoppedLines(state, palette, options.logOf)]);
      screen.close();
    },
  };
}

function warningLines(found: ProblemJson, color: boolean, columns: number): readonly string[] {
  return formatProblem(found, { color, columns: columns - 1 }).split('\n');
}
