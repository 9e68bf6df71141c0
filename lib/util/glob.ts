/** Shell-like patterns for names of builds and groups: `*`, `?`, `[…]`, `{a,b}`. */
import picomatch from 'picomatch';

/** True if a text contains a glob character. */
export function isGlob(text: string): boolean {
  return /[*?[{]/.test(text);
}

/** Compiles a pattern into a predicate for whole names; a leading dot is not special. */
export function compileGlob(pattern: string): (name: string) => boolean {
  const matches = picomatch(pattern, { dot: true, nonegate: true, noextglob: true });
  // picomatch's function has more parameters, which `names.filter(…)` would pass.
  return (name) => matches(name);
}
