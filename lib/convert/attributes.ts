/**
 * Options whose values have a grammar of their own (outputs, caches, attestations, secrets, ssh, limits), from the
 * forms that bake and Compose write them in to the shortest form of ours. Forms: buildx util/buildflags.
 */
import type { Json } from '../model/mod.ts';
import { isRecord, scalarText } from './draft.ts';

/** Turns a text of the source language into ours; null where it means "not set". */
export type TextOf = (text: string) => Json;

/** How the source language writes text. */
export interface TextReader {
  readonly textOf: TextOf;
  /** Whether a text refers to variables; such a text is taken over as a whole and split when it is evaluated. */
  readonly isComputed: (text: string) => boolean;
  /** Whether anything in a text is yet to be evaluated; left out: as {@link isComputed}. */
  readonly isOpen?: (text: string) => boolean;
  /** What a value stands for that is one thing or another. */
  readonly choiceOf?: (value: unknown) => Choice | undefined;
}

/** One thing or another, as it is evaluated. */
export interface Choice {
  readonly yes: unknown;
  readonly no: unknown;
  /** Puts the two sides together again, converted. */
  readonly join: (yes: Json, no: Json) => Json;
}

/** Fields of one item, in order. */
type Fields = readonly (readonly [string, string])[];

/** An output, cache or attestation as a list of fields, `type` first; undefined: no item of that kind. */
export function typedFields(item: unknown, loneWord: (word: string) => Fields): Fields | undefined {
  if (isRecord(item)) {
    const fields = Object.entries(item).flatMap(([key, value]): Fields => {
      const text = scalarText(value);
      return text === undefined ? [] : [[key, text]];
    });
    return typeFirst(fields);
  }
  const text = scalarText(item)?.trim();
  if (text === undefined || text === '') return undefined;
  const parts = splitCsv(text);
  const [first = ''] = parts;
  if (parts.length === 1 && !first.includes('=')) return loneWord(first);
  return typeFirst(
    parts.map((part): readonly [string, string] => {
      const at = part.indexOf('=');
      return at === -1 ? [part.trim(), ''] : [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1)];
    }),
  );
}

function typeFirst(fields: Fields): Fields {
  return [...fields.filter(([key]) => key === 'type'), ...fields.filter(([key]) => key !== 'type')];
}

/** Comma-separated fields; a field in double quotes may hold commas, `""` is one quote. */
export function splitCsv(text: string): readonly string[] {
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      if (quoted && text[at + 1] === '"') {
        field += '"';
        at++;
      } else quoted = !quoted;
    } else if (char === ',' && !quoted) {
      fields.push(field);
      field = '';
    } else field += char;
  }
  return [...fields, field];
}

/** `type=…,key=value` where that is safe to read back, else a map. */
export function writeFields(fields: Fields, textOf: TextOf): Json {
  const written = fields.map(([key, value]) => [key, textOf(value)] as const);
  const isPlain = written.every(
    ([key, value]) =>
      /^[a-z0-9._/[\]-]+$/.test(key) && typeof value === 'string' && /^[^",\s{}][^",\s{}]*$|^$/.test(value),
  );
  if (isPlain) return written.map(([key, value]) => `${key}=${String(value)}`).join(',');
  return Object.fromEntries(written);
}

/** A registry cache by its reference alone. */
export function writeCache(fields: Fields, textOf: TextOf): Json {
  const [first, second] = fields;
  const isBare = fields.length === 2 && first?.[1] === 'registry' && second?.[0] === 'ref';
  const ref = isBare ? textOf(second[1]) : undefined;
  if (typeof ref === 'string' && /^[^",=\s]+$/.test(ref)) return ref;
  return writeFields(fields, textOf);
}

/** What a word without `=` means as a cache. */
export function loneCache(word: string): Fields {
  return [
    ['type', 'registry'],
    ['ref', word],
  ];
}

/** What a word without `=` means as an output. */
export function loneOutput(word: string): Fields {
  if (word === '-') {
    return [
      ['type', 'tar'],
      ['dest', '-'],
    ];
  }
  return [
    ['type', 'local'],
    ['dest', word],
  ];
}

/** An attestation may be named by its type alone. */
export function loneAttest(word: string): Fields {
  return [['type', word]];
}

/** One secret: `id`, or `id=…,src=…`, `id=…,env=…`. */
export function writeSecret(item: unknown, textOf: TextOf): Json | undefined {
  const fields = typedFields(item, (word) => [['id', word]]);
  if (fields === undefined) return undefined;
  // Of an object bake reads no type (buildx util/buildflags/secrets.go).
  const known = new Map(isRecord(item) ? fields.filter(([name]) => name !== 'type') : fields);
  const id = known.get('id') ?? '';
  const source = known.get('src') ?? known.get('source') ?? known.get('file');
  const env = known.get('env') ?? (known.get('type') === 'env' ? (source ?? id) : undefined);
  if (env !== undefined)
    return writeShort(
      [
        ['id', id],
        ['env', env],
      ],
      textOf,
    );
  if (source === undefined) return textOf(id);
  return writeShort(
    [
      ['id', id],
      ['src', source],
    ],
    textOf,
  );
}

/** `id=…,src=…` as text, or as the map form, where a file is `file`. */
function writeShort(fields: Fields, textOf: TextOf): Json {
  const written = writeFields(fields, textOf);
  if (!isRecord(written)) return written;
  const { src, ...rest } = written as Readonly<Record<string, Json>>;
  return src === undefined ? rest : { ...rest, file: src };
}

/** One ssh forwarding: `default`, or `id=path,path`. */
export function writeSsh(item: unknown, textOf: TextOf): Json | undefined {
  if (!isRecord(item)) {
    const text = scalarText(item);
    return text === undefined || text === '' ? undefined : textOf(text);
  }
  const id = textOf(scalarText(item['id']) ?? 'default');
  const paths = Array.isArray(item['paths'])
    ? (item['paths'] as readonly unknown[]).map((path) => textOf(scalarText(path) ?? ''))
    : [];
  if (paths.length === 0) return id;
  const isPlain = [id, ...paths].every((one) => typeof one === 'string' && /^[^",=\s]+$/.test(one));
  return isPlain ? `${String(id)}=${paths.join(',')}` : { id, paths };
}

/** `nofile=1024:2048` as name and limit. */
export function readUlimit(text: string): readonly [string, Json] | undefined {
  const found = /^([a-z]+)=(-?[0-9]+)(?::(-?[0-9]+))?$/.exec(text.trim());
  if (found === null) return undefined;
  const [, name = '', soft = '', hard = soft] = found;
  return [name, soft === hard ? Number(soft) : `${soft}:${hard}`];
}
