/**
 * A quick reader for the YAML that people write: block and flow collections, one-line scalars, literal blocks. It
 * answers undefined whenever it meets anything else (anchors, tags, folded blocks, tabs, a second document, a mistake),
 * and then the `yaml` package reads the text and explains. Where it does answer, the answer is the package's
 * (test/config/fast-yaml.test.ts compares them on random documents).
 *
 * Why there are two: planning 10,000 builds has to take less than two seconds, and the package alone needs almost four
 * to read them. An ordinary file also saves the time to load the package at all.
 *
 * One thing is ours alone: inside a plain scalar `${{ … }}` is one unit, so that `${{ a ? b : c }}` needs no quotes.
 */
import { endOfExpression } from './expression-scan.ts';
import type { MapEntry, Node, Origin, ScalarNode } from './tree.ts';

/** Thrown and caught in this file only: the way out of deep recursion when the text is beyond this reader. */
const BEYOND = Symbol('beyond the quick reader');

const MAX_DEPTH = 100;
const SPACE = 32;
const LINE_FEED = 10;
const HASH = 35;
const COLON = 58;
const DASH = 45;

const NUMBER_START = /^[-+.0-9]/;
const INT = /^[-+]?[0-9]+$/;
const BASED_INT = /^0(?:o[0-7]+|x[0-9a-fA-F]+)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const SPECIAL_FLOAT = /^(?:[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN)$/;
const STRANGE_TEXT = /[\t\r\u0085\u2028\u2029\uFEFF]/;

/** Reads a document; undefined: too unusual (or wrong), ask the full parser. */
export function readQuickly(origin: Origin): Node | undefined {
  const { text } = origin.source;
  if (STRANGE_TEXT.test(text)) return undefined;
  try {
    return new QuickReader(origin, text).document();
  } catch (thrown) {
    if (thrown === BEYOND) return undefined;
    throw thrown;
  }
}

/** The value of a plain scalar by YAML's core schema (https://yaml.org/spec/1.2.2/#103-core-schema). */
export function plainValue(text: string): string | number | boolean | null {
  switch (text) {
    case '':
    case '~':
    case 'null':
    case 'Null':
    case 'NULL':
      return null;
    case 'true':
    case 'True':
    case 'TRUE':
      return true;
    case 'false':
    case 'False':
    case 'FALSE':
      return false;
  }
  if (!NUMBER_START.test(text)) return text;
  if (INT.test(text)) return Number.parseInt(text, 10);
  if (BASED_INT.test(text)) return Number(text);
  if (FLOAT.test(text)) return Number.parseFloat(text);
  if (SPECIAL_FLOAT.test(text)) {
    if (text.toLowerCase() === '.nan') return Number.NaN;
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  return text;
}

class QuickReader {
  readonly #origin: Origin;
  readonly #text: string;
  readonly #length: number;
  #pos = 0;
  #lineStart = 0;
  #depth = 0;

  constructor(origin: Origin, text: string) {
    this.#origin = origin;
    this.#text = text;
    this.#length = text.length;
  }

  document(): Node | undefined {
    if (!this.#toContent()) return undefined;
    if (this.#text.startsWith('---\n', this.#pos) && this.#column() === 0) {
      this.#pos += 3;
      if (!this.#toContent()) return undefined;
    }
    if (this.#column() === 0) this.#refuseMarker();
    const node = this.#block(-1);
    if (this.#toContent()) throw BEYOND;
    return node;
  }

  #column(): number {
    return this.#pos - this.#lineStart;
  }

  /** Goes on to the next thing that is neither space nor comment; false at the end of the text. */
  #toContent(): boolean {
    const text = this.#text;
    for (;;) {
      if (this.#pos >= this.#length) return false;
      const code = text.charCodeAt(this.#pos);
      if (code === SPACE) this.#pos++;
      else if (code === LINE_FEED) {
        this.#pos++;
        this.#lineStart = this.#pos;
      } else if (code === HASH && (this.#pos === this.#lineStart || this.#isBlank(this.#pos - 1))) {
        const end = text.indexOf('\n', this.#pos);
        this.#pos = end === -1 ? this.#length : end;
      } else return true;
    }
  }

  #isBlank(at: number): boolean {
    const code = this.#text.charCodeAt(at);
    return code === SPACE || code === LINE_FEED || at >= this.#length;
  }

  /** Whether nothing but space and a comment is left on the line; leaves the position at its end if so. */
  #restOfLineIsEmpty(): boolean {
    const text = this.#text;
    let at = this.#pos;
    while (text.charCodeAt(at) === SPACE) at++;
    if (at >= this.#length || text.charCodeAt(at) === LINE_FEED) {
      this.#pos = at;
      return true;
    }
    if (text.charCodeAt(at) === HASH && at > this.#pos) {
      const end = text.indexOf('\n', at);
      this.#pos = end === -1 ? this.#length : end;
      return true;
    }
    return false;
  }

  #isDashHere(): boolean {
    return this.#text.charCodeAt(this.#pos) === DASH && this.#isBlank(this.#pos + 1);
  }

  /** A node whose first character is at the position; `parent` is the column it must be right of. */
  #block(parent: number): Node {
    if (++this.#depth > MAX_DEPTH) throw BEYOND;
    const column = this.#column();
    let node: Node;
    if (this.#isDashHere()) node = this.#list(column);
    else {
      const key = this.#key();
      node = key === undefined ? this.#value(parent) : this.#map(column, key);
    }
    this.#depth--;
    return node;
  }

  #list(column: number): Node {
    const start = this.#pos;
    const items: Node[] = [];
    let end = start;
    do {
      this.#pos++;
      if (this.#restOfLineIsEmpty()) items.push(this.#nested(column, false));
      else {
        while (this.#text.charCodeAt(this.#pos) === SPACE) this.#pos++;
        items.push(this.#block(column));
      }
      end = (items.at(-1) as Node).end;
    } while (this.#toContent() && this.#continues(column) && this.#isDashHere());
    return { kind: 'list', items, origin: this.#origin, start, end };
  }

  /** Whether the line at hand belongs to the collection at `column`. */
  #continues(column: number): boolean {
    const here = this.#column();
    if (here > column) throw BEYOND;
    if (here === 0) this.#refuseMarker();
    return here === column;
  }

  #refuseMarker(): void {
    if (this.#text.startsWith('---', this.#pos) || this.#text.startsWith('...', this.#pos)) throw BEYOND;
  }

  #map(column: number, first: Key): Node {
    const start = first.start;
    const entries = new Map<string, MapEntry>();
    let key: Key | undefined = first;
    let end = start;
    for (;;) {
      const value = this.#restOfLineIsEmpty() ? this.#nested(column, true) : this.#valueAfterKey(column);
      if (key.name === '<<' || entries.has(key.name)) throw BEYOND;
      entries.set(key.name, { key: key.name, keyStart: key.start, keyEnd: key.end, value });
      end = value.end;
      if (!this.#toContent() || !this.#continues(column)) break;
      key = this.#isDashHere() ? undefined : this.#key();
      if (key === undefined) throw BEYOND;
    }
    return { kind: 'map', entries, origin: this.#origin, start, end };
  }

  #valueAfterKey(column: number): Node {
    while (this.#text.charCodeAt(this.#pos) === SPACE) this.#pos++;
    return this.#value(column);
  }

  /** What follows on the lines below: a block further right (or, in a map, a list at the same column), or nothing. */
  #nested(column: number, inMap: boolean): Node {
    const place = this.#pos;
    if (this.#toContent()) {
      const here = this.#column();
      if (here === 0) this.#refuseMarker();
      if (here > column || (inMap && here === column && this.#isDashHere())) return this.#block(column);
    }
    return this.#scalar(null, '', true, place, place);
  }

  /** A key and its colon; leaves the position after the colon. Undefined (position kept) where there is no key. */
  #key(): Key | undefined {
    const start = this.#pos;
    const text = this.#text;
    const first = text.charCodeAt(start);
    if (first === 34 || first === 39) {
      const quoted = this.#quoted();
      const end = this.#pos;
      while (text.charCodeAt(this.#pos) === SPACE) this.#pos++;
      if (text.charCodeAt(this.#pos) === COLON && this.#isBlank(this.#pos + 1)) {
        this.#pos++;
        return { name: quoted, start, end };
      }
      this.#pos = start;
      return undefined;
    }
    if (isIndicator(text, start)) {
      if (first === 91 || first === 123 || first === 124) return undefined;
      throw BEYOND;
    }
    const end = this.#endOfPlain(false);
    let last = end;
    if (text.charCodeAt(last) !== COLON) return undefined;
    this.#pos = last + 1;
    while (last > start && text.charCodeAt(last - 1) === SPACE) last--;
    return { name: text.slice(start, last), start, end: last };
  }

  /** Offset where a plain scalar that starts at the position stops: at ` #`, `: `, the line's end or a flow mark. */
  #endOfPlain(inFlow: boolean): number {
    const text = this.#text;
    for (let at = this.#pos; ; at++) {
      if (at >= this.#length) return at;
      const code = text.charCodeAt(at);
      if (code === LINE_FEED) return at;
      if (code === COLON) {
        if (this.#isBlank(at + 1)) return at;
        if (inFlow && isFlowMark(text.charCodeAt(at + 1))) return at;
      } else if (code === HASH) {
        if (at > 0 && text.charCodeAt(at - 1) === SPACE) return at;
      } else if (code === 36) {
        if (text.startsWith('${{', at)) {
          const lineEnd = text.indexOf('\n', at);
          const end = endOfExpression(text, at, lineEnd === -1 ? this.#length : lineEnd);
          if (end === -1) throw BEYOND;
          at = end - 1;
        }
      } else if (inFlow && isFlowMark(code)) return at;
    }
  }

  /** The value at the position, right of a key, a dash or at the root. */
  #value(parent: number): Node {
    const text = this.#text;
    const start = this.#pos;
    const first = text.charCodeAt(start);
    if (first === 91 || first === 123) {
      const node = this.#flow(parent);
      if (!this.#restOfLineIsEmpty()) throw BEYOND;
      return node;
    }
    if (first === 34 || first === 39) {
      const value = this.#quoted();
      const end = this.#pos;
      if (!this.#restOfLineIsEmpty()) throw BEYOND;
      return this.#scalar(value, value, false, start, end);
    }
    if (first === 124) return this.#literal(parent);
    if (isIndicator(text, start)) throw BEYOND;
    if (first === DASH && this.#isBlank(start + 1)) throw BEYOND;
    let end = this.#endOfPlain(false);
    if (text.charCodeAt(end) === COLON) throw BEYOND;
    this.#pos = end;
    while (end > start && text.charCodeAt(end - 1) === SPACE) end--;
    if (!this.#restOfLineIsEmpty() && text.charCodeAt(this.#pos) !== HASH) throw BEYOND;
    if (text.charCodeAt(this.#pos) === HASH) {
      const lineEnd = text.indexOf('\n', this.#pos);
      this.#pos = lineEnd === -1 ? this.#length : lineEnd;
    }
    this.#refuseContinuation(parent);
    const written = text.slice(start, end);
    return this.#scalar(plainValue(written), written, true, start, end);
  }

  /** A plain scalar may go on over several lines: the full parser's business. */
  #refuseContinuation(parent: number): void {
    const pos = this.#pos;
    const lineStart = this.#lineStart;
    if (this.#toContent() && this.#lineStart !== lineStart && this.#column() > parent) throw BEYOND;
    this.#pos = pos;
    this.#lineStart = lineStart;
  }

  /** A quoted string on one line; leaves the position after the closing quote. */
  #quoted(): string {
    const text = this.#text;
    const start = this.#pos;
    const quote = text.charCodeAt(start);
    let escaped = false;
    for (let at = start + 1; ; at++) {
      const code = text.charCodeAt(at);
      if (at >= this.#length || code === LINE_FEED) throw BEYOND;
      if (quote === 34 && code === 92) {
        escaped = true;
        at++;
      } else if (code === quote) {
        if (quote === 39 && text.charCodeAt(at + 1) === 39) {
          escaped = true;
          at++;
          continue;
        }
        this.#pos = at + 1;
        const inside = text.slice(start + 1, at);
        if (!escaped) return inside;
        if (quote === 39) return inside.replaceAll("''", "'");
        // What JSON knows as an escape means the same in YAML; what it does not know is for the full parser.
        try {
          return JSON.parse(text.slice(start, at + 1)) as string;
        } catch {
          throw BEYOND;
        }
      }
    }
  }

  /** `|` and `|-` blocks whose indentation follows from their first line. */
  #literal(parent: number): Node {
    const text = this.#text;
    const start = this.#pos;
    this.#pos++;
    const strip = text.charCodeAt(this.#pos) === DASH;
    if (strip) this.#pos++;
    if (!this.#restOfLineIsEmpty()) throw BEYOND;
    const lines: string[] = [];
    let indent = -1;
    let end = this.#pos;
    let lineAt = this.#pos + 1;
    while (lineAt < this.#length) {
      const newline = text.indexOf('\n', lineAt);
      const lineEnd = newline === -1 ? this.#length : newline;
      let first = lineAt;
      while (first < lineEnd && text.charCodeAt(first) === SPACE) first++;
      const column = first - lineAt;
      if (first === lineEnd) {
        if (indent === -1 && column > 0) throw BEYOND;
        lines.push(indent === -1 ? '' : text.slice(Math.min(lineAt + indent, lineEnd), lineEnd));
      } else {
        if (indent === -1) {
          if (column <= parent) break;
          indent = column;
        } else if (column < indent) {
          if (column > parent || text.charCodeAt(first) === HASH) throw BEYOND;
          break;
        }
        lines.push(text.slice(lineAt + indent, lineEnd));
        end = lineEnd;
      }
      if (newline === -1) {
        lineAt = this.#length;
        break;
      }
      lineAt = newline + 1;
    }
    if (indent === -1) throw BEYOND;
    this.#pos = Math.min(lineAt, this.#length);
    this.#lineStart = this.#pos;
    while (lines.at(-1) === '') lines.pop();
    if (lines.at(-1)?.trim() === '') throw BEYOND;
    const value = lines.join('\n') + (strip ? '' : '\n');
    return this.#scalar(value, value, false, start, end);
  }

  #flow(parent: number): Node {
    if (++this.#depth > MAX_DEPTH) throw BEYOND;
    const start = this.#pos;
    const isMap = this.#text.charCodeAt(start) === 123;
    this.#pos++;
    const node = isMap ? this.#flowMap(start, parent) : this.#flowList(start, parent);
    this.#depth--;
    return node;
  }

  #inFlow(parent: number): number {
    const line = this.#lineStart;
    if (!this.#toContent()) throw BEYOND;
    if (this.#lineStart !== line && this.#column() <= parent) throw BEYOND;
    if (this.#column() === 0) this.#refuseMarker();
    return this.#text.charCodeAt(this.#pos);
  }

  #flowList(start: number, parent: number): Node {
    const items: Node[] = [];
    for (;;) {
      if (this.#inFlow(parent) === 93) break;
      items.push(this.#flowValue(parent));
      const next = this.#inFlow(parent);
      if (next === 44) this.#pos++;
      else if (next !== 93) throw BEYOND;
    }
    this.#pos++;
    return { kind: 'list', items, origin: this.#origin, start, end: this.#pos };
  }

  #flowMap(start: number, parent: number): Node {
    const entries = new Map<string, MapEntry>();
    for (;;) {
      const first = this.#inFlow(parent);
      if (first === 125) break;
      const keyStart = this.#pos;
      const line = this.#lineStart;
      let name: string;
      const isQuoted = first === 34 || first === 39;
      if (isQuoted) name = this.#quoted();
      else {
        if (isIndicator(this.#text, keyStart)) throw BEYOND;
        this.#pos = this.#endOfPlain(true);
        name = this.#text.slice(keyStart, this.#pos).trimEnd();
      }
      const keyEnd = isQuoted ? this.#pos : keyStart + name.length;
      if (this.#inFlow(parent) !== COLON || this.#lineStart !== line) throw BEYOND;
      this.#pos++;
      if (!isQuoted && !this.#isBlank(this.#pos)) throw BEYOND;
      const next = this.#inFlow(parent);
      if (next === 44 || next === 125) throw BEYOND;
      const value = this.#flowValue(parent);
      if (name === '<<' || entries.has(name)) throw BEYOND;
      entries.set(name, { key: name, keyStart, keyEnd, value });
      const after = this.#inFlow(parent);
      if (after === 44) this.#pos++;
      else if (after !== 125) throw BEYOND;
    }
    this.#pos++;
    return { kind: 'map', entries, origin: this.#origin, start, end: this.#pos };
  }

  #flowValue(parent: number): Node {
    const text = this.#text;
    const start = this.#pos;
    const first = text.charCodeAt(start);
    if (first === 91 || first === 123) return this.#flow(parent);
    if (first === 34 || first === 39) {
      const value = this.#quoted();
      return this.#scalar(value, value, false, start, this.#pos);
    }
    if (isIndicator(text, start) || first === DASH) throw BEYOND;
    this.#pos = this.#endOfPlain(true);
    const written = text.slice(start, this.#pos).trimEnd();
    if (written === '') throw BEYOND;
    return this.#scalar(plainValue(written), written, true, start, start + written.length);
  }

  #scalar(value: ScalarNode['value'], text: string, plain: boolean, start: number, end: number): ScalarNode {
    return { kind: 'scalar', value, text, plain, origin: this.#origin, start, end };
  }
}

interface Key {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** Characters that a plain scalar cannot start with (or that start something this reader does not read). */
function isIndicator(text: string, at: number): boolean {
  const char = text[at] ?? '';
  if ('[]{},#&*!|>\'"%@`'.includes(char)) return true;
  return (char === '?' || char === ':') && /[\s,[\]{}]|^$/.test(text[at + 1] ?? '');
}

function isFlowMark(code: number): boolean {
  return code === 44 || code === 91 || code === 93 || code === 123 || code === 125;
}
