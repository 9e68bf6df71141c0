/**
 * A fast reader for the YAML that people write: block and flow collections, one-line scalars, literal blocks. It answers
 * undefined whenever it meets anything else (anchors, tags, folded blocks, tabs, a second document, a mistake), and then
 * the `yaml` package reads the text and explains. Where it does answer, the answer is the package's: values, order,
 * duplicates and places (test/config/yaml-fuzz.test.ts compares them).
 *
 * Why there are two: planning 10,000 builds has to take less than two seconds, and the package alone needs almost four
 * to read them. An ordinary file also saves the time to load the package at all.
 */
import type { MapEntry, Node, Origin, ScalarNode } from '../tree.ts';
import { LOWER_A, LOWER_Z } from './characters.ts';
import { plainValue } from './plain-value.ts';
import { Tokenizer } from './tokenizer.ts';

/** Thrown and caught in this file only: the way out of deep recursion when the text is beyond this reader. */
const BEYOND = Symbol('not supported by the fast reader');

const MAX_DEPTH = 100;
/** How far a colon may be from the start of its key, unless it stands in braces. */
const MAX_KEY_LENGTH = 1024;
const ODD_TEXT = /[\t\r\u0085\u2028\u2029\uFEFF]/;

/** Reads a document; undefined: too unusual (or wrong), ask the full parser. */
export function readFast(origin: Origin): Node | undefined {
  if (ODD_TEXT.test(origin.source.text)) return undefined;
  try {
    return new FastReader(origin).document();
  } catch (thrown) {
    if (thrown === BEYOND) return undefined;
    throw thrown;
  }
}

class FastReader {
  readonly #origin: Origin;
  readonly #text: string;
  readonly #tokens: Tokenizer;
  #depth = 0;
  /** The scalar that was read last. Fields and no object: most are keys, of which nothing stays. */
  #scalarText = '';
  #meaning: ScalarNode['value'] = '';
  #isPlain = false;
  #start = 0;
  #end = 0;

  constructor(origin: Origin) {
    this.#origin = origin;
    this.#text = origin.source.text;
    this.#tokens = new Tokenizer(this.#text);
  }

  document(): Node | undefined {
    const tokens = this.#tokens;
    tokens.next();
    if (tokens.kind === 'marker' && this.#text[tokens.start] === '-') {
      tokens.next();
      if (!tokens.isFirst) throw BEYOND;
    }
    if (this.#isAtEnd()) return undefined;
    const node = this.#block(-1);
    if (!this.#isAtEnd()) throw BEYOND;
    return node;
  }

  /** The node that begins with the token at hand, right of the column `parent`. */
  #block(parent: number): Node {
    if (++this.#depth > MAX_DEPTH) throw BEYOND;
    const tokens = this.#tokens;
    const { column } = tokens;
    let node: Node;
    if (tokens.kind === 'dash') node = this.#list(column);
    else if (tokens.kind === '[' || tokens.kind === '{' || tokens.kind === 'block')
      node = this.#value(parent);
    else {
      this.#readScalar();
      node = this.#isColonOfKey() ? this.#map(column) : this.#scalarNode();
    }
    this.#depth--;
    return node;
  }

  #isColonOfKey(): boolean {
    return this.#tokens.kind === 'colon' && !this.#tokens.isFirst;
  }

  #list(column: number): Node {
    const tokens = this.#tokens;
    const { start } = tokens;
    const items: Node[] = [];
    let item: Node;
    do {
      const { end } = tokens;
      tokens.next();
      if (!this.#isLineOver()) item = this.#block(column);
      else if (!this.#isAtEnd() && tokens.column > column) item = this.#block(column);
      else item = this.#nothing(end);
      items.push(item);
    } while (this.#isNextOf(column) && tokens.kind === 'dash');
    return { kind: 'list', items, origin: this.#origin, start, end: item.end };
  }

  #isAtEnd(): boolean {
    return this.#tokens.kind === 'end';
  }

  #isLineOver(): boolean {
    return this.#tokens.isFirst || this.#isAtEnd();
  }

  /** Whether the token at hand begins the next line of the collection at `column`. */
  #isNextOf(column: number): boolean {
    const tokens = this.#tokens;
    if (this.#isAtEnd()) return false;
    if (!tokens.isFirst || tokens.column > column || tokens.kind === 'marker') throw BEYOND;
    return tokens.column === column;
  }

  /** What stands where nothing is written, behind a dash or colon that ends at `at`. */
  #nothing(at: number): Node {
    let offset = at;
    while (this.#text.charCodeAt(offset) === 32) offset++;
    return {
      kind: 'scalar',
      value: null,
      text: '',
      plain: true,
      origin: this.#origin,
      start: offset,
      end: offset,
    };
  }

  /** A map whose first key has been read. */
  #map(column: number): Node {
    const tokens = this.#tokens;
    const entries = new Map<string, MapEntry>();
    const start = this.#start;
    let meanings: Set<unknown> | undefined;
    let value: Node;
    for (;;) {
      const key = this.#scalarText;
      const meaning = this.#meaning;
      const keyStart = this.#start;
      const keyEnd = this.#end;
      const colonEnd = tokens.end;
      if (colonEnd - keyStart > MAX_KEY_LENGTH + 1 || key === '<<' || entries.has(key)) throw BEYOND;
      if (typeof meaning !== 'string') meanings = withMeaning(meanings, meaning);
      tokens.next();
      if (!this.#isLineOver()) value = this.#value(column);
      else if (!this.#isAtEnd() && this.#isBelowKey(column)) value = this.#block(column);
      else value = this.#nothing(colonEnd);
      entries.set(key, { key, keyStart, keyEnd, value });
      if (!this.#isNextOf(column)) break;
      this.#readScalar();
      if (!this.#isColonOfKey()) throw BEYOND;
    }
    return { kind: 'map', entries, origin: this.#origin, start, end: value.end };
  }

  /** Right of the key, or (a list only) in its column. */
  #isBelowKey(column: number): boolean {
    const tokens = this.#tokens;
    return tokens.column > column || (tokens.column === column && tokens.kind === 'dash');
  }

  /** A value that is no block collection. */
  #value(parent: number): Node {
    const tokens = this.#tokens;
    if (tokens.kind === '[' || tokens.kind === '{') return this.#flow();
    if (tokens.kind === 'block') return this.#literal(parent);
    this.#readScalar();
    return this.#scalarNode();
  }

  /** Reads the scalar at hand, which may turn out to be a key, and goes on to the token behind it. */
  #readScalar(): void {
    const tokens = this.#tokens;
    const { kind, start, end } = tokens;
    if (tokens.spansLines) throw BEYOND;
    this.#start = start;
    this.#end = end;
    this.#isPlain = kind === 'plain';
    if (kind === 'plain') {
      const first = this.#text.charCodeAt(start);
      if ((first < LOWER_A || first > LOWER_Z) && isReserved(first)) throw BEYOND;
      this.#scalarText = this.#text.slice(start, end);
      this.#meaning = plainValue(this.#scalarText);
    } else if (kind === 'double-quoted' || kind === 'single-quoted') {
      const inside = this.#text.slice(start + 1, end - 1);
      this.#scalarText = tokens.hasEscapes ? this.#unescape(inside, kind) : inside;
      this.#meaning = this.#scalarText;
    } else throw BEYOND;
    tokens.next();
  }

  #scalarNode(): ScalarNode {
    return {
      kind: 'scalar',
      value: this.#meaning,
      text: this.#scalarText,
      plain: this.#isPlain,
      origin: this.#origin,
      start: this.#start,
      end: this.#end,
    };
  }

  /** What JSON knows as an escape means the same in YAML; what it does not know is for the full parser. */
  #unescape(inside: string, kind: 'single-quoted' | 'double-quoted'): string {
    if (kind === 'single-quoted') return inside.replaceAll("''", "'");
    try {
      return JSON.parse(`"${inside}"`) as string;
    } catch {
      throw BEYOND;
    }
  }

  /** `|` and `|-` blocks whose indentation follows from their first line. */
  #literal(parent: number): Node {
    const tokens = this.#tokens;
    const text = this.#text;
    const { start, end, linesStart, linesIndent } = tokens;
    const header = /^\|-? *(?=\n)/.exec(text.slice(start, linesStart))?.[0];
    if (parent === -1 || header === undefined || linesIndent === -1) throw BEYOND;
    const lines: string[] = [];
    let hasContent = false;
    for (let line = linesStart; line < end; ) {
      const lineBreak = text.indexOf('\n', line);
      const lineEnd = lineBreak === -1 ? end : lineBreak;
      hasContent ||= !isSpaces(text.slice(line, lineEnd));
      // Blank lines in front must not be longer than the indentation: the package's business.
      if (!hasContent && lineEnd > line) throw BEYOND;
      lines.push(text.slice(Math.min(line + linesIndent, lineEnd), lineEnd));
      line = lineEnd + 1;
    }
    if (isSpaces(lines.at(-1) ?? '')) throw BEYOND;
    const value = lines.join('\n') + (header.startsWith('|-') ? '' : '\n');
    tokens.next();
    return { kind: 'scalar', value, text: value, plain: false, origin: this.#origin, start, end };
  }

  /** A flow collection; goes on to the token behind it. */
  #flow(): Node {
    if (++this.#depth > MAX_DEPTH) throw BEYOND;
    const { kind, start } = this.#tokens;
    const node = kind === '{' ? this.#flowMap(start) : this.#flowList(start);
    this.#tokens.next();
    this.#depth--;
    return node;
  }

  #flowList(start: number): Node {
    const tokens = this.#tokens;
    const items: Node[] = [];
    tokens.next();
    while (tokens.kind !== ']') {
      items.push(this.#flowValue());
      this.#endFlowItem(']');
    }
    return { kind: 'list', items, origin: this.#origin, start, end: tokens.end };
  }

  #flowMap(start: number): Node {
    const tokens = this.#tokens;
    const entries = new Map<string, MapEntry>();
    let meanings: Set<unknown> | undefined;
    tokens.next();
    while (tokens.kind !== '}') {
      this.#readScalar();
      if (!this.#isColonOfKey()) throw BEYOND;
      const key = this.#scalarText;
      const keyStart = this.#start;
      const keyEnd = this.#end;
      if (key === '<<' || entries.has(key)) throw BEYOND;
      if (typeof this.#meaning !== 'string') meanings = withMeaning(meanings, this.#meaning);
      tokens.next();
      entries.set(key, { key, keyStart, keyEnd, value: this.#flowValue() });
      this.#endFlowItem('}');
    }
    return { kind: 'map', entries, origin: this.#origin, start, end: tokens.end };
  }

  #flowValue(): Node {
    const { kind } = this.#tokens;
    if (kind === '[' || kind === '{') return this.#flow();
    this.#readScalar();
    return this.#scalarNode();
  }

  #endFlowItem(close: ']' | '}'): void {
    const tokens = this.#tokens;
    if (tokens.kind === 'comma') tokens.next();
    else if (tokens.kind !== close) throw BEYOND;
  }
}

/**
 * The meanings of a map's keys that YAML takes for something else than text, with one more: `~` and `null` are one key,
 * so are `1` and `0x1`.
 */
function withMeaning(known: Set<unknown> | undefined, meaning: unknown): Set<unknown> {
  if (known?.has(meaning)) throw BEYOND;
  return (known ?? new Set()).add(meaning);
}

/** Characters that YAML keeps for itself, though only the start of a plain scalar is forbidden to have them. */
function isReserved(code: number): boolean {
  // % , > @ ` |
  return code === 37 || code === 44 || code === 62 || code === 64 || code === 96 || code === 124;
}

function isSpaces(text: string): boolean {
  return /^ *$/.test(text);
}
