/**
 * Compares two images of one platform layer by layer. Layers with equal digests, or with equal uncompressed bytes
 * according to the `diff_ids` of the configs, are not read; so comparing equal images costs nothing.
 */
import { type Digest, hideByName, hideInStep } from '../model/mod.ts';
import { compareTrees, type FileChange, readLayer, stackTrees, type Tree } from './layer.ts';
import { ALL_COUNTS, counts, type DifferenceRules, markChanges, settlerOf } from './noise.ts';

/** A layer that can be read. */
export interface LayerSource {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Its compressed bytes. Both the call and the reading may throw. */
  readonly open: () => AsyncIterable<Uint8Array>;
}

/** An image of one platform. */
export interface ImageSource {
  /** The config's digest and content. */
  readonly configDigest: Digest;
  readonly config: Readonly<Record<string, unknown>>;
  readonly annotations: Readonly<Record<string, unknown>>;
  readonly layers: readonly LayerSource[];
}

/** `same-files`: only times or compression differ. `same-but-noise`: files differ, but all differences are ignored. */
export type Verdict = 'same-bytes' | 'same-files' | 'same-but-noise' | 'different';

/** A difference in the config or an annotation. Times are left out. */
export interface ConfigChange {
  /** `config.Env.PATH`, `annotations.x`, `history`. */
  readonly name: string;
  /** As JSON; undefined if absent. */
  readonly before?: string;
  /** As JSON; undefined if absent. */
  readonly after?: string;
}

/** A layer that differs. */
export interface LayerComparison {
  /** Counts from 1. 0: the images have different numbers of layers, so their combined files were compared. */
  readonly layer: number;
  /** The step that made it, from the history. */
  readonly step?: string;
  /** `same-content`: only the compression differs. */
  readonly kind: 'same-content' | 'same-files' | 'same-but-noise' | 'different';
  /** Files of the layer that differ, `noise` and `ignored` ones included; empty for `same-content`. */
  readonly files: readonly FileChange[];
}

/** The comparison of two images. */
export interface ImageComparison {
  /** The worst verdict of all parts. */
  readonly verdict: Verdict;
  /** Differences in the config and the annotations. */
  readonly config: readonly ConfigChange[];
  /** Layers that differ, lowest first. */
  readonly layers: readonly LayerComparison[];
}

/** Compares two images. Throws if a layer cannot be read; the message names it. */
export async function compareImages(
  before: ImageSource,
  after: ImageSource,
  rules: DifferenceRules = ALL_COUNTS,
): Promise<ImageComparison> {
  const config = compareConfigs(before, after);
  const layers = await compareLayers(before, after, rules);
  const has = (kind: LayerComparison['kind']) => layers.some((layer) => layer.kind === kind);
  const verdictOf = (): Verdict => {
    if (config.length > 0 || has('different')) return 'different';
    if (has('same-but-noise')) return 'same-but-noise';
    return before.configDigest === after.configDigest && layers.length === 0 ? 'same-bytes' : 'same-files';
  };
  return { verdict: verdictOf(), config, layers };
}

async function compareLayers(
  before: ImageSource,
  after: ImageSource,
  rules: DifferenceRules,
): Promise<readonly LayerComparison[]> {
  if (before.layers.length !== after.layers.length) {
    const [one, other] = [await readAll(before), await readAll(after)];
    const changes = markChanges(compareTrees(one, other), one, other, rules);
    // Even if the final files are equal, an image with other layers is another image.
    return [{ layer: 0, kind: 'different', files: changes }];
  }
  const found: LayerComparison[] = [];
  const steps = stepsOf(after.config);
  const [plainBefore, plainAfter] = [diffIdsOf(before.config), diffIdsOf(after.config)];
  for (const [at, one] of before.layers.entries()) {
    const other = after.layers[at];
    if (other === undefined || one.digest === other.digest) continue;
    const step = steps[at] === undefined ? {} : { step: steps[at] };
    const plain = plainBefore[at];
    if (plain !== undefined && plain === plainAfter[at]) {
      found.push({ layer: at + 1, ...step, kind: 'same-content', files: [] });
      continue;
    }
    const [was, is] = [await read(one, at), await read(other, at)];
    const changes = markChanges(compareTrees(was, is), was, is, rules);
    found.push({ layer: at + 1, ...step, kind: kindOf(changes), files: changes });
  }
  return found;
}

function kindOf(changes: readonly FileChange[]): LayerComparison['kind'] {
  if (changes.length === 0) return 'same-files';
  return changes.some(counts) ? 'different' : 'same-but-noise';
}

async function readAll(image: ImageSource): Promise<Tree> {
  const trees: Tree[] = [];
  for (const [at, layer] of image.layers.entries()) trees.push(await read(layer, at));
  return stackTrees(trees);
}

async function read(layer: LayerSource, at: number): Promise<Tree> {
  try {
    return await readLayer(layer.open(), layer.mediaType, settlerOf);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`layer ${at + 1} (${layer.digest}) cannot be read: ${why}`, { cause: error });
  }
}

/** Times, and what only repeats the layers. */
const LEFT_OUT = new Set(['created', 'history', 'rootfs']);

function compareConfigs(before: ImageSource, after: ImageSource): readonly ConfigChange[] {
  const [one, other] = [flattenImage(before), flattenImage(after)];
  const names = [...new Set([...one.keys(), ...other.keys()])].sort();
  return names.flatMap((name) => {
    const [was, is] = [one.get(name), other.get(name)];
    if (was === is) return [];
    const [before, after] = [was, is].map((text) => text && hideByName(name, hideInStep(text)));
    return [{ name, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }];
  });
}

function flattenImage({ config, annotations }: ImageSource): ReadonlyMap<string, string> {
  const flat = new Map<string, string>();
  for (const [name, value] of Object.entries(config)) if (!LEFT_OUT.has(name)) flatten(name, value, flat);
  for (const [name, value] of Object.entries(annotations)) {
    if (name !== 'org.opencontainers.image.created') flatten(`annotations.${name}`, value, flat);
  }
  for (const [at, step] of historyOf(config).entries()) flat.set(`history.${at + 1}`, JSON.stringify(step));
  return flat;
}

function flatten(name: string, value: unknown, flat: Map<string, string>): void {
  if (value === null || value === undefined) return;
  if (Array.isArray(value)) {
    // `NAME=value`: each variable is compared separately.
    if (name === 'config.Env') {
      for (const [variable, text] of value.map((one) => splitVariable(String(one))))
        flat.set(`${name}.${variable}`, JSON.stringify(text));
    } else flat.set(name, JSON.stringify(value));
  } else if (typeof value === 'object') {
    for (const [key, inner] of Object.entries(value)) flatten(`${name}.${key}`, inner, flat);
  } else flat.set(name, JSON.stringify(value));
}

function splitVariable(text: string): readonly [string, string] {
  const equals = text.indexOf('=');
  return equals === -1 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
}

interface HistoryStep {
  readonly step: string;
  readonly empty: boolean;
}

/** `history` of an image config, without its times (OCI image-spec, config.md). */
function historyOf(config: Readonly<Record<string, unknown>>): readonly HistoryStep[] {
  const { history } = config;
  if (!Array.isArray(history)) return [];
  return history.map((entry: unknown) => {
    const { created_by: step, empty_layer: empty } = (
      typeof entry === 'object' && entry !== null ? entry : {}
    ) as { readonly created_by?: unknown; readonly empty_layer?: unknown };
    return { step: typeof step === 'string' ? step : '', empty: empty === true };
  });
}

/** The Dockerfile step of each layer. */
function stepsOf(config: Readonly<Record<string, unknown>>): readonly string[] {
  return historyOf(config)
    .filter((one) => !one.empty)
    .map(({ step }) => step.replace(/ # buildkit$/, '').replace(/^\/bin\/sh -c #\(nop\)\s+/, ''));
}

function diffIdsOf(config: Readonly<Record<string, unknown>>): readonly unknown[] {
  const { rootfs } = config;
  if (typeof rootfs !== 'object' || rootfs === null || !('diff_ids' in rootfs)) return [];
  return Array.isArray(rootfs.diff_ids) ? rootfs.diff_ids : [];
}
