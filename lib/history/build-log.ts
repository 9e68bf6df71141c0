/**
 * The log of one build as people read it, from its events: what was decided and why, each step with when it began, its lines and how
 * long it took, and how it all ended. The same for the kept file and for what `logs` shows.
 */
import type { BakeEvent, Outcome, ProblemJson, Reason } from '../model/mod.ts';
import {
  createPalette,
  explainOutcome,
  finishedNote,
  formatBytes,
  formatDuration,
  formatProblem,
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

/** A smaller context or image is there before anybody would wonder. */
const NOTABLE_BYTES = 10_000_000;
const TIME_WIDTH = 7;
/** Of the name of a step that prints again after another one: steps that print by turns must not fill the log with their names. */
const AGAIN_WIDTH = 100;
/** Lines at the end of the log that a problem need not repeat. */
const RECENT = 200;

/** Turns the events of one build into lines, each safe to print. */
export class BuildLog {
  readonly #startedAtMs: number;
  readonly #color: boolean;
  readonly #joiner: LineJoiner;
  /** Names of the steps that were announced, by digest. */
  readonly #names = new Map<string, string>();
  /** Steps that were said to be cached, which BuildKit says again. */
  readonly #cached = new Set<string>();
  /** The step whose heading came last; lines of another one get its heading again. */
  #heading: string | undefined;
  #recent: string[] = [];
  /** The step that failed last, as BuildKit prints it. */
  #failedStep: string | undefined;
  /** Command lines of buildctl, one for each attempt. */
  readonly #calls: string[] = [];
  #atMs = 0;

  /**
   * @param startedAtMs when the run started (milliseconds since 1970): times in the log count from there
   * @param color keeps colours
   */
  constructor(startedAtMs: number, color: boolean) {
    this.#startedAtMs = startedAtMs;
    this.#color = color;
    this.#joiner = new LineJoiner(color ? colouredText : plainText);
  }

  /** The lines that an event gives; most give none. */
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
        return event.tag.action === 'there' ? [] : [this.#line(`${event.tag.action} ${event.tag.ref}`)];
      case 'node-finished':
        return this.#finished(event.outcome);
      default:
        return [];
    }
  }

  /** What never got its line break, where the events end. */
  rest(): readonly string[] {
    return this.#log(this.#joiner.flush());
  }

  /** How buildctl was called: long lines, which only those need who want to call it by hand. */
  calls(): readonly string[] {
    return this.#calls.length === 0 ? [] : ['', 'how buildctl was called', ...this.#calls];
  }

  #decided(decision: string, reason: Reason): readonly string[] {
    // How an unchanged build ends says the same.
    if (decision === 'unchanged') return [];
    const items = itemsOf(reason).map((item) => `${' '.repeat(TIME_WIDTH + 3)}${plainText(item)}`);
    return [this.#line(`${decision}: ${plainText(reason.text)}`), ...items];
  }

  #vertex(event: Extract<BakeEvent, { readonly type: 'vertex' }>): readonly string[] {
    const { digest, state, durationMs } = event;
    const name = plainText(event.name);
    // What the frontend does for itself matters only where it fails.
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
    // Why is said at the end of the build.
    if (state === 'failed') {
      this.#failedStep = event.name;
      return [...open, palette.error(this.#line(`${name} failed`))];
    }
    const time = durationMs === undefined ? '' : ` ${formatDuration(durationMs)}`;
    return [...open, palette.dim(this.#line(`${name} done${time}`))];
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

  #finished(outcome: Outcome): readonly string[] {
    const open = this.#log(this.#joiner.flush());
    const { word, paint } = outcomeWord(outcome, createPalette(this.#color));
    const isMade = outcome.kind === 'built' || outcome.kind === 'retagged';
    const note = outcome.kind === 'failed' ? '' : isMade ? finishedNote(outcome) : explainOutcome(outcome);
    return [
      ...open,
      ...(outcome.problem === undefined ? [] : this.#problem(outcome.problem)),
      paint(this.#line(`${word}${note === '' ? '' : `: ${note}`}`)),
    ];
  }

  /** What stands above is not said again: the build's name, the words of the step, its lines. Of a place there is no text to show. */
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

/** Of a pool: where a call runs, and which platforms it builds where others build the rest. */
function onEngine({ engine, platforms }: Extract<BakeEvent, { readonly type: 'node-started' }>): string {
  if (engine === undefined) return '';
  return plainText(` on ${engine}${platforms === undefined ? '' : ` (${platforms.join(', ')})`}`);
}

/** Words as a shell takes them. */
function quoteWords(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${plainText(word).replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
