/**
 * Values of one build: evaluates and merges its layers; each value keeps its node. A null is ignored (the layer below is
 * used), `[]` removes inherited items.
 */
import { type Json, type Problem, type ProblemCode, problem } from '../model/mod.ts';
import { type Evaluator, FAILED, hasExpression, listItems, type Scope } from './expression.ts';
import type { Problems } from './problems.ts';
import { at, kindOf, type ListNode, type MapNode, type Node, type ScalarNode } from './tree.ts';

/** A text and the node with its place. */
export interface Text {
  readonly text: string;
  readonly node: Node;
}

/** A value of any type and the node with its place. */
export interface Value {
  readonly value: Json;
  readonly node: Node;
}

/** Reads the keys of one build. */
export interface Values {
  readonly build: string;
  /** Whether a layer sets a key, even to nothing. */
  readonly has: (key: string) => boolean;
  readonly text: (key: string) => Text | undefined;
  readonly boolean: (key: string) => boolean | undefined;
  /** The last layer's list, without nulls. */
  readonly replaced: (key: string) => readonly Value[];
  /** The lists of all layers, without nulls. */
  readonly appended: (key: string) => readonly Value[];
  /** A map of texts, merged by key. */
  readonly map: (key: string) => ReadonlyMap<string, Value>;
  readonly whole: (key: string) => Value | undefined;
  /** The text of a value; undefined (and a reported problem) for a list or map. */
  readonly textOf: (value: Value, what: string) => string | undefined;
  readonly fail: (code: ProblemCode, message: string, node: Node, rest?: Partial<Problem>) => void;
  /** See `Problems`. */
  readonly isFull: () => boolean;
}

/** Creates a reader for a build's layers (nodes by key, lowest layer first). */
export function createValues(
  build: string,
  layers: ReadonlyMap<string, readonly Node[]>,
  scope: Scope,
  evaluator: Evaluator,
  problems: Problems,
): Values {
  function fail(code: ProblemCode, message: string, node: Node, rest: Partial<Problem> = {}): void {
    problems.add(problem(code, message, { ...at(node), build, ...rest }));
  }

  function wrongType(
    key: string,
    wanted: string,
    node: Node,
    value: Json,
    rest: Partial<Problem> = {},
  ): void {
    // The shape check has reported lists and maps in wrong places.
    if (node.kind !== 'scalar') return;
    const got = hasExpression(node.text) ? valueInWords(value) : kindOf(node);
    fail('config/wrong-type', `"${key}" must be ${wanted}, not ${got}`, node, rest);
  }

  /** The value of the highest layer in which it is not null. */
  function scalar(key: string): Value | undefined {
    const nodes = layers.get(key);
    if (nodes === undefined) return undefined;
    for (let layer = nodes.length - 1; layer >= 0; layer--) {
      const node = nodes[layer] as Node;
      if (node.kind !== 'scalar') {
        wrongType(key, 'text', node, null);
        return undefined;
      }
      const value = evaluator.scalar(node, scope);
      if (value === FAILED) return undefined;
      if (value !== null) return { value, node };
    }
    return undefined;
  }

  function textOf(value: Value, what: string): string | undefined {
    const text = plainText(value);
    if (text === undefined) wrongType(what, 'text', value.node, value.value);
    return text;
  }

  function text(key: string): Text | undefined {
    const found = scalar(key);
    if (found === undefined) return undefined;
    const read = textOf(found, key);
    return read === undefined ? undefined : { text: read, node: found.node };
  }

  function boolean(key: string): boolean | undefined {
    const found = scalar(key);
    if (found === undefined) return undefined;
    const read = asBoolean(found.value);
    if (read === undefined) wrongType(key, 'true or false', found.node, found.value);
    return read;
  }

  /** Items of a node that should be a list; undefined: null or failed. An item that is one expression may return a list. */
  function itemsOf(key: string, node: Node): readonly Value[] | undefined {
    if (node.kind === 'scalar') {
      const value = evaluator.scalar(node, scope);
      if (value === FAILED || value === null) return undefined;
      if (Array.isArray(value)) return value.map((item: Json) => ({ value: item, node }));
      wrongType(key, 'a list', node, value, { hint: 'Put brackets around a single value, too: [value].' });
      return undefined;
    }
    if (node.kind === 'map') {
      wrongType(key, 'a list', node, null);
      return undefined;
    }
    const items: Value[] = [];
    for (const { value, node: item } of listItems(node, scope, evaluator)) {
      if (value !== FAILED) items.push({ value, node: item });
    }
    return items;
  }

  function replaced(key: string): readonly Value[] {
    const nodes = layers.get(key);
    if (nodes === undefined) return [];
    let added: readonly Value[] = [];
    for (let layer = nodes.length - 1; layer >= 0; layer--) {
      const node = nodes[layer] as Node;
      const items = itemsOf(key, node);
      if (items === undefined) continue;
      added = added.length === 0 ? items : [...items, ...added];
      if (!isAppend(node)) break;
    }
    return added.filter(isPresent);
  }

  function appended(key: string): readonly Value[] {
    const nodes = layers.get(key);
    if (nodes === undefined) return [];
    let all: Value[] = [];
    for (const node of nodes) {
      const items = itemsOf(key, node);
      if (items === undefined) continue;
      if (items.length === 0 && !isAppend(node) && !isEmptied(node)) all = [];
      else all.push(...items);
    }
    return all.filter(isPresent);
  }

  function map(key: string): ReadonlyMap<string, Value> {
    const nodes = layers.get(key);
    const merged = new Map<string, Value>();
    if (nodes === undefined) return merged;
    for (const node of nodes) {
      if (node.kind === 'map') addEntries(merged, key, node);
      else addComputed(merged, key, node);
    }
    return merged;
  }

  function addEntries(merged: Map<string, Value>, key: string, node: MapNode): void {
    for (const entry of node.entries.values()) {
      const value = evaluator.tree(entry.value, scope);
      const isLiteral = entry.value.kind === 'scalar' && entry.value.literal === true;
      const name = hasExpression(entry.key) && !isLiteral ? computedKey(key, node, entry) : entry.key;
      if (value === FAILED || value === null || name === undefined) continue;
      merged.set(name, { value, node: entry.value });
    }
  }

  function computedKey(
    key: string,
    node: MapNode,
    entry: { readonly key: string; readonly keyStart: number; readonly keyEnd: number },
  ): string | undefined {
    const { keyStart: start, keyEnd: end } = entry;
    const keyNode: ScalarNode = {
      kind: 'scalar',
      value: entry.key,
      text: entry.key,
      plain: false,
      origin: node.origin,
      start,
      end,
    };
    const name = evaluator.scalar(keyNode, scope);
    if (name === FAILED || name === null) return undefined;
    return textOf({ value: name, node: keyNode }, `a key of ${key}`);
  }

  /** Adds a map or (if the schema allows it) a list of `name=value` from an expression or `--set`. */
  function addComputed(merged: Map<string, Value>, key: string, node: ListNode | ScalarNode): void {
    const value = node.kind === 'list' ? [] : evaluator.scalar(node, scope);
    if (value === FAILED || value === null) return;
    if (Array.isArray(value)) {
      for (const item of itemsOf(key, node) ?? []) {
        if (item.value === null) continue;
        const text = typeof item.value === 'object' ? '' : String(item.value);
        const pair = /^([^=:]+)[=:](.*)$/s.exec(text);
        if (pair === null) wrongType(key, 'a map, or a list of name=value', item.node, item.value);
        else merged.set((pair[1] ?? '').trim(), { value: pair[2] ?? '', node: item.node });
      }
      return;
    }
    if (typeof value !== 'object') {
      wrongType(key, 'a map', node, value);
      return;
    }
    for (const [name, inner] of Object.entries(value))
      if (inner !== null) merged.set(name, { value: inner, node });
  }

  function whole(key: string): Value | undefined {
    const nodes = layers.get(key);
    if (nodes === undefined) return undefined;
    for (let layer = nodes.length - 1; layer >= 0; layer--) {
      const node = nodes[layer] as Node;
      const value = evaluator.tree(node, scope);
      if (value === FAILED) return undefined;
      if (value !== null) return { value, node };
    }
    return undefined;
  }

  const has = (key: string) => (layers.get(key)?.length ?? 0) > 0;
  return { build, has, text, boolean, replaced, appended, map, whole, textOf, fail, isFull: problems.isFull };
}

function isPresent(item: Value): boolean {
  return item.value !== null;
}

function isAppend(node: Node): boolean {
  return node.kind === 'list' && node.append === true;
}

/** A list whose items were all left out adds nothing; only an empty list removes inherited items. */
function isEmptied(node: Node): boolean {
  return node.kind === 'list' && node.items.length > 0;
}

/** The text of a scalar; numbers as written. */
export function plainText({ value, node }: Value): string | undefined {
  if (typeof value === 'string') return value;
  if (value === null || typeof value === 'object') return undefined;
  if (typeof value === 'number' && node.kind === 'scalar' && typeof node.value === 'number') return node.text;
  return String(value);
}

/** True and false, also as texts from the environment and `--set`. */
export function asBoolean(value: Json): boolean | undefined {
  if (value === true || value === 'true') return true;
  return value === false || value === 'false' ? false : undefined;
}

/** A computed value, for messages. */
export function valueInWords(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  return typeof value === 'string'
    ? `the text "${value.length > 40 ? `${value.slice(0, 40)}…` : value}"`
    : String(value);
}
