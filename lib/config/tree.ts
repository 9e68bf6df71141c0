/**
 * The tree that builds.yaml is read into: values with their places and their text as written. All sources (YAML, JSON, a
 * module, `--set`) are converted to this form, so that later stages only handle one.
 */
import type { Json, SourceFile, Span } from '../model/mod.ts';

/** A source and the base directory of its relative paths. */
export interface Origin {
  readonly source: SourceFile;
  /** Absolute. */
  readonly dir: string;
}

interface SourceRange {
  readonly origin: Origin;
  /** Offsets in the source's text; -1 if there is none (values from a module). */
  readonly start: number;
  readonly end: number;
}

/** One value. */
export interface ScalarNode extends SourceRange {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As written if unquoted (`3.10`), otherwise the string's value. */
  readonly text: string;
  /** Unquoted in YAML: only such a scalar can be a number, a boolean or null. */
  readonly plain: boolean;
  /** From the command line or a bake file: it contains no expressions. */
  readonly literal?: true;
}

/** A list. */
export interface ListNode extends SourceRange {
  readonly kind: 'list';
  readonly items: readonly Node[];
  /** Made by `+=`: appended to the list of the layer below, whatever the key's rule is. */
  readonly append?: true;
}

/** One key of a map with its place. */
export interface MapEntry {
  readonly key: string;
  readonly keyStart: number;
  readonly keyEnd: number;
  /** The file of the key if it differs from the map's: bake merges targets of several files. */
  readonly keyOrigin?: Origin;
  readonly value: Node;
}

/** A map with its keys in the written order. */
export interface MapNode extends SourceRange {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, MapEntry>;
}

/** Any value of the tree. */
export type Node = ScalarNode | ListNode | MapNode;

/** The place of a node as part of a problem; empty if there is no text to show. */
export function at(node: Node): { readonly span?: Span } {
  if (node.start < 0) return {};
  return { span: { source: node.origin.source, start: node.start, end: node.end } };
}

/** The place of a key. */
export function atKey(map: MapNode, entry: MapEntry): { readonly span?: Span } {
  if (entry.keyStart < 0) return {};
  const { source } = entry.keyOrigin ?? map.origin;
  return { span: { source, start: entry.keyStart, end: entry.keyEnd } };
}

/** Whether it comes from a bake or Compose file, so that messages use the terms of those files. */
export function isOfBake(node: Node): boolean {
  return node.kind === 'scalar' && node.literal === true && node.origin.source.isCommandLine !== true;
}

/** The value of a key; undefined if it is absent or null (null means "not set"). */
export function child(map: MapNode, key: string): Node | undefined {
  const found = map.entries.get(key)?.value;
  return found === undefined || isNull(found) ? undefined : found;
}

/** True for a written null. */
export function isNull(node: Node): boolean {
  return node.kind === 'scalar' && node.value === null;
}

/** A map without entries. */
export function emptyMap(origin: Origin): MapNode {
  return { kind: 'map', entries: new Map(), origin, start: -1, end: -1 };
}

/** Plain data for the schema check. Keys such as `__proto__` are ordinary keys in it. */
export function toPlain(node: Node): unknown {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'list':
      return node.items.map(toPlain);
    case 'map': {
      const plain: Record<string, unknown> = {};
      for (const [key, entry] of node.entries) {
        if (key === '__proto__') Object.defineProperty(plain, key, { value: 0, enumerable: true });
        else plain[key] = toPlain(entry.value);
      }
      return plain;
    }
  }
}

/**
 * The value as expressions see it. A number that is not a plain integer is the text as written: `3.10` is a version far
 * more often than a quantity, and 3.1 would be wrong. Null items of a list are left out.
 */
export function toJson(node: Node): Json {
  switch (node.kind) {
    case 'scalar':
      return scalarJson(node);
    case 'list':
      return node.items.filter((item) => !isNull(item)).map(toJson);
    case 'map': {
      const result: Record<string, Json> = Object.create(null);
      for (const [key, entry] of node.entries) result[key] = toJson(entry.value);
      return result;
    }
  }
}

/** See {@link toJson}. */
export function scalarJson(node: ScalarNode): Json {
  if (typeof node.value !== 'number') return node.value;
  return Number.isSafeInteger(node.value) && String(node.value) === node.text ? node.value : node.text;
}

/**
 * Converts plain data (of a module or an evaluated expression) to a tree whose nodes all have the same place.
 *
 * @param isLiteral its texts are final and contain no expressions
 */
export function fromData(data: Json, origin: Origin, start = -1, end = -1, isLiteral = false): Node {
  if (Array.isArray(data)) {
    return {
      kind: 'list',
      items: data.map((item) => fromData(item, origin, start, end, isLiteral)),
      origin,
      start,
      end,
    };
  }
  if (data !== null && typeof data === 'object') {
    const entries = new Map<string, MapEntry>();
    for (const [key, value] of Object.entries(data)) {
      if (value === undefined) continue;
      const inner = fromData(value, origin, start, end, isLiteral);
      entries.set(key, { key, keyStart: start, keyEnd: end, value: inner });
    }
    return { kind: 'map', entries, origin, start, end };
  }
  const value = data as string | number | boolean | null;
  return {
    ...{ kind: 'scalar', value, text: String(value), plain: typeof value !== 'string', origin, start, end },
    ...(isLiteral ? { literal: true } : {}),
  };
}

/** A value as one line of text, maps and lists as JSON; for values that should be text, and for messages. */
export function jsonText(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

/** The type of a value, for messages. */
export function kindOf(node: Node): string {
  if (node.kind === 'list') return 'a list';
  if (node.kind === 'map') return 'a map';
  if (node.value === null) return 'null';
  if (typeof node.value === 'boolean') return node.text;
  if (typeof node.value === 'number') return `the number ${node.text}`;
  if (node.text === '') return 'empty text';
  const short = node.text.length > 40 ? `${node.text.slice(0, 40)}…` : node.text;
  return `the text "${short.replaceAll('\n', '⏎')}"`;
}
