/** One target of bake (also what Compose's `build:` is brought into) as a build of ours. */
import type { Json } from '../model/mod.ts';
import {
  isPlainPush,
  loneAttest,
  loneCache,
  loneOutput,
  readUlimit,
  type TextReader,
  typedFields,
  writeCache,
  writeFields,
  writeSecret,
  writeSsh,
} from './attributes.ts';
import { asList, type DraftBuild, isRecord, scalarText } from './draft.ts';

/** What a target is read with. */
export interface TargetReader extends TextReader {
  /** The name a build of the source has here. */
  readonly nameOf: (name: string) => string;
  /** True where a parent may have set something else: then outputs say in full what they are. */
  readonly mayInherit: boolean;
  /** Takes down what cannot be carried over: one sentence without the target's name. */
  readonly note: (sentence: string) => void;
}

/** Keys that callers deal with themselves. */
const HANDLED = new Set(['name', 'inherits', 'matrix']);

/** Fills a build from the keys of a target (buildx bake/bake.go, `Target`). */
export function convertTarget(
  build: DraftBuild,
  target: Readonly<Record<string, unknown>>,
  reader: TargetReader,
): void {
  const converter = createConverter(build, reader);
  for (const [key, value] of Object.entries(target)) {
    if (HANDLED.has(key) || value === null || value === undefined) continue;
    const convert = Object.hasOwn(CONVERSIONS, key) ? CONVERSIONS[key] : undefined;
    if (convert !== undefined) convert(value, converter);
    else converter.drop(key, value, `\`${key}\` has no counterpart here`);
  }
  if (build.keys.has('dockerfile-inline')) build.keys.delete('dockerfile');
}

interface Converter extends TargetReader {
  readonly build: DraftBuild;
  readonly set: (key: string, value: Json | undefined) => void;
  /** Leaves a key out and says so, in the file and in the notes. */
  readonly drop: (key: string, value: unknown, why: string) => void;
}

function createConverter(build: DraftBuild, reader: TargetReader): Converter {
  return {
    ...reader,
    build,
    set: (key, value) => {
      if (value !== undefined) build.keys.set(key, value);
    },
    drop: (key, value, why) => {
      const text = JSON.stringify(value) ?? '';
      build.comments.push(`Not carried over: ${key}: ${text.length > 90 ? `${text.slice(0, 90)}…` : text}`);
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
    // The default is worth saying only where a parent may have said something else.
    if (text !== undefined && (text !== 'Dockerfile' || build.keys.has('extends')))
      set('dockerfile', textOf(text));
  },
  'dockerfile-inline': scalar('dockerfile-inline'),
  // Empty is the way back to the last stage, and says nothing where no parent chose another one.
  target: (value, { set, textOf, mayInherit }) => {
    const text = scalarText(value);
    if (text !== undefined && (text !== '' || mayInherit)) set('target', textOf(text));
  },
  args: map('args'),
  contexts: convertContexts,
  platforms: words('platforms'),
  tags: words('tags'),
  labels: map('labels'),
  annotations: convertAnnotations,
  output: convertOutputs,
  outputs: convertOutputs,
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
        ? '`call: check` only checks the Dockerfile; here it is a build like others, and `bake-ts lint` checks'
        : `\`call: ${scalarText(value) ?? ''}\` asks the frontend instead of building; here it is a build like others`,
    );
  },
  policy: (value, { drop }) => drop('policy', value, 'source policies are not a part of builds.yaml'),
  resources: (value, { drop }) =>
    drop('resources', value, 'limits of memory and processor are not a part of builds.yaml'),
};

function scalar(key: string): Conversion {
  return (value, { set, textOf }) => {
    const text = scalarText(value);
    if (text !== undefined) set(key, textOf(text));
  };
}

function flag(key: string): Conversion {
  return (value, { set, textOf, mayInherit }) => {
    if (value === true || value === 'true') set(key, true);
    else if (typeof value === 'string' && value !== 'false') set(key, textOf(value));
    else if (mayInherit) set(key, false);
  };
}

/** A list; an item may be computed, and so may be the whole list. */
function each(key: string, convert: (item: unknown, converter: Converter) => Json | undefined): Conversion {
  return (value, converter) => {
    const { set, textOf, isComputed } = converter;
    if (typeof value === 'string' && isComputed(value)) {
      set(key, textOf(value));
      return;
    }
    const items = asList(value).flatMap((item): Json[] => {
      if (item === null) return [];
      if (typeof item === 'string' && isComputed(item)) return [textOf(item)];
      const converted = convert(item, converter);
      return converted === undefined ? [] : [converted];
    });
    set(key, items);
  };
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
  return (value, { set, textOf, isComputed, drop }) => {
    if (typeof value === 'string' && isComputed(value)) {
      set(key, textOf(value));
      return;
    }
    const entries: [string, Json][] = [];
    for (const [name, inner] of pairsOf(value)) {
      const text = scalarText(inner);
      if (text !== undefined) entries.push([asKey(name, textOf), textOf(text)]);
      else if (inner !== null) drop(`${key}.${name}`, inner, `\`${key}.${name}\` is not text`);
    }
    if (entries.length > 0) set(key, Object.fromEntries(entries));
  };
}

/** A key of a map; a reference in it is translated, too. */
function asKey(name: string, textOf: TextReader['textOf']): string {
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
    note(`the context "${text}" must be a named one: put it below \`contexts\` and use its name in FROM`);
  }
  set('context', textOf(text.replace(/^cwd:\/\//, '') || '.'));
}

function convertContexts(value: unknown, { set, textOf, isComputed, nameOf }: Converter): void {
  if (typeof value === 'string' && isComputed(value)) {
    set('contexts', textOf(value));
    return;
  }
  const entries: [string, Json][] = [];
  for (const [name, inner] of pairsOf(value)) {
    const text = scalarText(inner);
    if (text === undefined || text === '') continue;
    const edge = /^(?:target|service):(.*)$/s.exec(text);
    if (edge === null) entries.push([name, textOf(text.replace(/^cwd:\/\//, ''))]);
    else {
      const build = textOf(isComputed(text) ? (edge[1] ?? '') : nameOf(edge[1] ?? ''));
      entries.push([name, `build:${String(build)}`]);
    }
  }
  if (entries.length > 0) set('contexts', Object.fromEntries(entries));
}

function convertAnnotations(value: unknown, { set, textOf }: Converter): void {
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

function convertOutputs(value: unknown, converter: Converter): void {
  const { set, textOf, isComputed, note, mayInherit } = converter;
  if (mayInherit) set('push', false);
  if (typeof value === 'string' && isComputed(value)) {
    set('outputs', textOf(value));
    return;
  }
  const outputs: Json[] = [];
  for (const item of asList(value)) {
    if (typeof item === 'string' && isComputed(item)) {
      outputs.push(textOf(item));
      continue;
    }
    const fields = typedFields(item, loneOutput);
    if (fields === undefined) continue;
    if (isPlainPush(fields)) {
      set('push', true);
      continue;
    }
    const type = fields[0]?.[1] ?? '';
    const hasPlace = fields.some(([name]) => name === 'dest');
    if (type === 'docker' && !hasPlace) {
      note(
        "`type=docker` loads into a Docker daemon; here the image stays in the engine's store (`bake-ts images`)",
      );
    }
    if (type === 'registry') {
      note(
        '`type=registry` with attributes is kept as an output; `push: true` with `annotations` or `compression` does the same and can be skipped when nothing changed',
      );
    }
    outputs.push(writeFields(fields, textOf));
  }
  if (outputs.length > 0 || mayInherit) set('outputs', outputs);
}

function convertNetwork(value: unknown, { set, textOf, isComputed, drop }: Converter): void {
  const text = scalarText(value);
  if (text === undefined || text === '') return;
  if (['default', 'none', 'host'].includes(text) || isComputed(text)) set('network', textOf(text));
  else drop('network', value, `the network "${text}" is not one BuildKit knows (default, none, host)`);
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
