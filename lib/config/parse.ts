/**
 * Text to tree: the quick reader first, the `yaml` package for whatever that does not read, with every mistake as a
 * problem at its place.
 */
import type { Document, Pair, Scalar, Node as YamlNode } from 'yaml';
import { type Problem, problem, type Span } from '../model/mod.ts';
import { endOfExpression } from './expression-scan.ts';
import { readQuickly } from './fast-yaml.ts';
import type { MapEntry, Node, Origin } from './tree.ts';

/** Largest file that is read, in characters: some ten times a file of 5,000 builds. */
export const MAX_FILE_CHARS: number = 8 * 1024 * 1024;

/** How many values a document may have once its aliases are followed; a bomb has billions. */
const MAX_NODES = 2_000_000;
/** How many values may come from aliases: an anchor of 50 keys used 2,000 times still fits. */
const MAX_ALIASED_NODES = 100_000;
const MAX_DEPTH = 100;
/** More mistakes than this in one file are not worth reading. */
const MAX_YAML_PROBLEMS = 20;

/** Parses YAML or JSON (which is YAML). The node is undefined for an empty document or where it cannot be told. */
export async function parseText(
  origin: Origin,
): Promise<{ readonly node?: Node; readonly problems: readonly Problem[] }> {
  const { source } = origin;
  if (source.text.length > MAX_FILE_CHARS) {
    return { problems: [tooBig(source.path, source.text.length)] };
  }
  const quick = readQuickly(origin);
  if (quick !== undefined) return { node: quick, problems: [] };
  return readFully(origin);
}

/** The problem of a file beyond {@link MAX_FILE_CHARS}; `size` in bytes or characters. */
export function tooBig(path: string, size: number): Problem {
  const mebibytes = (size / 1024 / 1024).toFixed(1);
  return problem('config/file-too-big', `${path} has ${mebibytes} MiB; a builds file may have 8 MiB`, {
    hint: 'Is it the right file? Repeated builds are shorter as a matrix, and a large file can be split with `include`.',
  });
}

/** Reads with the `yaml` package only; exported so that a test can compare the two readers. */
export async function readFully(
  origin: Origin,
): Promise<{ readonly node?: Node; readonly problems: readonly Problem[] }> {
  const { source } = origin;
  const yaml = await import('yaml');
  const masked = maskExpressions(source.text);
  const problems: Problem[] = [];
  let parsed: Document.Parsed;
  try {
    const documents = yaml.parseAllDocuments(masked, {
      prettyErrors: false,
      uniqueKeys: true,
      merge: true,
      strict: true,
      version: '1.2',
    });
    const first = documents[0];
    if (first === undefined) return { problems };
    const second = documents[1];
    if (second !== undefined) {
      problems.push(
        problem('config/several-documents', 'The file has more than one YAML document', {
          hint: 'Keep one document a file and join files with `include:` or several `-f`.',
          span: { source, start: second.range[0], end: second.range[0] + 3 },
        }),
      );
    }
    parsed = first as Document.Parsed;
  } catch (thrown) {
    if (thrown instanceof RangeError) return { problems: [tooDeep(origin)] };
    throw thrown;
  }
  const mistakes = [...parsed.errors, ...parsed.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  for (const found of mistakes.slice(0, MAX_YAML_PROBLEMS)) {
    const explained = yamlProblem(origin, found.code, found.message, found.pos);
    if (explained.code === 'config/too-deep') return { problems: [explained] };
    problems.push(explained);
    // Behind a mistake in the structure the parser has lost its way: what it says there only follows from it.
    if (explained.code !== 'config/duplicate-key') break;
  }
  // A key that stands twice is no reason to keep quiet about the rest of the file.
  if (problems.some((one) => one.code !== 'config/duplicate-key')) return { problems };
  if (parsed.contents === null) return { problems };
  const converter = new Converter(origin, parsed, yaml, masked !== source.text);
  const node = converter.convert(parsed.contents as YamlNode, 0);
  if (converter.problems.length > 0) return { problems: [...problems, ...converter.problems] };
  return { ...(node === undefined ? {} : { node }), problems };
}

function tooDeep(origin: Origin, start = 0): Problem {
  return problem('config/too-deep', 'The file nests deeper than 100 levels', {
    hint: 'A builds file needs about ten. Look for a missing closing bracket.',
    span: { source: origin.source, start, end: Math.min(start + 1, origin.source.text.length) },
  });
}

/** Words for the mistakes people make; the parser's own sentence for the rest. */
function yamlProblem(origin: Origin, code: string, message: string, pos: [number, number]): Problem {
  const { source } = origin;
  const start = Math.min(pos[0], source.text.length);
  const span = { source, start, end: Math.max(start, Math.min(pos[1], source.text.length)) };
  if (message.includes('call stack')) return tooDeep(origin, start);
  const lineStart = source.text.lastIndexOf('\n', start - 1) + 1;
  const before = source.text.slice(lineStart, Math.max(span.end, start + 1));
  if (code === 'TAB_AS_INDENT' || /^[ ]*\t/.test(before)) {
    return problem('config/tab', 'A tab is used for indentation, which YAML does not allow', {
      hint: 'Indent with spaces.',
      span,
    });
  }
  if (code === 'DUPLICATE_KEY') {
    const end = endOfLine(source.text, start);
    const name = /^["']?([^:"'\n]+)/.exec(source.text.slice(start, end))?.[1]?.trim() ?? '';
    return problem('config/duplicate-key', `The key "${name}" stands twice in this map`, {
      hint: 'Keep one of the two; YAML has no rule which of them would win.',
      span: { source, start, end: start + Math.max(1, name.length) },
    });
  }
  const unclosed = /^Flow (sequence|map) (in block|must end)|^Missing closing (.)quote/.exec(message);
  if (unclosed !== null) {
    const quote = unclosed[3];
    const mark = quote ?? (unclosed[1] === 'map' ? '}' : ']');
    const open = quote === undefined ? -1 : openingOf(source.text, quote, start);
    return problem('config/yaml', `This is not valid YAML: the closing ${mark} is missing`, {
      hint:
        unclosed[2] === 'in block'
          ? 'Lines between the brackets must be indented more than their key.'
          : 'Brackets and quotes come in pairs.',
      span: open === -1 ? span : { source, start: open, end: endOfLine(source.text, open) },
    });
  }
  const textOfLine = source.text.slice(lineStart, endOfLine(source.text, start));
  if (/^All mapping items must start/.test(message)) {
    const indent = /^ */.exec(textOfLine)?.[0].length ?? 0;
    return problem('config/yaml', 'This is not valid YAML: the line is indented like nothing above it', {
      hint: `It starts in column ${indent + 1}; the keys of one map all start in the same column.`,
      span: { source, start: lineStart + indent, end: endOfLine(source.text, lineStart) },
    });
  }
  const glued = /^\s*(?:- )?([\w-]+):(?=[^\s/])/.exec(textOfLine);
  if (glued !== null && /^Implicit keys need|^Implicit map keys need/.test(message)) {
    return problem('config/yaml', 'This is not valid YAML: a blank is due after the colon', {
      hint: `Write ${glued[1]}: ${textOfLine.slice(glued[0].length).trim()}`,
      span: { source, start, end: endOfLine(source.text, start) },
    });
  }
  if (QUOTES_IN_QUOTES.test(textOfLine)) {
    return problem('config/yaml', 'The quotes of an expression end the quoted text that it stands in', {
      hint: 'Leave out the outer quotes: an expression needs none. Or take single quotes outside and double ones inside.',
      span,
    });
  }
  const words = unmask(message).replace(/[.\s]+$/, '');
  const hint = YAML_HINTS[code];
  return problem('config/yaml', `This is not valid YAML: ${words}`, {
    ...(hint === undefined ? {} : { hint }),
    span,
  });
}

const YAML_HINTS: Readonly<Record<string, string | undefined>> = {
  BAD_SCALAR_START: 'Put quotes around the value.',
  BLOCK_AS_IMPLICIT_KEY: 'A value that contains ": " needs quotes around it.',
  BLOCK_IN_FLOW: 'Inside { } and [ ] a value with a colon needs quotes around it.',
  MULTILINE_IMPLICIT_KEY: 'A value that contains ": " needs quotes around it.',
};

/** Where the quoted text starts that is still open at `at`: at the last line with an odd number of the quote. */
function openingOf(text: string, quote: string, at: number): number {
  for (let end = at; end > 0; ) {
    const start = text.lastIndexOf('\n', end - 1) + 1;
    const line = text.slice(start, end);
    if (line.split(quote).length % 2 === 0) return start + line.lastIndexOf(quote);
    end = start - 1;
  }
  return -1;
}

/** A quoted text with an expression in it that its quote closes before `}}` does. */
const QUOTES_IN_QUOTES = /"[^"\n]*\$\{\{(?:(?!\}\})[^"\n])*"|'[^'\n]*\$\{\{(?:(?!\}\})[^'\n])*'/;

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}

type YamlPackage = typeof import('yaml');

/** Turns the package's nodes into ours; aliases become copies of what they stand for, within limits. */
class Converter {
  readonly problems: Problem[] = [];
  readonly #origin: Origin;
  readonly #yaml: YamlPackage;
  readonly #isMasked: boolean;
  readonly #anchors = new Map<string, YamlNode>();
  readonly #open = new Set<YamlNode>();
  #count = 0;
  #aliased = 0;
  #aliasDepth = 0;
  /** The outermost alias that is being followed. */
  #aliasSpan: Span | undefined;

  constructor(origin: Origin, document: Document.Parsed, yaml: YamlPackage, isMasked: boolean) {
    this.#origin = origin;
    this.#yaml = yaml;
    this.#isMasked = isMasked;
    yaml.visit(document, {
      Node: (_key, node) => {
        const anchor = 'anchor' in node ? node.anchor : undefined;
        if (typeof anchor === 'string' && !yaml.isAlias(node)) this.#anchors.set(anchor, node as YamlNode);
      },
    });
  }

  convert(node: YamlNode | null | undefined, depth: number): Node | undefined {
    const [start = 0, end = 0] = node?.range ?? [];
    const place = { origin: this.#origin, start, end };
    if (this.problems.length > 0) return undefined;
    if (depth > MAX_DEPTH) {
      this.#fail(tooDeep(this.#origin));
      return undefined;
    }
    if (++this.#count > MAX_NODES || (this.#aliasDepth > 0 && ++this.#aliased > MAX_ALIASED_NODES)) {
      this.#fail(
        problem(
          'config/alias-bomb',
          'The aliases of this file unfold into more values than any builds file needs',
          {
            hint: 'Anchors that contain aliases of anchors grow by multiplication. Use `templates` and `extends`.',
            span: this.#aliasSpan ?? { source: this.#origin.source, start, end },
          },
        ),
      );
      return undefined;
    }
    if (node === null || node === undefined) {
      return { kind: 'scalar', value: null, text: '', plain: true, ...place };
    }
    if (this.#yaml.isAlias(node)) return this.#alias(node.source, node, depth);
    if (this.#yaml.isScalar(node)) return this.#scalar(node, place);
    if (this.#yaml.isSeq(node)) {
      const items: Node[] = [];
      for (const item of node.items) {
        const converted = this.convert(item as YamlNode, depth + 1);
        if (converted !== undefined) items.push(converted);
      }
      return { kind: 'list', items, ...place };
    }
    if (this.#yaml.isMap(node)) {
      const entries = new Map<string, MapEntry>();
      for (const pair of node.items as Pair<YamlNode, YamlNode | null>[]) this.#entry(entries, pair, depth);
      return { kind: 'map', entries, ...place };
    }
    return undefined;
  }

  #alias(name: string, node: YamlNode, depth: number): Node | undefined {
    const target = this.#anchors.get(name);
    const [start = 0, end = 0] = node.range ?? [];
    const span = { source: this.#origin.source, start, end };
    if (target === undefined) {
      this.#fail(problem('config/yaml', `There is no anchor &${name} above this alias`, { span }));
      return undefined;
    }
    if (this.#open.has(target)) {
      this.#fail(
        problem('config/alias-bomb', `The alias *${name} stands inside the anchor it refers to`, {
          hint: 'A value cannot contain itself.',
          span,
        }),
      );
      return undefined;
    }
    this.#open.add(target);
    if (this.#aliasDepth++ === 0) this.#aliasSpan = span;
    const converted = this.convert(target, depth + 1);
    this.#aliasDepth--;
    this.#open.delete(target);
    return converted;
  }

  #entry(entries: Map<string, MapEntry>, pair: Pair<YamlNode, YamlNode | null>, depth: number): void {
    const keyNode = pair.key;
    const [keyStart = 0, keyEnd = 0] = keyNode?.range ?? [];
    const span = { source: this.#origin.source, start: keyStart, end: keyEnd };
    if (!this.#yaml.isScalar(keyNode)) {
      this.#fail(problem('config/yaml', 'A key must be a plain word or a quoted string', { span }));
      return;
    }
    const key = this.#scalarText(keyNode);
    if (key === '<<' && keyNode.type === 'PLAIN') {
      this.#mergeKey(entries, pair.value, depth);
      return;
    }
    const value = this.convert(pair.value, depth + 1);
    if (value !== undefined) entries.set(key, { key, keyStart, keyEnd, value });
  }

  /** `<<: *anchor` or a list of them: keys that are not there yet are taken over; own keys win wherever they stand. */
  #mergeKey(entries: Map<string, MapEntry>, value: YamlNode | null, depth: number): void {
    const converted = this.convert(value, depth + 1);
    const sources = converted?.kind === 'list' ? converted.items : [converted];
    for (const source of sources) {
      if (source?.kind !== 'map') {
        if (source !== undefined) {
          const span = { source: this.#origin.source, start: source.start, end: source.end };
          this.#fail(problem('config/yaml', 'The merge key << takes a map or a list of maps', { span }));
        }
        continue;
      }
      for (const [key, entry] of source.entries) if (!entries.has(key)) entries.set(key, entry);
    }
  }

  #scalar(
    node: Scalar,
    place: { readonly origin: Origin; readonly start: number; readonly end: number },
  ): Node {
    const text = this.#scalarText(node);
    const isPlain = node.type === 'PLAIN' || node.type === undefined;
    const raw = node.value;
    const isOther = typeof raw === 'number' || typeof raw === 'boolean' || raw === null;
    return { kind: 'scalar', value: isOther ? raw : text, text, plain: isPlain, ...place };
  }

  /** The text of a scalar: as written where it is plain and no string. */
  #scalarText(node: Scalar): string {
    const text = typeof node.value === 'string' ? node.value : (node.source ?? String(node.value ?? ''));
    return this.#isMasked ? unmask(text) : text;
  }

  #fail(found: Problem): void {
    if (this.problems.length === 0) this.problems.push(found);
  }
}

const MASK_BASE = 0xe000;
const MASKED = /[\uE000-\uE07F]/;
const ALL_MASKED = /[\uE000-\uE07F]/g;

/**
 * Hides the marks inside unquoted `${{ … }}` from the YAML package (`? :` would make a map of it, a comma would cut it)
 * behind private-use characters, one for one, so that offsets stay right. {@link unmask} takes them back.
 */
export function maskExpressions(text: string): string {
  if (!text.includes('${{') || MASKED.test(text)) return text;
  let result = '';
  let copied = 0;
  let at = 0;
  let atTokenStart = true;
  while (at < text.length) {
    const char = text[at] as string;
    if (char === '\n' || char === ' ') {
      if (char === '\n') atTokenStart = true;
      at++;
      continue;
    }
    if (atTokenStart && (char === '"' || char === "'")) {
      at = endOfYamlQuoted(text, at, char);
      atTokenStart = false;
      continue;
    }
    if (char === '#' && /\s/.test(text[at - 1] ?? ' ')) {
      at = endOfLine(text, at);
      continue;
    }
    if (text.startsWith('${{', at)) {
      const end = endOfExpression(text, at);
      if (end !== -1) {
        result += text.slice(copied, at) + mask(text.slice(at, end));
        copied = end;
        at = end;
        atTokenStart = false;
        continue;
      }
    }
    const next = text[at + 1] ?? '\n';
    atTokenStart =
      '[{,'.includes(char) || ((char === ':' || char === '-' || char === '?') && /\s/.test(next));
    at++;
  }
  return result + text.slice(copied);
}

function endOfYamlQuoted(text: string, start: number, quote: string): number {
  for (let at = start + 1; at < text.length; at++) {
    if (quote === '"' && text[at] === '\\') at++;
    else if (text[at] === quote) {
      if (quote === "'" && text[at + 1] === "'") at++;
      else return at + 1;
    }
  }
  return start + 1;
}

function mask(expression: string): string {
  let masked = '';
  for (const char of expression) {
    const code = char.charCodeAt(0);
    masked +=
      code > 32 && code < 128 && !/[A-Za-z0-9]/.test(char) ? String.fromCharCode(MASK_BASE + code) : char;
  }
  return masked;
}

function unmask(text: string): string {
  return text.replace(ALL_MASKED, (char) => String.fromCharCode(char.charCodeAt(0) - MASK_BASE));
}
