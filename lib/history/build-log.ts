/**
 * The readable log of one build, made from its events: decision and reason, each step with its start, output and
 * duration, and the result. Used for the recorded file and for `logs`.
 */
import type { BakeEvent, Outcome, ProblemJson, Reason } from '../model/mod.ts';
import {
  createPalette,
  explainOutcome,
  finishedNote,
  formatBytes,
  formatDuration,
  formatProblem,
  isExport,
  itemsOf,
  LineJoiner,
  type LogLine,
  outcomeWord,
  padStart,
  plainText,
  stepLabel,
  truncate,
} from '../report/mod.ts';
import { colouredText } from './colours.ts';

/** Smaller transfers are too fast to report. */
const NOTABLE_BYTES = 10_000_000;
const TIME_WIDTH = 7;
/**
 * Width of the repeated name of a step that prints again after another one, so that steps that print in turns do not
 * fill the log with names.
 */
const AGAIN_WIDTH = 100;
/** Last lines of the log that a problem need not repeat. */
const RECENT = 200;

/** Turns the events of one build into lines that are safe to print. */
export class BuildLog {
  readonly #startedAtMs: number;
  readonly #color: boolean;
  readonly #joiner: LineJoiner;
  /** Names of the announced steps, by digest. */
  readonly #names = new Map<string, string>();
  /** Steps reported as cached, because BuildKit may report it again. */
  readonly #cached = new Set<string>();
  /** The step with the last heading; lines of another step repeat its heading. */
  #heading: string | undefined;
  #recent: string[] = [];
  /** The last failed step, as BuildKit prints it. */
  #failedStep: string | undefined;
  /** The end of the export so far ({@link isExport}). */
  #exported: string | undefined;
  /** The command of each buildctl call. */
  readonly #calls: string[] = [];
  #atMs = 0;

  /**
   * @param startedAtMs start of the run (milliseconds since 1970), from which times in the log are counted
   * @param color keeps colours
   */
  constructor(startedAtMs: number, color: boolean) {
    this.#startedAtMs = startedAtMs;
    this.#color = color;
    this.#joiner = new LineJoiner(color ? colouredText : plainText);
  }

  /** The lines for an event; none for most. */
  take(event: BakeEvent): readonly string[] {
    const palette = createPalette(this.#color);
    this.#atMs = event.atMs;
    switch (event.type) {
      case 'node-decided':
        return this.#decided(event.decision, event.reason);
      case 'early-started':
        return [this.#line(`started while its parents are pushed: ${plainText(event.reason.text)}`)];
      case 'node-started':
        if (event.beside === true) {
          this.#calls.push(`scratch:  ${quoteWords(event.argv)}`);
          return event.engine === undefined ? [] : [palette.dim(this.#line(`in parallel${onEngine(event)}`))];
        }
        this.#names.clear();
        this.#cached.clear();
        this.#heading = undefined;
        this.#failedStep = undefined;
        this.#exported = undefined;
        this.#calls.push(`attempt ${event.attempt}: ${quoteWords(event.argv)}`);
        return [
          ...(event.attempt > 1 ? [''] : []),
          palette.dim(this.#line(`attempt ${event.attempt}${onEngine(event)}`)),
        ];
      case 'vertex':
        return this.#vertex(event);
      case 'log':
        return this.#log(this.#joiner.take(event));
      case 'transfer': {
        if (!event.done || event.current < NOTABLE_BYTES) return [];
        return [palette.dim(this.#line(`${plainText(event.id)} ${formatBytes(event.current)}`))];
      }
      case 'retry': {
        const wait = event.delayMs > 0 ? ` in ${formatDuration(event.delayMs)}` : '';
        return [...this.#log(this.#joiner.flush()), this.#warn(`trying again${wait}: ${event.why}`)];
      }
      case 'stalled':
        return [
          this.#warn(`no progress for ${formatDuration(event.quietMs)}, waiting for ${event.waitsFor}`),
        ];
      case 'resumed':
        return [this.#line(`progress again after ${formatDuration(event.quietMs)}`)];
      case 'warning':
        return this.#problem(event.problem);
      case 'tag':
        if (event.tag.action === 'there') return [];
        return [...this.#takeExported(), this.#line(`${event.tag.action} ${event.tag.ref}`)];
      case 'node-finished':
        return this.#finished(event.outcome);
      default:
        return [];
    }
  }

  /** Incomplete lines at the end of the events. */
  rest(): readonly string[] {
    return this.#log(this.#joiner.flush());
  }

  /** The buildctl commands, for users who want to run them by hand. */
  calls(): readonly string[] {
    return this.#calls.length === 0 ? [] : ['', 'how buildctl was called', ...this.#calls];
  }

  #decided(decision: string, reason: Reason): readonly string[] {
    // The last line of an unchanged build says the same.
    if (decision === 'unchanged') return [];
    const items = itemsOf(reason).map((item) => `${' '.repeat(TIME_WIDTH + 3)}${plainText(item)}`);
    return [this.#line(`${decision}: ${plainText(reason.text)}`), ...items];
  }

  #vertex(event: Extract<BakeEvent, { readonly type: 'vertex' }>): readonly string[] {
    const { digest, state, durationMs } = event;
    const name = plainText(event.name);
    // Internal steps of the frontend matter only if they fail.
    const isOwn = name.startsWith('[internal]') || name.startsWith('[context ');
    if (state === 'pending' || (isOwn && state !== 'failed')) return [];
    const palette = createPalette(this.#color);
    const isKnown = this.#names.has(digest);
    this.#names.set(digest, name);
    if (state === 'running') {
      if (isKnown) return [];
      this.#heading = digest;
      return [palette.bold(this.#line(name))];
    }
    const open = this.#log(this.#joiner.flush(digest));
    if (state === 'cached') {
      if (this.#cached.has(digest)) return open;
      this.#cached.add(digest);
      return [...open, `${this.#line(name)} ${palette.info('cached')}`];
    }
    this.#heading = undefined;
    // The end of the log explains the failure.
    if (state === 'failed') {
      this.#failedStep = event.name;
      return [...open, palette.error(this.#line(`${name} failed`))];
    }
    const time = durationMs === undefined ? '' : ` ${formatDuration(durationMs)}`;
    const line = palette.dim(this.#line(`${name} done${time}`));
    if (!isExport(name)) return [...open, line];
    this.#exported = line;
    return open;
  }

  #log(lines: readonly LogLine[]): readonly string[] {
    return lines.flatMap(({ vertex, text }) => {
      this.#recent.push(text);
      if (this.#recent.length > 2 * RECENT) this.#recent = this.#recent.slice(-RECENT);
      const line = `  ${text}`.trimEnd();
      const name = this.#names.get(vertex);
      if (this.#heading === vertex || name === undefined) return [line];
      this.#heading = vertex;
      return [createPalette(this.#color).bold(this.#line(truncate(name, AGAIN_WIDTH))), line];
    });
  }

  #takeExported(): readonly string[] {
    const line = this.#exported;
    this.#exported = undefined;
    return line === undefined ? [] : [line];
  }

  #finished(outcome: Outcome): readonly string[] {
    const open = [...this.#log(this.#joiner.flush()), ...this.#takeExported()];
    const { word, paint } = outcomeWord(outcome, createPalette(this.#color));
    const isMade = outcome.kind === 'built' || outcome.kind === 'retagged';
    const note = outcome.kind === 'failed' ? '' : isMade ? finishedNote(outcome) : explainOutcome(outcome);
    return [
      ...open,
      ...(outcome.problem === undefined ? [] : this.#problem(outcome.problem)),
      paint(this.#line(`${word}${note === '' ? '' : `: ${note}`}`)),
    ];
  }

  /** Does not repeat what is above: the build's name, the command of the step, its output. Shows the place without a code frame. */
  #problem({ detail, build: _, place, ...found }: ProblemJson): readonly string[] {
    const said = new Set(this.#recent.map(plainText));
    const news = detail?.split('\n').filter((line) => !said.has(plainText(line))) ?? [];
    const step = this.#failedStep;
    const words = step === undefined ? found.message : found.message.replace(step, () => stepLabel(step));
    const message = place === undefined ? words : `${words}, ${place.file}:${place.line}:${place.column}`;
    const shown = { ...found, message, ...(news.length === 0 ? {} : { detail: news.join('\n') }) };
    return formatProblem(shown, { color: this.#color }).split('\n');
  }

  #warn(text: string): string {
    return createPalette(this.#color).warning(this.#line(plainText(text)));
  }

  #line(text: string): string {
    return `${padStart(`+${formatDuration(this.#atMs - this.#startedAtMs)}`, TIME_WIDTH)}  ${text}`;
  }
}

/** For pools: the engine of a call, and its platforms if other engines build the rest. */
function onEngine({ engine, platforms }: Extract<BakeEvent, { readonly type: 'node-started' }>): string {
  if (engine === undefined) return '';
  return plainText(` on ${engine}${platforms === undefined ? '' : ` (${platforms.join(', ')})`}`);
}

/** Arguments quoted for a shell. */
function quoteWords(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${plainText(word).replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
