/** Shell-like patterns over names of builds and groups: `*`, `?`, `[…]`, `{a,b}`. */
import picomatch from 'picomatch';

/** True for a text that holds a glob character. */
export function isGlob(text: string): boolean {
  return /[*?[{]/.test(text);
}

/** Compiles a pattern into a predicate over whole names; a leading dot is nothing special in a name. */
export function compileGlob(pattern: string): (name: string) => boolean {
  const matches = picomatch(pattern, { dot: true, nonegate: true, noextglob: true });
  // picomatch's own function takes more arguments, which `names.filter(…)` would hand it.
  return (name) => matches(name);
}
