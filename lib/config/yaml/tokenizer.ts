/**
 * Cuts YAML into tokens: the one place that knows where a plain scalar starts and ends, what is a quote and what a
 * comment, and which lines still belong to a scalar. Both ways of reading a file are based on it (fast.ts builds its tree
 * from the tokens, mask.ts finds the expressions that it hides from the `yaml` package), so they cannot disagree.
 *
 * One thing is ours alone: inside a plain scalar `${{ … }}` is one unit, so that `${{ a ? b : c }}` needs no quotes.
 * Everything else is as the package has it (test/config/yaml-fuzz.test.ts compares the two). A text with mistakes is cut
 * somehow, but never endlessly: the package finds the mistakes.
 */
import { endOfExpression } from '../../util/expression-scan.ts';
import {
  AMPERSAND,
  ASTERISK,
  BACKSLASH,
  BYTE_ORDER_MARK,
  CARRIAGE_RETURN,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  DASH,
  DOLLAR,
  DOT,
  DOUBLE_QUOTE,
  EXCLAMATION,
  GREATER,
  HASH,
  isBlank,
  isFlowMark,
  isSpaceBetween,
  isWhite,
  LINE_FEED,
  LOWER_A,
  LOWER_Z,
  OPEN_BRACE,
  OPEN_BRACKET,
  PERCENT,
  PIPE,
  QUESTION,
  SINGLE_QUOTE,
  SPACE,
  TAB,
} from './characters.ts';

/** What a token is. */
export type TokenKind =
  /** The end of the text. */
  | 'end'
  /** `---`, `...` */
  | 'marker'
  /** `- `, `? `, `: ` and, in flow collections, `,` */
  | 'dash'
  | 'question'
  | 'colon'
  | 'comma'
  | '['
  | ']'
  | '{'
  | '}'
  | 'plain'
  | 'single-quoted'
  | 'double-quoted'
  /** `|` and `>`, their lines included. */
  | 'block'
  /** An anchor, a tag, an alias. */
  | 'property'
  /** A directive, or what no YAML has: a quote that never closes, a flow collection that breaks off. */
  | 'other';

/** Goes through a text token by token; the public fields tell of the one at hand. */
export class Tokenizer {
  kind: TokenKind = 'end';
  start = 0;
  /** Exclusive. */
  end = 0;
  column = 0;
  /** Whether it is the first token of its line. */
  isFirst = false;
  /** Whether a scalar goes over more than one line. */
  spansLines = false;
  /** Whether a quoted scalar does not read as it is written. */
  hasEscapes = false;
  /** Of a block scalar: where its lines begin, and how far they are indented. */
  linesStart = 0;
  linesIndent = 0;
  /** The column that the lines of the present value must be right of; -1 at the root. */
  indent = -1;

  readonly #text: string;
  readonly #length: number;
  readonly #onExpression: ((start: number, end: number) => void) | undefined;
  /** Where the line begins that holds the end of the token. */
  #line = 0;
  #flowDepth = 0;
  /** Columns of the block collections that are open; first of all the root's. */
  readonly #columns: number[] = [-1];
  /** Where the node at hand begins: the column of the map, should a colon follow. -1: it does not begin yet. */
  #nodeColumn = -1;
  /** In a flow collection, whether a colon need not be followed by a blank: `{"a":b}`. */
  #isBehindJson = false;
  #isInDocument = false;
  /** What was found last: between the two there is no line break; between all tokens so far and this no backslash. */
  #lineEndFrom = 0;
  #lineEndAt = -1;
  #backslashAt = -1;
  /** How far the plain scalar that starts at `#limitOf` can reach at most; -1: not found out yet. */
  #limit = -1;
  #limitOf = -1;
  /** Whether an expression (or an escaped one, `$${{`) of that scalar never closed. */
  #hasUnclosed = false;
  #hasUnclosedEscape = false;

  /** `onExpression` is called with every `${{ … }}` of plain scalars. */
  constructor(text: string, onExpression?: (start: number, end: number) => void) {
    this.#text = text;
    this.#length = text.length;
    this.#onExpression = onExpression;
  }

  /** Goes on to the next token. */
  next(): void {
    const text = this.#text;
    let at = this.end;
    let isFirst = at === this.#line;
    let code: number;
    for (;;) {
      code = text.charCodeAt(at);
      if ((code > HASH && code !== BYTE_ORDER_MARK) || code === DOUBLE_QUOTE) break;
      if (code === SPACE || code === TAB) at++;
      else if (code === LINE_FEED) {
        at++;
        this.#line = at;
        isFirst = true;
      } else if (code === CARRIAGE_RETURN && text.charCodeAt(at + 1) === LINE_FEED) at++;
      else if (code === HASH && (at === this.#line || isWhite(text.charCodeAt(at - 1)))) {
        at = this.#lineEnd(at);
      } else if (this.#isByteOrderMark(at, code)) {
        at++;
        this.#line = at;
      } else break;
    }
    this.start = at;
    this.column = at - this.#line;
    this.isFirst = isFirst;
    if (at >= this.#length) {
      this.#take('end', at);
      return;
    }
    if (isFirst && this.#lineStart(at, code)) return;
    if (code >= LOWER_A && code <= LOWER_Z) this.#plain(at);
    else this.#token(at, code);
  }

  /** What only the start of a line can be; false where the line goes on with a token like any other. */
  #lineStart(at: number, code: number): boolean {
    if (this.column === 0 && this.#isMarker(at)) {
      this.#marker(code);
      return true;
    }
    if (this.#flowDepth === 0) this.#startLine(this.column);
    else if (this.#breaksFlow(code)) {
      this.#flowDepth = 0;
      // The line is looked at once more, as one of block collections.
      this.#take('other', this.#line);
      return true;
    }
    if (code === PERCENT && this.column === 0 && !this.#isInDocument) {
      this.#take('other', this.#lineEnd(at));
      return true;
    }
    this.#isInDocument = true;
    return false;
  }

  /** One may stand before each document. */
  #isByteOrderMark(at: number, code: number): boolean {
    if (code !== BYTE_ORDER_MARK || at !== this.#line || this.#isInDocument) return false;
    return this.#text.charCodeAt(at - 1) !== BYTE_ORDER_MARK;
  }

  #take(kind: TokenKind, end: number): void {
    this.kind = kind;
    this.end = end;
  }

  #token(at: number, code: number): void {
    const inFlow = this.#flowDepth > 0;
    switch (code) {
      case COLON:
        if (this.#isBehindJson || this.#endsIndicator(at + 1, inFlow)) {
          if (!inFlow) this.#openColumn(this.#nodeColumn === -1 ? this.column : this.#nodeColumn);
          this.#take('colon', at + 1);
          this.#isBehindJson = false;
          return;
        }
        break;
      case DOUBLE_QUOTE:
      case SINGLE_QUOTE:
        this.#startNode();
        this.#quoted(at, code);
        this.#isBehindJson = inFlow;
        return;
      case COMMA:
        if (!inFlow) break;
        this.#take('comma', at + 1);
        this.#isBehindJson = false;
        return;
      case OPEN_BRACKET:
      case OPEN_BRACE:
        this.#startNode();
        this.#flowDepth++;
        this.#take(code === OPEN_BRACKET ? '[' : '{', at + 1);
        this.#isBehindJson = false;
        return;
      case CLOSE_BRACKET:
      case CLOSE_BRACE:
        if (inFlow) this.#flowDepth--;
        this.#take(code === CLOSE_BRACKET ? ']' : '}', at + 1);
        this.#isBehindJson = this.#flowDepth > 0;
        return;
      case DASH:
      case QUESTION:
        if (this.#endsIndicator(at + 1, inFlow)) {
          if (!inFlow) this.#openColumn(this.column);
          this.#take(code === DASH ? 'dash' : 'question', at + 1);
          this.#isBehindJson = false;
          return;
        }
        break;
      case AMPERSAND:
      case EXCLAMATION:
      case ASTERISK:
        this.#startNode();
        this.#take('property', this.#endOfProperty(at, code));
        return;
      case PIPE:
      case GREATER:
        if (inFlow) break;
        this.#block(at);
        return;
      case HASH:
        this.#take('other', this.#lineEnd(at));
        return;
    }
    this.#plain(at);
  }

  #startNode(): void {
    if (this.#flowDepth === 0 && this.#nodeColumn === -1) this.#nodeColumn = this.column;
  }

  /** A line of block collections: those that are further right, or start in the same column, are over. */
  #startLine(column: number): void {
    this.indent = this.#closeColumns(column);
    this.#nodeColumn = -1;
  }

  #openColumn(column: number): void {
    this.#closeColumns(column);
    this.#columns.push(column);
    this.indent = column;
    this.#nodeColumn = -1;
  }

  /** The column of the collection around one that begins at `column`. */
  #closeColumns(column: number): number {
    const columns = this.#columns;
    for (;;) {
      const last = columns[columns.length - 1] ?? -1;
      if (last < column) return last;
      columns.pop();
    }
  }

  #marker(code: number): void {
    this.#flowDepth = 0;
    this.#columns.length = 1;
    this.indent = -1;
    this.#nodeColumn = -1;
    this.#isBehindJson = false;
    this.#isInDocument = code === DASH;
    this.#take('marker', this.start + 3);
  }

  #isMarker(at: number): boolean {
    const text = this.#text;
    const code = text.charCodeAt(at);
    if (code !== DASH && code !== DOT) return false;
    return (
      text.charCodeAt(at + 1) === code && text.charCodeAt(at + 2) === code && isBlank(text.charCodeAt(at + 3))
    );
  }

  /** Lines of a flow collection are indented; only its last bracket may stand where its key does. */
  #breaksFlow(code: number): boolean {
    if (this.column > this.indent) return false;
    const isClosing = code === CLOSE_BRACKET || code === CLOSE_BRACE;
    return !(isClosing && this.#flowDepth === 1 && this.column === this.indent);
  }

  #endsIndicator(at: number, inFlow: boolean): boolean {
    const code = this.#text.charCodeAt(at);
    return isBlank(code) || (inFlow && isFlowMark(code));
  }

  #endOfProperty(start: number, code: number): number {
    const property = code === EXCLAMATION ? TAG : ANCHOR;
    property.lastIndex = start;
    return property.test(this.#text) ? property.lastIndex : start + 1;
  }

  #lineEnd(at: number): number {
    if (at < this.#lineEndFrom || at > this.#lineEndAt) {
      const end = this.#text.indexOf('\n', at);
      this.#lineEndFrom = at;
      this.#lineEndAt = end === -1 ? this.#length : end;
    }
    return this.#lineEndAt;
  }

  /** Where the next backslash is, at `at` or behind it. */
  #nextBackslash(at: number): number {
    if (at > this.#backslashAt) {
      const next = this.#text.indexOf('\\', at);
      this.#backslashAt = next === -1 ? this.#length : next;
    }
    return this.#backslashAt;
  }

  /**
   * Where a scalar that reaches the end of a line goes on: at the first character of a later line that is indented
   * enough, blank lines between. -1: nowhere.
   */
  #continuation(lineBreak: number): number {
    const text = this.#text;
    let line = text.charCodeAt(lineBreak) === LINE_FEED ? lineBreak + 1 : lineBreak + 2;
    for (;;) {
      let at = line;
      while (text.charCodeAt(at) === SPACE) at++;
      const code = text.charCodeAt(at);
      if (code === LINE_FEED) line = at + 1;
      else if (code === CARRIAGE_RETURN && text.charCodeAt(at + 1) === LINE_FEED) line = at + 2;
      else if (at >= this.#length || at - line <= this.indent) return -1;
      else return at === line && this.#isMarker(at) ? -1 : at;
    }
  }

  #plain(start: number): void {
    const text = this.#text;
    const inFlow = this.#flowDepth > 0;
    if (!inFlow && this.#nodeColumn === -1) this.#nodeColumn = this.column;
    this.#isBehindJson = false;
    this.spansLines = false;
    let firstBreak = -1;
    let at = start;
    for (; at < this.#length; at++) {
      const code = text.charCodeAt(at);
      if (code >= 94 && code <= 122) continue;
      if (code === SPACE || code === TAB) {
        if (text.charCodeAt(at + 1) === HASH) break;
      } else if (code === COLON) {
        if (this.#endsIndicator(at + 1, inFlow)) break;
      } else if (code === LINE_FEED || (code === CARRIAGE_RETURN && text.charCodeAt(at + 1) === LINE_FEED)) {
        const next = this.#continuation(at);
        if (next === -1 || text.charCodeAt(next) === HASH) break;
        if (firstBreak === -1) firstBreak = at;
        at = next - 1;
      } else if (code === DOLLAR) {
        if (!text.startsWith('${{', at)) continue;
        const close = this.#endOfExpression(at);
        if (close === -1) continue;
        this.#onExpression?.(at, close);
        at = close - 1;
      } else if (inFlow && isFlowMark(code)) break;
    }
    let end = at;
    while (text.charCodeAt(end - 1) <= SPACE && isSpaceBetween(text, end - 1)) end--;
    this.kind = 'plain';
    this.end = end;
    if (firstBreak !== -1 && end > firstBreak) this.spansLines = true;
    if (this.spansLines) this.#line = text.lastIndexOf('\n', end - 1) + 1;
  }

  /**
   * Where the expression at `start` ends, if it does so inside of the present plain scalar. Once one never closes, the
   * rest of the scalar is an error whatever it says; that no further one is tried keeps the work in bounds.
   */
  #endOfExpression(start: number): number {
    const lineEnd = this.#lineEnd(start);
    const onLine = endOfExpression(this.#text, start, lineEnd);
    if (onLine !== -1) return onLine;
    if (this.#limitOf !== this.start) {
      this.#limitOf = this.start;
      this.#limit = -1;
      this.#hasUnclosed = false;
      this.#hasUnclosedEscape = false;
    }
    const isEscape = this.#text[start - 1] === '$';
    if (isEscape ? this.#hasUnclosedEscape : this.#hasUnclosed) return -1;
    if (this.#limit === -1) {
      let limit = lineEnd;
      for (let next = this.#continuationAfter(limit); next !== -1; next = this.#continuationAfter(limit)) {
        limit = this.#lineEnd(next);
      }
      this.#limit = limit;
    }
    const end = endOfExpression(this.#text, start, this.#limit);
    if (end !== -1) this.spansLines = true;
    else if (isEscape) this.#hasUnclosedEscape = true;
    else this.#hasUnclosed = true;
    return end;
  }

  #continuationAfter(lineEnd: number): number {
    return lineEnd >= this.#length ? -1 : this.#continuation(lineEnd);
  }

  #quoted(start: number, quote: number): void {
    const text = this.#text;
    this.spansLines = false;
    this.hasEscapes = false;
    const isDouble = quote === DOUBLE_QUOTE;
    const close = text.indexOf(isDouble ? '"' : "'", start + 1);
    const isSimple = isDouble
      ? this.#nextBackslash(start) > close
      : text.charCodeAt(close + 1) !== SINGLE_QUOTE;
    // Nearly every one: in one line, and without escapes.
    if (isSimple && close !== -1 && close < this.#lineEnd(start)) {
      this.kind = isDouble ? 'double-quoted' : 'single-quoted';
      this.end = close + 1;
      return;
    }
    for (let at = start + 1; at < this.#length; at++) {
      const code = text.charCodeAt(at);
      if (code === quote) {
        if (!isDouble && text.charCodeAt(at + 1) === SINGLE_QUOTE) {
          this.hasEscapes = true;
          at++;
          continue;
        }
        this.#take(isDouble ? 'double-quoted' : 'single-quoted', at + 1);
        if (this.spansLines) this.#line = text.lastIndexOf('\n', at) + 1;
        return;
      }
      if (code === LINE_FEED) {
        this.spansLines = true;
        const next = this.#continuation(at);
        if (next === -1) {
          this.#take('other', at);
          return;
        }
        at = next - 1;
      } else if (code === BACKSLASH && isDouble) {
        this.hasEscapes = true;
        if (text.charCodeAt(at + 1) !== LINE_FEED) at++;
      }
    }
    this.#take('other', this.#length);
  }

  #block(start: number): void {
    const text = this.#text;
    const header = BLOCK_HEADER.exec(text.slice(start + 1, start + 5))?.[0] ?? '';
    const digit = Number(/[1-9]/.exec(header)?.[0] ?? 0);
    const headerEnd = this.#lineEnd(start);
    this.spansLines = true;
    this.linesStart = Math.min(headerEnd + 1, this.#length);
    this.linesIndent = digit === 0 ? -1 : Math.max(this.indent, 0) + digit;
    let end = this.linesStart;
    for (let line = this.linesStart; line < this.#length; ) {
      let at = line;
      while (text.charCodeAt(at) === SPACE) at++;
      const lineEnd = this.#lineEnd(at);
      const spaces = at - line;
      const isEmpty = at === lineEnd || (at === lineEnd - 1 && text.charCodeAt(at) === CARRIAGE_RETURN);
      if (!isEmpty) {
        if (this.linesIndent === -1) this.linesIndent = Math.max(spaces, this.indent + 1);
        if (spaces < this.linesIndent || (spaces === 0 && this.#isMarker(at))) break;
      }
      line = Math.min(lineEnd + 1, this.#length);
      // Of the blank lines at the end only those count that are longer than the indentation, unless all are kept (`|+`).
      const isContent = !isEmpty || (this.linesIndent !== -1 && spaces > this.linesIndent);
      if (isContent || header.includes('+')) end = line;
    }
    this.#take('block', end);
    this.#line = end;
  }
}

/** An anchor or an alias, and a tag: `!name`, `!<…>`. */
const ANCHOR = /[&*][^ ,[\]{}\n\r\t]*/y;
const TAG = /!(?:<[^ >\n\r\t]*>?|(?:[\w\-#;/?:@&=+$.!~*'()]|%[0-9A-Fa-f]{2})*)/y;

const BLOCK_HEADER = /^[-+1-9]*/;
