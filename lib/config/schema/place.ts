/** Where a part of a value is written. */
import type { Span } from '../../model/mod.ts';
import { type Evaluator, listItems, type Scope } from '../expression.ts';
import { at, atKey, type ListNode, type MapEntry, type MapNode, type Node } from '../tree.ts';
import type { Path } from './words.ts';

/** What the value was made of. */
export interface Written {
  readonly node: Node;
  readonly evaluator: Pick<Evaluator, 'tree'>;
  readonly scope: Scope;
}

/**
 * Finds places in the tree that a value was evaluated from. What an expression gives is at the expression; a key that is
 * not written is at its map.
 */
export function createPlaces({ node: root, evaluator, scope }: Written): {
  readonly placeOf: (path: Path, key: string | undefined) => { readonly span?: Span };
} {
  const itemsByList = new Map<ListNode, readonly Node[]>();

  /** Items as the value has them: null leaves one out, and an expression may give several. */
  function itemsOf(list: ListNode): readonly Node[] {
    const known = itemsByList.get(list);
    if (known !== undefined) return known;
    const items = listItems(list, scope, evaluator).map(({ node }) => node);
    itemsByList.set(list, items);
    return items;
  }

  function placeOf(path: Path, key: string | undefined): { readonly span?: Span } {
    let node = root;
    let above: { readonly map: MapNode; readonly entry: MapEntry } | undefined;
    for (const step of path) {
      if (node.kind === 'list') {
        const item = itemsOf(node)[Number(step)];
        if (item === undefined) break;
        above = undefined;
        node = item;
      } else if (node.kind === 'map') {
        const entry = node.entries.get(String(step));
        if (entry === undefined) break;
        above = { map: node, entry };
        node = entry.value;
      } else break;
    }
    const entry = key === undefined || node.kind !== 'map' ? undefined : node.entries.get(key);
    if (entry !== undefined && node.kind === 'map') return atKey(node, entry);
    // A map or list of many lines is shown by its key.
    return node.kind !== 'scalar' && above !== undefined ? atKey(above.map, above.entry) : at(node);
  }

  return { placeOf };
}
