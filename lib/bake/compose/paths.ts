/**
 * Relative paths against the directory of their project (compose-go paths). The project of the files that bake is given has
 * no directory: their paths stay relative to where bake runs.
 */
import { cleanPath } from '../go-text.ts';
import { isAbsolutePath, joinPath } from './go-path.ts';
import {
  goText,
  isNull,
  isText,
  kindOf,
  type MapNode,
  mapItems,
  mapValues,
  type Node,
  withEntry,
} from './node.ts';
import { down, ITEM, isBare, PathTable, type Position, ruleAt } from './patterns.ts';
import type { Report } from './report.ts';

interface Place {
  /** The directory; empty for where bake runs. */
  readonly base: string;
  readonly home: string | undefined;
  readonly report: Report;
}

type Resolver = (node: Node, place: Place) => Node;

const RESOLVERS = new PathTable<Resolver>([
  ...['services', 'jobs'].flatMap((kind): (readonly [string, Resolver])[] => [
    [`${kind}.*.build.context`, resolveContext],
    [`${kind}.*.build.additional_contexts.*`, resolveContext],
    [`${kind}.*.build.ssh.*`, resolveFile],
    [`${kind}.*.env_file.*.path`, resolvePath],
    [`${kind}.*.label_file.*`, resolvePath],
    [`${kind}.*.extends.file`, resolvePath],
    [`${kind}.*.volumes.*`, resolveVolume],
  ]),
  ['configs.*.file', resolveFile],
  ['secrets.*.file', resolveFile],
]);

/** A file with its paths below `base`. */
export function resolvePaths(file: MapNode, base: string, home: string | undefined, report: Report): MapNode {
  return resolveAt(file, RESOLVERS.start(), { base, home, report }) as MapNode;
}

function resolveAt(node: Node, at: Position<Resolver>, place: Place): Node {
  if (isBare(at)) return node;
  const resolver = ruleAt(at);
  if (resolver !== undefined) return resolver(node, place);
  if (node.kind === 'map') return mapValues(node, (value, key) => resolveAt(value, down(at, key), place));
  if (node.kind === 'list') return mapItems(node, (item) => resolveAt(item, down(at, ITEM), place));
  return node;
}

function resolveContext(node: Node, place: Place): Node {
  const isQuotable = node.kind === 'scalar' && !isNull(node);
  if (!isText(node)) {
    place.report.add(
      node.span,
      `A path or an address is expected here, not ${kindOf(node)}`,
      isQuotable ? 'Put it in quotes.' : undefined,
    );
    return node;
  }
  const { text } = node;
  const isElsewhere =
    text.includes('://') || text.startsWith('service:') || /^(?:github\.com\/|git@)/.test(text);
  return isElsewhere ? node : resolvePath(node, place);
}

function resolvePath(node: Node, place: Place): Node {
  if (!isText(node)) {
    place.report.add(node.span, `A path is expected here, not ${kindOf(node)}`);
    return node;
  }
  const path = expandHome(node.text, place.home);
  if (isAbsolutePath(path) || path === '') return path === node.text ? node : { ...node, text: path };
  return { ...node, text: joinPath(place.base, path) };
}

/** A file, perhaps with a path of Windows. */
function resolveFile(node: Node, place: Place): Node {
  if (!isText(node)) return node;
  const path = expandHome(node.text, place.home);
  if (isAbsolutePath(path) || /^(?:[A-Za-z]:[\\/]|\\\\[^\\]+\\[^\\]+)/.test(path))
    return { ...node, text: path };
  return { ...node, text: joinPath(place.base, path) };
}

function resolveVolume(node: Node, { report }: Place): Node {
  if (node.kind !== 'map') return node;
  const type = node.entries.get('type')?.value;
  const source = node.entries.get('source')?.value;
  if (type === undefined || goText(type) !== 'bind') return node;
  if (source === undefined || !isText(source))
    report.add((source ?? node).span, 'A bind mount needs a source');
  return node;
}

function expandHome(path: string, home: string | undefined): string {
  if (!path.startsWith('~') || home === undefined || home === '') return path;
  return path === '~' ? cleanPath(home) : joinPath(home, path.slice(1));
}

/** `NAME` in a list of variables becomes `NAME=value` where the environment has it. */
export function resolveEnvironment(file: MapNode, lookup: (name: string) => string | undefined): MapNode {
  return mapValues(file, (section, kind) => {
    if ((kind !== 'services' && kind !== 'jobs') || section.kind !== 'map') return section;
    return mapValues(section, (service) => {
      const environment = service.kind === 'map' ? service.entries.get('environment')?.value : undefined;
      if (service.kind !== 'map' || environment?.kind !== 'list') return service;
      const items = environment.items.filter(isText).map((item) => {
        const value = lookup(item.text);
        return value === undefined ? item : { ...item, text: `${item.text}=${value}` };
      });
      return withEntry(service, 'environment', { ...environment, items });
    });
  });
}
