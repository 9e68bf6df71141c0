/**
 * Whether the files that a build copies from other builds are unchanged although those builds have new layers. The engine
 * caches COPY and mounts by the files that they read (buildkit cache/contenthash: type, mode bits, owner, link, content,
 * attributes; no times), so a build whose copied files are equal produces the same image again. Whether they are equal
 * can be seen in the layers that differ, without running anything.
 *
 * Only simple cases are covered: paths without wildcards to files and directories, not reached through links. Everything
 * else, and large layers, is left to the engine.
 */
import type { Tree } from '../compare/mod.ts';
import type { ContextReads } from '../dockerfile/mod.ts';
import { computeKey } from '../fingerprint/mod.ts';
import {
  type Digest,
  formatImageRef,
  type ImageRef,
  isAttested,
  type PlanNode,
  parseImageRef,
} from '../model/mod.ts';
import { type Descriptor, manifestBlobs, type RegistryClient } from '../registry/mod.ts';
import type { LastInputs, ParentResult } from '../state/mod.ts';
import { directoriesAbove } from '../util/path.ts';
import type { NodeInputs } from './inputs.ts';
import type { Keying } from './keying.ts';

/** Maximum of compressed layer bytes that are read to compare two results: beyond that, a cached build is as fast. */
const READ_LIMIT = 32 * 1024 * 1024;

/** Reads layers from registries, each once in a run. */
export interface LayerReader {
  readonly registry: RegistryClient;
  readonly trees: Map<Digest, Promise<Tree>>;
}

type ResultOf = Pick<Keying, 'resultOf'>['resultOf'];

/** The recorded inputs of a build, with the results of other builds that it reads. */
export function lastInputs(resultOf: ResultOf, node: PlanNode, inputs: NodeInputs): LastInputs | undefined {
  const { key, parts } = inputs;
  if (key === undefined || parts === undefined) return undefined;
  const parents: Record<string, ParentResult> = {};
  for (const name of Object.keys(parts.parents)) {
    const result = parentResult(resultOf, node, name);
    if (result !== undefined)
      parents[name] = { ref: formatImageRef(result.ref), platforms: result.platforms };
  }
  return { key, parts, ...(Object.keys(parents).length === 0 ? {} : { parents }) };
}

/** A result in a registry, to compare with another. */
export interface PublishedResult {
  readonly ref: ImageRef;
  readonly platforms: ParentResult['platforms'];
}

/** The result that a context refers to; undefined if it is in no registry. */
export function parentResult(
  resultOf: ResultOf,
  node: PlanNode,
  contextName: string,
): PublishedResult | undefined {
  const edge = node.edges.find((one) => one.contextName === contextName);
  const image = edge === undefined ? undefined : resultOf(edge.to)?.image;
  if (image?.location?.kind !== 'registry') return undefined;
  return { ref: image.location.ref, platforms: image.platforms };
}

/** A recorded result. */
export function recordedResult(recorded: ParentResult | undefined): PublishedResult | undefined {
  const ref = recorded === undefined ? undefined : parseImageRef(recorded.ref);
  return recorded === undefined || ref === undefined ? undefined : { ref, platforms: recorded.platforms };
}

/**
 * The names of contexts whose builds have new layers, if nothing else changed and all files that are copied from them are
 * equal. Undefined: something else changed, or it is not known.
 */
export async function findSameCopied(
  { resultOf, layers }: { readonly resultOf: ResultOf; readonly layers: LayerReader },
  node: PlanNode,
  inputs: NodeInputs,
  last: LastInputs,
): Promise<readonly string[] | undefined> {
  const { parts } = inputs;
  // Attestations name the dependencies' digests.
  if (parts === undefined || isAttested(node.build)) return undefined;
  if (computeKey({ ...parts, parents: last.parts.parents }) !== last.key) return undefined;
  const names = [...new Set([...Object.keys(parts.parents), ...Object.keys(last.parts.parents)])];
  const moved = names.filter((name) => parts.parents[name] !== last.parts.parents[name]);
  for (const name of moved) {
    const reads = inputs.filesOnly.get(name);
    const before = recordedResult(last.parents?.[name]);
    const after = parentResult(resultOf, node, name);
    if (reads === undefined || before === undefined || after === undefined) return undefined;
    if (!(await holdSame(layers, before, after, reads))) return undefined;
  }
  return moved;
}

/**
 * Whether two results of a build have the same files in all places that are read. False also if that is not known.
 *
 * @param reads from the Dockerfile; sources relative to the image's root
 */
async function holdSame(
  layers: LayerReader,
  before: PublishedResult,
  after: PublishedResult,
  reads: ContextReads,
): Promise<boolean> {
  if (reads === 'all' || before.platforms.length !== after.platforms.length) return false;
  const paths = reads.map(({ source, include }) => (include.length === 0 && isPlain(source) ? source : '.'));
  if (paths.includes('.')) return false;
  const read = limitedReader(layers);
  try {
    for (const was of before.platforms) {
      const is = after.platforms.find(({ platform }) => platform === was.platform);
      if (is === undefined) return false;
      if (was.digest === is.digest || (was.layers !== undefined && was.layers === is.layers)) continue;
      const [old, now] = [
        await layersOf(layers.registry, before.ref, was.digest),
        await layersOf(layers.registry, after.ref, is.digest),
      ];
      if (old === undefined || now === undefined) return false;
      const stacks = divide(old, now);
      for (const path of paths) if (!(await isSameAt(path, stacks, read))) return false;
    }
    return true;
  } catch {
    // A layer is gone, too large, or of an unknown type: the engine decides.
    return false;
  }
}

/** Whether a source has no wildcards of Go's `filepath.Match`. */
function isPlain(source: string): boolean {
  return !/[*?[\\]/.test(source);
}

interface Layer {
  readonly repository: ImageRef;
  readonly blob: Descriptor;
}

/** The layers of a platform's manifest, topmost first. */
async function layersOf(
  registry: RegistryClient,
  ref: ImageRef,
  digest: Digest,
): Promise<readonly Layer[] | undefined> {
  const repository = { registry: ref.registry, repository: ref.repository };
  const manifest = await registry.getManifest({ ...repository, digest });
  if (!manifest.ok) return undefined;
  const [config, ...blobs] = manifestBlobs(manifest.value);
  return config === undefined ? undefined : blobs.map((blob) => ({ repository, blob })).reverse();
}

type Read = (layer: Layer) => Promise<Tree>;

/** Reads layers for one comparison. Throws after more than {@link READ_LIMIT} bytes. */
function limitedReader({ registry, trees }: LayerReader): Read {
  let bytes = 0;
  return async ({ repository, blob }) => {
    const { digest } = blob;
    const known = trees.get(digest);
    if (known !== undefined) return known;
    bytes += blob.sizeBytes;
    if (bytes > READ_LIMIT) throw new Error('too much to read');
    const tree = import('../compare/mod.ts').then(({ readLayer }) =>
      readLayer(registry.streamBlob(repository, blob), blob.mediaType),
    );
    trees.set(digest, tree);
    return tree;
  };
}

/** Two stacks of layers, topmost first: the layers that differ, and the common ones below. */
interface Stacks {
  readonly old: readonly Layer[];
  readonly now: readonly Layer[];
  readonly common: readonly Layer[];
}

function divide(old: readonly Layer[], now: readonly Layer[]): Stacks {
  let same = 0;
  while (same < old.length && old.at(-1 - same)?.blob.digest === now.at(-1 - same)?.blob.digest) same++;
  const upper = (layers: readonly Layer[]) => layers.slice(0, layers.length - same);
  return { old: upper(old), now: upper(now), common: old.slice(old.length - same) };
}

async function isSameAt(path: string, { old, now, common }: Stacks, read: Read): Promise<boolean> {
  const { compareTrees } = await import('../compare/mod.ts');
  const was = await find(path, [...old, ...common], read);
  const is = await find(path, [...now, ...common], read);
  if (was === undefined || is === undefined) return false;
  if (compareTrees(new Map([[path, was]]), new Map([[path, is]])).length > 0) return false;
  if (was.kind === 'file') return true;
  // What is below may come from several layers: both stacks must change it equally, in the same order.
  const [one, other] = [await changesBelow(path, old, read), await changesBelow(path, now, read)];
  if (one === undefined || other === undefined || one.length !== other.length) return false;
  return one.every((tree, at) => compareTrees(tree, other[at] ?? new Map()).length === 0);
}

/** Finds a path in a stack of layers, topmost first; undefined if it is not a plain file or directory, or not known. */
async function find(path: string, stack: readonly Layer[], read: Read): Promise<ReturnType<Tree['get']>> {
  for (const layer of stack) {
    const tree = await read(layer);
    if (isReplacedAbove(path, tree)) return undefined;
    const entry = tree.get(path);
    if (entry !== undefined) return entry.kind === 'file' || entry.kind === 'dir' ? entry : undefined;
    if (isHidden(path, tree)) return undefined;
  }
  return undefined;
}

/** Each layer's changes below a directory, without layers that change nothing; undefined if that is incomplete. */
async function changesBelow(
  path: string,
  stack: readonly Layer[],
  read: Read,
): Promise<readonly Tree[] | undefined> {
  const found: Tree[] = [];
  for (const layer of stack) {
    const tree = await read(layer);
    const own = tree.get(path);
    if (isReplacedAbove(path, tree) || isHidden(path, tree) || (own !== undefined && own.kind !== 'dir'))
      return undefined;
    const below = new Map([...tree].filter(([name]) => name.startsWith(`${path}/`)));
    // The other name of a hard link may be elsewhere.
    if ([...below.values()].some((entry) => entry.kind === 'hardlink')) return undefined;
    if (below.size > 0) found.push(below);
  }
  return found;
}

/** Whether a layer replaces a directory above a path by something else. */
function isReplacedAbove(path: string, tree: Tree): boolean {
  return directoriesAbove(path).some((dir) => {
    const entry = tree.get(dir);
    return entry !== undefined && entry.kind !== 'dir';
  });
}

/** Whether a layer removes a path or a directory above it (OCI image-spec, layer.md, "Whiteouts"). */
function isHidden(path: string, tree: Tree): boolean {
  const dirs = directoriesAbove(path);
  if (['', ...dirs].some((dir) => tree.has(dir === '' ? '.wh..wh..opq' : `${dir}/.wh..wh..opq`))) return true;
  return [...dirs, path].some((one) => tree.has(one.replace(/[^/]*$/, (name) => `.wh.${name}`)));
}
