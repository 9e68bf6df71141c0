/** Writes a result like `docker buildx bake --print`. */
import type { Json } from '../model/mod.ts';
import { escapeHtml } from '../util/go-json.ts';
import { sortedNames } from './go-text.ts';
import type { BakeGroup, BakeResult, TargetValues } from './target.ts';

/** bake's JSON as a value. JavaScript puts integer names first, in numeric order; {@link formatBake} does not. */
export function printBake(result: BakeResult): Json {
  const groups = Array.from(result.groups.values(), (group) => [group.name, printGroup(group)] as const);
  const targets = Array.from(
    result.targets.values(),
    ({ name, values }) => [name, printTarget(values)] as const,
  );
  return {
    ...(groups.length === 0 ? {} : { group: Object.fromEntries(groups) }),
    target: Object.fromEntries(targets),
  };
}

/** bake's JSON, byte for byte, with the line break at its end. */
export function formatBake(result: BakeResult): string {
  const lines: string[] = [];
  write(printBake(result), '', 0, lines);
  return `${escapeHtml(lines.join(''))}\n`;
}

function printGroup(group: BakeGroup): Json {
  return {
    ...(group.description === undefined ? {} : { description: group.description }),
    targets: group.hasNoList === true && group.targets.length === 0 ? null : group.targets,
  };
}

/** Attributes whose values bake escapes so that they are not read as templates. */
const ESCAPED: ReadonlySet<string> = new Set([
  'annotations',
  'dockerfile-inline',
  'labels',
  'args',
  'extra-hosts',
]);

function printTarget(values: TargetValues): Json {
  return Object.fromEntries(
    Object.entries(values as Readonly<Record<string, Json>>).map(([key, value]) => {
      if (ESCAPED.has(key)) return [key, escapeTemplates(value)];
      return [key, key === 'attest' ? printAttest(value) : value];
    }),
  );
}

function escapeTemplates(value: Json): Json {
  if (typeof value === 'string') return value.replaceAll('${', () => '$${').replaceAll('%{', '%%{');
  if (Array.isArray(value)) return value.map(escapeTemplates);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, escapeTemplates(one)]));
}

function printAttest(value: Json): Json {
  return (value as readonly Readonly<Record<string, string>>[]).map((entry) =>
    Object.fromEntries(
      Object.entries(entry).map(([key, one]) => [key, key === 'disabled' ? true : one] as const),
    ),
  );
}

/** Maps at depth `target.NAME.key` or in its entries, whose names are sorted regardless of JavaScript's order. */
const MAPS: ReadonlySet<string> = new Set([
  'contexts',
  'args',
  'labels',
  'extra-hosts',
  'attest',
  'cache-from',
  'cache-to',
  'output',
]);

function write(value: Json, key: string, depth: number, into: string[]): void {
  if (value === null || typeof value !== 'object') {
    into.push(JSON.stringify(value));
    return;
  }
  const isList = Array.isArray(value);
  const entries: readonly (readonly [string, Json])[] = isList
    ? value.map((one: Json) => ['', one] as const)
    : namesOf(value as Readonly<Record<string, Json>>, key, depth);
  if (entries.length === 0) {
    into.push(isList ? '[]' : '{}');
    return;
  }
  into.push(isList ? '[' : '{');
  for (const [at, [name, one]] of entries.entries()) {
    into.push(at === 0 ? '\n' : ',\n', '  '.repeat(depth + 1), isList ? '' : `${JSON.stringify(name)}: `);
    write(one, isList || depth >= 3 ? key : name, depth + 1, into);
  }
  into.push('\n', '  '.repeat(depth), isList ? ']' : '}');
}

/** Level 0 has groups and targets, 1 their names, 2 their attributes. */
function namesOf(
  value: Readonly<Record<string, Json>>,
  key: string,
  depth: number,
): readonly (readonly [string, Json])[] {
  const names =
    depth === 1 || (depth >= 3 && MAPS.has(key)) ? sortedNames(Object.keys(value)) : Object.keys(value);
  return names.map((name) => [name, value[name] ?? null] as const);
}
