/**
 * Combines several files: collects the layers of each build, template and variable. Nothing is evaluated here; merged
 * layers are just a list, with later ones above earlier ones.
 */
import { problem } from '../model/mod.ts';
import { suggest } from '../util/suggest.ts';
import type { Problems } from './problems.ts';
import type { Loaded } from './read.ts';
import { atKey, child, isNull, type MapEntry, type MapNode, type Node } from './tree.ts';

/** A build or template: its definitions in all files, in order. */
export interface Definition {
  readonly name: string;
  /** Its key in the first file. */
  readonly keyOf: { readonly map: MapNode; readonly entry: MapEntry };
  readonly layers: MapNode[];
}

/** A group, from the last file that defines it. */
export interface GroupDefinition {
  readonly name: string;
  readonly map: MapNode;
  readonly entry: MapEntry;
}

/** All files as one. */
export interface Merged {
  readonly variables: ReadonlyMap<string, readonly { readonly map: MapNode; readonly entry: MapEntry }[]>;
  /** Functions by name, from the last file that defines each. */
  readonly functions: ReadonlyMap<string, { readonly map: MapNode; readonly entry: MapEntry }>;
  readonly templates: ReadonlyMap<string, Definition>;
  readonly builds: ReadonlyMap<string, Definition>;
  readonly groups: ReadonlyMap<string, GroupDefinition>;
  readonly registries: ReadonlyMap<string, readonly MapNode[]>;
  /** Engine settings, those of the first file first. */
  readonly engine: readonly MapNode[];
  /** `record`, `publish`, `immutable`, each from the last file that sets it. */
  readonly settings: ReadonlyMap<string, Node>;
}

const SETTINGS = ['record', 'publish', 'immutable'];

/** Keys that show that a build in a later file is a new one. */
const ORIGIN_KEYS = ['context', 'dockerfile', 'dockerfile-inline', 'extends'];

/** Merges the files in order. An overlay of a build that no earlier file defines is a problem. */
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
 * A build in a later file that no earlier file defines is a new build if it says what it is built from, otherwise a
 * misspelt overlay. The file that includes others may add builds that use only defaults, unless the name is similar to
 * that of an included one.
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
