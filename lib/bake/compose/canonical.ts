/**
 * The long forms of what Compose lets one write short (compose-go transform), the defaults, and what is refused on the way
 * there: a port or volume that cannot be read is a failure although nobody builds it.
 */

import { parsePorts, parseVolume } from './formats.ts';
import { merge, startedDependency } from './merge.ts';
import {
  boolNode,
  goText,
  isNull,
  isText,
  kindOf,
  type MapNode,
  mapItems,
  mapNode,
  mapValues,
  type Node,
  nullNode,
  type ScalarNode,
  textNode,
  withEntry,
  withoutEntry,
} from './node.ts';
import { down, ITEM, isBare, PathTable, type Position, ruleAt } from './patterns.ts';
import type { Report } from './report.ts';

/** What becomes of a value; `into` goes on below it. */
type Transform = (node: Node, into: (node: Node) => Node, report: Report) => Node;

const CONTAINER: Readonly<Record<string, Transform>> = {
  env_file: transformEnvFiles,
  label_file: transformTextOrList,
  gpus: transformGpus,
  networks: transformNames,
  models: transformNames,
  'volumes.*': transformVolume,
  dns: transformTextOrList,
  'devices.*': transformDevice,
  'secrets.*': transformMount,
  'configs.*': transformMount,
  'ulimits.*': transformUlimit,
};

const WORKLOAD: Readonly<Record<string, Transform>> = {
  build: transformBuild,
  'build.secrets.*': transformMount,
  'build.provenance': transformToText,
  'build.sbom': transformToText,
  'build.additional_contexts': transformPairs,
  'build.ssh': transformSsh,
  'build.ulimits.*': transformUlimit,
  depends_on: transformDependsOn,
  extends: transformExtends,
  ports: transformPorts,
};

const TRANSFORMS = new PathTable<Transform>([
  ...['services.*', 'jobs.*', 'services.*.pre_start.*'].flatMap((prefix) =>
    Object.entries(CONTAINER).map(([path, rule]) => [`${prefix}.${path}`, rule] as const),
  ),
  ...['services.*', 'jobs.*'].flatMap((prefix) =>
    Object.entries(WORKLOAD).map(([path, rule]) => [`${prefix}.${path}`, rule] as const),
  ),
  ['services.*.develop.watch.*.ignore', transformTextOrList],
  ['services.*.develop.watch.*.include', transformTextOrList],
  ...['volumes', 'networks', 'secrets', 'configs'].map((kind) => [`${kind}.*`, transformExternal] as const),
]);

/** A file with everything in its long form. */
export function toCanonical(file: MapNode, report: Report): MapNode {
  const canonical = transformAt(file, TRANSFORMS.start(), report) as MapNode;
  return dropEmptyServers(canonical);
}

function transformAt(node: Node, at: Position<Transform>, report: Report): Node {
  if (isBare(at)) return node;
  const into = (inner: Node): Node => {
    if (inner.kind === 'map')
      return mapValues(inner, (value, key) => transformAt(value, down(at, key), report));
    if (inner.kind === 'list') return mapItems(inner, (item) => transformAt(item, down(at, ITEM), report));
    return inner;
  };
  const transform = ruleAt(at);
  return transform === undefined ? into(node) : transform(node, into, report);
}

/** Empty entries below `dns` are nothing. */
function dropEmptyServers(file: MapNode): MapNode {
  const isEmpty = (node: Node): boolean => isNull(node) || (isText(node) && node.text === '');
  const clean = (service: Node): Node => {
    const dns = service.kind === 'map' ? service.entries.get('dns')?.value : undefined;
    if (service.kind !== 'map' || dns?.kind !== 'list' || !dns.items.some(isEmpty)) return service;
    return withEntry(service, 'dns', { ...dns, items: dns.items.filter((item) => !isEmpty(item)) });
  };
  return mapValues(file, (section, key) =>
    (key === 'services' || key === 'jobs') && section.kind === 'map' ? mapValues(section, clean) : section,
  );
}

/** A value that has neither form. */
function refuse(node: Node, wanted: string, report: Report): Node {
  report.add(node.span, `${wanted} is expected here, not ${kindOf(node)}`);
  return node;
}

function transformTextOrList(node: Node): Node {
  return isText(node) ? { kind: 'list', items: [node], span: node.span } : node;
}

function transformToText(node: Node): Node {
  return isText(node) ? node : textNode(goText(node), node.span);
}

function transformBuild(node: Node, into: (node: Node) => Node, report: Report): Node {
  if (node.kind === 'map') return into(node);
  if (isText(node)) return mapNode([['context', node]], node.span);
  return refuse(node, 'The directory to build, or a map,', report);
}

function transformExtends(node: Node, _into: (node: Node) => Node, report: Report): Node {
  if (node.kind === 'map') return node;
  return isText(node)
    ? mapNode([['service', node]], node.span)
    : refuse(node, 'The name of a service, or a map,', report);
}

function transformEnvFiles(node: Node, _into: (node: Node) => Node, report: Report): Node {
  if (isText(node)) return { kind: 'list', items: [toEnvFile(node)], span: node.span };
  if (node.kind === 'list') return mapItems(node, toEnvFile);
  return refuse(node, 'A file, or a list of files,', report);
}

function toEnvFile(node: Node): Node {
  if (isText(node)) {
    return mapNode(
      [
        ['path', node],
        ['required', boolNode(true, node.span)],
      ],
      node.span,
    );
  }
  if (node.kind !== 'map') return nullNode(node.span);
  return node.entries.has('required') ? node : withEntry(node, 'required', boolNode(true, node.span));
}

function transformGpus(node: Node, _into: (node: Node) => Node, report: Report): Node {
  if (node.kind === 'list') return node;
  if (!isText(node)) return refuse(node, 'A list of devices, or "all",', report);
  return {
    kind: 'list',
    items: [mapNode([['count', textNode('all', node.span)]], node.span)],
    span: node.span,
  };
}

function transformNames(node: Node, _into: (node: Node) => Node, report: Report): Node {
  if (node.kind !== 'list') return node;
  const names = node.items.map((item) => (isText(item) ? item : refuse(item, 'A name', report)));
  return mapNode(
    names.map((item) => [goText(item), nullNode(item.span)] as const),
    node.span,
  );
}

function transformVolume(node: Node, _into: (node: Node) => Node, report: Report): Node {
  if (node.kind === 'map') return node;
  if (!isText(node)) return refuse(node, 'A volume', report);
  const volume = parseVolume(node.text);
  if (!volume.ok) {
    report.add(node.span, volume.message, volume.hint);
    return node;
  }
  const values: (readonly [string, Node])[] = [
    ['type', textNode(volume.isBind ? 'bind' : 'volume', node.span)],
    ['source', textNode(volume.source, node.span)],
    ['target', textNode(volume.target, node.span)],
  ];
  return mapNode(
    values.filter(([, value]) => goText(value) !== ''),
    node.span,
  );
}

function transformDevice(node: Node, _into: (node: Node) => Node, report: Report): Node {
  if (node.kind === 'map') return node;
  if (!isText(node)) return refuse(node, 'A device', report);
  const [source = '', target = '', ...rest] = node.text.split(':');
  if (rest.length > 1) {
    report.add(
      node.span,
      `The device "${node.text}" has too many colons`,
      'Write it as a map: source, target, permissions.',
    );
  }
  return mapNode(
    [
      ['source', textNode(source, node.span)],
      ['target', textNode(target === '' ? source : target, node.span)],
    ],
    node.span,
  );
}

function transformMount(node: Node, _into: (node: Node) => Node, report: Report): Node {
  if (node.kind === 'map') return node;
  return isText(node) ? mapNode([['source', node]], node.span) : refuse(node, 'A name, or a map,', report);
}

function transformUlimit(node: Node, _into: (node: Node) => Node, report: Report): Node {
  const isSmall = node.kind === 'scalar' && node.type === 'int' && BigInt(node.text) < 1n << 63n;
  if (node.kind === 'map' || isSmall) return node;
  return refuse(node, 'A number without quotes, or a map of soft and hard,', report);
}

function transformPairs(node: Node, _into: (node: Node) => Node, report: Report): Node {
  if (node.kind === 'map') return node;
  if (node.kind !== 'list') return refuse(node, 'A map, or a list of key=value,', report);
  const values: (readonly [string, Node])[] = [];
  for (const item of node.items) {
    const equals = isText(item) ? item.text.indexOf('=') : -1;
    if (!isText(item) || equals === -1) report.add(item.span, `"${goText(item)}" is not key=value`);
    else values.push([item.text.slice(0, equals), textNode(item.text.slice(equals + 1), item.span)]);
  }
  return mapNode(values, node.span);
}

function transformSsh(node: Node, _into: (node: Node) => Node, report: Report): Node {
  if (node.kind === 'map') return node;
  if (node.kind !== 'list') return refuse(node, 'A map, or a list like [default],', report);
  const values: (readonly [string, Node])[] = [];
  for (const item of node.items) {
    if (!isText(item)) {
      refuse(item, 'A string', report);
      continue;
    }
    const equals = item.text.indexOf('=');
    if (equals !== -1)
      values.push([item.text.slice(0, equals), textNode(item.text.slice(equals + 1), item.span)]);
    else if (item.text === 'default') values.push(['default', nullNode(item.span)]);
    else
      report.add(item.span, `"${item.text}" is not a valid SSH agent or key`, 'Write default, or id=path.');
  }
  return mapNode(values, node.span);
}

function transformDependsOn(node: Node, _into: (node: Node) => Node, report: Report): Node {
  if (node.kind === 'list') {
    const names = node.items.map((item) =>
      isText(item) ? item : refuse(item, 'The name of a service', report),
    );
    return mapNode(
      names.map((item) => [goText(item), startedDependency(item)] as const),
      node.span,
    );
  }
  if (node.kind !== 'map') return refuse(node, 'A list of services, or a map,', report);
  for (const { value } of node.entries.values()) {
    if (value.kind !== 'map') refuse(value, 'A map, as `condition: service_started`,', report);
  }
  return node;
}

function transformPorts(node: Node, _into: (node: Node) => Node, report: Report): Node {
  if (node.kind !== 'list') return refuse(node, 'A list of ports', report);
  const items = node.items.flatMap((item): readonly Node[] => {
    if (item.kind === 'map') return [item];
    if (item.kind === 'list' || (item.type !== 'int' && item.type !== 'string')) {
      return [refuse(item, 'A port', report)];
    }
    const found = parsePorts(item.text);
    if (!found.ok) {
      report.add(item.span, found.message, found.hint);
      return [];
    }
    return found.ports.map((port) => portNode(port, item));
  });
  return { ...node, items };
}

function portNode(
  port: {
    readonly hostIp: string;
    readonly published: string;
    readonly target: number;
    readonly protocol: string;
  },
  { span }: ScalarNode,
): MapNode {
  const values: (readonly [string, Node])[] = [
    ['mode', textNode('ingress', span)],
    ['host_ip', textNode(port.hostIp, span)],
    ['target', { kind: 'scalar', type: 'int', text: port.target === 0 ? '' : String(port.target), span }],
    ['published', textNode(port.published, span)],
    ['protocol', textNode(port.protocol, span)],
  ];
  return mapNode(
    values.filter(([, value]) => goText(value) !== ''),
    span,
  );
}

/** `external: { name: … }` is an old form of `external: true` and `name`. */
function transformExternal(node: Node, _into: (node: Node) => Node, report: Report): Node {
  if (isNull(node)) return node;
  if (node.kind !== 'map') return refuse(node, 'A map', report);
  const external = node.entries.get('external')?.value;
  if (external?.kind !== 'map') return node;
  const resource = withEntry(node, 'external', boolNode(true, external.span));
  const old = external.entries.get('name')?.value;
  const name = node.entries.get('name')?.value;
  if (old === undefined) return resource;
  if (name === undefined) return withEntry(resource, 'name', old);
  if (goText(name) !== goText(old)) {
    report.add(old.span, '`name` and `external.name` differ', 'Keep `name`, and write `external: true`.');
  }
  return resource;
}

type Default = (node: Node, report: Report) => Node;

const DEFAULTS = new PathTable<Default>([
  ...['services', 'jobs'].flatMap((kind): (readonly [string, Default])[] => [
    [`${kind}.*.build`, defaultBuild],
    [`${kind}.*.secrets.*`, defaultMount],
    [`${kind}.*.gpus.*`, defaultDevice],
    [`${kind}.*.volumes.*.bind`, defaultBind],
  ]),
  ['services.*.deploy.resources.reservations.devices.*', defaultDevice],
]);

/** A file with defaults for what is missing; of these only the build context matters, and what is refused. */
export function withDefaults(file: MapNode, report: Report): MapNode {
  return defaultsAt(file, DEFAULTS.start(), report) as MapNode;
}

function defaultsAt(node: Node, at: Position<Default>, report: Report): Node {
  if (isBare(at)) return node;
  const rule = ruleAt(at);
  if (rule !== undefined) return rule(node, report);
  if (node.kind === 'map') return mapValues(node, (value, key) => defaultsAt(value, down(at, key), report));
  if (node.kind === 'list') return mapItems(node, (item) => defaultsAt(item, down(at, ITEM), report));
  return node;
}

function defaultBuild(node: Node): Node {
  if (node.kind !== 'map' || node.entries.has('context')) return node;
  return withEntry(node, 'context', textNode('.', { ...node.span, end: node.span.start }));
}

function defaultMount(node: Node, report: Report): Node {
  return node.kind === 'map' ? node : refuse(node, 'A map', report);
}

function defaultDevice(node: Node, report: Report): Node {
  return node.kind === 'map' ? node : refuse(node, 'A map', report);
}

function defaultBind(node: Node, report: Report): Node {
  return node.kind === 'map' ? node : refuse(node, 'A map', report);
}

/** Extensions that became keys of their own (compose-go loader/aliases.go): they go below what stands at the key. */
export function renameExtensions(file: MapNode, report: Report): MapNode {
  const services = file.entries.get('services')?.value;
  if (services?.kind !== 'map') return file;
  const renamed = mapValues(services, (service) => {
    const old = service.kind === 'map' ? service.entries.get('x-develop')?.value : undefined;
    if (service.kind !== 'map' || old === undefined) return service;
    const own = service.entries.get('develop')?.value;
    const value =
      own === undefined || isNull(own) ? old : merge(old, own, ['services', '*', 'develop'], report);
    return withEntry(withoutEntry(service, 'x-develop'), 'develop', value);
  });
  return renamed === services ? file : withEntry(file, 'services', renamed);
}
