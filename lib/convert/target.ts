/** Converts one target of bake (or Compose's `build:` in that form) to a build. */
import type { Json } from '../model/mod.ts';
import { resourceOption } from '../targets/mod.ts';
import {
  loneAttest,
  loneCache,
  readUlimit,
  typedFields,
  writeCache,
  writeFields,
  writeSecret,
  writeSsh,
} from './attributes.ts';
import { asList, type DraftBuild, isRecord, scalarText } from './draft.ts';
import { convertOutput } from './target-outputs.ts';
import type { Converter, TargetReader } from './target-reader.ts';

/** Keys that callers handle. */
const HANDLED = new Set(['name', 'inherits', 'matrix']);

/** Fills a build from the keys of a target (buildx bake/bake.go, `Target`). */
export function convertTarget(
  build: DraftBuild,
  target: Readonly<Record<string, unknown>>,
  reader: TargetReader,
): void {
  const converter = createConverter(build, reader);
  // Names in `output` are used if there are no tags, so it comes last.
  const isLast = ([key]: readonly [string, unknown]): boolean => key === 'output' || key === 'outputs';
  const entries = Object.entries(withEntitlements(target));
  for (const [key, value] of [...entries.filter((one) => !isLast(one)), ...entries.filter(isLast)]) {
    if (HANDLED.has(key) || value === null || value === undefined) continue;
    const convert = Object.hasOwn(CONVERSIONS, key) ? CONVERSIONS[key] : undefined;
    if (convert !== undefined) convert(value, converter);
    else converter.drop(key, value, `\`${key}\` has no equivalent here`);
  }
  if (build.keys.has('dockerfile-inline')) build.keys.delete('dockerfile');
}

/** The host network requires an entitlement, which bake adds by itself (buildx bake/bake.go, `Target.normalize`). */
function withEntitlements(target: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const listed = asList(target['entitlements']);
  if (target['network'] !== 'host' || listed.includes('network.host')) return target;
  return { ...target, entitlements: [...listed, 'network.host'] };
}

function createConverter(build: DraftBuild, reader: TargetReader): Converter {
  return {
    ...reader,
    build,
    inherits: reader.inherits ?? (() => reader.mayInherit),
    set: (key, value) => {
      if (value !== undefined) build.keys.set(key, value);
    },
    drop: (key, value, why) => {
      const text = JSON.stringify(value) ?? '';
      build.comments.push(`Not converted: ${key}: ${text.length > 90 ? `${text.slice(0, 90)}…` : text}`);
      reader.note(why);
    },
  };
}

type Conversion = (value: unknown, converter: Converter) => void;

const CONVERSIONS: Readonly<Record<string, Conversion>> = {
  description: scalar('description'),
  context: convertContext,
  dockerfile: (value, { set, textOf, build }) => {
    const text = scalarText(value);
    // The default is only written if a parent may have set another value.
    if (text !== undefined && (text !== 'Dockerfile' || build.keys.has('extends')))
      set('dockerfile', textOf(text));
  },
  'dockerfile-inline': scalar('dockerfile-inline'),
  // Empty selects the last stage again, which is only needed if a parent selected another one.
  target: (value, { set, textOf, inherits }) => {
    const text = scalarText(value);
    if (text !== undefined && (text !== '' || inherits('target'))) set('target', textOf(text));
  },
  args: map('args'),
  contexts: convertContexts,
  platforms: words('platforms'),
  tags: words('tags'),
  labels: map('labels'),
  annotations: convertAnnotations,
  output: convertOutput,
  outputs: convertOutput,
  attest: typed('attest', loneAttest),
  'cache-from': caches('cache-from'),
  'cache-to': caches('cache-to'),
  'no-cache': flag('no-cache'),
  'no-cache-filter': words('no-cache-filter'),
  pull: flag('pull'),
  secret: each('secrets', (item, { textOf }) => writeSecret(item, textOf)),
  secrets: each('secrets', (item, { textOf }) => writeSecret(item, textOf)),
  ssh: each('ssh', (item, { textOf }) => writeSsh(item, textOf)),
  network: convertNetwork,
  'extra-hosts': map('extra-hosts'),
  ulimits: convertUlimits,
  'shm-size': scalar('shm-size'),
  'cgroup-parent': scalar('cgroup-parent'),
  entitlements: words('entitlements'),
  call: (value, { drop }) => {
    if (value === 'build' || value === '') return;
    drop(
      'call',
      value,
      value === 'check'
        ? '`call: check` only checks the Dockerfile; here it becomes a normal build, and `bake-ts lint` checks'
        : `\`call: ${scalarText(value) ?? ''}\` queries the frontend instead of building; here it becomes a normal build`,
    );
  },
  policy: (value, { drop }) => drop('policy', value, 'builds.yaml has no source policies'),
  resources: convertResources,
};

function scalar(key: string): Conversion {
  return (value, { set, textOf }) => {
    const text = scalarText(value);
    if (text !== undefined) set(key, textOf(text));
  };
}

function flag(key: string): Conversion {
  return (value, { set, textOf, inherits }) => {
    if (value === true || value === 'true') set(key, true);
    else if (typeof value === 'string' && value !== 'false') set(key, textOf(value));
    else if (inherits(key)) set(key, false);
  };
}

/** A list; an item may be computed, and so may be the whole list. */
function each(key: string, convert: (item: unknown, converter: Converter) => Json | undefined): Conversion {
  return (value, converter) => {
    converter.set(key, eachOf(value, converter, convert));
  };
}

function eachOf(
  value: unknown,
  converter: Converter,
  convert: (item: unknown, converter: Converter) => Json | undefined,
): Json {
  const { textOf, isComputed, choiceOf } = converter;
  const choice = choiceOf?.(value);
  if (choice !== undefined) {
    const side = (one: unknown): Json => (one === null ? null : eachOf(one, converter, convert));
    return choice.join(side(choice.yes), side(choice.no));
  }
  if (typeof value === 'string' && isComputed(value)) return textOf(value);
  return asList(value).flatMap((item): readonly Json[] => {
    if (item === null) return [];
    const converted = itemOf(item, converter, convert);
    return converted === undefined ? [] : [converted];
  });
}

function itemOf(
  item: unknown,
  converter: Converter,
  convert: (item: unknown, converter: Converter) => Json | undefined,
): Json | undefined {
  const { textOf, isComputed, choiceOf } = converter;
  const choice = choiceOf?.(item);
  if (choice !== undefined) {
    const side = (one: unknown): Json =>
      Array.isArray(one)
        ? eachOf(one, converter, convert)
        : one === null
          ? null
          : (itemOf(one, converter, convert) ?? null);
    return choice.join(side(choice.yes), side(choice.no));
  }
  // A text is split when it is evaluated, as in bake.
  const isOpen = typeof item === 'string' && (isComputed(item) || converter.isOpen?.(item) === true);
  return isOpen ? textOf(item) : convert(item, converter);
}

function words(key: string): Conversion {
  return each(key, (item, { textOf }) => {
    const text = scalarText(item);
    return text === undefined ? undefined : textOf(text);
  });
}

function typed(key: string, lone: Parameters<typeof typedFields>[1]): Conversion {
  return each(key, (item, { textOf }) => {
    const fields = typedFields(item, lone);
    if (fields === undefined) return undefined;
    const [first] = fields;
    return fields.length === 1 && key === 'attest' && first !== undefined
      ? textOf(first[1])
      : writeFields(fields, textOf);
  });
}

function caches(key: string): Conversion {
  return each(key, (item, { textOf }) => {
    const fields = typedFields(item, loneCache);
    return fields === undefined ? undefined : writeCache(fields, textOf);
  });
}

/** A map of text; null entries are not set; a list of `name=value` is a map too. */
function map(key: string): Conversion {
  return (value, converter) => {
    converter.set(
      key,
      mapOf(value, converter, (name, inner) => {
        const { textOf, drop } = converter;
        if (typeof inner === 'boolean' || Number.isSafeInteger(inner)) return inner as boolean | number;
        const text = scalarText(inner);
        if (text !== undefined) return textOf(text);
        if (inner !== null) drop(`${key}.${name}`, inner, `\`${key}.${name}\` is not a string`);
        return undefined;
      }),
    );
  };
}

/** The entries of a map, which may be computed as a whole; undefined: none. */
function mapOf(
  value: unknown,
  converter: Converter,
  convert: (name: string, inner: unknown) => Json | undefined,
): Json | undefined {
  const { textOf, isComputed, choiceOf } = converter;
  const choice = choiceOf?.(value);
  if (choice !== undefined) {
    const side = (one: unknown): Json => mapOf(one, converter, convert) ?? null;
    return choice.join(side(choice.yes), side(choice.no));
  }
  if (typeof value === 'string' && isComputed(value)) return textOf(value);
  const entries = pairsOf(value).flatMap(([name, inner]): [string, Json][] => {
    const converted = convert(name, inner);
    return converted === undefined ? [] : [[asKey(name, textOf), converted]];
  });
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

/** A key of a map; a reference in it is translated, too. */
function asKey(name: string, textOf: TargetReader['textOf']): string {
  const text = textOf(name);
  return typeof text === 'string' ? text : name;
}

function pairsOf(value: unknown): readonly (readonly [string, unknown])[] {
  if (isRecord(value)) return Object.entries(value);
  return asList(value).flatMap((item): [string, unknown][] => {
    const text = scalarText(item);
    if (text === undefined) return [];
    const at = text.indexOf('=');
    return at === -1 ? [[text, null]] : [[text.slice(0, at), text.slice(at + 1)]];
  });
}

function convertContext(value: unknown, { set, textOf, note }: Converter): void {
  const text = scalarText(value);
  if (text === undefined) return;
  if (/^(?:target|docker-image|oci-layout):/.test(text)) {
    note(`the context "${text}" must be a named context: put it below \`contexts\` and use its name in FROM`);
  }
  set('context', textOf(localPath(text)));
}

/** In a path of bake `~` is a name like any other. */
function localPath(text: string): string {
  const path = text.replace(/^cwd:\/\//, '');
  return path === '' ? '.' : path.startsWith('~') ? `./${path}` : path;
}

function convertContexts(value: unknown, converter: Converter): void {
  converter.set(
    'contexts',
    mapOf(value, converter, (_, inner) => contextOf(inner, converter)),
  );
}

function contextOf(value: unknown, converter: Converter): Json | undefined {
  const { textOf, choiceOf, nameOf } = converter;
  const choice = choiceOf?.(value);
  if (choice !== undefined) {
    const side = (one: unknown): Json => contextOf(one, converter) ?? null;
    return choice.join(side(choice.yes), side(choice.no));
  }
  const text = scalarText(value);
  if (text === undefined || text === '') return undefined;
  const edge = /^(?:target|service):(.*)$/s.exec(text);
  return edge === null ? textOf(localPath(text)) : `build:${String(textOf(nameOf(edge[1] ?? '')))}`;
}

function convertAnnotations(value: unknown, { set, textOf, annotationsOf }: Converter): void {
  const computed = annotationsOf?.(value);
  if (computed !== undefined) {
    set('annotations', computed);
    return;
  }
  const texts = isRecord(value)
    ? Object.entries(value).map(([name, text]) => `${name}=${scalarText(text) ?? ''}`)
    : asList(value).flatMap((item) => scalarText(item) ?? []);
  const entries = new Map<string, Json>();
  for (const text of texts) {
    const [, name = text, inner = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    const key = asKey(name, textOf);
    // The later counts, also where it names more or fewer levels: it must stand behind the other.
    entries.delete(key);
    entries.set(key, textOf(inner));
  }
  if (entries.size > 0) set('annotations', Object.fromEntries(entries));
}

function convertNetwork(value: unknown, { set, textOf, isComputed, drop }: Converter): void {
  const text = scalarText(value);
  if (text === undefined || text === '') return;
  if (['default', 'none', 'host'].includes(text) || isComputed(text)) set('network', textOf(text));
  else drop('network', value, `BuildKit has no network "${text}" (only default, none, host)`);
}

function convertUlimits(value: unknown, { set, textOf, isComputed, drop }: Converter): void {
  const entries: (readonly [string, Json])[] = [];
  for (const item of asList(value)) {
    const text = scalarText(item) ?? '';
    const limit = readUlimit(text);
    if (limit !== undefined) entries.push(limit);
    else if (isComputed(text)) {
      const at = text.indexOf('=');
      entries.push([text.slice(0, at), textOf(text.slice(at + 1))]);
    } else drop('ulimits', item, `the limit "${text}" cannot be read`);
  }
  if (entries.length > 0) set('ulimits', Object.fromEntries(entries));
}

function convertResources(value: unknown, { set, textOf, drop }: Converter): void {
  const opts: Record<string, Json> = {};
  for (const [name, limit] of pairsOf(value)) {
    const option = resourceOption(name);
    const text = scalarText(limit);
    const isSize = name.startsWith('memory') && text !== undefined && !/^-?[0-9]+$/.test(text);
    if (text === undefined || text === '0' || text === '') continue;
    if (option === undefined || isSize)
      drop('resources', { [name]: limit }, `\`resources.${name}\` has no equivalent here`);
    else opts[option] = textOf(text);
  }
  if (Object.keys(opts).length > 0) set('opts', opts);
}
