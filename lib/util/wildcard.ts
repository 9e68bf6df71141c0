/**
 * Matches patterns with wildcards in time proportional to pattern times text. A regular expression with many stars
 * tries every way to distribute a text over them, so a malicious pattern could take years.
 */

/** Nothing, or any text that ends with a slash: how patterns express any directories. */
export const DIRECTORIES = '(.*/)?';

/** With so few stars a regular expression is fast enough, and faster than the code below. */
const FEW_STARS = 2;

/**
 * Compiles the regular expression of a pattern with wildcards: single characters (literal, escaped, `.`, `[…]`), each
 * with or without `*`, and {@link DIRECTORIES}. Other expressions are compiled unchanged.
 *
 * @param source without `^` and `$`: it must match the whole text
 * @param flags `u`, `s`
 * @throws SyntaxError if it is not a valid regular expression
 */
export function compileWildcards(source: string, flags: string): (text: string) => boolean {
  const whole = new RegExp(`^${source}$`, flags);
  const steps = readSteps(source, flags);
  const stars = steps?.filter(({ repeats }) => repeats).length ?? 0;
  if (steps === undefined || stars <= FEW_STARS) return (text) => whole.test(text);
  return (text) => isMatch(steps, flags.includes('u') ? Array.from(text) : text.split(''));
}

/** A part of the pattern. */
interface Step {
  /** Whether it matches any number of characters, including none. */
  readonly repeats: boolean;
  readonly takes: (character: string) => boolean;
  /** Nothing, or any text that ends with a slash. */
  readonly directories: boolean;
}

/** Undefined if it contains anything else. */
function readSteps(source: string, flags: string): readonly Step[] | undefined {
  const steps: Step[] = [];
  for (let at = 0; at < source.length; ) {
    const directories = source.startsWith(DIRECTORIES, at);
    const atom = directories ? '.' : readAtom(source, at, flags);
    if (atom === undefined) return undefined;
    at += directories ? DIRECTORIES.length : atom.length;
    const repeats = directories || source[at] === '*';
    if (repeats && !directories) at += 1;
    const one = new RegExp(`^${atom}$`, flags);
    steps.push({ repeats, directories, takes: (character) => one.test(character) });
  }
  return steps;
}

function readAtom(source: string, at: number, flags: string): string | undefined {
  return (flags.includes('u') ? ATOM_OF_CODE_POINTS : ATOM).exec(source.slice(at))?.[0];
}

const ATOM = /^(?:\\.|\[(?:\\.|[^\]\\])*\]|[^()|?+{}])/s;
const ATOM_OF_CODE_POINTS = new RegExp(ATOM.source, 'su');

/** Scans the text once, with the set of all possible positions in the pattern. */
function isMatch(steps: readonly Step[], characters: readonly string[]): boolean {
  let now = new Set<number>();
  enter(now, steps, 0);
  // Positions within directories, from which only a slash leads on.
  let inside = new Set<number>();
  for (const character of characters) {
    const next = new Set<number>();
    const nextInside = new Set<number>();
    for (const at of now) {
      const step = steps[at];
      if (step === undefined || !step.takes(character)) continue;
      if (step.directories) {
        nextInside.add(at);
        if (character === '/') enter(next, steps, at + 1);
      } else enter(next, steps, step.repeats ? at : at + 1);
    }
    for (const at of inside) {
      if (steps[at]?.takes(character) !== true) continue;
      nextInside.add(at);
      if (character === '/') enter(next, steps, at + 1);
    }
    if (next.size === 0 && nextInside.size === 0) return false;
    now = next;
    inside = nextInside;
  }
  return now.has(steps.length);
}

/** Enters a position, and the following ones that need no character. */
function enter(places: Set<number>, steps: readonly Step[], at: number): void {
  for (let place = at; !places.has(place); place += 1) {
    places.add(place);
    if (steps[place]?.repeats !== true) return;
  }
}
