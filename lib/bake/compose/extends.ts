/** `extends`: a service over another one, of this file or of another (compose-go loader/extends.go). */
import { didYouMean } from '../../util/suggest.ts';
import { merge } from './merge.ts';
import { isNull, isText, kindOf, type MapNode, type Node, valueAt, withEntry, withoutEntry } from './node.ts';
import {
  applyResets,
  type Base,
  directoryFrom,
  type LoadBase,
  locate,
  type Resets,
  readNamed,
  type Scope,
} from './scope.ts';

interface Visit {
  readonly file: string;
  readonly service: string;
}

/** How a service that is extended is come to. */
export interface Way {
  /** The file that bake is given or that is included, whatever file the service at hand is from. */
  readonly file: string;
  readonly scope: Scope;
  /** Reads the files of the services that are extended. */
  readonly loadBase: LoadBase;
  readonly visited: readonly Visit[];
}

/** A document whose services have what they extend. */
export async function applyExtends(document: MapNode, resets: Resets, way: Way): Promise<MapNode> {
  let result = document;
  for (const kind of ['services', 'jobs']) {
    const section = result.entries.get(kind)?.value;
    if (section === undefined) continue;
    if (section.kind !== 'map') {
      way.scope.shared.report.add(
        result.entries.get(kind)?.keySpan,
        `${kind} must be a map, not ${kindOf(section)}`,
      );
      continue;
    }
    const services = new Map<string, Node>();
    for (const [name, { value }] of section.entries) services.set(name, value);
    const entries = new Map(section.entries);
    for (const [name, entry] of section.entries) {
      const value = await resolve(name, { services, resets }, way);
      services.set(name, value);
      entries.set(name, { ...entry, value });
    }
    result = withEntry(result, kind, { ...section, entries });
  }
  return result;
}

/** A service with what it extends. If that cannot be resolved, it is reported, and the service itself is returned. */
async function resolve(name: string, from: Base, way: Way): Promise<Node> {
  const { report } = way.scope.shared;
  const service = from.services.get(name) as Node;
  if (isNull(service)) return service;
  if (service.kind !== 'map') {
    const glued = isText(service) ? /^([\w-]+):(\S.*)$/.exec(service.text) : null;
    report.add(
      service.span,
      `The service "${name}" must be a map, not ${kindOf(service)}`,
      glued === null ? undefined : `A space is missing after the colon: ${glued[1]}: ${glued[2]}`,
    );
    return service;
  }
  const entry = service.entries.get('extends');
  if (entry === undefined) return service;
  const bare = withoutEntry(service, 'extends');
  const wanted = readExtends(entry.value);
  if (typeof wanted === 'string') {
    report.add(entry.keySpan, wanted);
    return bare;
  }
  const base = wanted.file === undefined ? from : await baseOf(wanted.file, way);
  if (base === undefined) return bare;
  if (!base.services.has(wanted.service)) {
    const where = wanted.file === undefined ? '' : ` in ${wanted.file.text}`;
    const hint = didYouMean(wanted.service, base.services.keys());
    report.add(
      entry.value.span,
      `The service "${name}" extends "${wanted.service}", which does not exist${where}`,
      hint,
    );
    return bare;
  }
  const visit = { file: wanted.file?.text ?? way.file, service: name };
  if (way.visited.some((known) => known.file === visit.file && known.service === visit.service)) {
    const names = [...way.visited, visit].map(({ service: visited }) => visited);
    report.add(entry.keySpan, `The service "${name}" extends itself: ${names.join(' → ')}`);
    return bare;
  }
  const lower = await resolve(wanted.service, base, { ...way, visited: [...way.visited, visit] });
  if (lower.kind !== 'map') return service;
  const kept = applyResets(lower, from.resets, 'services', name);
  const merged = merge(kept, service, ['services', 'x'], report) as MapNode;
  return withoutEntry(merged, 'extends');
}

/** What a service extends, or what is wrong with it. */
function readExtends(
  value: Node,
): { readonly service: string; readonly file?: Node & { readonly text: string } } | string {
  if (isText(value)) return { service: value.text };
  if (value.kind !== 'map') return `extends must be the name of a service or a map, not ${kindOf(value)}`;
  const service = valueAt(value, 'service');
  if (service === undefined || !isText(service)) return 'extends has no `service`, as in `service: base`';
  const file = valueAt(value, 'file');
  if (file === undefined || isNull(file)) return { service: service.text };
  return isText(file) ? { service: service.text, file } : 'extends.file must be a path';
}

function baseOf(file: Node & { readonly text: string }, way: Way): Promise<Base | undefined> {
  const { scope } = way;
  const path = locate(file.text, scope);
  const known = scope.extendsCache.get(path);
  if (known !== undefined) return known;
  const reading = readBase(path, file, way);
  scope.extendsCache.set(path, reading);
  return reading;
}

async function readBase(
  path: string,
  file: Node & { readonly text: string },
  { scope, loadBase }: Way,
): Promise<Base | undefined> {
  const { report } = scope.shared;
  const source = await readNamed(path, file.span, scope.shared);
  if (source === undefined) return undefined;
  const before = report.problems.length;
  const workingDir = await directoryFrom(file.text, true, scope);
  const { model, resets } = await loadBase({ name: path, source }, workingDir, scope);
  if (report.problems.length > before) return undefined;
  const services = model.entries.get('services')?.value;
  if (services?.kind !== 'map') {
    report.add(file.span, `${path} has no services to extend`);
    return undefined;
  }
  return { services: new Map([...services.entries].map(([name, { value }]) => [name, value])), resets };
}
