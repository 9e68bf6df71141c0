/**
 * Reading with the `yaml` package: everything that the fast reader does not take, with every mistake as a problem at its
 * place.
 */
import type { CST, Document, Pair, Scalar, YAMLError, Node as YamlNode } from 'yaml';
import { type Problem, problem, type Span } from '../../model/mod.ts';
import type { MapEntry, Node, Origin } from '../tree.ts';
import { maskExpressions } from './mask.ts';
import { duplicateKey, tooDeep, yamlProblem } from './mistakes.ts';

/** How many values a document may have once its aliases are followed; a bomb has billions. */
const MAX_NODES = 2_000_000;
/** How many values may come from aliases: an anchor of 50 keys used 2,000 times still fits. */
const MAX_ALIASED_NODES = 100_000;
const MAX_DEPTH = 100;
/** More than this in one file are not worth reading. */
const MAX_DUPLICATES = 20;

/** Reads with the `yaml` package only. */
export async function readFully(
  origin: Origin,
): Promise<{ readonly node?: Node; readonly problems: readonly Problem[] }> {
  const { source } = origin;
  const yaml = await import('yaml');
  const masked = maskExpressions(source.text);
  const problems: Problem[] = [];
  let parsed: Document.Parsed;
  try {
    const [first, second] = firstDocuments(yaml, masked.text);
    if (first === undefined) return { problems };
    if (second !== undefined) {
      problems.push(
        problem('config/several-documents', 'The file has more than one YAML document', {
          hint: 'Put each document into its own file, and join files with `include:`.',
          span: { source, start: second.range[0], end: second.range[0] + 3 },
        }),
      );
    }
    parsed = first;
  } catch (thrown) {
    if (thrown instanceof RangeError) return { problems: [tooDeep(origin)] };
    throw thrown;
  }
  // Behind a mistake in the structure the parser has lost its way: what it says there only follows from the first.
  const [mistake] = [...parsed.errors, ...parsed.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  if (mistake !== undefined) {
    const explained = yamlProblem(origin, mistake.code, masked.unmask(mistake.message), mistake.pos);
    return { problems: explained.code === 'config/too-deep' ? [explained] : [...problems, explained] };
  }
  if (problems.length > 0 || parsed.contents === null) return { problems };
  const converter = new Converter(origin, parsed, yaml, masked.unmask);
  const node = converter.convert(parsed.contents as YamlNode, 0);
  if (converter.problem !== undefined) return { problems: [converter.problem] };
  // A key that stands twice is no reason to keep quiet about the rest of the file.
  const duplicates = converter.duplicates.slice(0, MAX_DUPLICATES);
  return { ...(node === undefined ? {} : { node }), problems: duplicates };
}

type YamlPackage = typeof import('yaml');

/** The first mistake is shown; a file that is not YAML at all has millions, each an Error with a stack. */
const MAX_MISTAKES = 1000;

/** The parts of the package's composer that are its own: what it says is wrong, and what it has noted of that. */
interface ComposerInside {
  onError: (source: unknown, ...rest: readonly unknown[]) => void;
  readonly errors: readonly YAMLError[];
}

/**
 * The first two documents of a text. As `parseAllDocuments`, which reads and reports to the end whatever it meets.
 *
 * @throws RangeError where it is nested too deeply
 */
function firstDocuments(
  yaml: YamlPackage,
  text: string,
): readonly [first?: Document.Parsed | undefined, second?: Document.Parsed | undefined] {
  const composer = new yaml.Composer({
    prettyErrors: false,
    // The conversion looks for them; the package compares every key with every other one of its map.
    uniqueKeys: false,
    merge: true,
    strict: true,
    version: '1.2',
  });
  const inside = composer as unknown as ComposerInside;
  const note = inside.onError.bind(composer);
  inside.onError = (...args) => {
    if (inside.errors.length < MAX_MISTAKES) note(...args);
  };
  const documents: Document.Parsed[] = [];
  for (const document of composer.compose(untilWrong(new yaml.Parser().parse(text)))) {
    documents.push(document);
    if (documents.length === 2) break;
  }
  return [documents[0], documents[1]];
}

function* untilWrong(tokens: Iterable<CST.Token>): Generator<CST.Token> {
  let mistakes = 0;
  for (const token of tokens) {
    yield token;
    if (token.type === 'error' && ++mistakes === MAX_MISTAKES) return;
  }
}

/** Turns the package's nodes into ours; aliases become copies of what they stand for, within limits. */
class Converter {
  /** Why there is no tree. */
  problem: Problem | undefined;
  readonly duplicates: Problem[] = [];
  readonly #origin: Origin;
  readonly #yaml: YamlPackage;
  readonly #unmask: (text: string) => string;
  /** What each alias stands for. */
  readonly #targets = new Map<YamlNode, YamlNode>();
  readonly #open = new Set<YamlNode>();
  #count = 0;
  #aliased = 0;
  #aliasDepth = 0;
  /** The outermost alias that is being followed. */
  #aliasSpan: Span | undefined;

  constructor(
    origin: Origin,
    document: Document.Parsed,
    yaml: YamlPackage,
    unmask: (text: string) => string,
  ) {
    this.#origin = origin;
    this.#yaml = yaml;
    this.#unmask = unmask;
    // An anchor may be given again further down: an alias means the last one above it.
    const anchors = new Map<string, YamlNode>();
    yaml.visit(document, {
      Node: (_key, node) => {
        if (yaml.isAlias(node)) {
          const target = anchors.get(node.source);
          if (target !== undefined) this.#targets.set(node, target);
        } else if (node.anchor !== undefined) anchors.set(node.anchor, node as YamlNode);
      },
    });
  }

  /** `missing` is the place of what is not even empty: the value of `a` in `{ a }`. */
  convert(node: YamlNode | null | undefined, depth: number, missing = 0): Node | undefined {
    const start = node?.range?.[0] ?? missing;
    const end = endOf(node) ?? missing;
    const range = { origin: this.#origin, start, end };
    if (this.problem !== undefined) return undefined;
    if (depth > MAX_DEPTH) {
      this.#fail(tooDeep(this.#origin));
      return undefined;
    }
    if (++this.#count > MAX_NODES || (this.#aliasDepth > 0 && ++this.#aliased > MAX_ALIASED_NODES)) {
      this.#fail(
        problem('config/alias-bomb', 'The aliases of this file expand to too many values', {
          hint: 'Use `templates` and `extends`: nested aliases multiply the values.',
          span: this.#aliasSpan ?? { source: this.#origin.source, start, end },
        }),
      );
      return undefined;
    }
    if (node === null || node === undefined) {
      return { kind: 'scalar', value: null, text: '', plain: true, ...range };
    }
    if (this.#yaml.isAlias(node)) return this.#alias(node.source, node, depth);
    if (this.#yaml.isScalar(node)) return this.#scalar(node, range);
    if (this.#yaml.isSeq(node)) {
      const items: Node[] = [];
      for (const item of node.items) {
        const converted = this.convert(item as YamlNode, depth + 1);
        if (converted !== undefined) items.push(converted);
      }
      return { kind: 'list', items, ...range };
    }
    if (this.#yaml.isMap(node)) {
      const entries = new Map<string, MapEntry>();
      const own = new Map<unknown, string>();
      for (const pair of node.items as Pair<YamlNode, YamlNode | null>[]) {
        this.#entry(entries, own, pair, depth);
      }
      return { kind: 'map', entries, ...range };
    }
    return undefined;
  }

  #alias(name: string, node: YamlNode, depth: number): Node | undefined {
    const target = this.#targets.get(node);
    const [start = 0, end = 0] = node.range ?? [];
    const span = { source: this.#origin.source, start, end };
    if (target === undefined) {
      this.#fail(problem('config/yaml', `There is no anchor &${name} above this alias`, { span }));
      return undefined;
    }
    if (this.#open.has(target)) {
      this.#fail(
        problem('config/alias-bomb', `The alias *${name} is inside the anchor it refers to`, {
          hint: 'Move the alias out of the anchor.',
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

  #entry(
    entries: Map<string, MapEntry>,
    own: Map<unknown, string>,
    pair: Pair<YamlNode, YamlNode | null>,
    depth: number,
  ): void {
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
    const value = this.convert(pair.value, depth + 1, keyEnd);
    if (value === undefined) return;
    const twin = addKey(own, key, keyNode);
    if (twin !== undefined && this.#aliasDepth === 0) this.duplicates.push(duplicateKey(key, twin, span));
    entries.set(key, { key, keyStart, keyEnd, value });
  }

  /** `<<: *anchor` or a list of them: keys that are not there yet are taken over; own keys win wherever they stand. */
  #mergeKey(entries: Map<string, MapEntry>, value: YamlNode | null, depth: number): void {
    const converted = this.convert(value, depth + 1);
    const sources = converted?.kind === 'list' ? converted.items : [converted];
    for (const source of sources) {
      if (source?.kind !== 'map') {
        if (source !== undefined) {
          const span = { source: this.#origin.source, start: source.start, end: source.end };
          this.#fail(problem('config/yaml', 'The merge key << needs a map or a list of maps', { span }));
        }
        continue;
      }
      for (const [key, entry] of source.entries) if (!entries.has(key)) entries.set(key, entry);
    }
  }

  #scalar(
    node: Scalar,
    range: { readonly origin: Origin; readonly start: number; readonly end: number },
  ): Node {
    const text = this.#scalarText(node);
    const isPlain = node.type === 'PLAIN' || node.type === undefined;
    const raw = node.value;
    const isOther = typeof raw === 'number' || typeof raw === 'boolean' || raw === null;
    return { kind: 'scalar', value: isOther ? raw : text, text, plain: isPlain, ...range };
  }

  /** The text of a scalar: as written where it is plain and no string. */
  #scalarText(node: Scalar): string {
    const text = typeof node.value === 'string' ? node.value : (node.source ?? String(node.value ?? ''));
    return this.#unmask(text);
  }

  #fail(found: Problem): void {
    this.problem ??= found;
  }
}

/**
 * Adds a key to those that are written in a map (and not merged into it); gives the one that is the same, if there is
 * one. Two keys are the same where they read alike, quoted or not (a name is text), and where they mean the same to
 * YAML, as `~` and `null` do, or `3.1` and `3.10`.
 */
function addKey(own: Map<unknown, string>, key: string, { value }: Scalar): string | undefined {
  const hasMeaning = typeof value === 'number' || typeof value === 'boolean' || value === null;
  const twin = own.has(key) ? key : hasMeaning && !Number.isNaN(value) ? own.get(value) : undefined;
  own.set(key, key);
  if (hasMeaning) own.set(value, key);
  return twin;
}

/** Where a node ends; a block collection with the last thing in it, for which the package has the start of the next. */
function endOf(node: YamlNode | null | undefined): number | undefined {
  if (node === null || node === undefined || !('items' in node) || node.flow === true)
    return node?.range?.[1];
  const last = node.items.at(-1) as YamlNode | Pair<YamlNode, YamlNode | null> | undefined;
  if (last === undefined) return node.range?.[1];
  return endOf('key' in last ? (last.value ?? last.key) : last);
}
