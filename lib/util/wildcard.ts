/**
 * Matching patterns with wildcards in time that grows with pattern and text and no faster. What a regular expression does
 * with many stars is to try every way to share a text out among them, which somebody else's pattern can make take years.
 */

/** Nothing, or whatever ends with a slash: the form in which any directories stand in a pattern. */
export const DIRECTORIES = '(.*/)?';

/** With so few, a regular expression is fast enough, and faster than what stands below. */
const FEW_STARS = 2;

/**
 * Compiles the regular expression of a pattern with wildcards: single characters (as they are, escaped, `.`, `[…]`), each of
 * them with or without `*`, and {@link DIRECTORIES}. Others are compiled as they are.
 *
 * @param source without `^` and `$`: it has to match a whole text
 * @param flags `u`, `s`
 * @throws SyntaxError where it is no regular expression
 */
export function compileWildcards(source: string, flags: string): (text: string) => boolean {
  const whole = new RegExp(`^${source}$`, flags);
  const steps = readSteps(source, flags);
  const stars = steps?.filter(({ repeats }) => repeats).length ?? 0;
  if (steps === undefined || stars <= FEW_STARS) return (text) => whole.test(text);
  return (text) => isMatch(steps, flags.includes('u') ? Array.from(text) : text.split(''));
}

/** A piece of the pattern. */
interface Step {
  /** Whether it may take no character, or many. */
  readonly repeats: boolean;
  readonly takes: (character: string) => boolean;
  /** Nothing, or whatever ends with a slash. */
  readonly directories: boolean;
}

/** Undefined where there is something else in it. */
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

/** Goes through the text once, with all the places of the pattern that it may be at. */
function isMatch(steps: readonly Step[], characters: readonly string[]): boolean {
  let now = new Set<number>();
  enter(now, steps, 0);
  // Inside of directories, where only a slash leads on.
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

/** Arrives at a place, and at those behind it that need no character. */
function enter(places: Set<number>, steps: readonly Step[], at: number): void {
  for (let place = at; !places.has(place); place += 1) {
    places.add(place);
    if (steps[place]?.repeats !== true) return;
  }
}
