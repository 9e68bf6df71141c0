/** Collects the problems of one reading, each mistake once, however many builds have it. */
import type { Problem } from '../model/mod.ts';

/** More problems than this are only counted. */
const MAX_PROBLEMS = 200;

/** Collects problems; the same message at the same place is kept once (a template's mistake appears in every build). */
export interface Problems {
  readonly add: (found: Problem) => void;
  readonly addAll: (found: readonly Problem[]) => void;
  /** Hides a sensitive value in the texts of all problems from now on. */
  readonly hide: (value: string) => void;
  /** An empty collection that hides the same values. */
  readonly apart: () => Problems;
  /** A problem for display: with hidden values, and of limited length. */
  readonly shown: (found: Problem) => Problem;
  /** Whether further errors would not be shown, so that their hints need not be computed. */
  readonly isFull: () => boolean;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Names, texts and numbers in files may be as long as the files. */
const MAX_CHARS = 2000;

/** Removes the middle of long texts. */
function shorten(text: string): string {
  return text.length <= MAX_CHARS ? text : `${text.slice(0, MAX_CHARS - 200)} … ${text.slice(-200)}`;
}

const ONCE_A_LOCATION: ReadonlySet<string> = new Set(['config/wrong-type', 'config/bad-tag']);

/** Creates an empty collection. */
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
    // The schema check reports a wrong type first, and code that needs the value would report it again in other words. An
    // invalid tag is one mistake, however many rows of a matrix use it.
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
