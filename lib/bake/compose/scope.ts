/** What the files of one reading share, and how they are found, read and reset. */
import type { SourceFile, Span } from '../../model/mod.ts';
import { directoryOf, isAbsolutePath, joinPath, relativePath } from './go-path.ts';
import { type MapNode, mapValues, type Node, withoutEntry } from './node.ts';
import type { Report } from './report.ts';
import type { Lookup } from './template.ts';
import { type ComposeDocument, readDocuments } from './yaml.ts';

/** What reading needs from outside. Paths are relative to where bake runs. */
export interface Reader {
  /** The text of a file; undefined where there is none. */
  readonly readFile: (path: string) => Promise<string | undefined | null>;
  /** Whether a path is a directory; undefined if that is unknown. */
  readonly isDirectory?: ((path: string) => Promise<boolean>) | undefined;
}

/** What stays the same for all files of one reading. */
export interface Shared {
  readonly reader: Reader;
  readonly report: Report;
  readonly onUnset: (name: string) => void;
  readonly home: string | undefined;
  readonly documents: WeakMap<SourceFile, readonly ComposeDocument[]>;
  /** Files that were read, by path. */
  readonly files: Map<string, Promise<SourceFile | undefined | null>>;
  readonly includes: IncludeCache;
  /** Fills in variables in a way of its own. */
  readonly fill?: (file: MapNode, lookup: Lookup) => MapNode;
  /** Of services only what concerns builds is read. */
  readonly onlyBuilds?: boolean;
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

/** A file with the name that it goes by. */
export interface NamedFile {
  readonly name: string;
  readonly source: SourceFile;
}

/** The services of files that others extend, by path and directory. */
export type ExtendsCache = Map<string, Promise<Base | undefined>>;

/** Services of one file, as far as they are resolved. */
export interface Base {
  readonly services: ReadonlyMap<string, Node>;
  readonly resets: Resets;
}

/** Models of what was included, by everything that decides what they are. */
export type IncludeCache = Map<string, MapNode>;

/** The documents of a file, which is parsed once. */
export function documentsOf(source: SourceFile, { documents, report }: Shared): readonly ComposeDocument[] {
  const known = documents.get(source);
  if (known !== undefined) return known;
  const read = readDocuments(source, report);
  documents.set(source, read);
  return read;
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
  const source = await read(path, shared);
  if (source === null) return undefined;
  if (source === undefined) {
    const isRemote = /(?:^|\/)(?:[a-z][a-z0-9+.-]+:\/|git@)/i.test(path);
    const message = isRemote
      ? `Remote files are not read: ${path.replace(/:\/(?!\/)/, '://')}`
      : `There is no file ${path}`;
    const hint = isRemote
      ? 'Clone or download the file, and name the local copy.'
      : 'Paths are relative to the directory of the project.';
    shared.report.add(span, message, hint);
  }
  return source;
}

/** Reads a file that may be missing, once. */
export async function readOptional(path: string, shared: Shared): Promise<SourceFile | undefined> {
  return (await read(path, shared)) ?? undefined;
}

/** Null: reading failed, and that was reported. */
function read(path: string, { files, reader }: Shared): Promise<SourceFile | undefined | null> {
  const known = files.get(path);
  if (known !== undefined) return known;
  const reading = reader.readFile(path).then((text) => (typeof text === 'string' ? { path, text } : text));
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

/** Values of variables. */
export type Variables = Pick<ReadonlyMap<string, string>, 'get'>;

/** The same variables; reports each that is used and not set. */
export function watched(variables: Variables, { onUnset }: Pick<Shared, 'onUnset'>): Variables {
  return {
    get: (name) => {
      const value = variables.get(name);
      if (value === undefined) onUnset(name);
      return value;
    },
  };
}

/** Reads files into one model; `including` are the files on the way here. */
export type LoadModel = (
  files: readonly NamedFile[],
  scope: Scope,
  including: readonly string[],
) => Promise<MapNode>;

/** Reads a file whose services somebody extends, with its paths below `workingDir`. */
export type LoadBase = (
  file: NamedFile,
  workingDir: string,
  scope: Scope,
) => Promise<{ readonly model: MapNode; readonly resets: Resets }>;
