/** The short and long forms of outputs, caches, attestations, secrets, ssh, limits and sizes. */
import {
  familiarName,
  type ImageRef,
  type Json,
  parseImageRef,
  type SecretSource,
  type SshSource,
  type Tag,
  type TypedAttributes,
  type Ulimit,
} from '../model/mod.ts';
import { loadCrypto } from '../system/mod.ts';
import { parseFields, splitCsv } from '../util/csv.ts';
import { didYouMean } from '../util/suggest.ts';
import { absolutePath, type PathOptions, shownInRoot } from './absolute-path.ts';
import { at, jsonText } from './tree.ts';
import { asBoolean, plainText, type Value, type Values } from './values.ts';

/** The meaning of a single word in each list of typed attributes. */
const LONE_WORD: Readonly<Record<string, (word: string) => readonly [string, string][]>> = {
  outputs: (word) =>
    word === '-'
      ? [
          ['type', 'tar'],
          ['dest', '-'],
        ]
      : [
          ['type', 'local'],
          ['dest', word],
        ],
  'cache-from': (word) => [
    ['type', 'registry'],
    ['ref', word],
  ],
  'cache-to': (word) => [
    ['type', 'registry'],
    ['ref', word],
  ],
  attest: (word) => [['type', word]],
};

/** Types of BuildKit 0.34: exporter/, cache/remotecache/, frontend/attestations; `registry` and `cacheonly` are bake's. */
const TYPES = {
  outputs: ['image', 'registry', 'local', 'tar', 'oci', 'docker', 'cacheonly'],
  'cache-from': ['registry', 'local', 'inline', 'gha', 's3', 'azblob'],
  'cache-to': ['registry', 'inline', 'local', 'gha', 's3', 'azblob'],
  attest: ['provenance', 'sbom'],
} as const;

/** Reads outputs, cache-from, cache-to or attest, without empty items and duplicates. */
export function readTyped(
  key: 'outputs' | 'cache-from' | 'cache-to' | 'attest',
  items: readonly Value[],
  values: Values,
  paths: PathOptions,
): readonly TypedAttributes[] {
  if (items.length === 0) return [];
  const found = new Map<string, TypedAttributes>();
  for (const item of items) {
    const pairs = pairsOf(key, item, values);
    if (pairs === undefined || pairs.length === 0) continue;
    const attributes = new Map<string, string>();
    let type: string | undefined;
    for (const [written, value] of pairs) {
      // buildctl reads them like this (cmd/buildctl/build/util.go), and checks must see the same values. The case of
      // annotations is kept for output; preflight reports that buildctl does not keep it.
      const name = /^annotation/i.test(written) ? written : written.toLowerCase();
      if (!ATTRIBUTE.test(name.toLowerCase())) refuseAttribute(key, written, item, values);
      else if (name === 'type') type = value;
      else attributes.set(name, value);
    }
    if (type === undefined || type === '') {
      values.fail('config/attributes', `An item of "${key}" has no type`, item.node, {
        hint: `For example ${key === 'outputs' ? 'type=local,dest=out' : key === 'attest' ? 'type=provenance,mode=max' : 'type=registry,ref=ghcr.io/owner/cache'}.`,
      });
      continue;
    }
    const known = TYPES[key];
    if (!known.some((one) => one === type)) {
      values.fail(
        'config/unknown-type',
        `"${type}" is not a type of "${key}" that BuildKit is known to have`,
        item.node,
        {
          // A later BuildKit may support it.
          severity: 'warning',
          hint: didYouMean(type, known) ?? `Known are ${known.join(', ')}.`,
        },
      );
    }
    const writtenPath = makePathAbsolute(key, type, attributes, item, paths);
    const typed: TypedAttributes = {
      type,
      attributes,
      ...(writtenPath === undefined ? {} : { writtenPath }),
      ...at(item.node),
    };
    // Attestations of one type replace one another, as in buildx; otherwise only equal items are duplicates.
    const identity = key === 'attest' ? type : JSON.stringify([type, [...attributes].sort(byName)]);
    if (key === 'attest' || !found.has(identity)) found.set(identity, typed);
  }
  return [...found.values()];
}

/** Names of attributes; those of annotations may have more characters (`annotation[linux/amd64].org.example`). */
const ATTRIBUTE = /^[a-z0-9][a-z0-9._/[\]-]*$/;

function refuseAttribute(key: string, written: string, item: Value, values: Values): void {
  values.fail('config/attributes', `"${written}" is not a valid attribute name of "${key}"`, item.node, {
    hint: 'Use letters, digits, ".", "_" and "-" before the "=".',
  });
}

function byName(a: readonly [string, string], b: readonly [string, string]): number {
  return a[0] < b[0] ? -1 : 1;
}

function pairsOf(
  key: string,
  item: Value,
  values: Values,
): readonly (readonly [string, string])[] | undefined {
  const { value } = item;
  if (isMap(value)) {
    const pairs: [string, string][] = [];
    for (const [name, inner] of Object.entries(value)) {
      if (inner === null) continue;
      const text = plainText({ value: inner, node: item.node });
      if (text === undefined) values.textOf({ value: inner, node: item.node }, `${name} of ${key}`);
      else pairs.push([name, text]);
    }
    return pairs;
  }
  const text = values.textOf(item, `an item of ${key}`)?.trim();
  if (text === undefined) return undefined;
  if (text === '') return [];
  const fields = parseFields(text);
  if (fields === undefined) {
    values.fail('config/attributes', `A quote is not closed in "${text}"`, item.node, {
      hint: 'Put double quotes around a field that contains a comma, and close them.',
    });
    return undefined;
  }
  const [first] = fields;
  if (fields.length === 1 && first !== undefined && first[1] === undefined) return LONE_WORD[key]?.(first[0]);
  const bare = fields.find(([, inner]) => inner === undefined);
  if (bare !== undefined) {
    values.fail('config/attributes', `"${bare[0]}" in "${text}" is not name=value`, item.node, {
      hint: 'Put double quotes around a field that contains a comma.',
    });
    return undefined;
  }
  return fields.map(([name, inner]) => [name.toLowerCase(), inner ?? ''] as const);
}

/** Makes the path of a local output or cache absolute; returns its form for `print`. */
function makePathAbsolute(
  key: string,
  type: string,
  attributes: Map<string, string>,
  item: Value,
  paths: PathOptions,
): string | undefined {
  const name = key === 'cache-from' ? 'src' : 'dest';
  const isPath = key === 'outputs' || type === 'local';
  const written = attributes.get(name);
  if (!isPath || key === 'attest' || written === undefined || written === '-' || written === '')
    return undefined;
  const { dir } = item.node.origin;
  attributes.set(name, absolutePath(written, dir, paths));
  return shownInRoot(written, dir, paths);
}

/** Reads `secrets`; the last one with the same id takes precedence. */
export function readSecrets(
  items: readonly Value[],
  values: Values,
  paths: PathOptions,
): readonly SecretSource[] {
  if (items.length === 0) return [];
  const found = new Map<string, SecretSource>();
  for (const item of items) {
    const secret = readSecret(item, values, paths);
    if (secret !== undefined) found.set(secret.id, secret);
  }
  return [...found.values()];
}

function readSecret(item: Value, values: Values, paths: PathOptions): SecretSource | undefined {
  const fields = secretFields(item, values);
  if (fields === undefined) return undefined;
  const { id, file, env, command } = fields;
  const span = at(item.node);
  if (id === undefined || id === '') {
    values.fail('config/secret', 'A secret has no id', item.node, {
      hint: 'Write id=NAME,env=VARIABLE or id=NAME,src=FILE; inside [ ] put it in quotes.',
    });
    return undefined;
  }
  const given = [file, env, command].filter((one) => one !== undefined).length;
  if (given > 1) {
    values.fail('config/secret', `The secret "${id}" has more than one source`, item.node, {
      hint: 'Keep one of file, env and command.',
    });
    return undefined;
  }
  const { dir } = item.node.origin;
  if (command !== undefined) return { id, from: { kind: 'command', argv: command }, ...span };
  if (env !== undefined) return { id, from: { kind: 'env', variable: env }, ...span };
  if (file !== undefined) {
    const path = absolutePath(file, dir, paths);
    return { id, from: { kind: 'file', path }, writtenPath: shownInRoot(file, dir, paths), ...span };
  }
  // buildkit session/secrets/secretsprovider/store.go: the variable if it is set, otherwise the file.
  const from =
    typeof paths.env[id] !== 'string'
      ? ({ kind: 'file', path: absolutePath(id, dir, paths) } as const)
      : ({ kind: 'env', variable: id } as const);
  return { id, from, bare: true, ...span };
}

interface SecretFields {
  readonly id?: string | undefined;
  readonly file?: string | undefined;
  readonly env?: string | undefined;
  readonly command?: readonly string[] | undefined;
}

function secretFields(item: Value, values: Values): SecretFields | undefined {
  const { value, node } = item;
  if (isMap(value)) {
    const text = (name: string): string | undefined => {
      const inner = value[name];
      return inner === undefined || inner === null ? undefined : values.textOf({ value: inner, node }, name);
    };
    const command = value['command'];
    const argv = Array.isArray(command)
      ? (command as readonly Json[]).filter((one) => one !== null).map((one) => jsonText(one))
      : undefined;
    if (argv?.length === 0) {
      values.fail('config/secret', 'The command of a secret is empty', node, {
        hint: 'Write [program, argument].',
      });
      return undefined;
    }
    return { id: text('id'), file: text('file'), env: text('env'), command: argv };
  }
  const text = values.textOf(item, 'an item of secrets');
  if (text === undefined || text === '') return undefined;
  const fields = parseFields(text);
  const [first] = fields ?? [];
  if (fields?.length === 1 && first !== undefined && first[1] === undefined) return { id: first[0] };
  const known = new Map<string, string>();
  for (const [name, inner] of fields ?? [['', undefined]]) {
    if (inner === undefined || !['id', 'src', 'source', 'file', 'env', 'type'].includes(name)) {
      values.fail('config/secret', `"${text}" is not id=NAME,src=FILE or id=NAME,env=VARIABLE`, node, {
        hint: 'Write an id and one of src and env; use the map form for a command.',
      });
      return undefined;
    }
    known.set(name, inner);
  }
  const source = known.get('src') ?? known.get('source') ?? known.get('file');
  if (known.get('type') === 'env')
    return { id: known.get('id'), env: known.get('env') ?? source ?? known.get('id') };
  return { id: known.get('id'), file: source, env: known.get('env') };
}

/** Reads `ssh`; the last one with the same id takes precedence. */
export function readSsh(items: readonly Value[], values: Values, paths: PathOptions): readonly SshSource[] {
  if (items.length === 0) return [];
  const found = new Map<string, SshSource>();
  for (const item of items) {
    const { value, node } = item;
    let id = 'default';
    let written: readonly string[] = [];
    if (isMap(value)) {
      id = value['id'] === undefined || value['id'] === null ? id : jsonText(value['id']);
      const list = value['paths'];
      written = Array.isArray(list)
        ? (list as readonly Json[]).filter((one) => one !== null).map(jsonText)
        : [];
    } else {
      const text = values.textOf(item, 'an item of ssh');
      if (text === undefined || text === '') continue;
      const equals = text.indexOf('=');
      id = equals === -1 ? text : text.slice(0, equals);
      written = equals === -1 ? [] : (splitCsv(text.slice(equals + 1)) ?? []);
    }
    // buildctl splits at the first "=", and the rest at each comma (session/sshforward/sshprovider, `parse`).
    if (/[=,\s]/.test(id) || written.some((one) => one.includes(','))) {
      values.fail(
        'config/ssh',
        `"${id}" is not a valid id of SSH keys, or one of its paths has a comma`,
        node,
        {
          hint: 'Write id=PATH or { id: …, paths: [ … ] }; an id has no "=", a path no comma.',
        },
      );
      continue;
    }
    const { dir } = node.origin;
    found.set(id, {
      id,
      paths: written.map((path) => absolutePath(path, dir, paths)),
      ...(written.length === 0 ? {} : { writtenPaths: written.map((path) => shownInRoot(path, dir, paths)) }),
      ...at(node),
    });
  }
  return [...found.values()];
}

/** Reads `ulimits`: `name: 1024`, `name: soft:hard`, or a map. */
export function readUlimits(map: ReadonlyMap<string, Value>, values: Values): readonly Ulimit[] {
  const limits: Ulimit[] = [];
  for (const [name, item] of map) {
    const { value } = item;
    const parts = isMap(value)
      ? [value['soft'] ?? value['hard'] ?? null, value['hard'] ?? value['soft'] ?? null]
      : (plainText(item) ?? '').split(':');
    const [soft, hard = soft] = parts.map((part) =>
      /^-?[0-9]+$/.test(jsonText(part)) ? Number(part) : undefined,
    );
    if (soft === undefined || hard === undefined || parts.length > 2) {
      values.fail('config/ulimit', `The limit "${name}" must be a whole number, or soft:hard`, item.node, {
        hint: 'For example nofile: 1024:2048; -1 is unlimited.',
      });
    } else limits.push({ name, soft, hard });
  }
  return limits;
}

/** Reads `cache`: one registry cache for this build. Undefined: not requested, or a reported problem. */
export function readCache(
  found: Value | undefined,
  tags: readonly Tag[],
  platforms: readonly string[],
  values: Values,
): { readonly from: TypedAttributes; readonly to?: TypedAttributes } | undefined {
  if (found === undefined) return undefined;
  const { value, node } = found;
  if (value === true || value === false || value === 'true' || value === 'false') {
    // An unquoted one in a file was already reported by the shape check.
    if (node.kind === 'scalar' && typeof node.value === 'boolean') return undefined;
    values.fail('config/cache', `"cache" must be auto, a repository, or a map, not ${value}`, node, {
      hint: 'To turn the cache off, leave the value empty.',
    });
    return undefined;
  }
  const map = isMap(value) ? value : undefined;
  const written = map === undefined ? plainText(found) : jsonText(map['repository'] ?? 'auto');
  if (written === undefined || written === '') return undefined;
  const parsed = written === 'auto' ? repositoryOf(tags) : parseImageRef(written);
  if (
    parsed === undefined ||
    parsed.digest !== undefined ||
    (written !== 'auto' && parsed.tag !== undefined)
  ) {
    values.fail(
      'config/cache',
      written === 'auto'
        ? 'cache: auto needs a build with a tag, whose repository then holds the cache'
        : `"${written}" is not a repository for the cache`,
      node,
      { hint: 'Name one without a tag: cache: localhost:5000/cache.' },
    );
    return undefined;
  }
  const mode = map?.['mode'] ?? 'max';
  if (mode !== 'max' && mode !== 'min') {
    values.fail('config/cache', 'The mode of a cache must be max or min', node, {
      hint: 'Write max to keep the layers of all stages, min for those of the image.',
    });
    return undefined;
  }
  const ref = `${familiarName(parsed)}:${cacheTag(values.build, platforms)}`;
  const span = at(node);
  const from: TypedAttributes = { type: 'registry', attributes: new Map([['ref', ref]]), ...span };
  if (map !== undefined && asBoolean(map['export'] ?? true) === false) return { from };
  const attributes = new Map([
    ['ref', ref],
    ['mode', mode],
    ['ignore-error', 'true'],
  ]);
  return { from, to: { type: 'registry', attributes, ...span } };
}

function repositoryOf([first]: readonly Tag[]): ImageRef | undefined {
  return first?.ref === undefined
    ? undefined
    : { registry: first.ref.registry, repository: first.ref.repository };
}

/** A readable tag that no other build and no other set of platforms has; a hash makes it unique. */
function cacheTag(build: string, platforms: readonly string[]): string {
  const identity = JSON.stringify([build, [...platforms].sort()]);
  const hash = loadCrypto().createHash('sha256').update(identity).digest('hex').slice(0, 10);
  return `cache-${build.slice(0, 100)}-${hash}`;
}

function isMap(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
