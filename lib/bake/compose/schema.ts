/**
 * Checks the parts of the model that bake reads: images, builds, environments and secrets (compose-go
 * schema/compose-spec.json, of which buildx bake/compose.go checks this part). Reports all problems at once.
 */

import type { Span } from '../../model/mod.ts';
import { didYouMean } from '../../util/suggest.ts';
import {
  type Entry,
  goText,
  isNull,
  isSame,
  isText,
  kindOf,
  type MapNode,
  mapNode,
  type Node,
} from './node.ts';
import type { Report } from './report.ts';

/** A check of one value; `name` is how messages call it. */
type Check = (node: Node, name: string, report: Report) => void;

type Kind = 'string' | 'integer' | 'number' | 'boolean' | 'null' | 'map';

const WORDS: Readonly<Record<Kind, string>> = {
  string: 'a string',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  null: 'empty',
  map: 'a map',
};

function isKind(node: Node, kind: Kind): boolean {
  if (node.kind !== 'scalar') return node.kind === kind;
  if (kind === 'string') return node.type === 'string';
  if (kind === 'boolean') return node.type === 'bool';
  if (kind === 'null') return node.type === 'null';
  if (node.type === 'int') return kind === 'number' || kind === 'integer';
  if (node.type !== 'float' || !Number.isFinite(Number(node.text))) return false;
  return kind === 'number' || (kind === 'integer' && Number.isInteger(Number(node.text)));
}

function oneOf(...kinds: readonly Kind[]): Check {
  return (node, name, report) => {
    if (kinds.some((kind) => isKind(node, kind)) || report.knows(node.span)) return;
    const isQuotable = node.kind === 'scalar' && node.type !== 'null' && kinds.includes('string');
    const hint = isQuotable ? 'Put it in quotes.' : undefined;
    report.add(
      node.span,
      `${name} must be ${join(kinds.map((kind) => WORDS[kind]))}, not ${kindOf(node)}`,
      hint,
    );
  };
}

function join(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}

function listOf(check: Check, isUnique = false): Check {
  return (node, name, report) => {
    if (node.kind !== 'list') {
      const hint = isText(node) && /^[^\s,[\]{}"']+$/.test(node.text) ? `Write [${node.text}].` : undefined;
      report.add(node.span, `${name} must be a list, not ${kindOf(node)}`, hint);
      return;
    }
    node.items.forEach((item, index) => {
      check(item, `an item of ${name}`, report);
      if (!isUnique) return;
      const first = node.items.findIndex((other) => isSame(other, item));
      if (first < index)
        report.add(item.span, `"${goText(item)}" appears twice in ${name}`, 'Keep one of the two.');
    });
  };
}

/** A map with keys of one's own. */
function mapOf(check: Check, keys = /[^\n]/, wanted = 'has to have a name'): Check {
  return (node, name, report) => {
    if (node.kind !== 'map') {
      report.add(node.span, `${name} must be a map, not ${kindOf(node)}`);
      return;
    }
    for (const [key, { keySpan, value }] of node.entries) {
      if (key === EXTENSIONS) continue;
      if (!keys.test(key)) report.add(keySpan, `"${key}" in ${name} ${wanted}`);
      else check(value, `${name}.${key}`, report);
    }
  };
}

/** A map with keys that are known. */
function record(
  known: Readonly<Record<string, Check>>,
  required: readonly string[] = [],
  mayExtend = true,
): Check {
  return (node, name, report) => {
    if (node.kind !== 'map') {
      if (!report.knows(node.span)) report.add(node.span, `${name} must be a map, not ${kindOf(node)}`);
      return;
    }
    for (const [key, { keySpan, value }] of node.entries) {
      const check = Object.hasOwn(known, key) ? known[key] : undefined;
      if (check !== undefined) check(value, `${name}.${key}`, report);
      else if (!mayExtend || !key.startsWith('x-'))
        unknownKey(key, keySpan, name, Object.keys(known), report);
    }
    for (const key of required) {
      if (!node.entries.has(key)) report.add(node.span, `${name} has no ${key}`);
    }
  };
}

/** Keys of `x-bake` that Compose has none for. */
const BAKE_KEYS = new Set(['output', 'contexts']);

function unknownKey(key: string, span: Span, name: string, known: readonly string[], report: Report): void {
  report.add(
    span,
    `${name} has no key "${key}"`,
    didYouMean(key, known) ??
      (BAKE_KEYS.has(key) ? `Put it below x-bake: \`x-bake: { ${key}: … }\`.` : undefined) ??
      `Valid keys: ${[...known].sort().join(', ')}.`,
  );
}

/** The check that the form of the value calls for. */
function byForm(forms: { readonly map: Check; readonly list: Check; readonly words: string }): Check {
  return (node, name, report) => {
    if (node.kind === 'map') forms.map(node, name, report);
    else if (node.kind === 'list') forms.list(node, name, report);
    else report.add(node.span, `${name} must be ${forms.words}, not ${kindOf(node)}`);
  };
}

/** A check that a date passes, too: the schema takes it for a text, and Compose does where it makes texts of all values. */
function orDate(check: Check): Check {
  return (node, name, report) => {
    if (node.kind !== 'scalar' || node.type !== 'time') check(node, name, report);
  };
}

const TEXT = oneOf('string');
const TRUTH = oneOf('boolean', 'string');
const PAIRS = byForm({
  map: mapOf(orDate(oneOf('string', 'number', 'boolean', 'null'))),
  list: listOf(orDate(TEXT), true),
  words: 'a map, or a list of key=value',
});
const ULIMIT: Check = (node, name, report) => {
  const limit = oneOf('integer', 'string');
  if (node.kind === 'map') record({ soft: limit, hard: limit }, ['soft', 'hard'])(node, name, report);
  else limit(node, name, report);
};
const SECRETS = listOf((node, name, report) => {
  const fields = { source: TEXT, target: TEXT, uid: TEXT, gid: TEXT, mode: oneOf('number', 'string') };
  if (node.kind === 'map') record(fields)(node, name, report);
  else TEXT(node, name, report);
});
const TEXT_OR_LIST: Check = (node, name, report) => {
  if (node.kind === 'list') listOf(TEXT, true)(node, name, report);
  else TEXT(node, name, report);
};
const HOSTS = byForm({
  map: mapOf((node, name, report) => {
    if (node.kind === 'list') listOf(orDate(TEXT))(node, name, report);
    else TEXT(node, name, report);
  }),
  list: listOf(orDate(TEXT), true),
  words: 'a map, or a list of host=address',
});

const BUILD = record({
  context: TEXT,
  dockerfile: TEXT,
  dockerfile_inline: TEXT,
  entitlements: listOf(TEXT),
  args: PAIRS,
  ssh: PAIRS,
  labels: PAIRS,
  cache_from: listOf(TEXT),
  cache_to: listOf(TEXT),
  no_cache: TRUTH,
  no_cache_filter: TEXT_OR_LIST,
  additional_contexts: PAIRS,
  network: TEXT,
  provenance: TRUTH,
  sbom: TRUTH,
  pull: TRUTH,
  target: TEXT,
  shm_size: orDate(oneOf('integer', 'string')),
  extra_hosts: HOSTS,
  isolation: TEXT,
  privileged: TRUTH,
  secrets: SECRETS,
  tags: listOf(TEXT),
  ulimits: (node, name, report) => {
    if (node.kind !== 'map') return mapOf(ULIMIT)(node, name, report);
    for (const [key, { value }] of node.entries) {
      if (/^[a-z]+$/.test(key)) ULIMIT(value, `${name}.${key}`, report);
    }
  },
  platforms: listOf(TEXT),
});

const ENV_FILES = listOf((node, name, report) => {
  if (node.kind === 'map')
    record({ path: TEXT, format: TEXT, required: TRUTH }, ['path'], false)(node, name, report);
  else TEXT(node, name, report);
});

const SERVICE = record({ image: TEXT, build: BUILD, environment: PAIRS, env_file: ENV_FILES }, [], false);

const SECRET = record({
  name: TEXT,
  environment: TEXT,
  file: TEXT,
  external: oneOf('boolean', 'string', 'map'),
  labels: PAIRS,
  driver: TEXT,
  driver_opts: mapOf(oneOf('string', 'number')),
  template_driver: TEXT,
});

const NAMES = /^[a-zA-Z0-9._-]+$/;
const FILE_NAMES = 'may only have letters, digits, dots, dashes and underscores in its name';

/** Where extensions go that stand among keys of one's own. */
export const EXTENSIONS = '#extensions';

/** The services and secrets of a model, with what bake looks at. */
export interface Sections {
  readonly services: MapNode | undefined;
  readonly secrets: MapNode | undefined;
}

const SERVICE_KEYS = ['image', 'build', 'environment', 'env_file'];

/** The part of a model that bake looks at, checked. */
export function checkModel(model: MapNode, report: Report): Sections {
  const services = model.entries.get('services')?.value;
  const secrets = model.entries.get('secrets')?.value;
  if (services?.kind !== 'map' && secrets === undefined) {
    // Where a document was refused, its services are only not known.
    if (!report.isWrong) {
      report.add(model.span, 'This file has nothing that bake can build', 'Add `services:`.');
    }
    return { services: undefined, secrets: undefined };
  }
  const filtered = services?.kind === 'map' ? pickServices(services) : undefined;
  if (filtered !== undefined) mapOf(SERVICE, NAMES, FILE_NAMES)(filtered, 'services', report);
  if (secrets !== undefined) mapOf(SECRET, NAMES, FILE_NAMES)(secrets, 'secrets', report);
  return {
    services: filtered === undefined ? undefined : moveExtensions(filtered, ['services']),
    secrets: secrets?.kind === 'map' ? moveExtensions(secrets, ['secrets']) : undefined,
  };
}

function pickServices(services: MapNode): MapNode {
  const entries = new Map<string, Entry>();
  for (const [name, entry] of services.entries) {
    const { value } = entry;
    if (value.kind === 'map') {
      const kept = [...value.entries].filter(([key]) => SERVICE_KEYS.includes(key));
      entries.set(name, { ...entry, value: { ...value, entries: new Map(kept) } });
    } else if (isNull(value)) entries.set(name, { ...entry, value: mapNode([], value.span) });
  }
  return { ...services, entries };
}

/**
 * Takes keys that begin with `x-` out of every map but those of names (compose-go loader, processExtensions): an argument
 * that is called so is none, and all of them together become one with an odd name.
 */
function moveExtensions(map: MapNode, path: readonly string[]): MapNode {
  const hasNames = path.length === 1;
  const entries = new Map<string, Entry>();
  const extensions = new Map<string, Entry>();
  for (const [key, entry] of map.entries) {
    if (!hasNames && key.startsWith('x-')) extensions.set(key, entry);
    else entries.set(key, { ...entry, value: moveWithin(entry.value, [...path, key]) });
  }
  if (extensions.size > 0) {
    const value: MapNode = { ...map, entries: extensions };
    entries.set(EXTENSIONS, { keySpan: [...extensions.values()][0]?.keySpan ?? map.span, value });
  }
  return { ...map, entries };
}

function moveWithin(node: Node, path: readonly string[]): Node {
  if (node.kind === 'map') return moveExtensions(node, path);
  if (node.kind !== 'list') return node;
  const items = node.items.map((item) => (item.kind === 'map' ? moveExtensions(item, [...path, '0']) : item));
  return { ...node, items };
}
