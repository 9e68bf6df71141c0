/** What a service and its `x-bake` say alike: names of targets, contexts, agents. */

import type { SshEntry } from '../entries.ts';
import { compareBytes } from '../go-text.ts';
import { goText, isNull, type MapNode } from './node.ts';

/** A name as bake takes it: a dot means something to it. */
export function targetNameOf(service: string): string {
  return service.replaceAll('.', '_');
}

/** Named contexts; one that is a service is the target of bake. */
export function namedContexts(contexts: MapNode): ReadonlyMap<string, string> {
  const named = new Map<string, string>();
  for (const [name, { value }] of contexts.entries) {
    const path = isNull(value) ? '' : goText(value);
    const other = /^(?:service|target):(.*)$/s.exec(path)?.[1];
    named.set(name, other === undefined ? path : `target:${targetNameOf(other)}`);
  }
  return named;
}

/** Agents and keys in the order in which bake has them. */
export function sortSsh(entries: readonly SshEntry[]): readonly SshEntry[] {
  const comparePaths = (a: readonly string[], b: readonly string[]): number => {
    for (const [index, path] of a.entries()) {
      const other = b[index];
      if (other === undefined) return 1;
      const order = compareBytes(path, other);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  };
  return [...entries].sort((a, b) => compareBytes(a.id, b.id) || comparePaths(a.paths, b.paths));
}
