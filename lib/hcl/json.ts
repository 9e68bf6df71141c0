/** Converts values to JSON and back like go-cty's json package (https://pkg.go.dev/github.com/zclconf/go-cty/cty/json). */
import { escapeHtml } from '../util/go-json.ts';
import { isInfinite, parseNumber } from './number.ts';
import { numberText } from './number-text.ts';
import { equalTypes } from './types.ts';
import type { FunctionResult, Value } from './value.ts';
import { boolValue, nullOf, numberValue, objectOf, textValue, tupleOf } from './values.ts';

/** Maximum nesting of lists and objects in a text. */
const MOST_LEVELS = 500;

/** Compact JSON with sorted names; undefined if it contains an infinite number, which JSON does not have. */
export function toJsonText(value: Value): string | undefined {
  switch (value.kind) {
    case 'null':
      return 'null';
    case 'bool':
      return value.value ? 'true' : 'false';
    case 'number':
      return isInfinite(value.value) ? undefined : numberText(value.value);
    case 'string':
      return jsonString(value.value);
    case 'sequence':
      return joined(value.items.map(toJsonText), '[', ']');
    case 'mapping':
      return joined(
        [...value.entries].map(([name, item]) => {
          const text = toJsonText(item);
          return text === undefined ? undefined : `${jsonString(name)}:${text}`;
        }),
        '{',
        '}',
      );
  }
}

/** A text as Go writes it in JSON: also escapes `<`, `>`, `&` and two line separators. */
export function jsonString(text: string): string {
  return escapeHtml(JSON.stringify(text));
}

function joined(parts: readonly (string | undefined)[], open: string, close: string): string | undefined {
  return parts.includes(undefined) ? undefined : `${open}${parts.join(',')}${close}`;
}

/** The value of a JSON text. Text after it is an error. */
export function fromJsonText(text: string): FunctionResult {
  const reader = new Reader(text);
  try {
    const value = reader.value(0);
    reader.end();
    return { ok: true, value };
  } catch (thrown) {
    if (thrown instanceof BadJson) return { ok: false, message: thrown.message, isLimit: thrown.isLimit };
    throw thrown;
  }
}

class BadJson extends Error {
  readonly isLimit: boolean;

  constructor(message: string, isLimit = false) {
    super(message);
    this.isLimit = isLimit;
  }
}

const WHITE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const TEXT = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /true|false|null/y;

class Reader {
  private at = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  value(level: number): Value {
    if (level > MOST_LEVELS) throw new BadJson(`the JSON has more than ${MOST_LEVELS} levels`, true);
    this.take(WHITE);
    const next = this.text[this.at];
    if (next === '{') return this.object(level);
    if (next === '[') return this.array(level);
    if (next === '"') return textValue(this.string());
    const word = this.take(WORD);
    if (word === 'null') return nullOf();
    if (word !== undefined) return boolValue(word === 'true');
    const digits = this.take(NUMBER);
    if (digits === undefined) throw this.unexpected('a value');
    const number = parseNumber(digits);
    if (number === undefined)
      throw new BadJson(`the number ${digits.slice(0, 40)} is too large or too small`, true);
    return numberValue(number);
  }

  end(): void {
    this.take(WHITE);
    // go-cty stops at an unmatched closing bracket, whatever follows.
    if (this.at < this.text.length && !/[\]}]/.test(this.text[this.at] ?? ''))
      throw this.unexpected('the end');
  }

  private object(level: number): Value {
    this.at++;
    const entries = new Map<string, Value>();
    this.take(WHITE);
    if (this.skip('}')) return objectOf([]);
    do {
      this.take(WHITE);
      const name = this.string();
      if (name !== name.normalize('NFC'))
        throw new BadJson(`the name ${JSON.stringify(name)} must be in the Unicode form NFC`);
      this.take(WHITE);
      if (!this.skip(':')) throw this.unexpected('":"');
      const value = this.value(level + 1);
      const before = entries.get(name);
      if (before !== undefined && !equalTypes(before.type, value.type))
        throw new BadJson(
          `the property ${JSON.stringify(name)} appears twice, with values of different types`,
        );
      entries.set(name, value);
      this.take(WHITE);
    } while (this.skip(','));
    if (!this.skip('}')) throw this.unexpected('"," or "}"');
    return objectOf(entries);
  }

  private array(level: number): Value {
    this.at++;
    const items: Value[] = [];
    this.take(WHITE);
    if (this.skip(']')) return tupleOf([]);
    do {
      items.push(this.value(level + 1));
      this.take(WHITE);
    } while (this.skip(','));
    if (!this.skip(']')) throw this.unexpected('"," or "]"');
    return tupleOf(items);
  }

  private string(): string {
    const text = this.take(TEXT);
    if (text === undefined) throw this.unexpected('a quoted string');
    // A lone surrogate is not a character.
    return (JSON.parse(text) as string).replace(/\p{Cs}/gu, '\ufffd');
  }

  private skip(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private unexpected(wanted: string): BadJson {
    const there = this.at < this.text.length ? JSON.stringify(this.text[this.at]) : 'the end';
    return new BadJson(
      `the text is not valid JSON: ${there} is where ${wanted} should be (character ${this.at + 1})`,
    );
  }
}
