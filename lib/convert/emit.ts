/** A draft as text: keys in the order of the language, short lists on one line, blank lines between builds. */
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
import type { Draft, DraftBuild } from './draft.ts';

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

/** What tells editors which schema a file follows. */
const SCHEMA_LINE = ' yaml-language-server: $schema=https://unpkg.com/bake-ts/schemas/builds.schema.json';

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
    draft.variables.map(({ name, value, comments }) => pair(document, name, value, comments)),
    false,
  );
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
  section(
    'groups',
    draft.groups.map(({ name, members, description }) =>
      pair(document, name, description === undefined ? members : { description, builds: members }, []),
    ),
    false,
  );
  const head = [SCHEMA_LINE, ...draft.header.map((line) => (line === '' ? '' : ` ${line}`))];
  const text = document.toString({ lineWidth: 0, blockQuote: 'literal', flowCollectionPadding: true });
  return escapeControlsInYaml(`${head.map((line) => `#${line}`).join('\n')}\n\n${text}`);
}

function buildPair(document: Document, build: DraftBuild): Pair {
  const map = document.createNode({}) as YAMLMap;
  const rank = (key: string): number => {
    const at = KEY_ORDER.indexOf(key);
    return at === -1 ? KEY_ORDER.length : at;
  };
  for (const [key, value] of [...build.keys].sort(([a], [b]) => rank(a) - rank(b))) {
    map.items.push(pair(document, key, value, build.keyComments.get(key) ?? []));
  }
  if (map.items.length === 0) map.flow = true;
  return new Pair(commented(document, build.name, build.comments), map);
}

function pair(document: Document, key: string, value: Json, comments: readonly string[]): Pair {
  const node = document.createNode(value, { aliasDuplicateObjects: false }) as Node;
  layOut(node, key.length + 6);
  return new Pair(commented(document, key, comments), node);
}

function commented(document: Document, key: string, comments: readonly string[]): Node {
  const node = document.createNode(key);
  quoteKey(node);
  const lines = comments.flatMap((line) => line.split('\n')).map((line) => ` ${line}`);
  if (lines.length > 0) node.commentBefore = lines.join('\n');
  return node;
}

function quote(scalar: Scalar): void {
  const quotes = typeof scalar.value === 'string' ? quotesFor(scalar.value) : undefined;
  if (quotes !== undefined) scalar.type = quotes;
}

/** `node:22: build:base` is hard to read. */
function quoteKey(key: Scalar): void {
  if (typeof key.value === 'string' && key.value.includes(':')) key.type = 'QUOTE_DOUBLE';
  quote(key);
}

/** Decides what stands on one line, from the inside out; text of several lines becomes a block. */
function layOut(node: Node, indent: number): void {
  if (isScalar(node)) {
    const { value } = node;
    if (typeof value === 'string' && value.includes('\n')) node.type = 'BLOCK_LITERAL';
    quote(node);
    return;
  }
  if (!isMap(node) && !isSeq(node)) return;
  const children = isMap(node)
    ? node.items.map((item) => item.value as Node)
    : isSeq(node)
      ? (node.items as Node[])
      : [];
  for (const child of children) layOut(child, indent + 4);
  for (const { key } of isMap(node) ? node.items : []) {
    if (isScalar(key)) quoteKey(key);
  }
  const isFlat = children.every((child) => isScalar(child) || (isCollection(child) && child.flow === true));
  const hasLongText = children.some((child) => isScalar(child) && child.type === 'BLOCK_LITERAL');
  const { length } = JSON.stringify(node.toJSON());
  const isShort = length + indent <= MAX_FLOW_CHARS;
  const isLittle = isMap(node) ? children.length <= 3 : children.length <= 8;
  node.flow = children.length === 0 || (isFlat && !hasLongText && isShort && isLittle);
  if (node.flow) padFlow(node, isMap(node) ? ' ' : '');
}

/** `[a, b]` but `{ a: b }`, as people write them; the library pads both or neither. */
function padFlow(node: YAMLMap | YAMLSeq, padding: string): void {
  const write = node.toString.bind(node);
  node.toString = (context, ...rest) =>
    write(context === undefined ? context : { ...context, flowCollectionPadding: padding }, ...rest);
}
