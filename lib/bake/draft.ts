/**
 * A target while it is merged: over its parents, and below other blocks of its name (buildx bake/bake.go, `Target.Merge`
 * and `Target.normalize`).
 */
import type { Span } from '../model/mod.ts';
import {
  type AttestEntry,
  type CacheEntry,
  cacheKey,
  lastOfEach,
  type OutputEntry,
  outputKey,
  type PolicyEntry,
  type SecretEntry,
  type SshEntry,
} from './entries.ts';
import { append, dropRepeated, dropRepeatedTexts, itemsOf, type Slice } from './slice.ts';
import type { TargetKey } from './target.ts';

/** Texts by name; null: a name without a value. */
export type Texts = ReadonlyMap<string, string | null>;

/** Limits of steps, in bake's output order. */
export const RESOURCE_KEYS = [
  'memory',
  'memory-swap',
  'cpu-shares',
  'cpu-period',
  'cpu-quota',
  'cpuset-cpus',
  'cpuset-mems',
] as const;

/** Limits of steps; shares, periods and quotas are whole numbers. */
export type Resources = Readonly<{
  [Key in (typeof RESOURCE_KEYS)[number]]?: Key extends `cpu-${string}` ? number : string;
}>;

/** A whole number that JavaScript can represent exactly; undefined otherwise. */
export function wholeNumber(text: string): number | undefined {
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The values of a target. Absent means not set, unlike empty lists and texts. */
export interface DraftValues {
  description?: string;
  annotations?: readonly string[];
  attest?: readonly AttestEntry[];
  context?: string;
  contexts?: ReadonlyMap<string, string>;
  dockerfile?: string;
  'dockerfile-inline'?: string;
  args?: Texts;
  labels?: Texts;
  tags?: Slice<string>;
  'cache-from'?: Slice<CacheEntry>;
  'cache-to'?: Slice<CacheEntry>;
  target?: string;
  secret?: readonly SecretEntry[];
  ssh?: readonly SshEntry[];
  platforms?: Slice<string>;
  output?: Slice<OutputEntry>;
  pull?: boolean;
  'no-cache'?: boolean;
  network?: string;
  'no-cache-filter'?: readonly string[];
  'shm-size'?: string;
  ulimits?: readonly string[];
  resources?: Resources;
  call?: string;
  entitlements?: readonly string[];
  'extra-hosts'?: Texts;
  policy?: readonly PolicyEntry[];
}

/** Base directories of relative paths, if these are relative to their file. */
export interface Bases {
  /** Directory of the target's file, for the default context. */
  own?: string;
  usesOwn?: boolean;
  /** Base of the context's path. */
  context?: string;
  /** The context is the one of this other target (`context = target.base.context`). */
  contextOf?: string;
  /** Where the paths of named contexts start. */
  readonly contexts: Map<string, string>;
}

/** A target that can still change. */
export interface Draft {
  readonly name: string;
  readonly values: DraftValues;
  readonly places: Map<TargetKey, Span>;
  readonly place?: Span;
  inherits: readonly string[];
  /** Place of `inherits`. */
  listPlace?: Span;
  readonly bases: Bases;
}

/** A target without values. */
export function emptyDraft(name: string, place?: Span): Draft {
  return {
    name,
    values: {},
    places: new Map(),
    inherits: [],
    bases: { contexts: new Map() },
    ...(place === undefined ? {} : { place }),
  };
}

/** A separate draft that still shares its lists, as in bake. */
export function copyDraft({ name, values, places, place, inherits, bases }: Draft): Draft {
  return {
    name,
    values: { ...values },
    places: new Map(places),
    inherits,
    bases: { ...bases, contexts: new Map(bases.contexts) },
    ...(place === undefined ? {} : { place }),
  };
}

/** Go's sizes of a string and of a pointer. */
export const TEXT_BYTES = 16;
export const ENTRY_BYTES = 8;

/** Merges `from` over `into`. */
export function mergeDraft(into: Draft, from: Draft): void {
  mergeBases(into, from);
  const { values } = into;
  const over = from.values;
  // Bake ignores an empty description.
  if (over.description !== undefined && over.description !== '') values.description = over.description;
  replace(values, over);
  if (over.args !== undefined) setTexts(values, 'args', mergeTexts(values.args, over.args));
  if (over.labels !== undefined) setTexts(values, 'labels', mergeTexts(values.labels, over.labels));
  if (over['extra-hosts'] !== undefined)
    setTexts(values, 'extra-hosts', mergeTexts(values['extra-hosts'], over['extra-hosts']));
  if (over.contexts !== undefined && over.contexts.size > 0)
    values.contexts = new Map([...(values.contexts ?? []), ...over.contexts]);
  for (const key of ['annotations', 'no-cache-filter', 'ulimits', 'entitlements'] as const) {
    const more = over[key];
    if (more !== undefined) values[key] = [...(values[key] ?? []), ...more];
  }
  if (over.policy !== undefined) values.policy = [...(values.policy ?? []), ...over.policy];
  if (over.attest !== undefined)
    values.attest = lastOfEach([...(values.attest ?? []), ...over.attest], typeOf);
  if (over.secret !== undefined) values.secret = lastOfEach([...(values.secret ?? []), ...over.secret], idOf);
  if (over.ssh !== undefined) values.ssh = lastOfEach([...(values.ssh ?? []), ...over.ssh], idOf);
  if (over['cache-from'] !== undefined) mergeCacheFrom(values, over['cache-from']);
  if (over.resources !== undefined) values.resources = { ...values.resources, ...over.resources };
  into.inherits = [...into.inherits, ...from.inherits];
  if (from.listPlace !== undefined) into.listPlace = from.listPlace;
  for (const [key, place] of from.places) into.places.set(key, place);
}

/** Keys whose upper value replaces the lower one. */
const REPLACED = [
  'context',
  'dockerfile',
  'dockerfile-inline',
  'tags',
  'target',
  'call',
  'platforms',
  'cache-to',
  'output',
  'pull',
  'no-cache',
  'network',
  'shm-size',
] as const;

function replace(values: DraftValues, over: DraftValues): void {
  const taken: Partial<Record<keyof DraftValues, unknown>> = {};
  for (const key of REPLACED) if (over[key] !== undefined) taken[key] = over[key];
  Object.assign(values, taken);
}

/** Names without a value are ignored. */
function mergeTexts(under: Texts | undefined, over: Texts): Texts | undefined {
  const given = [...over].filter(([, value]) => value !== null);
  return given.length === 0 ? under : new Map([...(under ?? []), ...given]);
}

function setTexts(
  values: DraftValues,
  key: 'args' | 'labels' | 'extra-hosts',
  texts: Texts | undefined,
): void {
  if (texts !== undefined) values[key] = texts;
}

/** Adds entries; existing caches are not repeated. */
export function mergeCacheFrom(values: DraftValues, over: Slice<CacheEntry> | undefined): void {
  const under = values['cache-from'];
  const all = under === undefined ? over : append(under, itemsOf(over), ENTRY_BYTES);
  setOrDelete(values, 'cache-from', dropRepeated(all, cacheKey));
}

function mergeBases(into: Draft, from: Draft): void {
  const under = into.bases;
  const over = from.bases;
  if (over.own !== undefined) {
    under.own = over.own;
    under.usesOwn = over.usesOwn === true;
  }
  if (from.values.context !== undefined) {
    setOrDelete(under, 'context', over.context);
    setOrDelete(under, 'contextOf', over.contextOf);
  }
  for (const name of from.values.contexts?.keys() ?? []) {
    const base = over.contexts.get(name);
    if (base === undefined) under.contexts.delete(name);
    else under.contexts.set(name, base);
  }
}

/** Removes duplicate and empty items; a target on the host's network gets the entitlement for it. */
export function normalizeDraft({ values }: Draft): void {
  for (const key of ['annotations', 'no-cache-filter', 'ulimits'] as const)
    if (values[key] !== undefined) values[key] = distinct(values[key]);
  if (values.attest !== undefined) values.attest = lastOfEach(values.attest, typeOf);
  if (values.secret !== undefined) values.secret = lastOfEach(values.secret, idOf);
  if (values.ssh !== undefined) values.ssh = lastOfEach(values.ssh, idOf);
  setOrDelete(values, 'tags', dropRepeatedTexts(values.tags));
  setOrDelete(values, 'platforms', dropRepeatedTexts(values.platforms));
  setOrDelete(values, 'cache-from', dropRepeated(values['cache-from'], cacheKey));
  setOrDelete(values, 'cache-to', dropRepeated(values['cache-to'], cacheKey));
  setOrDelete(values, 'output', dropRepeated(values.output, outputKey));
  if (values.network === 'host') values.entitlements = [...(values.entitlements ?? []), 'network.host'];
  if (values.entitlements !== undefined) values.entitlements = distinct(values.entitlements);
  const contexts = [...(values.contexts ?? [])].filter(([, path]) => path !== '');
  setOrDelete(values, 'contexts', contexts.length === 0 ? undefined : new Map(contexts));
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].filter((text) => text !== '');
}

function typeOf(entry: { readonly type: string }): string {
  return entry.type;
}

function idOf(entry: { readonly id: string }): string {
  return entry.id;
}

/** Sets or deletes a key. */
export function setOrDelete<T, K extends keyof T>(
  of: T,
  key: K,
  value: Exclude<T[K], undefined> | undefined,
): void {
  if (value === undefined) delete of[key];
  else of[key] = value;
}
