/**
 * A run as lines that are only appended: for CI logs, pipes and files. Every line starts with its build's name, so that
 * concurrent builds stay readable and `grep '^api '` shows one of them.
 */
import type { BakeEvent, Outcome, Reason } from '../model/mod.ts';
import { engineWaitText, nameSome, registryWaitText, retryText, stalledText } from './doing.ts';
import { LineJoiner, type LogLine } from './lines.ts';
import { explainOutcome, failureText, finishedNote, itemsOf, outcomeWord } from './outcome.ts';
import type { Palette } from './palette.ts';
import { isExport, isStopped, stepLabel } from './step-names.ts';
import { padEnd, plainText, widthOf } from './text.ts';
import { formatBytes, formatDuration, plural } from './units.ts';
import { warningIdentity } from './unwritten.ts';

/** Longer names do not widen the column of the others. */
const WIDEST_NAME = 28;
/** Smaller contexts are sent too fast to report. */
const NOTABLE_BYTES = 10_000_000;
/** A first retry after a shorter delay is not reported. */
const NOTABLE_DELAY_MS = 1_000;
/** BuildKit's text before the exit code, with the whole command. */
const COMMAND = /^process "(?:[^"\\]|\\.)*" did not complete successfully: /;

interface Follower {
  readonly joiner: LineJoiner;
  /** Names of announced steps, by digest. */
  readonly names: Map<string, string>;
  /** The step with the last heading; lines of another step repeat its heading. */
  heading: string | undefined;
  /** Steps whose end was reported. */
  readonly ended: Set<string>;
  /** The end of an export, held back because a push may follow under its name. */
  exported: string | undefined;
  failedStep: string | undefined;
}

/** Turns events into lines; remembers only what the next line of each build needs. */
export class PlainPainter {
  readonly #palette: Palette;
  readonly #followers = new Map<string, Follower>();
  readonly #said = new Set<string>();
  #nameWidth = 0;

  constructor(palette: Palette) {
    this.#palette = palette;
  }

  /** The lines of an event, without line breaks; most events have none. */
  take(event: BakeEvent): readonly string[] {
    const texts = this.textsOf(event);
    const build = 'build' in event ? event.build : undefined;
    if (build === undefined || texts.length === 0) return texts;
    const prefix = `${this.#palette.name(build, padEnd(build, this.#nameWidth))} ${this.#palette.dim('|')} `;
    return texts.map((text) => `${prefix}${text}`.trimEnd());
  }

  /** The same without the build's name at the start of each line. */
  textsOf(event: BakeEvent): readonly string[] {
    const palette = this.#palette;
    switch (event.type) {
      case 'run-started':
        return [
          palette.dim(
            `bake-ts ${event.version} on ${event.runtime}, ${plural(event.concurrency, 'build')} at a time`,
          ),
        ];
      case 'planned': {
        const widths = event.nodes.map((node) => widthOf(node.build));
        this.#nameWidth = Math.min(WIDEST_NAME, Math.max(0, ...widths));
        const needed = event.nodes.filter((node) => node.role === 'needed').length;
        return [
          palette.dim(
            `${plural(event.nodes.length, 'build')} planned${needed > 0 ? `, ${needed} of them as dependencies` : ''}`,
          ),
        ];
      }
      case 'engine-starting':
        return [palette.dim(plainText(event.text))];
      case 'engine-ready':
        return [palette.dim(`engine ${plainText(event.address)} (${plainText(event.source)})`)];
      case 'engine-waiting':
        return [palette.warning(plainText(engineWaitText(event)))];
      case 'engine-waited': {
        const after = formatDuration(event.waitedMs);
        return event.back
          ? [palette.dim(`the engine is back after ${after}`)]
          : [palette.warning(`the engine did not come back (waited ${after})`)];
      }
      case 'engine-aside':
        return [palette.warning(plainText(`engine ${event.address} paused: ${event.why}`))];
      case 'engine-returned':
        return [palette.dim(`engine ${plainText(event.address)} is back`)];
      case 'registry-waiting':
        return event.attempt === 1 && event.delayMs < NOTABLE_DELAY_MS
          ? []
          : [palette.warning(plainText(registryWaitText(event)))];
      case 'interrupted':
        return [palette.warning(`${event.signal}: stopping; send it again to stop at once`)];
      case 'warning': {
        const identity = warningIdentity(event.problem);
        const { code, message, place } = event.problem;
        if (code === 'state/not-written' && this.#said.has(identity)) return [];
        this.#said.add(identity);
        const at = place === undefined ? '' : palette.dim(` (${place.file}:${place.line}:${place.column})`);
        return [`${palette.warning(`warning[${code}]`)}: ${plainText(message)}${at}`];
      }
      case 'node-decided':
        return this.#decided(event.decision, event.reason);
      case 'early-started': {
        const { waitsFor, reason } = event;
        const are = waitsFor.length === 1 ? 'is' : 'are';
        return [`early, while ${nameSome(waitsFor)} ${are} pushed: ${plainText(reason.text)}`];
      }
      case 'early-finished':
        return [palette.dim('built; waiting for its parents to be pushed')];
      case 'node-started': {
        const { engine, platforms } = event;
        const what = platforms === undefined ? '' : ` (${platforms.join(', ')})`;
        const on = engine === undefined ? [] : [palette.dim(plainText(`on ${engine}${what}`))];
        if (event.beside === true) return on;
        // Another attempt announces its steps again.
        const follower = this.#follower(event.build);
        follower.names.clear();
        follower.ended.clear();
        follower.exported = undefined;
        follower.heading = undefined;
        return on;
      }
      case 'vertex':
        return this.#vertex(event);
      case 'log':
        return this.#log(event.build, this.#follower(event.build).joiner.take(event));
      case 'transfer':
        return event.done && event.current >= NOTABLE_BYTES
          ? [palette.dim(`${plainText(event.id)} ${formatBytes(event.current)}`)]
          : [];
      case 'retry':
        return [palette.warning(plainText(retryText(event)))];
      case 'stalled':
        return [palette.warning(plainText(stalledText(event)))];
      case 'resumed':
        return [palette.dim(`progress again after ${formatDuration(event.quietMs)}`)];
      case 'tag':
        return event.tag.action === 'there' ? [] : [`${event.tag.action} ${event.tag.ref}`];
      case 'node-finished':
        return this.#finished(event.outcome);
      default:
        return [];
    }
  }

  #decided(decision: string, reason: Reason): readonly string[] {
    // The line of an unchanged build is also its last one (see #finished).
    if (decision === 'unchanged') return [];
    const all = itemsOf(reason);
    const items = all.slice(0, 8);
    const more = all.length - items.length;
    return [
      `${decision}: ${plainText(reason.text)}`,
      ...items.map((item) => this.#palette.dim(`  ${plainText(item)}`)),
      ...(more > 0 ? [this.#palette.dim(`  and ${more} more`)] : []),
    ];
  }

  /** A step is named in full at its start, and then by its number. */
  #vertex(event: Extract<BakeEvent, { readonly type: 'vertex' }>): readonly string[] {
    const follower = this.#follower(event.build);
    const name = plainText(event.name);
    // Internal steps of the frontend (loading definitions, ignore files, contexts) matter only if they fail.
    const isOwn = name.startsWith('[internal]') || name.startsWith('[context ');
    if (event.state === 'pending' || (isOwn && event.state !== 'failed')) return [];
    if (follower.ended.has(event.digest) && event.state !== 'failed') return [];
    const known = follower.names.has(event.digest);
    follower.names.set(event.digest, name);
    if (event.state === 'running') {
      if (known) return [];
      follower.heading = event.digest;
      return [name];
    }
    const open = this.#log(event.build, follower.joiner.flush(event.digest));
    const palette = this.#palette;
    const label = known ? stepLabel(name) : name;
    const isExported = event.state === 'done' && isExport(name);
    if (!isExported) follower.ended.add(event.digest);
    if (event.state === 'cached') return [...open, `${label} ${palette.info('cached')}`];
    if (isStopped(event)) return [...open, `${label} ${palette.warning('cancelled')}`];
    if (event.state === 'failed') {
      follower.failedStep = name;
      const error = (event.error ?? '').replace(COMMAND, '').split('\n')[0] ?? '';
      return [...open, `${label} ${palette.error('failed')}${error === '' ? '' : `: ${plainText(error)}`}`];
    }
    const time = event.durationMs === undefined ? '' : ` ${formatDuration(event.durationMs)}`;
    const line = palette.dim(`${label} done${time}`);
    if (isExported) follower.exported = line;
    return isExported ? open : [...open, line];
  }

  #log(build: string, lines: readonly LogLine[]): readonly string[] {
    const follower = this.#follower(build);
    return lines.flatMap((line) => {
      const text = `  ${line.text}`;
      const name = follower.names.get(line.vertex);
      if (follower.heading === line.vertex || name === undefined) return [text];
      follower.heading = line.vertex;
      return [stepLabel(name), text];
    });
  }

  #finished(outcome: Outcome): readonly string[] {
    const follower = this.#follower(outcome.build);
    const open = this.#log(outcome.build, follower.joiner.flush());
    const exported = follower.exported === undefined || outcome.kind === 'failed' ? [] : [follower.exported];
    this.#followers.delete(outcome.build);
    const { word, paint } = outcomeWord(outcome, this.#palette);
    const note = noteOf(outcome, follower.failedStep);
    return [...open, ...exported, `${paint(word)}${note === '' ? '' : `: ${note}`}`];
  }

  #follower(build: string): Follower {
    let follower = this.#followers.get(build);
    if (follower === undefined) {
      follower = {
        joiner: new LineJoiner(),
        names: new Map(),
        heading: undefined,
        ended: new Set(),
        exported: undefined,
        failedStep: undefined,
      };
      this.#followers.set(build, follower);
    }
    return follower;
  }
}

/** The rest of a build's last line besides its result; the failed step is referred to by number. */
function noteOf(outcome: Outcome, failedStep: string | undefined): string {
  if (outcome.kind === 'failed' && outcome.problem !== undefined) {
    const text = failureText(outcome.problem);
    return failedStep === undefined ? text : text.replace(failedStep, () => stepLabel(failedStep));
  }
  if (outcome.kind !== 'built' && outcome.kind !== 'retagged') return explainOutcome(outcome);
  // In a dry run the decision has already been explained.
  return outcome.dryRun === true ? '' : finishedNote(outcome);
}
