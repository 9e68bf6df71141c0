/**
 * One Compose file over another (compose-go override/merge.go, uncity.go): maps are merged, lists appended, and some paths
 * have rules of their own.
 */
import { compareBytes } from '../go-text.ts';
import { parseVolume } from './formats.ts';
import {
  boolNode,
  goText,
  isNull,
  isSame,
  isText,
  kindOf,
  type ListNode,
  type MapNode,
  mapNode,
  mapValues,
  type Node,
  nullNode,
  textNode,
} from './node.ts';
import { down, isBare, PathTable, type Position, ruleAt } from './patterns.ts';
import type { Report } from './report.ts';

type Rule =
  | 'build'
  | 'override'
  | 'key-value'
  | 'sequence'
  | 'depends-on'
  | 'mapping'
  | 'logging'
  | 'ulimit'
  | 'ipam';

const BY_RULE: Readonly<Record<string, Rule>> = {
  annotations: 'key-value',
  build: 'build',
  'build.args': 'key-value',
  'build.additional_contexts': 'key-value',
  'build.extra_hosts': 'sequence',
  'build.labels': 'key-value',
  command: 'override',
  depends_on: 'depends-on',
  dns: 'sequence',
  dns_opt: 'sequence',
  dns_search: 'sequence',
  entrypoint: 'override',
  env_file: 'sequence',
  label_file: 'sequence',
  environment: 'key-value',
  extra_hosts: 'sequence',
  'healthcheck.test': 'override',
  labels: 'key-value',
  'volumes.*.volume.labels': 'key-value',
  logging: 'logging',
  models: 'mapping',
  networks: 'mapping',
  sysctls: 'key-value',
  tmpfs: 'sequence',
  'ulimits.*': 'ulimit',
};

const RULES = new PathTable<Rule>([
  ['networks.*.ipam.config', 'ipam'],
  ...['networks', 'volumes', 'secrets', 'configs'].map((kind) => [`${kind}.*.labels`, 'key-value'] as const),
  ...['services', 'jobs'].flatMap((kind) =>
    Object.entries(BY_RULE).map(([path, rule]) => [`${kind}.*.${path}`, rule] as const),
  ),
  ['services.*.deploy.labels', 'key-value'],
]);

/** A file, or a part of one at `path`, with what another one says over it. */
export function merge(base: Node, over: Node, path: readonly string[], report: Report): Node {
  return mergeAt(base, over, RULES.start(...path), report);
}

function mergeAt(base: Node, over: Node, at: Position<Rule>, report: Report): Node {
  const rule = ruleAt(at);
  if (rule !== undefined) return mergeBy(rule, base, over, at, report);
  if (isNull(over)) return base;
  if (base.kind === 'map') {
    return over.kind === 'map' ? mergeMaps(base, over, at, report) : refuse(base, over, report);
  }
  if (base.kind === 'list')
    return over.kind === 'list' ? append(base, over.items) : refuse(base, over, report);
  return over;
}

function refuse(base: Node, over: Node, report: Report): Node {
  report.add(
    over.span,
    `This is ${kindOf(over)}, but the value it overrides is ${kindOf(base)}`,
    'Write both in the same form, or put !override before this one.',
  );
  return base;
}

function mergeMaps(base: MapNode, over: MapNode, at: Position<Rule>, report: Report): MapNode {
  const entries = new Map(base.entries);
  for (const [key, entry] of over.entries) {
    const below = entries.get(key);
    const value =
      below === undefined ? entry.value : mergeAt(below.value, entry.value, down(at, key), report);
    // The place of what was said last.
    entries.set(key, { keySpan: entry.keySpan, value });
  }
  return { ...base, entries };
}

function mergeBy(rule: Rule, base: Node, over: Node, at: Position<Rule>, report: Report): Node {
  switch (rule) {
    case 'override':
      return over;
    case 'build':
      return mergeMaps(asBuild(base), asBuild(over), at, report);
    case 'sequence':
      return append({ kind: 'list', items: asSequence(base), span: base.span }, asSequence(over));
    case 'key-value':
      return {
        kind: 'list',
        items: uniqueItems([...asSequence(base), ...asSequence(over)], keyOfPair, report),
        span: over.span,
      };
    case 'depends-on':
    case 'mapping': {
      const lower = asMapping(base, rule === 'depends-on', report);
      const upper = asMapping(over, rule === 'depends-on', report);
      return mergeMaps(lower, upper, at, report);
    }
    case 'logging':
      return mergeLogging(base, over, at, report);
    case 'ulimit':
      return base.kind === 'map' && over.kind === 'map' ? mergeMaps(base, over, at, report) : over;
    case 'ipam':
      return mergeSubnets(base, over, at, report);
  }
}

function append(base: ListNode, items: readonly Node[]): ListNode {
  const all = [...base.items];
  for (const item of items) if (!all.some((known) => isSame(known, item))) all.push(item);
  return { ...base, items: all };
}

function asBuild(node: Node): MapNode {
  if (node.kind === 'map') return node;
  return mapNode(isText(node) ? [['context', node]] : [], node.span);
}

/** Entries of a map as `key=value`, in the order of the keys. */
function asSequence(node: Node): readonly Node[] {
  if (node.kind === 'list') return node.items;
  if (isText(node)) return [node];
  if (node.kind !== 'map') return [];
  const items: Node[] = [];
  for (const [key, { value, keySpan }] of node.entries) {
    if (isNull(value)) items.push(textNode(key, keySpan));
    else if (value.kind === 'list') {
      for (const item of value.items) items.push(textNode(`${key}=${goText(item)}`, item.span));
    } else items.push(textNode(`${key}=${goText(value)}`, value.span));
  }
  return items.sort((a, b) => compareBytes(goText(a), goText(b)));
}

function asMapping(node: Node, withDefaults: boolean, report: Report): MapNode {
  if (node.kind === 'map') return node;
  if (isNull(node)) return mapNode([], node.span);
  const items = node.kind === 'list' ? node.items : [node];
  const values: (readonly [string, Node])[] = [];
  for (const item of items) {
    if (isText(item)) values.push([item.text, withDefaults ? startedDependency(item) : nullNode(item.span)]);
    else report.add(item.span, `A name is expected here, not ${kindOf(item)}`);
  }
  return mapNode(values, node.span);
}

/** What a service means that is only named in `depends_on`. */
export function startedDependency({ span }: Node): MapNode {
  return mapNode(
    [
      ['condition', textNode('service_started', span)],
      ['required', boolNode(true, span)],
    ],
    span,
  );
}

/** Options of a log driver are merged where both name the same one. */
function mergeLogging(base: Node, over: Node, at: Position<Rule>, report: Report): Node {
  if (base.kind !== 'map' || over.kind !== 'map') {
    const wrong = base.kind === 'map' ? over : base;
    report.add(wrong.span, `logging must be a map to be merged, not ${kindOf(wrong)}`);
    return over;
  }
  const lower = base.entries.get('driver')?.value;
  const upper = over.entries.get('driver')?.value;
  const isOther = lower !== undefined && upper !== undefined && !isSame(lower, upper);
  return isOther ? over : mergeMaps(base, over, at, report);
}

/** Nothing of it is built; what matters is that both are lists of maps. */
function mergeSubnets(base: Node, over: Node, _at: Position<Rule>, report: Report): Node {
  for (const node of [base, over]) {
    if (node.kind === 'list' && node.items.every((item) => item.kind === 'map')) continue;
    report.add(node.span, 'ipam.config must be a list of maps');
  }
  return over;
}

type KeyOf = (item: Node, report: Report) => string | undefined;

const UNIQUE = new PathTable<KeyOf>([
  ['networks.*.labels', keyOfPair],
  ['networks.*.ipam.options', keyOfPair],
  ...[
    'annotations',
    'build.args',
    'build.additional_contexts',
    'build.platform',
    'build.tags',
    'build.labels',
    'cap_add',
    'cap_drop',
    'deploy.labels',
    'dns',
    'dns_opt',
    'dns_search',
    'environment',
    'labels',
    'links',
    'networks.*.aliases',
    'networks.*.link_local_ips',
    'profiles',
    'sysctls',
    'tmpfs',
  ].map((path) => [`services.*.${path}`, keyOfPair] as const),
  ['services.*.configs', keyOfMount('')],
  ['services.*.secrets', keyOfMount('/run/secrets')],
  ['services.*.env_file', keyOfEnvFile],
  ['services.*.expose', keyOfExpose],
  ['services.*.ports', keyOfPort],
  ['services.*.volumes', keyOfVolume],
  ['services.*.devices', keyOfDevice],
]);

/** Lists whose items have keys with one item a key: the last one, where the first one was. */
export function enforceUnique(file: MapNode, report: Report): MapNode {
  return enforceAt(file, UNIQUE.start(), report) as MapNode;
}

function enforceAt(node: Node, at: Position<KeyOf>, report: Report): Node {
  if (isBare(at)) return node;
  if (node.kind === 'map') return mapValues(node, (value, key) => enforceAt(value, down(at, key), report));
  const keyOf = node.kind === 'list' ? ruleAt(at) : undefined;
  if (node.kind !== 'list' || keyOf === undefined) return node;
  const items = uniqueItems(node.items, keyOf, report);
  return items.length === node.items.length && items.every((item, index) => item === node.items[index])
    ? node
    : { ...node, items };
}

function uniqueItems(items: readonly Node[], keyOf: KeyOf, report: Report): readonly Node[] {
  const byKey = new Map<string, Node>();
  for (const item of items) {
    const key = keyOf(item, report);
    if (key !== undefined) byKey.set(key, item);
  }
  return [...byKey.values()];
}

function keyOfPair(item: Node, report: Report): string | undefined {
  if (isText(item)) return item.text.split('=', 1)[0] ?? '';
  const hint = item.kind === 'map' ? 'Write NAME=value, or remove the dash.' : 'Put it in quotes.';
  report.add(item.span, `A string is expected here, not ${kindOf(item)}`, hint);
  return undefined;
}

/** A text at a key; what is none is reported. */
function textAt(item: MapNode, key: string, report: Report): string | undefined {
  const value = item.entries.get(key)?.value;
  if (value !== undefined && isText(value)) return value.text;
  report.add((value ?? item).span, value === undefined ? `${key} is missing` : `${key} must be a string`);
  return undefined;
}

function keyOfMount(directory: string): KeyOf {
  return (item, report) => {
    if (isText(item)) return `${directory}/${item.text}`;
    if (item.kind === 'map') {
      if (item.entries.has('target')) return textAt(item, 'target', report);
      const source = item.entries.get('source')?.value;
      return `${directory}/${source === undefined ? '<nil>' : goText(source)}`;
    }
    report.add(item.span, `A name or a map is expected here, not ${kindOf(item)}`);
    return undefined;
  };
}

function keyOfEnvFile(item: Node, report: Report): string | undefined {
  if (item.kind === 'map') return textAt(item, 'path', report);
  return isText(item) ? item.text : '';
}

function keyOfExpose(item: Node, report: Report): string | undefined {
  if (item.kind === 'scalar' && (item.type === 'string' || item.type === 'int')) return item.text;
  report.add(item.span, `A port is expected here, not ${kindOf(item)}`);
  return undefined;
}

function keyOfPort(item: Node, report: Report): string | undefined {
  if (item.kind === 'scalar') return item.type === 'int' || item.type === 'string' ? item.text : '';
  if (item.kind === 'list') return '';
  const target = item.entries.get('target')?.value;
  if (target === undefined) {
    report.add(item.span, 'target is missing in this port');
    return undefined;
  }
  const part = (key: string, missing: string): string => {
    const value = item.entries.get(key)?.value;
    return value === undefined ? missing : goText(value);
  };
  return `${part('host_ip', '0.0.0.0')}:${part('published', '<nil>')}:${goText(target)}/${part('protocol', 'tcp')}`;
}

function keyOfVolume(item: Node, report: Report): string | undefined {
  if (item.kind === 'map') return textAt(item, 'target', report);
  if (!isText(item)) return '';
  const volume = parseVolume(item.text);
  if (volume.ok) return volume.target;
  report.add(item.span, volume.message, volume.hint);
  return undefined;
}

function keyOfDevice(item: Node, report: Report): string | undefined {
  if (item.kind === 'map') return textAt(item, 'target', report);
  if (!isText(item)) return '';
  const parts = item.text.split(':');
  return parts.length === 1 ? item.text : (parts[1] ?? '');
}
