/**
 * Options whose values have their own syntax (outputs, caches, attestations, secrets, ssh, limits): converts the forms of
 * bake and Compose to the shortest form of builds.yaml. Forms: buildx util/buildflags.
 */
import type { Json } from '../model/mod.ts';
import { isRecord, scalarText } from './draft.ts';

/** Converts a text of the source language; null if it means "not set". */
export type TextOf = (text: string) => Json;

/** Reads texts of the source language. */
export interface TextReader {
  readonly textOf: TextOf;
  /** Whether a text refers to variables; such a text is converted as a whole and split when it is evaluated. */
  readonly isComputed: (text: string) => boolean;
  /** Whether anything in a text is evaluated later; default: {@link isComputed}. */
  readonly isOpen?: (text: string) => boolean;
  /** The alternatives of a conditional value. */
  readonly choiceOf?: (value: unknown) => Choice | undefined;
}

/** A conditional value. */
export interface Choice {
  readonly yes: unknown;
  readonly no: unknown;
  /** Joins the two converted alternatives. */
  readonly join: (yes: Json, no: Json) => Json;
}

/** Fields of one item, in order. */
type Fields = readonly (readonly [string, string])[];

/** The fields of an output, cache or attestation, `type` first; undefined: invalid. */
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

/** `type=…,key=value` if that can be parsed again, otherwise a map. */
export function writeFields(fields: Fields, textOf: TextOf): Json {
  const written = fields.map(([key, value]) => [key, textOf(value)] as const);
  const isPlain = written.every(
    ([key, value]) =>
      /^[a-z0-9._/[\]-]+$/.test(key) && typeof value === 'string' && /^[^",\s{}][^",\s{}]*$|^$/.test(value),
  );
  if (isPlain) return written.map(([key, value]) => `${key}=${String(value)}`).join(',');
  return Object.fromEntries(written);
}

/** A registry cache as a plain reference. */
export function writeCache(fields: Fields, textOf: TextOf): Json {
  const [first, second] = fields;
  const isBare = fields.length === 2 && first?.[1] === 'registry' && second?.[0] === 'ref';
  const ref = isBare ? textOf(second[1]) : undefined;
  if (typeof ref === 'string' && /^[^",=\s]+$/.test(ref)) return ref;
  return writeFields(fields, textOf);
}

/** The meaning of a word without `=` as a cache. */
export function loneCache(word: string): Fields {
  return [
    ['type', 'registry'],
    ['ref', word],
  ];
}

/** The meaning of a word without `=` as an output. */
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
  // bake reads no `type` in an object (buildx util/buildflags/secrets.go).
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

/** `id=…,src=…` as text, or as a map with the key `file`. */
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
