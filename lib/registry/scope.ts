/** Token scopes: what a Bearer token allows. Grammar: distribution spec, "token scope documentation". */

/** Access to one repository. */
export interface Scope {
  readonly repository: string;
  readonly actions: readonly ('pull' | 'push' | 'delete')[];
}

/** Reading one repository. */
export function pullScope(repository: string): Scope {
  return { repository, actions: ['pull'] };
}

/** Writing one repository; registries require `pull` with it. */
export function pushScope(repository: string): Scope {
  return { repository, actions: ['pull', 'push'] };
}

/** `repository:NAME:pull,push`. */
export function formatScope(scope: Scope): string {
  return `repository:${scope.repository}:${[...scope.actions].sort().join(',')}`;
}

/** Merges scopes into one text for each resource with all its actions, sorted, so that equal sets have equal texts. */
export function uniteScopes(...lists: readonly (readonly string[])[]): readonly string[] {
  const actions = new Map<string, Set<string>>();
  for (const text of lists.flat()) {
    // Actions follow the last colon; the name may contain a port.
    const colon = text.lastIndexOf(':');
    const resource = colon === -1 ? text : text.slice(0, colon);
    const known = actions.get(resource) ?? new Set();
    if (colon !== -1) for (const action of text.slice(colon + 1).split(',')) known.add(action);
    actions.set(resource, known);
  }
  return [...actions]
    .map(([resource, set]) => (set.size === 0 ? resource : `${resource}:${[...set].sort().join(',')}`))
    .sort();
}

/** Whether `granted` allows everything in `wanted`. */
export function coversScopes(granted: readonly string[], wanted: readonly string[]): boolean {
  const union = uniteScopes(granted, wanted);
  const own = uniteScopes(granted);
  return union.length === own.length && union.every((text, at) => text === own[at]);
}
