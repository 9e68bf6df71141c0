/**
 * A run as lines grouped by build: the lines of a build are written when it ends. For logs of CI systems, which fold
 * groups.
 */
import type { BakeEvent, Outcome } from '../model/mod.ts';
import { doing, nameSome, surroundingsOf } from './doing.ts';
import { explainOutcome, failureText, finishedNote, outcomeWord } from './outcome.ts';
import type { Palette } from './palette.ts';
import { PlainPainter } from './plain.ts';
import { elapsedMs, type NodeView, type RunState } from './state.ts';
import { isStopped } from './step-names.ts';
import { harmlessText, truncate } from './text.ts';
import { formatDuration, plural } from './units.ts';

/**
 * Lines that a CI system needs around the lines of one build to fold them. Both functions return a line without its
 * line break, which is written unchanged: `title` is safe to print, the rest must be. An empty line is omitted.
 */
export interface GroupFrame {
  readonly open: (build: string, title: string) => string;
  readonly close: (build: string) => string;
}

/** A line to write. `asItIs`: with control sequences for a terminal or commands for a CI system. */
export interface GroupedLine {
  readonly text: string;
  readonly asItIs?: true;
}

/** Most builds named in a sign of life, and the width of each activity. */
const MOST_NAMED = 5;
const DOING_COLUMNS = 60;

/** Turns events into lines; holds back those of a build until it ends. */
export class GroupedPainter {
  readonly #palette: Palette;
  readonly #frame: GroupFrame | undefined;
  readonly #stamp: (event: BakeEvent) => string;
  readonly #plain: PlainPainter;
  readonly #kept = new Map<string, string[]>();
  readonly #failedSteps = new Map<string, string>();

  /** @param stamp prefix of each line, for example its time */
  constructor(palette: Palette, frame?: GroupFrame, stamp: (event: BakeEvent) => string = () => '') {
    this.#palette = palette;
    this.#frame = frame;
    this.#stamp = stamp;
    this.#plain = new PlainPainter(palette);
  }

  /** The lines to write now. */
  take(event: BakeEvent): readonly GroupedLine[] {
    const stamp = this.#stamp(event);
    const now = (lines: readonly string[]): readonly GroupedLine[] =>
      lines.map((text) => ({ text: stamp + text }));
    if (!('build' in event) || event.build === undefined) return now(this.#plain.take(event));
    // Shown at once, so that users see what is stuck.
    if (event.type === 'retry' || event.type === 'stalled' || event.type === 'resumed')
      return now(this.#plain.take(event));
    const kept = this.#kept.get(event.build) ?? [];
    if (event.type === 'vertex' && event.state === 'failed' && !isStopped(event))
      this.#failedSteps.set(event.build, event.name);
    if (event.type !== 'node-finished') {
      this.#kept.set(event.build, kept);
      for (const line of this.#plain.textsOf(event)) kept.push(`  ${stamp}${line}`.trimEnd());
      return [];
    }
    this.#kept.delete(event.build);
    // The last line of a build is the title of its group.
    for (const line of this.#plain.textsOf(event).slice(0, -1)) kept.push(`  ${stamp}${line}`.trimEnd());
    return this.#group(event.outcome, kept, stamp);
  }

  /** Reports that the run continues, and what it is doing. */
  lifeSign(state: RunState, nowMs: number): readonly string[] {
    const around = surroundingsOf(state);
    const open = [...state.nodes.values()].filter((node) => node.status !== 'finished');
    const isWaiting = ({ status }: NodeView): boolean => status === 'waiting' || status === 'queued';
    const active = open.filter((node) => !isWaiting(node));
    if (open.length === 0) return [];
    const words = active.map(
      (node) =>
        `${node.build} (${truncate(doing(node, nowMs, around), DOING_COLUMNS)}, ${formatDuration(elapsedMs(node, nowMs))})`,
    );
    const waiting = open.length - active.length;
    const parts = [
      ...(words.length === 0 ? [] : [nameSome(words, MOST_NAMED)]),
      ...(waiting === 0 ? [] : [`${plural(waiting, 'build waits', 'builds wait')}`]),
    ];
    return [
      this.#palette.dim(
        `still running after ${formatDuration(nowMs - state.startedAtMs)}: ${parts.join('; ')}`,
      ),
    ];
  }

  #group(outcome: Outcome, kept: readonly string[], stamp: string): readonly GroupedLine[] {
    const { build } = outcome;
    const { sign, word, paint } = outcomeWord(outcome, this.#palette);
    const note =
      outcome.kind === 'failed' && outcome.problem !== undefined
        ? failureText(outcome.problem, this.#failedSteps.get(build))
        : outcome.kind === 'built' || outcome.kind === 'retagged'
          ? finishedNote(outcome)
          : explainOutcome(outcome);
    const title = `${paint(sign)} ${this.#palette.name(build, build)} ${paint(word)}${note === '' ? '' : `: ${note}`}`;
    if (kept.length === 0) return [{ text: stamp + title }];
    const frame = this.#frame;
    const opened =
      frame === undefined
        ? { text: stamp + title }
        : ({ text: frame.open(build, harmlessText(title)), asItIs: true } as const);
    const closed = frame === undefined ? [] : [{ text: frame.close(build), asItIs: true } as const];
    return [opened, ...kept.map((text) => ({ text })), ...closed].filter((line) => line.text !== '');
  }
}
