/** Reads `engine:` of a file and of a build. */
import {
  type EngineSettings,
  type EngineTls,
  engineSchemesInWords,
  type ImageRef,
  type KubernetesPods,
  type PoolEntry,
  parseEngineAddress,
  parseImageRef,
  problem,
} from '../model/mod.ts';
import { absolutePath, type PathOptions } from './absolute-path.ts';
import { type Evaluator, FAILED, type Scope } from './expression.ts';
import { readPlatforms } from './platforms.ts';
import type { Problems } from './problems.ts';
import { at, child, fromData, isNull, type MapNode, type Node } from './tree.ts';
import { createValues, plainText, type Text, type Value, type Values } from './values.ts';

/** Further input of the reading. */
export interface EngineReading {
  readonly scope: Scope;
  readonly evaluator: Evaluator;
  readonly problems: Problems;
  readonly paths: PathOptions;
}

/** Maximum number of builds at a time, as for `--jobs`. */
const MOST_JOBS = 999;

/**
 * The engine settings of all files; later files take precedence.
 *
 * @returns undefined if there are none; problems are reported
 */
export function resolveEngine(maps: readonly MapNode[], reading: EngineReading): EngineSettings | undefined {
  if (maps.length === 0) return undefined;
  const values = valuesOf(layersOf(maps, reading.problems), reading);
  const address = filled(values.text('address'))?.text;
  const pool = readPool(values, reading);
  const tls = readTls(maps, reading);
  const scratch = readScratch(values);
  if (address === undefined && pool.length === 0 && tls === undefined && scratch === undefined)
    return undefined;
  return {
    ...(address === undefined ? {} : { address }),
    pool,
    ...(tls === undefined ? {} : { tls }),
    ...(scratch === undefined ? {} : { scratch }),
  };
}

/** Key → its values. `address` and `pool` are alternatives: a file that sets one of them replaces both. */
function layersOf(maps: readonly MapNode[], problems: Problems): Map<string, readonly Node[]> {
  const layers = new Map<string, readonly Node[]>();
  for (const map of maps) {
    const isSaid = (key: string) => child(map, key) !== undefined;
    if (isSaid('address') && isSaid('pool')) {
      problems.add(
        problem('config/engine', '`engine` has an `address` and a `pool`', {
          hint: 'Move the address into the pool, or remove the pool.',
          ...placeOf(child(map, 'address')),
        }),
      );
    }
    if (isSaid('address')) layers.delete('pool');
    else if (isSaid('pool')) layers.delete('address');
    for (const [key, { value }] of map.entries)
      if (!isNull(value) && key !== 'tls') layers.set(key, [...(layers.get(key) ?? []), value]);
  }
  return layers;
}

function placeOf(node: Node | undefined): ReturnType<typeof at> {
  return node === undefined ? {} : at(node);
}

/** Values that belong to no build. */
function valuesOf(
  layers: ReadonlyMap<string, readonly Node[]>,
  { scope, evaluator, problems }: EngineReading,
): Values {
  const add: Problems['add'] = ({ build: _, ...found }) => problems.add(found);
  return createValues('', layers, scope, evaluator, { ...problems, add });
}

function valuesOfMap(map: MapNode, reading: EngineReading): Values {
  const given = [...map.entries.values()].filter(({ value }) => !isNull(value));
  return valuesOf(new Map(given.map(({ key, value }) => [key, [value]])), reading);
}

function filled(text: Text | undefined): Text | undefined {
  return text?.text.trim() === '' ? undefined : text;
}

function readTls(maps: readonly MapNode[], reading: EngineReading): EngineTls | undefined {
  const layers = new Map<string, readonly Node[]>();
  for (const map of maps) {
    const tls = child(map, 'tls');
    if (tls?.kind !== 'map') continue;
    for (const [key, { value }] of tls.entries) if (!isNull(value)) layers.set(key, [value]);
  }
  const values = valuesOf(layers, reading);
  const path = (key: string): Text | undefined => {
    const found = filled(values.text(key));
    if (found === undefined) return undefined;
    return { text: absolutePath(found.text, found.node.origin.dir, reading.paths), node: found.node };
  };
  const [ca, cert, key] = [path('ca'), path('cert'), path('key')];
  const serverName = filled(values.text('serverName'));
  const [alone, missing] = cert === undefined ? [key, 'cert'] : [key === undefined ? cert : undefined, 'key'];
  if (alone !== undefined) {
    const other = missing === 'key' ? 'cert' : 'key';
    values.fail('config/engine', `\`engine.tls\` has a \`${other}\` but no \`${missing}\``, alone.node, {
      hint: 'Name both files, or neither.',
    });
  }
  const [other] = [cert, key, serverName].flatMap((one) => one ?? []);
  if (ca === undefined && other !== undefined) {
    // buildctl does not use the system's CA certificates (buildkit client/client.go, loadCredentials).
    values.fail('config/engine', '`engine.tls` has no `ca`', other.node, {
      hint:
        'Add `ca`, the file of the authority that signed the certificates of the engines; for a public one the bundle of the system, ' +
        'such as /etc/ssl/certs/ca-certificates.crt. Without it buildctl trusts no engine, or uses no TLS at all.',
    });
  }
  const tls: EngineTls = {
    ...(ca === undefined ? {} : { ca: ca.text }),
    ...(cert === undefined ? {} : { cert: cert.text }),
    ...(key === undefined ? {} : { key: key.text }),
    ...(serverName === undefined ? {} : { serverName: serverName.text }),
  };
  return Object.keys(tls).length === 0 ? undefined : tls;
}

function readScratch(values: Values): ImageRef | undefined {
  const found = filled(values.text('scratch'));
  if (found === undefined) return undefined;
  const ref = parseImageRef(found.text.trim());
  if (ref === undefined) {
    values.fail('config/engine', `"${found.text}" is not a repository`, found.node, {
      hint: 'Write REGISTRY/REPOSITORY, in lowercase: registry.example.com/ci/scratch.',
    });
    return undefined;
  }
  if (ref.tag === undefined && ref.digest === undefined) return ref;
  values.fail('config/engine', '`engine.scratch` must be a repository without a tag or digest', found.node, {
    hint: `Write ${found.text.trim().replace(/@.*$|:[^/:]*$/s, '')}.`,
  });
  return undefined;
}

/** Empty and null items are ignored, as in other lists. */
function readPool(values: Values, reading: EngineReading): readonly PoolEntry[] {
  const entries: PoolEntry[] = [];
  const known = new Map<string, Node>();
  for (const { entry, node, identity } of poolItems(values, reading)) {
    const earlier = known.get(identity);
    if (earlier === undefined) {
      known.set(identity, node);
      entries.push({ ...entry, ...at(node) });
      continue;
    }
    const { span } = at(earlier);
    values.fail('config/engine', `${identity} is in the pool twice`, node, {
      hint: 'Name each engine once; to run more builds on it, set `jobs`.',
      ...(span === undefined ? {} : { related: [{ message: 'also here', span }] }),
    });
  }
  return entries;
}

interface PoolItem {
  readonly entry: PoolEntry;
  readonly node: Node;
  /** Identifies the entry, as text. */
  readonly identity: string;
}

function poolItems(values: Values, reading: EngineReading): readonly PoolItem[] {
  return values.replaced('pool').flatMap(({ value, node }): readonly PoolItem[] => {
    if (value === '') return [];
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const { origin, start, end } = node;
      // A written map has places of its own; one from an expression has the place of the expression.
      const map = node.kind === 'map' ? node : fromData(value, origin, start, end, true);
      return map.kind === 'map' ? readEntry(map, reading) : [];
    }
    const text = values.textOf({ value, node }, 'an item of pool');
    if (text === undefined || !isAddress({ text, node }, values)) return [];
    return [{ entry: { address: text, platforms: [], labels: [] }, node, identity: text }];
  });
}

function readEntry(map: MapNode, reading: EngineReading): readonly PoolItem[] {
  const values = valuesOfMap(map, reading);
  const address = filled(values.text('address'));
  const pods = readPods(map, values, reading);
  const rest = {
    platforms: readPlatforms(values).normal,
    ...readJobs(values),
    labels: readLabels(values.replaced('labels'), values),
  };
  if (pods === 'wrong') return [];
  if ((address === undefined) === (pods === undefined)) {
    const what = address === undefined ? 'neither an `address` nor' : 'both an `address` and';
    values.fail('config/engine', `An engine of the pool has ${what} \`kubernetes\``, map, {
      hint: 'Give one `address`, or `kubernetes: { selector }` for pods.',
    });
    return [];
  }
  if (pods !== undefined) {
    const { selector, namespace, context } = pods;
    const words = [
      namespace === undefined ? '' : ` of ${namespace}`,
      context === undefined ? '' : ` in ${context}`,
    ];
    return [{ entry: { kubernetes: pods, ...rest }, node: map, identity: `${selector}${words.join('')}` }];
  }
  if (address === undefined || !isAddress(address, values)) return [];
  return [{ entry: { address: address.text, ...rest }, node: address.node, identity: address.text }];
}

function isAddress({ text, node }: Text, values: Values): boolean {
  if (parseEngineAddress(text) !== undefined) return true;
  values.fail('config/engine', `"${text}" is not a valid address of a buildkitd`, node, {
    hint: `Write it as for buildctl: ${engineSchemesInWords()}.`,
  });
  return false;
}

/** Names that kubectl and buildctl's pod connection accept (buildkit client/connhelper/kubepod). */
const KUBERNETES_NAME = /^[a-z0-9.-]+$/;

function readPods(
  map: MapNode,
  values: Values,
  reading: EngineReading,
): KubernetesPods | 'wrong' | undefined {
  const written = child(map, 'kubernetes');
  if (written === undefined) return undefined;
  const node = written.kind === 'map' ? written : givenMap(written, values, reading);
  if (node === undefined) return undefined;
  if (node === 'wrong') return 'wrong';
  const pods = valuesOfMap(node, reading);
  const selector = filled(pods.text('selector'));
  const context = filled(pods.text('context'));
  const names = (['namespace', 'container'] as const).flatMap((key) => {
    const found = filled(pods.text(key));
    return found === undefined ? [] : [{ key, ...found }];
  });
  const wrong = names.filter(({ text }) => !KUBERNETES_NAME.test(text));
  for (const { key, text, node: place } of wrong)
    pods.fail('config/engine', `"${text}" is not a valid name of a ${key}`, place, {
      hint: 'Use lowercase letters, digits, "-" and ".".',
    });
  if (selector === undefined) {
    pods.fail('config/engine', '`kubernetes` has no `selector`', node, {
      hint: 'Select the pods that are engines: { selector: app=buildkitd }.',
    });
  }
  if (selector === undefined || wrong.length > 0) return 'wrong';
  return {
    selector: selector.text,
    ...Object.fromEntries(names.map(({ key, text }) => [key, text])),
    ...(context === undefined ? {} : { context: context.text }),
  };
}

/** The map that an expression returns; undefined if it returns null. */
function givenMap(
  node: Node,
  values: Values,
  { evaluator, scope }: EngineReading,
): MapNode | 'wrong' | undefined {
  const value = evaluator.tree(node, scope);
  if (value === FAILED) return 'wrong';
  if (value === null) return undefined;
  const map = fromData(value, node.origin, node.start, node.end, true);
  if (map.kind === 'map') return map;
  values.fail('config/wrong-type', '"kubernetes" must be a map', node);
  return 'wrong';
}

function readJobs(values: Values): Pick<PoolEntry, 'jobs'> {
  const found = filled(values.text('jobs'));
  if (found === undefined) return {};
  const jobs = /^[0-9]+$/.test(found.text) ? Number(found.text) : 0;
  if (jobs >= 1 && jobs <= MOST_JOBS) return { jobs };
  values.fail(
    'config/engine',
    `"jobs" must be a whole number from 1 to ${MOST_JOBS}, not "${found.text}"`,
    found.node,
  );
  return {};
}

const LABEL = /^[^\s,]+$/;

function readLabels(items: readonly Value[], values: Values): readonly string[] {
  const labels = new Set<string>();
  for (const item of items) {
    const text = values.textOf(item, 'an item of labels');
    if (text === undefined || text === '') continue;
    if (LABEL.test(text)) labels.add(text);
    else
      values.fail('config/engine', `"${text}" is not a valid label of an engine`, item.node, {
        hint: 'Use a word without spaces and commas.',
      });
  }
  return [...labels];
}

/** `engine.labels` of a build; in an override it is one comma-separated text. */
export function readEngineLabels(values: Values): readonly string[] {
  const found = values.map('engine').get('labels');
  if (found === undefined) return [];
  const { value, node } = found;
  if (Array.isArray(value)) {
    const items = value.map((item): Value => ({ value: item, node }));
    return readLabels(
      items.filter((item) => item.value !== null),
      values,
    );
  }
  const text = plainText(found);
  if (text === undefined) {
    values.fail('config/wrong-type', '"labels" must be a list', node);
    return [];
  }
  return readLabels(
    text.split(',').map((word) => ({ value: word.trim(), node })),
    values,
  );
}
