/** Names in builds.yaml: which ones fit, and what becomes of those that do not. */

const NAME = /^(?!__proto__$)[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

/** Gives every name one of its own that the language takes; fit ones stay as they are. */
export function fitNames(names: Iterable<string>): ReadonlyMap<string, string> {
  const fitted = new Map<string, string>();
  const all = [...names];
  const taken = new Set(all.filter((name) => NAME.test(name)));
  for (const name of all) {
    if (NAME.test(name)) {
      fitted.set(name, name);
      continue;
    }
    const base = name.replaceAll(/[^A-Za-z0-9_.-]+/g, '-').replace(/^[-.]+|[-.]+$/g, '');
    fitted.set(name, freeName(NAME.test(base) ? base : 'build', taken));
  }
  return fitted;
}

/** The name itself, or with the first number that makes it new; it is taken afterwards. */
export function freeName(name: string, taken: Set<string>): string {
  let free = name;
  for (let count = 2; taken.has(free); count++) free = `${name}-${count}`;
  taken.add(free);
  return free;
}
