/**
 * Env files: `NAME=value` lines as Compose reads them (compose-go dotenv/parser.go): `export`, `NAME: value`, quotes,
 * comments, values over several lines, references to variables.
 */
import { type Problem, problem, type SourceFile } from '../../model/mod.ts';
import { type Lookup, substitute } from './template.ts';

/** Reads an env file into `into`; gives what is wrong, and then stops. `lookup` comes before what the file itself says. */
export function readDotenv(
  source: SourceFile,
  into: Map<string, string>,
  lookup: Lookup,
): Problem | undefined {
  const reader = new Reader(source, into, lookup);
  try {
    reader.read();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof Wrong) return thrown.problem;
    throw thrown;
  }
}

/** Thrown and caught in this file only. */
class Wrong {
  readonly problem: Problem;
  constructor(found: Problem) {
    this.problem = found;
  }
}

const SPACE_IN_LINE = /[\t\v\f\r \u0085\u00A0]/;
const SPACE_AT_END = /[\t\n\v\f\r \u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]+$/;
const SPACE_AT_START = /^[\t\n\v\f\r \u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]+/;

class Reader {
  readonly #source: SourceFile;
  readonly #text: string;
  readonly #into: Map<string, string>;
  readonly #lookup: Lookup;
  #at: number;

  constructor(source: SourceFile, into: Map<string, string>, lookup: Lookup) {
    this.#source = source;
    this.#text = source.text;
    this.#into = into;
    this.#lookup = lookup;
    this.#at = source.text.startsWith('\uFEFF') ? 1 : 0;
  }

  read(): void {
    while (this.#toStatement()) {
      const start = this.#at;
      const { name, isBare } = this.#name();
      if (name.includes(' '))
        this.#fail('The name of a variable cannot hold a space', start, start + name.length);
      if (isBare) {
        const value = this.#lookup(name);
        if (value !== undefined) this.#into.set(name, value);
      } else this.#into.set(name, this.#value());
    }
  }

  #toStatement(): boolean {
    for (;;) {
      const space = SPACE_AT_START.exec(this.#text.slice(this.#at, this.#at + 4096))?.[0].length ?? 0;
      this.#at += space;
      if (this.#at >= this.#text.length) return false;
      if (space > 0) continue;
      if (this.#text[this.#at] !== '#') return true;
      const end = this.#text.indexOf('\n', this.#at);
      if (end === -1) return false;
      this.#at = end;
    }
  }

  #name(): { readonly name: string; readonly isBare: boolean } {
    const word = /^export\s+/.exec(this.#text.slice(this.#at, this.#at + 4096));
    if (word !== null) {
      this.#at += 'export'.length;
      this.#skipSpace();
    }
    const start = this.#at;
    if (start >= this.#text.length) this.#fail('The file ends after "export"', start - 1, start);
    for (let at = start; at < this.#text.length; at++) {
      const char = this.#text[at] as string;
      if (SPACE_IN_LINE.test(char)) continue;
      if (char === '=' || char === ':' || char === '\n') {
        this.#at = at + 1;
        this.#skipSpace();
        return { name: this.#text.slice(start, at).replace(SPACE_AT_END, ''), isBare: char === '\n' };
      }
      if (!/[\p{L}\p{N}_.\-[\]]/u.test(String.fromCodePoint(this.#text.codePointAt(at) ?? 0))) {
        if (/[\uDC00-\uDFFF]/.test(char)) continue;
        this.#fail(`The name of a variable cannot hold "${char}"`, at, at + 1);
      }
    }
    // A name at the very end, without a line break, stands for nothing: the rest of the file is read as a value.
    return { name: '', isBare: false };
  }

  #skipSpace(): void {
    while (SPACE_IN_LINE.test(this.#text[this.#at] ?? 'x')) this.#at++;
  }

  #value(): string {
    const quote = this.#text[this.#at];
    if (quote === '"' || quote === "'") return this.#quoted(quote);
    const start = this.#at;
    const lineEnd = this.#text.indexOf('\n', start);
    const end = lineEnd === -1 ? this.#text.length : lineEnd;
    this.#at = lineEnd === -1 ? end : end + 1;
    const line = this.#text.slice(start, end);
    const comment = line.indexOf(' #');
    return this.#expand(
      (comment === -1 ? line : line.slice(0, comment)).replace(SPACE_AT_END, ''),
      start,
      end,
    );
  }

  #quoted(quote: string): string {
    const start = this.#at;
    let text = '';
    let isEscaped = false;
    for (let at = start + 1; at < this.#text.length; at++) {
      const char = this.#text[at] as string;
      if (char === quote && !isEscaped) {
        this.#at = at + 1;
        return quote === '"' ? this.#expand(unescapeText(text), start, at + 1) : text;
      }
      if (char === '\\' && !isEscaped) {
        isEscaped = true;
        continue;
      }
      text += isEscaped && char !== quote ? `\\${char}` : char;
      isEscaped = false;
    }
    const lineEnd = this.#text.indexOf('\n', start);
    return this.#fail('The quote is never closed', start, lineEnd === -1 ? this.#text.length : lineEnd);
  }

  #expand(text: string, start: number, end: number): string {
    const found = substitute(text, (name) => this.#lookup(name) ?? this.#into.get(name));
    if (found.ok) return found.text;
    throw new Wrong(
      problem('bake/compose', found.message, {
        ...(found.hint === undefined ? {} : { hint: found.hint }),
        span: { source: this.#source, start, end: Math.max(end, start + 1) },
      }),
    );
  }

  #fail(message: string, start: number, end: number): never {
    throw new Wrong(
      problem('bake/compose', message, {
        hint: 'Lines of an env file look like NAME=value.',
        span: { source: this.#source, start, end: Math.max(end, start + 1) },
      }),
    );
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '"': '"',
  '\\': '\\',
  // The dollar of `\$` is no reference.
  $: '$$',
};

/** Escapes in double quotes; one that Go does not know, `\c`, stays as it is, and so does an octal that is none. */
function unescapeText(text: string): string {
  return text.replace(/\\(?:([abcfnrtv$"\\])|0(\d{0,3}))/g, (whole, letter?: string, octal?: string) => {
    if (letter !== undefined) return ESCAPES[letter] ?? whole;
    return /^[0-3][0-7]{2}$/.test(octal ?? '') ? String.fromCharCode(Number.parseInt(octal ?? '', 8)) : whole;
  });
}
