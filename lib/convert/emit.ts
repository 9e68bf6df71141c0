/** Writes a draft as text: keys in documented order, short lists on one line, blank lines between builds. */
import {
  Document,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Node,
  Pair,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { Json } from '../model/mod.ts';
import { escapeControlsInYaml } from '../util/control-characters.ts';
import { quotesFor } from '../util/portable-yaml.ts';
import { breakText } from './cel-layout.ts';
import type { Draft, DraftBuild } from './draft.ts';
import { pathTo, type ValueComments } from './value-comments.ts';

/** The order in which docs/language.md presents the keys of a build. */
const KEY_ORDER: readonly string[] = [
  'description',
  'extends',
  'matrix',
  'name',
  'context',
  'dockerfile',
  'dockerfile-inline',
  'target',
  'args',
  'contexts',
  'needs',
  'platforms',
  'tags',
  'push',
  'labels',
  'annotations',
  'outputs',
  'attest',
  'compression',
  'reproducible',
  'source-date-epoch',
  'cache',
  'cache-from',
  'cache-to',
  'no-cache',
  'no-cache-filter',
  'pull',
  'secrets',
  'ssh',
  'network',
  'extra-hosts',
  'ulimits',
  'shm-size',
  'cgroup-parent',
  'entitlements',
  'timeout',
];

/** Longest list or map that is written on one line. */
const MAX_FLOW_CHARS = 76;

/** Maximum length of a variable's declaration with two keys on one line. */
const MAX_PAIR_CHARS = 96;
const VARIABLE_KEYS: ReadonlySet<string> = new Set(['default', 'type', 'optional', 'required']);

/** Maximum length of a map on one line in a list of maps. */
const MAX_ROW_CHARS = 120;

/** The text of a builds.yaml. */
export function emitDraft(draft: Draft): string {
  const document = new Document({});
  const root = document.contents as unknown as YAMLMap;
  const section = (name: string, pairs: readonly Pair[], spaced: boolean): void => {
    if (pairs.length === 0) return;
    const map = document.createNode({}) as YAMLMap;
    for (const [index, pair] of pairs.entries()) {
      if (spaced && index > 0) (pair.key as Node).spaceBefore = true;
      map.items.push(pair);
    }
    const key = document.createNode(name);
    if (root.items.length > 0) key.spaceBefore = true;
    root.items.push(new Pair(key, map));
  };
  section(
    'vars',
    draft.variables.map(({ name, value, comments, remark, inside }) =>
      pair(
        document,
        name,
        value,
        { above: comments, ...(remark === undefined ? {} : { behind: remark }) },
        inside,
      ),
    ),
    false,
  );
  section(
    'functions',
    draft.functions.map(({ signature, value, comments, remarks, inside }) =>
      pair(document, signature, value, { above: [...comments, ...remarks] }, inside),
    ),
    draft.functions.some(({ comments, value }) => comments.length > 0 || typeof value === 'object'),
  );
  const groups = (): void => {
    section(
      'groups',
      draft.groups.map(({ name, members, computed, description, comments = [], remark }) =>
        pair(document, name, listOf(computed ?? members, description), {
          above: comments,
          ...(remark === undefined ? {} : { behind: remark }),
        }),
      ),
      false,
    );
  };
  if (draft.hasGroupsFirst === true) groups();
  section(
    'templates',
    draft.templates.map((build) => buildPair(document, build)),
    true,
  );
  section(
    'builds',
    draft.builds.map((build) => buildPair(document, build)),
    true,
  );
  if (draft.hasGroupsFirst !== true) groups();
  const head = draft.header.map((line) => (line === '' ? '' : ` ${line}`));
  const text = document.toString({ lineWidth: 0, blockQuote: 'literal', flowCollectionPadding: true });
  const tail = (draft.footer ?? []).map((line) => (line.trim() === '' ? '#\n' : `# ${line.trimEnd()}\n`));
  const end = tail.length === 0 ? '' : `\n${tail.join('')}`;
  return escapeControlsInYaml(`${head.map((line) => `#${line.trimEnd()}`).join('\n')}\n\n${text}${end}`);
}

/** The members of a group. */
function listOf(members: Json, description: string | undefined): Json {
  return description === undefined ? members : { description, builds: members };
}

function buildPair(document: Document, build: DraftBuild): Pair {
  const map = document.createNode({}) as YAMLMap;
  const rank = (key: string): number => {
    const at = KEY_ORDER.indexOf(key);
    return at === -1 ? KEY_ORDER.length : at;
  };
  for (const [key, value] of [...build.keys].sort(([a], [b]) => rank(a) - rank(b))) {
    const behind = build.keyRemarks.get(key);
    const comments = {
      above: build.keyComments.get(key) ?? [],
      ...(behind === undefined ? {} : { behind }),
    };
    map.items.push(pair(document, key, value, comments, build.inside.get(key)));
  }
  if (map.items.length === 0) map.flow = true;
  return new Pair(commented(document, build.name, build.comments), map);
}

interface Around {
  readonly above: readonly string[];
  readonly behind?: string;
}

/** @param inside comments in the value */
function pair(
  document: Document,
  key: string,
  value: Json,
  { above, behind }: Around,
  inside?: ValueComments,
): Pair {
  const node = document.createNode(value, { aliasDuplicateObjects: false }) as Node;
  layOut(node, key.length + 6, { column: key.length + 6, depth: 3 });
  if (inside !== undefined && inside.size > 0) annotate(node, inside, '');
  const lines = [...above];
  if (behind !== undefined) {
    // In a multi-line value, a comment after the first line would belong to the key.
    if (isScalar(node) && node.type !== 'BLOCK_LITERAL') node.comment = ` ${behind}`;
    else if (isCollection(node) && node.flow === true) node.comment = ` ${behind}`;
    else lines.push(behind);
  }
  return new Pair(commented(document, key, lines), node);
}

/** Adds comments to entries and items, which then need separate lines. @returns whether there are any */
function annotate(node: Node, comments: ValueComments, path: string): boolean {
  if (!isMap(node) && !isSeq(node)) return false;
  let isAny = false;
  const children: readonly (readonly [string, Node, Node])[] = isMap(node)
    ? node.items.map(({ key, value }) => [isScalar(key) ? String(key.value) : '', key as Node, value as Node])
    : (node.items as Node[]).map((item, index) => [String(index), item, item]);
  for (const [step, holder, value] of children) {
    const at = pathTo(path, step);
    const own = comments.get(at);
    if (annotate(value, comments, at)) isAny = true;
    if (own === undefined) continue;
    isAny = true;
    const lines = [...own.above];
    if (own.behind !== undefined) {
      const isShort =
        (isScalar(value) && value.type !== 'BLOCK_LITERAL') || (isCollection(value) && value.flow === true);
      if (isShort) value.comment = ` ${own.behind}`;
      else lines.push(own.behind);
    }
    if (lines.length > 0) holder.commentBefore = asComment(lines);
  }
  if (isAny) node.flow = false;
  return isAny;
}

function asComment(lines: readonly string[]): string {
  const all = lines.flatMap((line) => line.split('\n').map((one) => one.trimEnd()));
  return all
    .filter((line, at) => line !== '' || (at > 0 && all[at - 1] !== ''))
    .map((line) => (/^\s*$|^#/.test(line) ? line.trim() : ` ${line.trimEnd()}`))
    .join('\n');
}

function commented(document: Document, key: string, comments: readonly string[]): Node {
  const node = document.createNode(key);
  quoteKey(node);
  if (comments.length > 0) node.commentBefore = asComment(comments);
  return node;
}

function quote(scalar: Scalar): void {
  const quotes = typeof scalar.value === 'string' ? quotesFor(scalar.value) : undefined;
  if (quotes !== undefined) scalar.type = quotes;
}

/** Quotes keys such as `node:22`: `node:22: build:base` is hard to read. */
function quoteKey(key: Scalar): void {
  if (typeof key.value === 'string' && key.value.includes(':')) key.type = 'QUOTE_DOUBLE';
  quote(key);
}

/** Position of a value if its list or map has several lines. */
interface Block {
  readonly column: number;
  /** Nesting levels inside it. */
  readonly depth: number;
}

/** Decides, from the inside out, what is written on one line; multi-line text becomes a block. */
function layOut(node: Node, indent: number, { column, depth }: Block): void {
  if (isScalar(node)) {
    if (typeof node.value === 'string') node.value = breakText(node.value, column);
    if (typeof node.value === 'string' && node.value.includes('\n')) node.type = 'BLOCK_LITERAL';
    quote(node);
    return;
  }
  if (!isMap(node) && !isSeq(node)) return;
  const children = isMap(node)
    ? node.items.map((item) => item.value as Node)
    : isSeq(node)
      ? (node.items as Node[])
      : [];
  const keys = isMap(node) ? node.items.map(({ key }) => String(isScalar(key) ? key.value : '')) : [];
  for (const [at, child] of children.entries())
    layOut(child, indent + 4, { column: depth * 2 + (keys[at]?.length ?? 0) + 2, depth: depth + 1 });
  if (isSeq(node)) layOutRows(children, indent);
  for (const { key } of isMap(node) ? node.items : []) {
    if (isScalar(key)) quoteKey(key);
  }
  const isFlat = children.every((child) => isScalar(child) || (isCollection(child) && child.flow === true));
  const hasLongText = children.some((child) => isScalar(child) && child.type === 'BLOCK_LITERAL');
  const { length } = JSON.stringify(node.toJSON());
  const isPair = children.length <= 2 && VARIABLE_KEYS.has(keys[0] ?? '') && !children.some(isMap);
  const isShort = length + indent <= (isPair ? MAX_PAIR_CHARS : MAX_FLOW_CHARS);
  const isLittle = isMap(node) ? children.length <= 3 : children.length <= 8;
  node.flow = children.length === 0 || (isFlat && !hasLongText && isShort && isLittle);
  if (node.flow) padFlow(node, isMap(node) ? ' ' : '');
}

/** Maps of one list have the same layout: each on one line if all of them nearly fit. */
function layOutRows(rows: readonly Node[], indent: number): void {
  const maps = rows.filter(isMap);
  if (maps.length < 2 || maps.length < rows.length || maps.every((map) => map.flow === true)) return;
  const areShort = maps.every((map) => {
    const values = map.items.map(({ value }) => value as Node);
    const isPlain = values.every(
      (value) =>
        (isScalar(value) && value.type !== 'BLOCK_LITERAL') || (isCollection(value) && value.flow === true),
    );
    return isPlain && JSON.stringify(map.toJSON()).length + indent <= MAX_ROW_CHARS;
  });
  for (const map of maps) {
    map.flow = areShort;
    if (areShort) padFlow(map, ' ');
  }
}

/** `[a, b]` but `{ a: b }`, as people write them; the library pads either both or neither. */
function padFlow(node: YAMLMap | YAMLSeq, padding: string): void {
  const write = node.toString.bind(node);
  node.toString = (context, ...rest) =>
    write(context === undefined ? context : { ...context, flowCollectionPadding: padding }, ...rest);
}
