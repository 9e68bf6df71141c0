/**
 * YAML as Compose reads it (go.yaml.in/yaml v4 and compose-go loader/reset.go): several documents, anchors, merge keys,
 * and the tags `!reset` and `!override`.
 */
import {
  type Alias,
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  type Pair,
  type ParsedNode,
  Parser,
  type Scalar,
  type YAMLError,
} from 'yaml';
import type { SourceFile, Span } from '../../model/mod.ts';
import { reportMistake } from './mistakes.ts';
import { type Entry, type Node, nullNode, type ScalarNode, textNode } from './node.ts';
import type { Report } from './report.ts';
import { meaningOf } from './scalar.ts';

/** A document of a file. */
export interface ComposeDocument {
  /** Nothing where the document is empty. */
  readonly root: Node | undefined;
  /** What `!reset` and `!override` stood at: earlier values there are dropped. */
  readonly resets: readonly (readonly string[])[];
}

/** The documents of a file; none where it is not YAML, which is reported. */
export function readDocuments(source: SourceFile, report: Report): readonly ComposeDocument[] {
  const parsed = parse(source, report);
  if (parsed === undefined) return [];
  const documents: ComposeDocument[] = [];
  for (const document of parsed) {
    const converter = new Converter(source, report);
    const root = converter.root(document);
    if (converter.isLost) return [];
    documents.push({ root, resets: converter.resets });
  }
  return documents;
}

/** More mistakes than this in one file are not worth reading. */
const MAX_MISTAKES = 100;
const MAX_DEPTH = 200;
/** As compose-go has it (loader/reset.go). */
const MAX_NODES = 100_000;
/** Longest file that is read, as for builds files. */
const MAX_CHARS = 8 * 1024 * 1024;

/** The parts of the package's composer that are its own: what it says is wrong, and what it has noted of that. */
interface ComposerInside {
  onError: (source: unknown, ...rest: readonly unknown[]) => void;
  readonly errors: readonly YAMLError[];
}

function parse(source: SourceFile, report: Report): readonly Document.Parsed[] | undefined {
  if (source.text.length > MAX_CHARS) {
    report.add({ source, start: 0, end: 1 }, 'The file has more than 8 MiB', 'This is not a Compose file.');
    return undefined;
  }
  const odd = /[\u0085\u2028\u2029]|\r(?!\n)/.exec(source.text);
  if (odd !== null) {
    const span = { source, start: odd.index, end: odd.index + 1 };
    const code = odd[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    report.add(
      span,
      `Compose treats this character as a line break: U+${code}`,
      'Use an ordinary line break, or an escape in double quotes.',
    );
    return undefined;
  }
  const parser = new Parser();
  Object.assign(parser, { lexer: lenientLexer() });
  const composer = new Composer({ schema: 'failsafe', prettyErrors: false, uniqueKeys: false, strict: true });
  const inside = composer as unknown as ComposerInside;
  const note = inside.onError.bind(composer);
  inside.onError = (...args) => {
    if (inside.errors.length < MAX_MISTAKES) note(...args);
  };
  const documents: Document.Parsed[] = [];
  try {
    for (const document of composer.compose(parser.parse(source.text))) {
      const [mistake] = document.errors;
      if (mistake !== undefined) {
        reportMistake(source, mistake, report);
        return undefined;
      }
      if (documents.length > 0 && document.directives.docStart !== true) {
        const start = document.range[0];
        report.add({ source, start, end: start + 1 }, 'A document after ... must begin with ---');
        return undefined;
      }
      documents.push(document);
    }
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    report.add(
      { source, start: 0, end: 1 },
      'The file nests too deeply',
      'Look for a missing closing bracket.',
    );
    return undefined;
  }
  return documents;
}

type Tokens = Generator<string, unknown>;

/** The parts of the package's lexer that are its own. */
interface LexerInside {
  indentNext: number;
  parseQuotedScalar: () => Tokens;
  parseFlowCollection: () => Tokens;
}

/** The package's lexer, but lines in quotes and in brackets may be indented less than what is around them. */
function lenientLexer(): Lexer {
  const lexer = new Lexer();
  const inside = lexer as unknown as LexerInside;
  for (const name of ['parseQuotedScalar', 'parseFlowCollection'] as const) {
    const strict = inside[name].bind(lexer);
    inside[name] = function* (): Tokens {
      const before = inside.indentNext;
      inside.indentNext = 0;
      const result = yield* strict();
      inside.indentNext = before;
      return result;
    };
  }
  return lexer;
}

/** A value that an anchor stands for. */
interface Anchored {
  readonly node: Node | undefined;
  readonly tag: string | undefined;
  /** `!reset` and `!override` in it, seen from it. */
  readonly resets: readonly (readonly string[])[];
  readonly size: number;
}

type Path = readonly string[];

type Tagged = Exclude<ParsedNode, Alias.Parsed>;

/** Turns the package's nodes into ours. */
class Converter {
  readonly resets: Path[] = [];
  /** True where there is no tree: the reason is reported. */
  isLost = false;
  readonly #source: SourceFile;
  readonly #report: Report;
  /** What is between an anchor's start and its end is `open`. */
  readonly #anchors = new Map<string, Anchored | 'open'>();
  #isInOverride = false;
  #visits = 0;
  /** Values with those that come from aliases. */
  #size = 0;
  #aliased = 0;

  constructor(source: SourceFile, report: Report) {
    this.#source = source;
    this.#report = report;
  }

  root(document: Document.Parsed): Node | undefined {
    const contents = document.contents as ParsedNode | null;
    return contents === null ? undefined : this.#convert(contents, [], 0);
  }

  /** A value; undefined where `!reset` takes it away. */
  #convert(given: ParsedNode | null, path: Path, depth: number, missing = 0): Node | undefined {
    this.#visits++;
    this.#size++;
    if (given === null) return nullNode(this.#span(missing, missing));
    const span = this.#spanOf(given);
    if (depth > MAX_DEPTH) return this.#lose(span, `The file nests deeper than ${MAX_DEPTH} levels`);
    if (this.#visits > MAX_NODES) return this.#lose(span, `The file has more than ${MAX_NODES} values`);
    if (isAlias(given)) return this.#alias(given.source, path, span);
    const anchor = given.anchor;
    if (anchor !== undefined) this.#anchors.set(anchor, 'open');
    const before = { resets: this.resets.length, size: this.#size };
    const node = this.#own(given, path, depth, span);
    if (anchor !== undefined) {
      const resets = this.resets.slice(before.resets).map((reset) => reset.slice(path.length));
      const { tag } = given;
      this.#anchors.set(anchor, { node, tag, resets, size: this.#size - before.size + 1 });
    }
    return node;
  }

  #own(given: Tagged, path: Path, depth: number, span: Span): Node | undefined {
    const { tag } = given;
    if (this.#isInOverride || (tag !== '!reset' && tag !== '!override')) {
      return this.#value(given, path, depth, span);
    }
    this.resets.push(path);
    if (tag === '!reset') return undefined;
    // Tags inside mean nothing.
    this.#isInOverride = true;
    const node = this.#value(given, path, depth, span);
    this.#isInOverride = false;
    return node;
  }

  #value(given: Tagged, path: Path, depth: number, span: Span): Node | undefined {
    const { tag } = given;
    if (isScalar(given)) return this.#scalar(given, span, tag);
    if (isSeq(given)) {
      const items: Node[] = [];
      let index = 0;
      for (const item of given.items as (ParsedNode | null)[]) {
        if (given.flow !== true) this.#checkDash(item);
        const node = this.#convert(item, [...path, String(index++)], depth + 1, span.start);
        if (node !== undefined) items.push(node);
      }
      return { kind: 'list', items, span };
    }
    return isMap(given)
      ? this.#map(given.items as Pair<ParsedNode, ParsedNode | null>[], path, depth, span)
      : undefined;
  }

  /** Behind the dash of an item Compose takes spaces only. */
  #checkDash(item: ParsedNode | null): void {
    if (item === null) return;
    const start = item.range[0];
    const { text } = this.#source;
    const blanks = /\s*$/.exec(text.slice(Math.max(0, start - 1000), start))?.[0] ?? '';
    const dash = start - blanks.length - 1;
    const tab = /^ *\t/.exec(blanks)?.[0];
    // A dash that a comment ends with is none.
    if (tab === undefined || !/^[ -]*-$/.test(text.slice(text.lastIndexOf('\n', dash) + 1, dash + 1))) return;
    const at = dash + tab.length;
    this.#lose(
      this.#span(at, at + 1),
      'There is a tab after the dash, which Compose does not allow',
      'Use a space.',
    );
  }

  #alias(name: string, path: Path, span: Span): Node | undefined {
    const target = this.#anchors.get(name);
    if (target === undefined) return this.#lose(span, `There is no anchor &${name} above this alias`);
    if (target === 'open') return this.#lose(span, `The alias *${name} is inside the anchor it refers to`);
    if (this.#isInOverride) return target.node;
    if (target.tag === '!reset' || target.tag === '!override') this.resets.push(path);
    else for (const reset of target.resets) this.resets.push([...path, ...reset]);
    this.#size += target.size;
    this.#aliased += target.size;
    if (this.#aliased > 100 && this.#size > 1000 && this.#aliased / this.#size > aliasLimit(this.#size)) {
      return this.#lose(
        span,
        'The aliases of this file expand to too many values',
        'Use fewer levels of anchors: each level multiplies the values.',
      );
    }
    return target.tag === '!reset' ? undefined : target.node;
  }

  #map(pairs: readonly Pair<ParsedNode, ParsedNode | null>[], path: Path, depth: number, span: Span): Node {
    const entries = new Map<string, Entry>();
    const places = new Map<string, Span>();
    let merge: ParsedNode | null | undefined;
    let merged: Node | undefined;
    for (const { key: keyNode, value } of pairs) {
      const keySpan = this.#spanOf(keyNode);
      const key = this.#key(keyNode, keySpan);
      if (key === undefined) continue;
      const written = isScalar(keyNode) ? String(keyNode.value) : key.text;
      if (places.has(written)) {
        this.#lose(keySpan, `The key "${written}" appears twice in this map`, 'Keep one of the two.');
        continue;
      }
      places.set(written, keySpan);
      if (isMergeKey(keyNode)) {
        merge = value;
        // Compose takes the sign out of a path, but not where nothing is above it.
        merged = this.#convert(value, path.length === 0 ? ['<<'] : path, depth + 1, keySpan.end);
        continue;
      }
      if (key.type !== 'string') {
        this.#lose(
          keySpan,
          `The key ${written === '' ? 'is empty' : `"${written}" is ${key.type === 'bool' ? 'true or false' : key.type === 'null' ? 'empty' : 'a number'}`} and not a string`,
          'Put it in quotes.',
        );
        continue;
      }
      const node = this.#convert(value, [...path, key.text], depth + 1, keySpan.end);
      if (node !== undefined) entries.set(key.text, { keySpan, value: node });
    }
    if (merge !== undefined) this.#merge(entries, merged, merge, places);
    return { kind: 'map', entries, span };
  }

  #key(node: ParsedNode, span: Span): ScalarNode | undefined {
    if (isScalar(node)) return this.#scalar(node as Scalar, span, node.tag);
    const target = isAlias(node) ? this.#convert(node, [], 0) : undefined;
    if (target?.kind === 'scalar') return target;
    return this.#lose(span, 'A key must be a plain word or a quoted string');
  }

  /** `<<`: keys that are not written in the map itself; the first of several maps wins. */
  #merge(
    entries: Map<string, Entry>,
    merged: Node | undefined,
    written: ParsedNode | null,
    own: ReadonlyMap<string, Span>,
  ): void {
    if (merged === undefined) return;
    const sources = merged.kind === 'list' ? merged.items : [merged];
    for (const source of sources) {
      if (source.kind !== 'map') {
        this.#lose(
          written === null ? source.span : this.#spanOf(written),
          'The merge key << takes a map or a list of maps',
        );
        return;
      }
      for (const [key, entry] of source.entries) {
        if (!own.has(key) && !entries.has(key)) entries.set(key, entry);
      }
    }
  }

  #scalar(given: Scalar, span: Span, tag: string | undefined): ScalarNode {
    // The package makes bytes of what is tagged !!binary.
    const text = given.value instanceof Uint8Array ? (given.source ?? '') : String(given.value ?? '');
    const isPlain = given.type === 'PLAIN' || given.type === undefined;
    if (tag === undefined) {
      return isPlain ? { kind: 'scalar', ...meaningOf(text), span } : textNode(text, span);
    }
    const short = /^tag:yaml\.org,2002:(int|float|bool|null|timestamp|binary)$/.exec(tag)?.[1];
    if (short === undefined) return textNode(text, span);
    if (short === 'binary') {
      try {
        const bytes = Uint8Array.from(atob(text.replace(/\s/g, '')), (char) => char.charCodeAt(0));
        return textNode(new TextDecoder().decode(bytes), span);
      } catch {
        this.#lose(span, 'The value tagged !!binary is not valid base64');
        return textNode(text, span);
      }
    }
    const meaning = meaningOf(text);
    if (short === 'float' && meaning.type === 'int')
      return { kind: 'scalar', type: 'float', text: meaning.text, span };
    if (meaning.type !== (short === 'timestamp' ? 'time' : short))
      this.#lose(span, `"${text}" is not a valid ${short}`);
    return { kind: 'scalar', ...meaning, span };
  }

  #span(start: number, end: number): Span {
    return { source: this.#source, start, end };
  }

  #spanOf(node: ParsedNode | null): Span {
    const [start = 0, end = 0] = node?.range ?? [];
    return this.#span(start, end);
  }

  #lose(span: Span, message: string, hint?: string): undefined {
    if (!this.isLost || hint === 'Keep one of the two.') this.#report.add(span, message, hint);
    this.isLost = true;
    return undefined;
  }
}

function isMergeKey(node: ParsedNode): boolean {
  if (!isScalar(node) || node.value !== '<<' || node.type !== 'PLAIN') return false;
  const { tag } = node as { readonly tag?: string };
  return tag === undefined || tag.endsWith('merge');
}

/** Which part of a document may come from aliases (go.yaml.in/yaml v4, internal/libyaml/constructor.go). */
function aliasLimit(size: number): number {
  const low = 400_000;
  const high = 4_000_000;
  if (size <= low) return 0.99;
  return size >= high ? 0.1 : 0.99 - 0.89 * ((size - low) / (high - low));
}
