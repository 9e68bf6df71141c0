/**
 * Several files into one: which layers a build, a template or a variable has. Nothing is evaluated here; that two
 * layers are merged means only that both are in the list, the later one above the earlier.
 */
import { problem } from '../model/mod.ts';
import { suggest } from '../util/suggest.ts';
import type { Problems } from './problems.ts';
import type { Loaded } from './read.ts';
import { atKey, child, isNull, type MapEntry, type MapNode, type Node } from './tree.ts';

/** A build or template: what all files say about it, in order. */
export interface Definition {
  readonly name: string;
  /** The first file's key. */
  readonly keyOf: { readonly map: MapNode; readonly entry: MapEntry };
  readonly layers: MapNode[];
}

/** A group as the last file that has it writes it. */
export interface GroupDefinition {
  readonly name: string;
  readonly map: MapNode;
  readonly entry: MapEntry;
}

/** All files as one. */
export interface Merged {
  readonly variables: ReadonlyMap<string, readonly { readonly map: MapNode; readonly entry: MapEntry }[]>;
  /** Functions by their names, each as the last file that has it writes it. */
  readonly functions: ReadonlyMap<string, { readonly map: MapNode; readonly entry: MapEntry }>;
  readonly templates: ReadonlyMap<string, Definition>;
  readonly builds: ReadonlyMap<string, Definition>;
  readonly groups: ReadonlyMap<string, GroupDefinition>;
  readonly registries: ReadonlyMap<string, readonly MapNode[]>;
  /** What the files say of it, the first file's first. */
  readonly engine: readonly MapNode[];
  /** `record`, `publish`, `immutable`: each as the last file that has it says. */
  readonly settings: ReadonlyMap<string, Node>;
}

const SETTINGS = ['record', 'publish', 'immutable'];

/** Keys by which a build of a later file shows that it is meant as a new one. */
const ORIGIN_KEYS = ['context', 'dockerfile', 'dockerfile-inline', 'extends'];

/** Merges the files in their order. Overlays of builds that no earlier file has are problems. */
export function mergeFiles(loaded: Loaded, problems: Problems): Merged {
  const variables = new Map<string, { map: MapNode; entry: MapEntry }[]>();
  const functions = new Map<string, { map: MapNode; entry: MapEntry }>();
  const templates = new Map<string, Definition>();
  const builds = new Map<string, Definition>();
  const groups = new Map<string, GroupDefinition>();
  const registries = new Map<string, MapNode[]>();
  const settings = new Map<string, Node>();
  const engine: MapNode[] = [];
  for (const file of loaded.files) {
    const earlier = file === loaded.files[0] ? undefined : new Set(builds.keys());
    eachEntry(file.root, 'vars', (map, entry) => push(variables, entry.key, { map, entry }));
    eachEntry(file.root, 'functions', (map, entry) => {
      const name = entry.key.replace(/\(.*$/s, '');
      if (isNull(entry.value)) functions.delete(name);
      else functions.set(name, { map, entry });
    });
    eachEntry(file.root, 'templates', (map, entry) => addLayer(templates, map, entry));
    eachEntry(file.root, 'builds', (map, entry) => {
      if (earlier !== undefined && !earlier.has(entry.key)) {
        refuseLostOverlay(map, entry, earlier, file.group > 0, problems);
      }
      addLayer(builds, map, entry);
    });
    eachEntry(file.root, 'groups', (map, entry) => {
      if (isNull(entry.value)) groups.delete(entry.key);
      else groups.set(entry.key, { name: entry.key, map, entry });
    });
    eachEntry(file.root, 'registries', (_map, entry) => {
      if (entry.value.kind === 'map') push(registries, entry.key, entry.value);
    });
    for (const key of SETTINGS) {
      const value = child(file.root, key);
      if (value !== undefined) settings.set(key, value);
    }
    const said = child(file.root, 'engine');
    if (said?.kind === 'map') engine.push(said);
  }
  return { variables, functions, templates, builds, groups, registries, settings, engine };
}

function eachEntry(root: MapNode, section: string, visit: (map: MapNode, entry: MapEntry) => void): void {
  const map = root.entries.get(section)?.value;
  if (map?.kind !== 'map') return;
  for (const entry of map.entries.values()) visit(map, entry);
}

function push<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const known = lists.get(key);
  if (known === undefined) lists.set(key, [value]);
  else known.push(value);
}

function addLayer(definitions: Map<string, Definition>, map: MapNode, entry: MapEntry): void {
  const { value } = entry;
  const layers = value.kind === 'map' ? [value] : [];
  const known = definitions.get(entry.key);
  if (known === undefined) definitions.set(entry.key, { name: entry.key, keyOf: { map, entry }, layers });
  else known.layers.push(...layers);
}

/**
 * A build in a later file that no earlier file has: a new build if it says what it is built from, a misspelt overlay
 * otherwise. The file that includes others may add builds that rely on every default, unless the name is nearly that of
 * an included one.
 */
function refuseLostOverlay(
  map: MapNode,
  entry: MapEntry,
  earlier: ReadonlySet<string>,
  isFurtherFile: boolean,
  problems: Problems,
): void {
  const { value } = entry;
  if (value.kind === 'map' && ORIGIN_KEYS.some((key) => child(value, key) !== undefined)) return;
  const near = suggest(entry.key, earlier);
  if (near === undefined && !isFurtherFile) return;
  problems.add(
    problem('config/unknown-overlay', `This changes a build "${entry.key}" that no earlier file has`, {
      hint:
        near === undefined
          ? 'If it is a new build, add context, dockerfile, dockerfile-inline or extends.'
          : `Did you mean "${near}"? If it is a new build, give it a context.`,
      ...atKey(map, entry),
      build: entry.key,
    }),
  );
}
