/**
 * Entries of `cache-from`, `cache-to`, `output`, `attest`, `secret`, `ssh` and `policy`: their fields, their text form,
 * and when two are equal (buildx util/buildflags). The objects are mutable: as in bake, `--set` for one target also
 * changes an inherited entry in the target that defines it.
 */
import { fail, ok, type Result } from '../model/mod.ts';
import { readCsv } from './csv.ts';
import { parseBool } from './go-text.ts';

/** An entry, or the problem of its text. */
export type Parsed<T> = Result<T, string>;

export interface CacheEntry {
  readonly type: string;
  readonly attributes: ReadonlyMap<string, string>;
}

export interface OutputEntry {
  readonly type: string;
  readonly attributes: Map<string, string>;
  /** Empty where there is none. */
  destination: string;
}

export interface AttestEntry {
  readonly type: string;
  readonly disabled: boolean;
  readonly attributes: ReadonlyMap<string, string>;
}

export interface SecretEntry {
  readonly id: string;
  source: string;
  env: string;
}

export interface SshEntry {
  readonly id: string;
  readonly paths: readonly string[];
}

export interface PolicyEntry {
  readonly files: readonly string[];
  readonly reset: boolean;
  readonly disabled: boolean;
  readonly strict?: boolean;
  readonly logLevel?: string;
}

/** `key=value` fields of a text, in order. */
function readPairs(text: string): Parsed<readonly (readonly [string, string])[]> {
  const fields = readCsv(text);
  if (!fields.ok) return fail(`"${text}" is not a list of key=value: ${fields.error}`);
  const pairs: (readonly [string, string])[] = [];
  for (const field of fields.value) {
    const equals = field.indexOf('=');
    if (equals === -1) return fail(`"${field}" must be key=value`);
    pairs.push([field.slice(0, equals), field.slice(equals + 1)]);
  }
  return ok(pairs);
}

/** One text of `cache-from` or `cache-to`: texts without `=` are image references, possibly several separated by commas. */
export function parseCache(text: string): Parsed<readonly CacheEntry[]> {
  if (text === '') return ok([]);
  if (!text.includes('=')) {
    const fields = readCsv(text);
    if (!fields.ok) return fail(`"${text}" is not a valid image: ${fields.error}`);
    const entries: CacheEntry[] = [];
    for (const field of fields.value) {
      // A quoted field may contain commas and is parsed as a line.
      const inner = readCsv(field);
      if (!inner.ok) return fail(`"${text}" is not a valid image: ${inner.error}`);
      if (inner.value.length !== 1) return fail(`"${inner.value[0] ?? ''}" must be key=value`);
      entries.push({ type: 'registry', attributes: new Map([['ref', inner.value[0] ?? '']]) });
    }
    return ok(entries);
  }
  const pairs = readPairs(text);
  if (!pairs.ok) return pairs;
  const attributes = new Map<string, string>();
  let type = '';
  for (const [rawKey, value] of pairs.value) {
    const key = rawKey.toLowerCase();
    if (key === 'type') type = value;
    else attributes.set(key, value);
  }
  return type === '' ? fail(`"${text}" has no type`) : ok([{ type, attributes }]);
}

/** One text of `output`: `type=…,dest=…`, a directory, or `-` for a tar archive on standard output. */
export function parseOutput(text: string): Parsed<OutputEntry> {
  const fields = readCsv(text);
  if (!fields.ok) return fail(`"${text}" is not a valid output: ${fields.error}`);
  if (fields.value.length === 1 && fields.value[0] === text && !text.startsWith('type='))
    return ok({ type: text === '-' ? 'tar' : 'local', attributes: new Map(), destination: text });
  const pairs = readPairs(text);
  if (!pairs.ok) return pairs;
  const attributes = new Map<string, string>();
  let type = '';
  let destination = '';
  for (const [rawKey, value] of pairs.value) {
    const key = rawKey.toLowerCase().trim();
    if (key === 'type') type = value;
    else if (key === 'dest') destination = value;
    else attributes.set(key, value);
  }
  return type === '' ? fail(`"${text}" has no type`) : ok({ type, attributes, destination });
}

/** One text of `attest`: `type=sbom,…`. */
export function parseAttest(text: string): Parsed<AttestEntry> {
  const pairs = readPairs(text);
  if (!pairs.ok) return pairs;
  const attributes = new Map<string, string>();
  let type = '';
  let disabled = false;
  for (const [rawKey, value] of pairs.value) {
    const key = rawKey.toLowerCase().trim();
    if (key === 'type') type = value;
    else if (key === 'disabled') {
      const is = parseBool(value);
      if (is === undefined) return fail(`disabled must be true or false, not "${value}"`);
      disabled = is;
    } else attributes.set(rawKey, value);
  }
  return type === '' ? fail(`"${text}" has no type`) : ok({ type, disabled, attributes });
}

/** One text of `secret`: `id=…,src=…` or `id=…,env=…`. */
export function parseSecret(text: string): Parsed<SecretEntry> {
  const pairs = readPairs(text);
  if (!pairs.ok) return pairs;
  const secret = { id: '', source: '', env: '' };
  let type = '';
  for (const [rawKey, value] of pairs.value) {
    const key = rawKey.toLowerCase();
    if (key === 'id') secret.id = value;
    else if (key === 'src' || key === 'source') secret.source = value;
    else if (key === 'env') secret.env = value;
    else if (key !== 'type') return fail(`a secret has no key "${key}"`);
    else if (value !== 'file' && value !== 'env') return fail(`"${value}" is not a valid type of secrets`);
    else type = value;
  }
  if (type === 'env' && secret.env === '') {
    secret.env = secret.source;
    secret.source = '';
  }
  return ok(secret);
}

/** One text of `ssh`: `id` or `id=path,path`. */
export function parseSsh(text: string): SshEntry {
  const equals = text.indexOf('=');
  if (equals === -1) return { id: text, paths: [] };
  return { id: text.slice(0, equals), paths: text.slice(equals + 1).split(',') };
}

/** Names of log levels that logrus accepts → the names that it writes. */
const LOG_LEVELS: ReadonlyMap<string, string> = new Map([
  ['panic', 'panic'],
  ['fatal', 'fatal'],
  ['error', 'error'],
  ['warn', 'warning'],
  ['warning', 'warning'],
  ['info', 'info'],
  ['debug', 'debug'],
  ['trace', 'trace'],
]);

/** One text of `policy`: `filename=…,strict=true,…`. */
export function parsePolicy(text: string): Parsed<PolicyEntry> {
  const pairs = readPairs(text);
  return pairs.ok ? policyOf(pairs.value) : pairs;
}

/** Makes a policy from its fields. */
export function policyOf(pairs: readonly (readonly [string, string])[]): Parsed<PolicyEntry> {
  const files: string[] = [];
  const policy: { reset: boolean; disabled: boolean; strict?: boolean; logLevel?: string } = {
    reset: false,
    disabled: false,
  };
  for (const [rawKey, value] of pairs) {
    const key = rawKey.toLowerCase().trim();
    if (key === 'filename') {
      if (value === '') return fail('a policy has an empty filename');
      files.push(value);
    } else if (key === 'reset' || key === 'disabled' || key === 'strict') {
      const is = parseBool(value);
      if (is === undefined) return fail(`${key} must be true or false, not "${value}"`);
      policy[key] = is;
    } else if (key === 'log-level') {
      const level = LOG_LEVELS.get(value.toLowerCase());
      if (level === undefined) return fail(`there is no log-level "${value}"`);
      policy.logLevel = level;
    } else return fail(`a policy has no key "${rawKey}"`);
  }
  return ok({ files, ...policy });
}

/** Equal for equal caches. */
export function cacheKey({ type, attributes }: CacheEntry): string {
  return JSON.stringify([type, [...attributes].sort(byName)]);
}

/** Equal for equal outputs. */
export function outputKey({ type, destination, attributes }: OutputEntry): string {
  return JSON.stringify([type, destination, [...attributes].sort(byName)]);
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}

/** Keeps the last entry for each key, at the position of the first. */
export function lastOfEach<T>(entries: readonly T[], keyOf: (entry: T) => string): readonly T[] {
  const byKey = new Map<string, T>();
  for (const entry of entries) byKey.set(keyOf(entry), entry);
  return [...byKey.values()];
}
