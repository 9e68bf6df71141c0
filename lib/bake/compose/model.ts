/**
 * What Compose files say of builds, before variables are filled in: for who wants to write it down elsewhere. `include`,
 * `extends`, anchors and several files are put together by the same code that reads the files to build them.
 */
import { fail, ok, type Result, type SourceFile } from '../../model/mod.ts';
import { loadModel } from './load.ts';
import { targetNameOf } from './names.ts';
import { type Entry, type MapNode, mapItems, mapValues, type Node, valueAt } from './node.ts';
import type { ComposeOptions } from './options.ts';
import { EXTENSIONS } from './schema.ts';
import { projectScope, start } from './start.ts';
import { type Lookup, substitute } from './template.ts';

/** Files that are read for what is to be written down. */
export interface ComposeModelOptions extends Pick<ComposeOptions, 'readFile' | 'isDirectory'> {
  /** What becomes of a text of a build, whose references stand in it as written; `lookup` knows the files of variables. */
  readonly keep: (text: string, lookup: Lookup) => string;
}

/** Services and secrets by name, with their places. */
export interface ComposeModel {
  readonly services: ReadonlyMap<string, Entry>;
  readonly secrets: ReadonlyMap<string, Entry>;
  /** A value of it without its places. */
  readonly plainOf: (node: Node) => unknown;
  /** The target of bake that a service is. */
  readonly targetNameOf: (service: string) => string;
  /** What the project's own file of variables has for a name. */
  readonly lookup: Lookup;
}

/** Reads Compose files, later ones over earlier ones; of services only what concerns builds. Problems: `bake/compose`. */
export async function readComposeModel(
  files: readonly SourceFile[],
  { keep, ...reader }: ComposeModelOptions,
): Promise<Result<ComposeModel>> {
  const { shared, environment } = await start(
    { ...reader, env: {}, vars: new Map() },
    { onlyBuilds: true, fill: (file, lookup) => keepReferences(file, lookup, keep) },
  );
  if (shared.report.isWrong) return fail(shared.report.sorted());
  const named = files.map((source) => ({ name: source.path, source }));
  const scope = projectScope(named, environment, shared);
  const model = await loadModel(named, scope, []);
  if (shared.report.isWrong) return fail(shared.report.sorted());
  return ok({
    services: entriesOf(model, 'services'),
    secrets: entriesOf(model, 'secrets'),
    plainOf,
    targetNameOf,
    lookup: (name) => environment.get(name),
  });
}

/** A value without its places; numbers and truths as they are. */
function plainOf(node: Node): unknown {
  if (node.kind === 'list') return node.items.map(plainOf);
  if (node.kind === 'map') {
    const result: Record<string, unknown> = Object.create(null);
    for (const [key, { value }] of node.entries) {
      // Keys of extensions stand by themselves in the model.
      if (key === EXTENSIONS && value.kind === 'map') Object.assign(result, plainOf(value));
      else result[key] = plainOf(value);
    }
    return result;
  }
  if (node.type === 'null') return null;
  if (node.type === 'bool') return node.text === 'true';
  const number = node.type === 'int' || node.type === 'float' ? Number(node.text) : Number.NaN;
  return String(number) === node.text ? number : node.text;
}

function entriesOf(model: MapNode, section: string): ReadonlyMap<string, Entry> {
  const node = valueAt(model, section);
  return node?.kind === 'map' ? node.entries : new Map();
}

/** Keys of a service whose texts come to be values of a build. */
const KEPT: ReadonlySet<string> = new Set(['build', 'image', 'platform']);

/** Texts of builds are kept; what says which files and services there are is filled in. */
function keepReferences(file: MapNode, lookup: Lookup, keep: ComposeModelOptions['keep']): MapNode {
  const kept = (node: Node): Node => eachText(node, (text) => keep(text, lookup));
  const filled = (node: Node): Node =>
    eachText(node, (text) => {
      const found = substitute(text, lookup);
      return found.ok ? found.text : text;
    });
  return mapValues(file, (section, name) => {
    if (name === 'secrets') return kept(section);
    if (name !== 'services' || section.kind !== 'map') return filled(section);
    return mapValues(section, (service) =>
      service.kind === 'map'
        ? mapValues(service, (value, key) => (KEPT.has(key) ? kept(value) : filled(value)))
        : service,
    );
  });
}

function eachText(node: Node, change: (text: string) => string): Node {
  if (node.kind === 'map') return mapValues(node, (value) => eachText(value, change));
  if (node.kind === 'list') return mapItems(node, (item) => eachText(item, change));
  if (node.type !== 'string' || !node.text.includes('$')) return node;
  return { ...node, text: change(node.text) };
}
