/** Apart from the rest, so that files that are none of Compose's load nothing of it. */

/** Whether a file is Compose's by its name; undefined: only by what is in it (see `readsAsCompose`). */
export function isComposeName(path: string): boolean | undefined {
  if (/\.ya?ml$/i.test(path)) return true;
  return /\.(?:json|hcl)$/i.test(path) ? false : undefined;
}
