/**
 * Values of Compose files with their places. Trees are never changed, so that what an anchor stands for, or what several
 * services inherit, is shared between them.
 */
import type { Span } from '../../model/mod.ts';
import { compareBytes } from '../go-text.ts';

/** Any value. */
export type Node = ScalarNode | ListNode | MapNode;

/** A text, a number, `true`, a date or nothing. */
export interface ScalarNode {
  readonly kind: 'scalar';
  readonly type: 'string' | 'int' | 'float' | 'bool' | 'null' | 'time';
  /** The value as Go prints it, which is what becomes of a number where a text is needed: `3.10` is `3.1`. */
  readonly text: string;
  /** A date as it is written again to YAML or JSON. */
  readonly rfc3339?: string;
  readonly span: Span;
}

/** A list. */
export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly Node[];
  readonly span: Span;
}

/** A map, in the order written. */
export interface MapNode {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
  readonly span: Span;
}

/** A value in a map, with the place of its key. */
export interface Entry {
  readonly keySpan: Span;
  readonly value: Node;
}

/** Makes a text. */
export function textNode(text: string, span: Span): ScalarNode {
  return { kind: 'scalar', type: 'string', text, span };
}

/** Makes `true` or `false`. */
export function boolNode(value: boolean, span: Span): ScalarNode {
  return { kind: 'scalar', type: 'bool', text: String(value), span };
}

/** Makes the absence of a value. */
export function nullNode(span: Span): ScalarNode {
  return { kind: 'scalar', type: 'null', text: '<nil>', span };
}

/** Makes a map of values that have no keys of their own in a file: each key stands where its value does. */
export function mapNode(values: Iterable<readonly [string, Node]>, span: Span): MapNode {
  const entries = new Map<string, Entry>();
  for (const [key, value] of values) entries.set(key, { keySpan: value.span, value });
  return { kind: 'map', entries, span };
}

/** The value below a key; undefined where there is no map or no such key. */
export function valueAt(node: Node | undefined, key: string): Node | undefined {
  return node?.kind === 'map' ? node.entries.get(key)?.value : undefined;
}

/** True for a text. */
export function isText(node: Node | undefined): node is ScalarNode {
  return node?.kind === 'scalar' && node.type === 'string';
}

/** True for nothing: `~`, `null`, or no value behind a key. */
export function isNull(node: Node | undefined): boolean {
  return node?.kind === 'scalar' && node.type === 'null';
}

/** A map with one key set; an entry that is there keeps its position. */
export function withEntry(map: MapNode, key: string, value: Node): MapNode {
  const entries = new Map(map.entries);
  entries.set(key, { keySpan: map.entries.get(key)?.keySpan ?? value.span, value });
  return { ...map, entries };
}

/** A map without a key. */
export function withoutEntry(map: MapNode, key: string): MapNode {
  if (!map.entries.has(key)) return map;
  const entries = new Map(map.entries);
  entries.delete(key);
  return { ...map, entries };
}

/** A map whose values are made anew; the map itself where none is another one. */
export function mapValues(map: MapNode, change: (value: Node, key: string) => Node): MapNode {
  const entries = new Map<string, Entry>();
  let isChanged = false;
  for (const [key, entry] of map.entries) {
    const value = change(entry.value, key);
    if (value === entry.value) entries.set(key, entry);
    else {
      entries.set(key, { ...entry, value });
      isChanged = true;
    }
  }
  return isChanged ? { ...map, entries } : map;
}

/** A list whose items are made anew; the list itself where none is another one. */
export function mapItems(list: ListNode, change: (item: Node) => Node): ListNode {
  const items = list.items.map(change);
  return items.some((item, index) => item !== list.items[index]) ? { ...list, items } : list;
}

/** Whether two values are the same, wherever they stand. */
export function isSame(a: Node, b: Node): boolean {
  if (a === b) return true;
  if (a.kind === 'scalar') return b.kind === 'scalar' && a.type === b.type && a.text === b.text;
  if (a.kind === 'list') {
    return (
      b.kind === 'list' &&
      a.items.length === b.items.length &&
      a.items.every((item, index) => isSame(item, b.items[index] as Node))
    );
  }
  if (b.kind !== 'map' || a.entries.size !== b.entries.size) return false;
  for (const [key, entry] of a.entries) {
    const other = b.entries.get(key);
    if (other === undefined || !isSame(entry.value, other.value)) return false;
  }
  return true;
}

/** A value as Go's fmt prints it. */
export function goText(node: Node): string {
  if (node.kind === 'scalar') return node.text;
  if (node.kind === 'list') return `[${node.items.map(goText).join(' ')}]`;
  const pairs = [...node.entries].sort(([a], [b]) => compareBytes(a, b));
  return `map[${pairs.map(([key, { value }]) => `${key}:${goText(value)}`).join(' ')}]`;
}

/** Words for what a value is, as messages need them. */
export function kindOf(node: Node): string {
  if (node.kind === 'list') return 'a list';
  if (node.kind === 'map') return 'a map';
  const words = {
    string: 'a string',
    int: 'a number',
    float: 'a number',
    bool: 'true or false',
    null: 'empty',
    time: 'a date',
  };
  return words[node.type];
}
