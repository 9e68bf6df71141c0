/** Stand-in until the real one is merged: bake's JSON as `--print` writes it, with crude places and overrides. */
import { fail, type Json, ok, problem, type Result, type Span } from '../model/mod.ts';
import type {
  BakeDefinition,
  BakeFile,
  BakeTargetHead,
  BakeVariable,
  ReadBakeOptions,
  ResolveBakeOptions,
} from './definition.ts';
import type { BakeGroup, BakeResult, BakeTarget, TargetKey, TargetValues } from './target.ts';

export type * from './definition.ts';
export type * from './target.ts';

export const DEFAULT_BAKE_FILES: readonly string[] = [
  'compose.yaml',
  'compose.yml',
  'docker-compose.yml',
  'docker-compose.yaml',
  'docker-bake.json',
  'docker-bake.hcl',
  'docker-bake.override.json',
  'docker-bake.override.hcl',
];

type Values = Record<string, never>;
const blocks = new WeakMap<BakeDefinition, Map<string, { values: Values; file: BakeFile }>>();

function find(file: BakeFile, text: string, from = 0): Span | undefined {
  const start = file.source.text.indexOf(text, from);
  return start === -1 ? undefined : { source: file.source, start, end: start + text.length };
}

export async function readBake(
  files: readonly BakeFile[],
  options: ReadBakeOptions,
): Promise<Result<BakeDefinition>> {
  const targets = new Map<string, BakeTargetHead>();
  const raw = new Map<string, { values: Values; file: BakeFile }>();
  const groups = new Map<string, BakeGroup>();
  const variables = new Map<string, BakeVariable>();
  for (const file of files) {
    let parsed: Record<string, Record<string, Values>>;
    try {
      parsed = JSON.parse(file.source.text) as typeof parsed;
    } catch {
      return fail([problem('config/foreign-file', `${file.source.path} cannot be read yet`)]);
    }
    for (const [name, one] of Object.entries(parsed['variable'] ?? {})) {
      const given = options.vars.get(name) ?? options.env[name];
      variables.set(name, {
        name,
        value: given ?? (one['default'] as Json | undefined) ?? null,
        isGiven: given !== undefined,
        ...(one['description'] === undefined ? {} : { description: String(one['description']) }),
      });
    }
    for (const [name, values] of Object.entries(parsed['target'] ?? {})) {
      const place = find(file, `"${name}"`);
      targets.set(name, {
        name,
        inherits: (values['inherits'] as unknown as string[] | undefined) ?? [],
        ...(place === undefined ? {} : { place }),
      });
      raw.set(name, { values: { ...raw.get(name)?.values, ...values }, file });
    }
    for (const [name, group] of Object.entries(parsed['group'] ?? {})) {
      groups.set(name, { name, targets: group['targets'] as unknown as string[] });
    }
  }
  const definition = { variables, targets, groups };
  blocks.set(definition, raw);
  return ok(definition);
}

export function resolveBake(
  definition: BakeDefinition,
  { targets, overrides }: ResolveBakeOptions,
): Result<BakeResult> {
  const all = blocks.get(definition) ?? new Map();
  const found = new Map<string, BakeTarget>();
  const fill = (text: string): string =>
    text.replaceAll(/\$\{(\w+)\}/g, (_whole, name: string) => String(definition.variables.get(name)?.value));
  const final = (value: unknown): unknown => JSON.parse(fill(JSON.stringify(value)));
  for (const name of targets) {
    const block = all.get(name);
    if (block === undefined) continue;
    const { inherits: _, ...own } = block.values;
    const below = Object.assign(
      {},
      ...(definition.targets.get(name)?.inherits ?? []).map((one) => all.get(one)?.values),
    );
    const values = final({ context: '.', dockerfile: 'Dockerfile', ...below, ...own }) as Record<
      string,
      unknown
    >;
    delete values['inherits'];
    for (const text of overrides) {
      const [, pattern = '', key = '', sub, value = ''] =
        /^([^.=]+)\.([a-z-]+)(?:\.([^=]+?))?\+?=(.*)$/s.exec(text) ?? [];
      if (pattern !== '*' && pattern !== name) continue;
      if (key === 'args' && sub !== undefined)
        values['args'] = { ...(values['args'] as object | undefined), [sub]: value };
      else if (key === 'push' && value === 'true') values['output'] = [{ type: 'image', push: 'true' }];
      else if (key === 'tags') values['tags'] = [value];
      else if (key === 'platform') values['platforms'] = value.split(',');
      else if (key === 'no-cache' || key === 'pull') values[key] = value === 'true';
      else if (key === 'attest')
        values['attest'] = [Object.fromEntries(value.split(',').map((one) => one.split('=')))];
    }
    const start = definition.targets.get(name)?.place?.start ?? 0;
    const places = new Map<TargetKey, Span>();
    for (const key of Object.keys(own) as TargetKey[]) {
      const place = find(block.file, `"${key}"`, start);
      const end = place === undefined ? -1 : block.file.source.text.indexOf('\n', place.end);
      if (place !== undefined) places.set(key, { ...place, end: end === -1 ? place.end : end });
    }
    const place = definition.targets.get(name)?.place;
    found.set(name, {
      name,
      values: values as TargetValues,
      places,
      linked: false,
      ...(place === undefined ? {} : { place }),
    });
  }
  return ok({ targets: found, groups: definition.groups });
}

export function formatBake(result: BakeResult): string {
  return `${JSON.stringify(printBake(result), undefined, 2)}\n`;
}

function printBake(result: BakeResult): Json {
  return {
    group: Object.fromEntries([...result.groups].map(([name, { targets }]) => [name, { targets }])),
    target: Object.fromEntries([...result.targets].map(([name, { values }]) => [name, values as Json])),
  };
}
