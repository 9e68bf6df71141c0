/** The final form of a target, in the order of bake's JSON. */
import { type Draft, type DraftValues, RESOURCE_KEYS, type Resources, type Texts } from './draft.ts';
import type { AttestEntry, CacheEntry, OutputEntry, PolicyEntry, SecretEntry, SshEntry } from './entries.ts';
import { sortedNames } from './go-text.ts';
import { itemsOf } from './slice.ts';
import type { BakeTarget, Fields, TargetKey, TargetValues } from './target.ts';

/** Makes a target final. Like bake, leaves out what is empty. */
export function finishTarget(draft: Draft, linked: boolean): BakeTarget {
  const all = finalValues(draft.values);
  const values = Object.fromEntries(Object.entries(all).filter(([, value]) => !isEmpty(value)));
  return {
    name: draft.name,
    values: values as TargetValues,
    places: new Map([...draft.places].filter(([key]) => key in values)),
    linked,
    ...(draft.place === undefined ? {} : { place: draft.place }),
  };
}

function isEmpty(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}

function finalValues(values: DraftValues): Record<TargetKey, unknown> {
  return {
    description: values.description === '' ? undefined : values.description,
    annotations: values.annotations,
    attest: values.attest?.map(attestFields),
    context: values.context,
    contexts: textsOf(values.contexts),
    dockerfile: values.dockerfile,
    'dockerfile-inline': values['dockerfile-inline'],
    args: textsOf(values.args),
    labels: textsOf(values.labels),
    tags: itemsOf(values.tags),
    'cache-from': itemsOf(values['cache-from']).map(cacheFields),
    'cache-to': itemsOf(values['cache-to']).map(cacheFields),
    target: values.target,
    secret: values.secret?.map(secretFields),
    ssh: values.ssh?.map(sshFields),
    platforms: itemsOf(values.platforms),
    output: itemsOf(values.output).map(outputFields),
    pull: values.pull,
    'no-cache': values['no-cache'],
    network: values.network,
    'no-cache-filter': values['no-cache-filter'],
    'shm-size': values['shm-size'],
    ulimits: values.ulimits,
    resources: values.resources === undefined ? undefined : resourceFields(values.resources),
    call: values.call,
    entitlements: values.entitlements,
    'extra-hosts': textsOf(values['extra-hosts']),
    policy: values.policy?.map(policyFields),
  };
}

/** Texts by name, sorted by name as far as JavaScript keeps the order. */
function textsOf(texts: Texts | undefined): Readonly<Record<string, string | null>> | undefined {
  return texts === undefined || texts.size === 0 ? undefined : fieldsOf(texts);
}

function fieldsOf<T>(of: ReadonlyMap<string, T>): Readonly<Record<string, T>> {
  // Only this way can a name be `__proto__`.
  return Object.fromEntries(sortedNames(of.keys()).map((name) => [name, of.get(name) as T]));
}

function cacheFields({ type, attributes }: CacheEntry): Fields {
  return fieldsOf(new Map([...attributes, ['type', type]]));
}

function outputFields({ type, attributes, destination }: OutputEntry): Fields {
  const all = new Map([...attributes, ['type', type]]);
  if (destination !== '') all.set('dest', destination);
  return fieldsOf(all);
}

function attestFields({ type, disabled, attributes }: AttestEntry): Fields {
  const all = new Map([...attributes, ['type', type]]);
  if (disabled) all.set('disabled', 'true');
  return fieldsOf(all);
}

function secretFields({ id, source, env }: SecretEntry): Fields {
  return {
    ...(id === '' ? {} : { id }),
    ...(source === '' ? {} : { src: source }),
    ...(env === '' ? {} : { env }),
  };
}

function sshFields({ id, paths }: SshEntry): { readonly id?: string; readonly paths?: readonly string[] } {
  return { ...(id === '' ? {} : { id }), ...(paths.length === 0 ? {} : { paths }) };
}

/** In the order of bake's struct. */
function resourceFields(resources: Resources): Readonly<Record<string, string | number>> {
  const fields: Record<string, string | number> = {};
  for (const key of RESOURCE_KEYS) if (resources[key] !== undefined) fields[key] = resources[key];
  return fields;
}

/** As encoding/json writes a struct without field tags. */
function policyFields(policy: PolicyEntry): Readonly<Record<string, unknown>> {
  return {
    Files: policy.files.length === 0 ? null : policy.files.map((Filename) => ({ Filename, Data: null })),
    Reset: policy.reset,
    Disabled: policy.disabled,
    Strict: policy.strict ?? null,
    LogLevel: policy.logLevel ?? null,
  };
}
