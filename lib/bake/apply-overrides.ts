/** Applies `--set` to a target (buildx bake/bake.go, `Target.AddOverrides`). */
import { type Problem, problem } from '../model/mod.ts';
import { didYouMean } from '../util/suggest.ts';
import {
  type Draft,
  type DraftValues,
  ENTRY_BYTES,
  mergeCacheFrom,
  setOrDelete,
  TEXT_BYTES,
  wholeNumber,
} from './draft.ts';
import {
  type CacheEntry,
  cacheKey,
  lastOfEach,
  type OutputEntry,
  outputKey,
  type Parsed,
  parseAttest,
  parseCache,
  parseOutput,
  parsePolicy,
  parseSecret,
  parseSsh,
} from './entries.ts';
import { parseBool } from './go-text.ts';
import { OVERRIDE_KEYS, type Override } from './overrides.ts';
import { append, dropRepeated, itemsOf, type Slice, sliceOf } from './slice.ts';
import type { TargetKey } from './target.ts';

/** Undefined, or the problem as text. */
type Applied = string | undefined;

/**
 * Applies them in the written order, except for outputs, whose order does not matter in bake: first their types and
 * destinations, then whether they are pushed, then whether they are loaded. Secrets are changed after they were added.
 */
export function applyOverrides(draft: Draft, overrides: ReadonlyMap<string, Override>): readonly Problem[] {
  const problems: Problem[] = [];
  const inOrder = [...overrides].sort(([a], [b]) => orderOf(a) - orderOf(b));
  for (const [full, override] of inOrder) {
    const dot = full.indexOf('.');
    const key = dot === -1 ? full : full.slice(0, dot);
    const name = dot === -1 ? '' : full.slice(dot + 1);
    const wrong = apply(draft, key, name, override);
    if (wrong === undefined) continue;
    const { text } = override.span.source;
    const hint = wrong === UNKNOWN ? didYouMean(key, OVERRIDE_KEYS) : undefined;
    problems.push(
      problem(
        'bake/target',
        wrong === UNKNOWN
          ? `The override ${text}: there is no key "${key}"`
          : `The override ${text}: ${wrong}`,
        {
          span: override.span,
          ...(hint === undefined ? {} : { hint }),
        },
      ),
    );
  }
  return problems;
}

const UNKNOWN = 'unknown';

function orderOf(key: string): number {
  if (key === 'push') return 1;
  if (key === 'load') return 2;
  return key.startsWith('secret.') ? 3 : 0;
}

/** `--set` keys → keys of a target. */
const KEYS: Readonly<Record<string, TargetKey>> = {
  arg: 'args',
  label: 'labels',
  'extra-host': 'extra-hosts',
  contexts: 'contexts',
  resource: 'resources',
  tag: 'tags',
  platform: 'platforms',
  entitlement: 'entitlements',
  annotation: 'annotations',
  ulimit: 'ulimits',
  push: 'output',
  load: 'output',
};

function apply(draft: Draft, key: string, name: string, override: Override): Applied {
  const { values } = draft;
  const { value } = override;
  // If something is appended, the place of the existing value is kept.
  if (!override.isAdded) draft.places.delete(KEYS[key] ?? (key as TargetKey));
  switch (key) {
    case 'context':
    case 'dockerfile':
    case 'target':
    case 'call':
    case 'shm-size':
    case 'network':
      values[key] = value;
      if (key === 'context') delete draft.bases.context;
      return undefined;
    case 'no-cache':
    case 'pull':
    case 'push':
    case 'load':
      return applyFlag(values, key, value);
    case 'arg':
    case 'label':
    case 'extra-host': {
      const of = key === 'arg' ? 'args' : key === 'label' ? 'labels' : 'extra-hosts';
      values[of] = new Map([...(values[of] ?? []), [name, value]]);
      return undefined;
    }
    case 'contexts':
      values.contexts = new Map([...(values.contexts ?? []), [name, value]]);
      draft.bases.contexts.delete(name);
      return undefined;
    case 'resource':
      return applyResource(values, name, value);
    case 'secret':
      return name === '' ? applyList(values, key, override) : changeSecret(values, name, value);
    default:
      return applyList(values, key, override);
  }
}

function applyFlag(values: DraftValues, key: 'no-cache' | 'pull' | 'push' | 'load', value: string): Applied {
  const is = parseBool(value);
  if (is === undefined) return `it must be true or false, not "${value}"`;
  if (key === 'push') setOrDelete(values, 'output', setPush(values.output, is));
  else if (key === 'load') setOrDelete(values, 'output', is ? addLoad(values.output) : values.output);
  else values[key] = is;
  return undefined;
}

/** Pushes all images or none (`setPushOverride`). Entries are changed in place, which also affects other targets. */
function setPush(outputs: Slice<OutputEntry> | undefined, push: boolean): Slice<OutputEntry> | undefined {
  if (!push) return outputs === undefined ? undefined : keepHere(outputs);
  let isDockerOnly = true;
  for (const output of itemsOf(outputs)) {
    if (output.type !== 'docker') isDockerOnly = false;
    if (output.type === 'image') output.attributes.set('push', 'true');
  }
  if (!isDockerOnly) return outputs;
  const pushed = { type: 'image', attributes: new Map([['push', 'true']]), destination: '' };
  return append(outputs, [pushed], ENTRY_BYTES);
}

function keepHere(outputs: Slice<OutputEntry>): Slice<OutputEntry> {
  const { store } = outputs;
  let { length } = outputs;
  for (let at = 0; at < length; ) {
    const output = store[at] as OutputEntry;
    if (output.type === 'registry') {
      length -= 1;
      store[at] = store[length] as OutputEntry;
      store[length] = output;
      continue;
    }
    if (output.type === 'image') output.attributes.set('push', 'false');
    at += 1;
  }
  return { ...outputs, length };
}

/** Also loads the image, unless another output prevents it (`setLoadOverride`). */
function addLoad(outputs: Slice<OutputEntry> | undefined): Slice<OutputEntry> | undefined {
  for (const { type, destination } of itemsOf(outputs)) {
    if (type === 'docker' && destination === '') return outputs;
    if (!['docker', 'image', 'registry', 'oci'].includes(type)) return outputs;
  }
  return append(outputs, [{ type: 'docker', attributes: new Map(), destination: '' }], ENTRY_BYTES);
}

function applyResource(values: DraftValues, name: string, value: string): Applied {
  switch (name) {
    case 'memory':
    case 'memory-swap':
    case 'cpuset-cpus':
    case 'cpuset-mems':
      values.resources = { ...values.resources, [name]: value };
      return undefined;
    case 'cpu-shares':
    case 'cpu-period':
    case 'cpu-quota': {
      const number = wholeNumber(value);
      if (number === undefined) return `${name} must be a whole number, not "${value}"`;
      values.resources = { ...values.resources, [name]: number };
      return undefined;
    }
    default:
      return `there is no resource "${name}"`;
  }
}

/** Changes the source of a declared secret. */
function changeSecret(values: DraftValues, id: string, value: string): Applied {
  const secret = values.secret?.find((one) => one.id === id);
  if (secret === undefined) return `secret "${id}" is not declared, so that it cannot be set`;
  const next = parseSecret(value);
  if (!next.ok) return next.error;
  if (next.value.id !== '' && next.value.id !== id)
    return `the secret is "${id}", and its new value says "${next.value.id}"`;
  secret.env = next.value.env;
  secret.source = next.value.source;
  return undefined;
}

function applyList(values: DraftValues, key: string, override: Override): Applied {
  const { list, isAdded, isCleared } = override;
  const texts = itemsOf(list);
  switch (key) {
    case 'tag':
    case 'platform': {
      const of = key === 'tag' ? 'tags' : 'platforms';
      setOrDelete(values, of, isAdded ? append(values[of], texts, TEXT_BYTES) : list);
      return undefined;
    }
    case 'no-cache-filter':
    case 'ulimit': {
      const of = key === 'ulimit' ? 'ulimits' : key;
      values[of] = isAdded ? [...(values[of] ?? []), ...texts] : texts;
      return undefined;
    }
    case 'entitlement':
    case 'annotation': {
      const of = key === 'entitlement' ? 'entitlements' : 'annotations';
      values[of] = [...(isCleared ? [] : (values[of] ?? [])), ...texts];
      return undefined;
    }
    default:
      return applyEntries(values, key, override, texts);
  }
}

function applyEntries(
  values: DraftValues,
  key: string,
  override: Override,
  texts: readonly string[],
): Applied {
  const { isAdded, isCleared } = override;
  switch (key) {
    case 'cache-from':
    case 'cache-to': {
      const caches = readCaches(texts);
      if (!caches.ok) return caches.error;
      if (!isAdded) setOrDelete(values, key, caches.value);
      else if (key === 'cache-from') mergeCacheFrom(values, caches.value);
      else {
        const all =
          values[key] === undefined ? caches.value : append(values[key], itemsOf(caches.value), ENTRY_BYTES);
        setOrDelete(values, key, dropRepeated(all, cacheKey));
      }
      return undefined;
    }
    case 'output': {
      const outputs = readAll(texts, parseOutput);
      if (!outputs.ok) return outputs.error;
      const own = sliceOf(outputs.value, texts.length);
      if (!isAdded || values.output === undefined) values.output = own;
      else
        setOrDelete(
          values,
          'output',
          dropRepeated(append(values.output, outputs.value, ENTRY_BYTES), outputKey),
        );
      return undefined;
    }
    case 'attest': {
      const attests = readAll(texts, parseAttest);
      if (!attests.ok) return attests.error;
      values.attest = lastOfEach(
        [...(isCleared ? [] : (values.attest ?? [])), ...attests.value],
        ({ type }) => type,
      );
      return undefined;
    }
    case 'secret': {
      const secrets = readAll(texts, parseSecret);
      if (!secrets.ok) return secrets.error;
      values.secret = lastOfEach(
        [...(isAdded ? (values.secret ?? []) : []), ...secrets.value],
        ({ id }) => id,
      );
      return undefined;
    }
    case 'ssh': {
      const keys = texts.filter((text) => text !== '').map(parseSsh);
      values.ssh = lastOfEach([...(isAdded ? (values.ssh ?? []) : []), ...keys], ({ id }) => id);
      return undefined;
    }
    case 'policy': {
      const policies = [];
      for (const text of texts) {
        const policy = parsePolicy(text);
        if (!policy.ok) return policy.error;
        policies.push(policy.value);
      }
      values.policy = [...(isAdded ? (values.policy ?? []) : []), ...policies];
      return undefined;
    }
    default:
      return UNKNOWN;
  }
}

/** `make(CacheOptions, 0, len(in))`, and none if there are no texts. */
function readCaches(texts: readonly string[]): Parsed<Slice<CacheEntry> | undefined> {
  if (texts.length === 0) return { ok: true, value: undefined };
  let all: Slice<CacheEntry> = { store: [], length: 0, capacity: texts.length };
  for (const text of texts) {
    const entries = parseCache(text);
    if (!entries.ok) return entries;
    all = append(all, entries.value, ENTRY_BYTES) as Slice<CacheEntry>;
  }
  return { ok: true, value: all };
}

function readAll<T>(texts: readonly string[], parse: (text: string) => Parsed<T>): Parsed<readonly T[]> {
  const entries: T[] = [];
  for (const text of texts) {
    if (text === '') continue;
    const entry = parse(text);
    if (!entry.ok) return entry;
    entries.push(entry.value);
  }
  return { ok: true, value: entries };
}
