/** Where problems of one reading gather: each mistake once, however many builds it shows up in. */
import type { Problem } from '../model/mod.ts';

/** More problems than this tell nobody anything; the rest is counted. */
const MAX_PROBLEMS = 200;

/** Gathers problems; the same words at the same place count once (a template's mistake shows in every build). */
export interface Problems {
  readonly add: (found: Problem) => void;
  readonly addAll: (found: readonly Problem[]) => void;
  /** Keeps a sensitive value out of the words of every problem from here on. */
  readonly hide: (value: string) => void;
  /** An empty gathering that keeps the same values out of its words. */
  readonly apart: () => Problems;
  /** A problem with words that can be shown: without values that are kept out, and of a length that can be read. */
  readonly shown: (found: Problem) => Problem;
  /** Whether there are so many that another error would not be shown: its hint need not be thought about. */
  readonly isFull: () => boolean;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Names, texts and numbers of files may be as long as files are. */
const MAX_CHARS = 2000;

/** Without the middle of what nobody would read. */
function shorten(text: string): string {
  return text.length <= MAX_CHARS ? text : `${text.slice(0, MAX_CHARS - 200)} … ${text.slice(-200)}`;
}

const ONCE_A_LOCATION: ReadonlySet<string> = new Set(['config/wrong-type', 'config/bad-tag']);

/** An empty gathering. */
export function createProblems(): Problems {
  return createGathering([], { errors: 0 });
}

function createGathering(hidden: string[], all: { errors: number }): Problems {
  const seen = new Map<object, Set<string>>();
  const nowhere = {};
  const errors: Problem[] = [];
  const warnings: Problem[] = [];

  function showText(text: string): string {
    return shorten(hidden.reduce((shown, value) => shown.replaceAll(value, '***'), text));
  }

  function shown(found: Problem): Problem {
    const { message, hint, related } = found;
    const isLong = message.length > MAX_CHARS || (hint?.length ?? 0) > MAX_CHARS;
    if (hidden.length === 0 && !isLong) return found;
    return {
      ...found,
      message: showText(message),
      ...(hint === undefined ? {} : { hint: showText(hint) }),
      ...(related === undefined
        ? {}
        : { related: related.map((one) => ({ ...one, message: showText(one.message) })) }),
    };
  }

  function add(original: Problem): void {
    const found = shown(original);
    const list = found.severity === 'error' ? errors : warnings;
    if (list.length >= MAX_PROBLEMS) return;
    const source = found.span?.source ?? nowhere;
    const key = `${found.code}:${found.span?.start ?? ''}:${found.message}`;
    const known = seen.get(source);
    if (known?.has(key)) return;
    // A wrong type is found by the schema first and would be found again, in other words, by whoever needs the value.
    // A tag that is no name is one mistake, however many rows of a matrix write it out.
    const location = `${found.code}:${found.span?.start ?? ''}`;
    if (ONCE_A_LOCATION.has(found.code) && found.span !== undefined && known?.has(location)) return;
    const keys = known ?? new Set();
    if (known === undefined) seen.set(source, keys);
    keys.add(key);
    if (ONCE_A_LOCATION.has(found.code)) keys.add(location);
    list.push(found);
    if (list === errors) all.errors += 1;
  }
  return {
    add,
    addAll: (found) => {
      for (const one of found) add(one);
    },
    hide: (value) => {
      if (value !== '') hidden.push(value);
    },
    shown,
    apart: () => createGathering(hidden, all),
    isFull: () => all.errors >= MAX_PROBLEMS,
    errors,
    warnings,
  };
}
