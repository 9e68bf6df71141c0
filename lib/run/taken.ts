/**
 * Whether a build takes the same files of parents that have other layers than when it was last built. The engine caches
 * COPY and mounts by the files they read (buildkit cache/contenthash: type, bits, owner, link, content, attributes; no
 * times), so a parent whose other files changed gives the same image again; and what is taken can be seen in the layers
 * that differ, without running anything.
 *
 * Only what is plain to see counts: paths without wildcards, to files and directories, reached through no link. All
 * else, and layers that are large to read, is left to the engine.
 */
import type { Tree } from '../compare/mod.ts';
import type { ContextReads } from '../dockerfile/mod.ts';
import { computeKey } from '../fingerprint/mod.ts';
import { type Digest, type ImageRef, type PlanNode, parseImageRef } from '../model/mod.ts';
import { type Descriptor, manifestBlobs } from '../registry/mod.ts';
import type { LastInputs, ParentResult } from '../state/mod.ts';
import { directoriesAbove } from '../util/path.ts';
import type { RunContext } from './context.ts';
import { filesReadOf, type NodeInputs } from './inputs.ts';
import { STORE_HOST } from './places.ts';

/** Compressed bytes of layers that are read at most to compare two results: beyond that a cached build is as quick. */
const READ_LIMIT = 32 * 1024 * 1024;

/** The inputs of a build as they are remembered, with the results of parents that it takes files of. */
export function lastInputs(context: RunContext, node: PlanNode, inputs: NodeInputs): LastInputs | undefined {
  const { key, parts } = inputs;
  if (key === undefined || parts === undefined) return undefined;
  const parents: Record<string, ParentResult> = {};
  for (const name of filesReadOf(inputs).keys()) {
    const result = parentResult(context, node, name);
    if (result !== undefined) parents[name] = result;
  }
  return { key, parts, ...(Object.keys(parents).length === 0 ? {} : { parents }) };
}

/** The result behind a context; undefined where it is in no registry. */
function parentResult(context: RunContext, node: PlanNode, contextName: string): ParentResult | undefined {
  const edge = node.edges.find((one) => one.contextName === contextName);
  const image = edge === undefined ? undefined : context.resultOf(edge.to)?.image;
  if (image?.location?.kind !== 'image') return undefined;
  const ref = parseImageRef(image.location.ref);
  if (ref === undefined || ref.registry === STORE_HOST) return undefined;
  return { ref: image.location.ref, platforms: image.platforms };
}

/**
 * Where nothing but the layers of parents has changed since the last time, and all that is taken of them is the same:
 * the names of their contexts. Undefined: something else changed, or it cannot be told.
 */
export async function findSameTaken(
  context: RunContext,
  node: PlanNode,
  inputs: NodeInputs,
  last: LastInputs,
): Promise<readonly string[] | undefined> {
  const { parts } = inputs;
  // What is attested names the parents themselves.
  if (parts === undefined || node.build.attest.length > 0) return undefined;
  if (computeKey({ ...parts, parents: last.parts.parents }) !== last.key) return undefined;
  const names = [...new Set([...Object.keys(parts.parents), ...Object.keys(last.parts.parents)])];
  const moved = names.filter((name) => parts.parents[name] !== last.parts.parents[name]);
  for (const name of moved) {
    const reads = filesReadOf(inputs).get(name);
    const before = last.parents?.[name];
    const after = parentResult(context, node, name);
    if (reads === undefined || before === undefined || after === undefined) return undefined;
    if (!(await holdSame(context, before, after, reads))) return undefined;
  }
  return moved;
}

/**
 * Whether two results of a parent hold the same files in all places that are read. False also where that cannot be told.
 *
 * @param reads from the Dockerfile; sources relative to the image's root
 */
async function holdSame(
  context: RunContext,
  before: ParentResult,
  after: ParentResult,
  reads: ContextReads,
): Promise<boolean> {
  if (reads === 'all' || before.platforms.length !== after.platforms.length) return false;
  const paths = reads.map(({ source, include }) => (include.length === 0 && isPlain(source) ? source : '.'));
  if (paths.includes('.')) return false;
  const read = layerReader(context);
  try {
    for (const was of before.platforms) {
      const is = after.platforms.find(({ platform }) => platform === was.platform);
      if (is === undefined) return false;
      if (was.digest === is.digest || (was.layers !== undefined && was.layers === is.layers)) continue;
      const [old, now] = [
        await layersOf(context, before.ref, was.digest),
        await layersOf(context, after.ref, is.digest),
      ];
      if (old === undefined || now === undefined) return false;
      const stacks = divide(old, now);
      for (const path of paths) if (!(await isSameAt(path, stacks, read))) return false;
    }
    return true;
  } catch {
    // A layer that is gone, too large, or of a kind that is not known: the engine will see.
    return false;
  }
}

/** No wildcard of Go's `filepath.Match`. */
function isPlain(source: string): boolean {
  return !/[*?[\\]/.test(source);
}

interface Layer {
  readonly repository: ImageRef;
  readonly blob: Descriptor;
}

/** The layers of a platform's manifest, the highest first. */
async function layersOf(
  context: RunContext,
  written: string,
  digest: Digest,
): Promise<readonly Layer[] | undefined> {
  const ref = parseImageRef(written);
  if (ref === undefined) return undefined;
  const repository = { registry: ref.registry, repository: ref.repository };
  const manifest = await context.registry.getManifest({ ...repository, digest });
  if (!manifest.ok) return undefined;
  const [config, ...blobs] = manifestBlobs(manifest.value);
  return config === undefined ? undefined : blobs.map((blob) => ({ repository, blob })).reverse();
}

const trees = new WeakMap<RunContext, Map<Digest, Promise<Tree>>>();

type Read = (layer: Layer) => Promise<Tree>;

/** Reads layers, each once in a run. What it gives throws at more than {@link READ_LIMIT} bytes. */
function layerReader(context: RunContext): Read {
  const known = trees.get(context) ?? new Map<Digest, Promise<Tree>>();
  trees.set(context, known);
  let bytes = 0;
  return async ({ repository, blob }) => {
    const { digest } = blob;
    const there = known.get(digest);
    if (there !== undefined) return there;
    bytes += blob.sizeBytes;
    if (bytes > READ_LIMIT) throw new Error('too much to read');
    const tree = import('../compare/mod.ts').then(({ readLayer }) =>
      readLayer(context.registry.streamBlob(repository, blob), blob.mediaType),
    );
    known.set(digest, tree);
    return tree;
  };
}

/** Two stacks of layers, the highest first: what differs, and what both stand on. */
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
  // What is below comes from several layers: they must do the same to it, one after the other.
  const [one, other] = [await changesBelow(path, old, read), await changesBelow(path, now, read)];
  if (one === undefined || other === undefined || one.length !== other.length) return false;
  return one.every((tree, at) => compareTrees(tree, other[at] ?? new Map()).length === 0);
}

/** What a path is, in a stack with the highest layer first; undefined where it is no plain file or directory, or unsure. */
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

/** What each layer does to a directory's inside, without those that do nothing; undefined where that is not all. */
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
    // The other name of a hard link may lie elsewhere.
    if ([...below.values()].some((entry) => entry.kind === 'hardlink')) return undefined;
    if (below.size > 0) found.push(below);
  }
  return found;
}

/** Whether a layer makes a directory above a path something else. */
function isReplacedAbove(path: string, tree: Tree): boolean {
  return directoriesAbove(path).some((dir) => {
    const entry = tree.get(dir);
    return entry !== undefined && entry.kind !== 'dir';
  });
}

/** Whether a layer takes away a path or a directory above it (OCI image-spec, layer.md, "Whiteouts"). */
function isHidden(path: string, tree: Tree): boolean {
  const dirs = directoriesAbove(path);
  if (['', ...dirs].some((dir) => tree.has(dir === '' ? '.wh..wh..opq' : `${dir}/.wh..wh..opq`))) return true;
  return [...dirs, path].some((one) => tree.has(one.replace(/[^/]*$/, (name) => `.wh.${name}`)));
}
