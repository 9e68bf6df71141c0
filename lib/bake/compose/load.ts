/**
 * Compose files read into one model (compose-go loader): each is interpolated, what it includes is taken in, services get
 * what they extend, and then it is merged over the files before it.
 */
import type { SourceFile, Span } from '../../model/mod.ts';
import { renameExtensions, toCanonical, withDefaults } from './canonical.ts';
import { applyExtends, type ExtendsCache } from './extends.ts';
import { directoryOf, isAbsolutePath, joinPath, relativePath } from './go-path.ts';
import { applyInclude, type IncludeCache } from './include.ts';
import { interpolate } from './interpolate.ts';
import { enforceUnique, merge } from './merge.ts';
import { isNull, type MapNode, mapNode, mapValues, type Node, withoutEntry } from './node.ts';
import { resolveEnvironment, resolvePaths } from './paths.ts';
import type { Report } from './report.ts';
import { type ComposeDocument, readDocuments } from './yaml.ts';

/** What reading needs from outside. Paths are relative to where bake runs. */
export interface Reader {
  /** The text of a file; undefined where there is none. */
  readonly readFile: (path: string) => Promise<string | undefined>;
  /** Whether a path is a directory; undefined where that cannot be told. */
  readonly isDirectory?: ((path: string) => Promise<boolean>) | undefined;
}

/** What stays the same for all files of one reading. */
export interface Shared {
  readonly reader: Reader;
  readonly report: Report;
  readonly home: string | undefined;
  readonly documents: WeakMap<SourceFile, readonly ComposeDocument[]>;
  /** Files that were read, by path. */
  readonly files: Map<string, Promise<SourceFile | undefined>>;
  readonly includes: IncludeCache;
}

/** A set of files that are read together: those that bake is given, or those of one `include`. */
export interface Scope {
  readonly shared: Shared;
  readonly environment: ReadonlyMap<string, string>;
  /** Tells one environment from another. */
  readonly environmentKey: string;
  /** The project's directory as seen from the project that includes it: what relative paths are put behind. */
  readonly workingDir: string;
  /** The project's directory as seen from where bake runs: where included and extended files are looked for. */
  readonly projectDir: string;
  readonly extendsCache: ExtendsCache;
}

/** What `!reset` and `!override` of a document take away. */
export type Resets = ComposeDocument['resets'];

/** A file for {@link loadModel}. */
export interface NamedFile {
  readonly name: string;
  readonly source: SourceFile;
}

/** The model of several files; `including` are the files on the way here. */
export async function loadModel(
  files: readonly NamedFile[],
  scope: Scope,
  including: readonly string[],
): Promise<MapNode> {
  const { report, home } = scope.shared;
  let model = emptyModel(files[0]);
  for (const file of files) {
    const loaded = await loadFile(file, scope, { model, including, isBase: false });
    model = loaded.model;
  }
  model = withDefaults(model, report);
  model = resolvePaths(model, scope.workingDir, home, report);
  return resolveEnvironment(model, (name) => scope.environment.get(name));
}

function emptyModel(file: NamedFile | undefined): MapNode {
  const source = file?.source ?? { path: '', text: '' };
  return mapNode([], { source, start: 0, end: 0 });
}

/** What a file is read over. */
interface Onto {
  readonly model: MapNode;
  readonly including: readonly string[];
  /** Only services are wanted from it, for somebody extends one: neither its includes nor its extends are followed. */
  readonly isBase: boolean;
}

/** Reads one file over a model. */
async function loadFile(
  file: NamedFile,
  scope: Scope,
  onto: Onto,
): Promise<{ readonly model: MapNode; readonly resets: Resets }> {
  const { shared } = scope;
  let { model } = onto;
  let including = onto.including;
  let resets: Resets = [];
  for (const document of documentsOf(file.source, shared)) {
    resets = document.resets;
    including = [...including, file.name];
    const root = rootOf(document, file.source, shared.report);
    if (root === undefined) continue;
    const before = shared.report.problems.length;
    let own = interpolate(root, (name) => scope.environment.get(name), shared.report);
    // What could not be filled in would only be found wrong again.
    if (shared.report.problems.length > before) continue;
    own = renameExtensions(own, shared.report);
    if (!onto.isBase) own = await applyInclude(own, resets, scope, including);
    model = applyResets(model, resets);
    if (!onto.isBase) own = await applyExtends(own, resets, file.name, scope);
    model = merge(model, own, [], shared.report) as MapNode;
    model = enforceUnique(model, shared.report);
    model = toCanonical(model, shared.report);
    model = enforceUnique(model, shared.report);
  }
  return { model, resets };
}

function rootOf(document: ComposeDocument, source: SourceFile, report: Report): MapNode | undefined {
  const { root } = document;
  if (root?.kind === 'map') return root;
  const span = root?.span ?? { source, start: 0, end: Math.min(1, source.text.length) };
  const what = root === undefined || isNull(root) ? 'The document is empty' : 'The document is no map';
  report.add(span, what, 'A Compose file begins with `services:`.');
  return undefined;
}

/** The documents of a file, which is parsed once. */
export function documentsOf(source: SourceFile, { documents, report }: Shared): readonly ComposeDocument[] {
  const known = documents.get(source);
  if (known !== undefined) return known;
  const read = readDocuments(source, report);
  documents.set(source, read);
  return read;
}

/** A file whose services somebody extends, with its paths below `workingDir`. */
export async function loadBase(
  file: NamedFile,
  workingDir: string,
  scope: Scope,
): Promise<{ readonly model: MapNode; readonly resets: Resets }> {
  const { report, home } = scope.shared;
  const model = emptyModel(file);
  const loaded = await loadFile(file, scope, { model, including: [], isBase: true });
  return { ...loaded, model: resolvePaths(loaded.model, workingDir, home, report) };
}

/** A model without what a document resets, from the place `path` on. */
export function applyResets(model: MapNode, resets: Resets, ...path: readonly string[]): MapNode {
  const open = resets.flatMap((reset) => {
    const isBelow = path.every((key, index) => reset[index] === '*' || reset[index] === key);
    return isBelow && reset.length > path.length ? [reset.slice(path.length)] : [];
  });
  return removeAt(model, open) as MapNode;
}

function removeAt(node: Node, resets: Resets): Node {
  if (resets.length === 0 || node.kind !== 'map') return node;
  let result = node;
  for (const key of node.entries.keys()) {
    const matching = resets.filter(([first]) => first === key || first === '*');
    if (matching.some((reset) => reset.length === 1)) result = withoutEntry(result, key);
  }
  return mapValues(result, (value, key) =>
    removeAt(
      value,
      resets.filter(([first]) => first === key || first === '*').map((reset) => reset.slice(1)),
    ),
  );
}

/** Reads a file that another one names at `span`; one that is not there is reported. */
export async function readNamed(path: string, span: Span, shared: Shared): Promise<SourceFile | undefined> {
  const source = await readOptional(path, shared);
  if (source === undefined)
    shared.report.add(
      span,
      `There is no file ${path}`,
      'Paths are relative to the directory of the project.',
    );
  return source;
}

/** Reads a file that may be missing, once. */
export function readOptional(path: string, { files, reader }: Shared): Promise<SourceFile | undefined> {
  const known = files.get(path);
  if (known !== undefined) return known;
  const reading = reader.readFile(path).then((text) => (text === undefined ? undefined : { path, text }));
  files.set(path, reading);
  return reading;
}

/** Where a file is that is named in `scope`, as seen from where bake runs. */
export function locate(path: string, { projectDir }: Scope): string {
  return isAbsolutePath(path) ? path : joinPath(projectDir, path);
}

/** The directory of a file, or the directory itself, as seen from the scope's project. */
export async function directoryFrom(path: string, isFile: boolean, scope: Scope): Promise<string> {
  const full = locate(path, scope);
  const isDirectory = isFile ? false : ((await scope.shared.reader.isDirectory?.(full)) ?? true);
  const directory = isDirectory ? full : locate(directoryOf(path), scope);
  return relativePath(scope.projectDir, directory) ?? directory;
}
