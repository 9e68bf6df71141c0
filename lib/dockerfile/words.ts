/**
 * Words of a Dockerfile: quotes, escapes and `$` substitution, with the rules of BuildKit's own shell lexer
 * (frontend/dockerfile/shell/lex.go), which differ from those of real shells in details that affect what is copied.
 */

/** Marks a variable whose value cannot be known from here (the environment of a base image). */
export const UNKNOWN: unique symbol = Symbol('unknown value');

/** The value of a name; undefined: not set. */
export type Lookup = (name: string) => string | typeof UNKNOWN | undefined;

/** The result of substitution: `names` are the variables that were looked up. */
export type Expanded =
  | {
      readonly kind: 'value';
      readonly text: string;
      readonly words: readonly string[];
      readonly names: ReadonlySet<string>;
    }
  | { readonly kind: 'unknown'; readonly unknown: readonly string[]; readonly names: ReadonlySet<string> }
  | { readonly kind: 'error'; readonly message: string; readonly names: ReadonlySet<string> };

/** How to read the text. */
export interface ExpandOptions {
  /** The file's escape character. */
  readonly escape: string;
  readonly lookup: Lookup;
  /** Keep quotes in the result. */
  readonly rawQuotes?: boolean;
  /** Keep escapes in the result. */
  readonly rawEscapes?: boolean;
  /** Keep `$name` as written if it is not set. */
  readonly keepUnset?: boolean;
}

class LexFailure extends Error {}

/**
 * Linux cannot pass a longer variable to a program (execve(2), `MAX_ARG_STRLEN`). Sixty times `ARG A=$A$A` would create
 * one.
 */
const MAX_EXPANDED = 128 * 1024;
const TOO_LONG = 'its variables expand to more than 128 KiB';
/** `${a:-${b:-…}}` */
const MAX_DEPTH = 100;
/** Most stars in `${name#pattern}` that a regular expression can match in acceptable time. */
const MAX_STARS = 2;

const SPECIAL_PARAMETERS = '@*#?-$!0';
const EOF = '';

/** Substitutes variables in a text and splits it into words; syntax errors and unknown values are returned as values. */
export function expand(text: string, options: ExpandOptions): Expanded {
  const lexer = new Lexer(text, options);
  try {
    const { text: result, words } = lexer.until(EOF, options.rawEscapes === true, false);
    if (lexer.unknown.size > 0) return { kind: 'unknown', unknown: [...lexer.unknown], names: lexer.names };
    return { kind: 'value', text: result, words, names: lexer.names };
  } catch (error) {
    if (!(error instanceof LexFailure)) throw error;
    return { kind: 'error', message: error.message, names: lexer.names };
  }
}

/** One pass over one text. Only used by {@link expand}. */
class Lexer {
  readonly names: Set<string> = new Set();
  readonly unknown: Set<string> = new Set();
  readonly #characters: readonly string[];
  readonly #options: ExpandOptions;
  #at = 0;
  #rawEscapes = false;
  /** Nesting depth of the text that is being read. */
  #depth = 0;
  /** Total length of substituted values. */
  #lookedUp = 0;

  constructor(text: string, options: ExpandOptions) {
    this.#characters = Array.from(text);
    this.#options = options;
  }

  /** Reads up to `stop` (consumed) or the end. */
  until(
    stop: string,
    rawEscapes: boolean,
    keepPatternEscapes: boolean,
  ): { readonly text: string; readonly words: readonly string[] } {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new LexFailure('variables are nested too deeply');
    const before = this.#rawEscapes;
    this.#rawEscapes = rawEscapes;
    const words = new WordCollector();
    let result = '';
    while (this.#peek() !== EOF) {
      const next = this.#peek();
      if (stop !== EOF && next === stop) {
        this.#take();
        this.#rawEscapes = before;
        this.#depth -= 1;
        return { text: result, words: words.finish() };
      }
      if (next === '$') {
        const part = this.#dollar();
        result += part;
        words.addSplitting(part);
      } else if (next === '<' || next === "'" || next === '"') {
        let part: string;
        if (next === '<') part = this.#heredocStart();
        else if (next === "'") part = this.#singleQuoted(keepPatternEscapes);
        else part = this.#doubleQuoted(keepPatternEscapes);
        result += part;
        words.addWhole(part);
      } else if (next === this.#options.escape) {
        this.#take();
        if (this.#rawEscapes) {
          result += next;
          words.addWhole(next);
        }
        const escaped = this.#take();
        if (escaped === EOF) break;
        result += escaped;
        words.addWhole(escaped);
      } else {
        this.#take();
        result += next;
        words.addSplitting(next);
      }
    }
    if (stop !== EOF) throw new LexFailure(`unexpected end while looking for the matching ${stop}`);
    this.#rawEscapes = before;
    this.#depth -= 1;
    return { text: result, words: words.finish() };
  }

  #peek(): string {
    return this.#characters[this.#at] ?? EOF;
  }

  #take(): string {
    const next = this.#peek();
    if (next !== EOF) this.#at += 1;
    return next;
  }

  #singleQuoted(keepPatternEscapes: boolean): string {
    const quote = this.#take();
    let result = this.#options.rawQuotes === true ? quote : '';
    for (;;) {
      const next = this.#take();
      if (next === EOF) throw new LexFailure('unexpected end while looking for the matching single quote');
      if (next === "'") return this.#options.rawQuotes === true ? result + next : result;
      if (keepPatternEscapes && next === this.#options.escape) result += next;
      result += next;
    }
  }

  #doubleQuoted(keepPatternEscapes: boolean): string {
    const quote = this.#take();
    const rawQuotes = this.#options.rawQuotes === true;
    let result = rawQuotes ? quote : '';
    for (;;) {
      const next = this.#peek();
      if (next === EOF) throw new LexFailure('unexpected end while looking for the matching double quote');
      if (next === '$') {
        result += this.#dollar();
        continue;
      }
      this.#take();
      if (next === '"') return rawQuotes ? result + next : result;
      if (next !== this.#options.escape) {
        result += next;
        continue;
      }
      const after = this.#peek();
      if (after === EOF) continue;
      if (after === '"' || after === '$' || after === this.#options.escape) {
        if (this.#rawEscapes) result += next;
        result += this.#take();
      } else {
        if (this.#rawEscapes && (!rawQuotes || keepPatternEscapes)) result += next;
        result += next;
      }
    }
  }

  #heredocStart(): string {
    this.#take();
    if (this.#peek() !== '<') return '<';
    this.#take();
    let result = '<<';
    while (this.#peek() === ' ' || this.#peek() === '\t' || this.#peek() === '\r') result += this.#take();
    return result;
  }

  #name(): string {
    let name = '';
    for (;;) {
      const next = this.#peek();
      if (next === EOF) return name;
      if (name === '' && /\p{Nd}/u.test(next)) {
        while (/\p{Nd}/u.test(this.#peek())) name += this.#take();
        return name;
      }
      if (name === '' && SPECIAL_PARAMETERS.includes(next)) return this.#take();
      if (next !== '_' && !/[\p{L}\p{Nd}]/u.test(next)) return name;
      name += this.#take();
    }
  }

  #lookUp(name: string): string | undefined {
    this.names.add(name);
    const value = this.#options.lookup(name);
    if (value !== UNKNOWN) {
      this.#lookedUp += value?.length ?? 0;
      if (this.#lookedUp > MAX_EXPANDED) throw new LexFailure(TOO_LONG);
      return value;
    }
    this.unknown.add(name);
    return '';
  }

  #dollar(): string {
    this.#take();
    if (this.#peek() !== '{') {
      const name = this.#name();
      if (name === '') return '$';
      return this.#lookUp(name) ?? (this.#options.keepUnset === true ? `$${name}` : '');
    }
    this.#take();
    const first = this.#peek();
    if (first === EOF) throw new LexFailure("missing '}'");
    if (first === '{' || first === '}' || first === ':') throw new LexFailure('bad substitution');
    const name = this.#name();
    let operator = this.#take();
    let written = operator;
    if (operator === '}') {
      return this.#lookUp(name) ?? (this.#options.keepUnset === true ? `\${${name}}` : '');
    }
    if (operator === '/') return this.#replacement(name);
    const emptyIsUnset = operator === ':';
    if (emptyIsUnset) {
      operator = this.#take();
      written += operator;
    }
    if (!'+-?#%'.includes(operator) || operator === EOF || (emptyIsUnset && '#%'.includes(operator))) {
      throw new LexFailure(`unsupported modifier (${written}) in substitution`);
    }
    const isPattern = operator === '#' || operator === '%';
    const { text: word } = this.until('}', isPattern, isPattern);
    const value = this.#lookUp(name);
    if (value === undefined && this.#options.keepUnset === true) return `\${${name}${written}${word}}`;
    const missing = value === undefined || (emptyIsUnset && value === '');
    switch (operator) {
      case '-':
        return missing ? word : value;
      case '+':
        return missing ? '' : word;
      case '?':
        if (missing && this.unknown.size === 0)
          throw new LexFailure(`${name}: ${word === '' ? 'must be set' : word}`);
        return value ?? '';
      case '#':
        return this.#isTooWild(name, word) ? '' : trimPrefix(word, value ?? '');
      default:
        return this.#isTooWild(name, word) ? '' : trimSuffix(word, value ?? '');
    }
  }

  /** The result of such a pattern is not computed and counts as unknown. */
  #isTooWild(name: string, pattern: string): boolean {
    const isWild = (pattern.match(/(?<!\\)\*/g)?.length ?? 0) > MAX_STARS + 1;
    if (isWild) this.unknown.add(name);
    return isWild;
  }

  #replacement(name: string): string {
    const all = this.#peek() === '/';
    if (all) this.#take();
    const { text: pattern } = this.until('/', true, true);
    const { text: replacement } = this.until('}', true, false);
    const value = this.#lookUp(name);
    if (value === undefined && this.#options.keepUnset === true)
      return `\${${name}/${pattern}/${replacement}}`;
    if (this.#isTooWild(name, pattern)) return '';
    if (replacement.length * (value?.length ?? 0) > 64 * MAX_EXPANDED) throw new LexFailure(TOO_LONG);
    const matcher = patternToRegExp(pattern, true, false);
    return all
      ? (value ?? '').replace(new RegExp(matcher.source, 'gu'), () => replacement)
      : (value ?? '').replace(matcher, () => replacement);
  }
}

/** Collects the words of a text: splits at blanks that are not quoted or escaped. */
class WordCollector {
  readonly #words: string[] = [];
  #current = '';
  #inWord = false;

  addSplitting(text: string): void {
    for (const character of text) {
      if (!/\s/.test(character)) this.addWhole(character);
      else if (this.#inWord && this.#current !== '') this.#end();
    }
  }

  addWhole(text: string): void {
    this.#current += text;
    this.#inWord = true;
  }

  finish(): readonly string[] {
    if (this.#current !== '') this.#end();
    return this.#words;
  }

  #end(): void {
    this.#words.push(this.#current);
    this.#current = '';
    this.#inWord = false;
  }
}

/** `*` and `?` of `${name#pattern}`; bracket expressions do not exist there. */
function patternToRegExp(pattern: string, greedy: boolean, anchored: boolean): RegExp {
  const characters = Array.from(pattern);
  let source = anchored ? '^' : '';
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? '';
    if (character === '*') source += greedy ? '.*' : '.*?';
    else if (character === '?') source += '.';
    else if (character === '\\') {
      const next = characters[at + 1] ?? '';
      if (next === '}' || next === '/') continue;
      if (next !== '*' && next !== '?' && next !== '\\') {
        throw new LexFailure(`invalid escape '\\${next}' in a pattern`);
      }
      source += `\\${next}`;
      at += 1;
    } else source += character.replace(/[[\]{}.+()|^$/]/g, '\\$&');
  }
  return new RegExp(source, 'u');
}

function trimPrefix(word: string, value: string): string {
  const greedy = word.startsWith('#');
  const matcher = patternToRegExp(greedy ? word.slice(1) : word, greedy, true);
  const found = matcher.exec(value);
  return found === null ? value : value.slice(found[0].length);
}

function trimSuffix(word: string, value: string): string {
  const greedy = word.startsWith('%');
  // The shortest match at the end is the shortest match at the start of the reversed text.
  const pattern = (greedy ? word.slice(1) : word).match(/\\[\s\S]|[\s\S]/gu) ?? [];
  const matcher = patternToRegExp([...pattern].reverse().join(''), greedy, true);
  const reversed = Array.from(value).reverse().join('');
  const found = matcher.exec(reversed);
  return found === null ? value : Array.from(reversed.slice(found[0].length)).reverse().join('');
}

/** A heredoc as declared in a word. */
export interface HeredocWord {
  readonly name: string;
  /** `<<-`: leading tabs are removed. */
  readonly chomp: boolean;
}

/** Parses a word such as `<<EOF`, `<<-"EOF"` or `3<<EOF`; undefined if it is not a heredoc. */
export function parseHeredocWord(word: string): HeredocWord | undefined {
  const match = /^\d*<<(-?)\s*([^<]*)$/.exec(word);
  const rest = match?.[2] ?? '';
  if (match === null || rest === '') return undefined;
  const result = expand(rest, { escape: '\\', lookup: () => undefined, keepUnset: true });
  const [name, another] = result.kind === 'value' ? result.words : [];
  if (name === undefined || another !== undefined) return undefined;
  return { name, chomp: match[1] === '-' };
}

/** The heredocs that a line declares, in order; none if the line is not valid shell text. */
export function heredocsOfLine(line: string): readonly HeredocWord[] {
  const result = expand(line, {
    escape: '\\',
    lookup: () => undefined,
    rawQuotes: true,
    rawEscapes: true,
    keepUnset: true,
  });
  if (result.kind !== 'value') return [];
  return result.words.map(parseHeredocWord).filter((found) => found !== undefined);
}

/** Splits at blanks outside quotes; quotes and escapes are kept (they are resolved when the word is expanded). */
export function splitQuotedWords(text: string, escapeChar: string): readonly string[] {
  const words: string[] = [];
  let word = '';
  let started = false;
  let quote = '';
  const characters = Array.from(text);
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? '';
    if (quote === '' && /\s/.test(character)) {
      if (started) words.push(word);
      word = '';
      started = false;
      continue;
    }
    if (character === escapeChar && quote !== "'") {
      const next = characters[at + 1];
      if (next === undefined) continue;
      word += character + next;
      started = true;
      at += 1;
      continue;
    }
    if (quote === '' && (character === "'" || character === '"')) quote = character;
    else if (character === quote) quote = '';
    word += character;
    started = true;
  }
  if (started) words.push(word);
  return words;
}
