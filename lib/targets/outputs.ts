/**
 * Converts bake's `output`: to an image that is pushed or kept, with the attributes of its exporter, or to plain outputs.
 * What buildx passes to BuildKit: bake/bake.go (`toBuildOpt`), build/opt.go (`toSolveOpt`, `CreateExports`).
 */
import type { Fields } from '../bake/mod.ts';
import { formatPlatform, type Json, parsePlatform } from '../model/mod.ts';

/** The outputs of a target, as keys of builds.yaml. */
export interface ConvertedOutputs {
  /** Whether the image is pushed: `true`, `false`, or a text that is evaluated later. */
  readonly push: string;
  /** The names of `name=`, if the target has no tags. */
  readonly tags?: readonly string[];
  readonly compression?: Readonly<Record<string, Json>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly outputs: readonly Fields[];
  /** `type=docker` without a file: loads the image into Docker. */
  readonly loads: boolean;
}

/** Other settings of the target that affect its outputs. */
export interface OutputSurroundings {
  /** Its tags are the names of all its images and override `name`. */
  readonly hasTags: boolean;
  /** Names of its annotations (`index,manifest:name`); they take precedence over those of an output. */
  readonly annotations: readonly string[];
  /** Whether a text is evaluated later. */
  readonly isOpen?: (text: string) => boolean;
  /** There are other outputs in addition to these. */
  readonly isOneOfMore?: boolean;
  /** Each output must specify all its attributes itself. */
  readonly isEachByItself?: boolean;
}

/** An output as buildx passes it to BuildKit. */
interface Said {
  readonly fields: Fields;
  /** Undefined if `tags`, `push`, `compression` and `annotations` cannot express it completely. */
  readonly image?: Image;
}

/** An image whose attributes all have a key of their own. */
interface Image {
  readonly push: string;
  readonly names: readonly string[];
  readonly compression?: Readonly<Record<string, Json>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * An image that is pushed, or is the only output, becomes `push` and related keys, so that it can be skipped if nothing
 * changed. These keys apply to all images of a build. If another output would get something from them that bake does not
 * give it, each output specifies its attributes itself.
 */
export function convertOutputs(output: readonly Fields[], around: OutputSurroundings): ConvertedOutputs {
  const said = output.map((fields) => readOutput(fields, around));
  // It has no effect next to other outputs (buildx build/opt.go).
  const real = said.filter(({ fields }) => fields['type'] !== 'cacheonly');
  const loads = output.some(isLoad);
  const nothing = { push: 'false', annotations: {}, loads };
  if (real.length === 0) return { ...nothing, outputs: output };
  const chosen = around.isEachByItself === true ? undefined : chooseImage(real, around);
  if (chosen === undefined) return { ...nothing, outputs: real.map(({ fields }) => fields) };
  const { image, others } = chosen;
  return {
    push: image.push,
    annotations: image.annotations,
    ...(image.names.length === 0 ? {} : { tags: image.names }),
    ...(image.compression === undefined ? {} : { compression: image.compression }),
    outputs: others.map(({ fields }) => fields),
    loads,
  };
}

/** The image that becomes keys of the build, and the remaining outputs. */
function chooseImage(
  real: readonly Said[],
  around: OutputSurroundings,
): { readonly image: Image; readonly others: readonly Said[] } | undefined {
  const images = real.flatMap(({ image }) => image ?? []);
  const first = images.find(({ push }) => push !== 'false') ?? images[0];
  if (first === undefined) return undefined;
  const look = lookOf(first);
  // The same image under several names is one image with several tags.
  const isSame = ({ image }: Said): boolean => image !== undefined && lookOf(image) === look;
  const names = new Set(real.filter(isSame).flatMap(({ image }) => image?.names ?? []));
  const image = { ...first, names: [...names] };
  const others = real.filter((one) => !isSame(one));
  if (others.length === 0 && around.isOneOfMore !== true) return { image, others };
  // An image that is not pushed becomes keys only if there are no other outputs.
  if (image.push === 'false') return undefined;
  const spreads = [
    ...exporterAttributes(image),
    ...(around.hasTags || image.names.length === 0 ? [] : ['name']),
  ];
  const isExact = others.every(
    ({ fields }) => !isImageType(fields['type']) || spreads.every((key) => Object.hasOwn(fields, key)),
  );
  return isExact && (around.isOneOfMore !== true || spreads.length === 0) ? { image, others } : undefined;
}

/** Identifies an image without its names. */
function lookOf({ push, compression, annotations }: Image): string {
  return JSON.stringify([push, compression, Object.entries(annotations).sort()]);
}

/** Attributes through which an image's keys affect other exporters. */
function exporterAttributes({ compression = {}, annotations }: Image): readonly string[] {
  return [
    ...Object.keys(compression).map(
      (key) => ({ level: 'compression-level', force: 'force-compression' })[key] ?? 'compression',
    ),
    ...Object.keys(annotations).flatMap(annotationAttributes),
  ];
}

/** `type=docker` without a destination. */
function isLoad({ type, dest, tar }: Fields): boolean {
  return type === 'docker' && dest === undefined && !FALSE.has(tar ?? '');
}

function isImageType(type: string | undefined): boolean {
  return type === 'image' || type === 'oci' || type === 'docker';
}

/**
 * As buildx passes it to BuildKit: tags are the names of images, and the target's annotations take precedence over the
 * output's.
 */
function readOutput(written: Fields, around: OutputSurroundings): Said {
  const fields = handedOn(written);
  if (!isImageType(fields['type'])) return { fields };
  const covered = new Set(around.annotations.flatMap(annotationAttributes));
  const kept = Object.entries(fields).filter(
    ([key, value]) =>
      !(key === 'name' && (around.hasTags || value === '')) && !covered.has(sameAnnotation(key)),
  );
  const own = Object.fromEntries(kept);
  const image = fields['type'] === 'image' ? readImage(own, around) : undefined;
  return { fields: own, ...(image === undefined ? {} : { image }) };
}

function handedOn(written: Fields): Fields {
  // Without Docker, the image stays in the engine.
  if (isLoad(written)) {
    const { context: _docker, tar: _tar, push: _push, ...rest } = written;
    return { ...rest, type: 'image' };
  }
  return written['type'] === 'registry' ? { ...written, type: 'image', push: 'true' } : written;
}

const COMPRESSIONS: ReadonlySet<string> = new Set(['uncompressed', 'gzip', 'zstd', 'estargz']);

/** Undefined if an attribute has no key of its own, or has a value that BuildKit rejects. */
function readImage(fields: Fields, { isOpen = () => false }: OutputSurroundings): Image | undefined {
  const { type: _type, name, push = 'false', compression, ...more } = fields;
  const { 'compression-level': level, 'force-compression': force, ...rest } = more;
  const pushes = flagOf(push, isOpen);
  const forces = force === undefined ? 'false' : flagOf(force, isOpen);
  if (pushes === undefined || forces === undefined) return undefined;
  if (compression !== undefined && !COMPRESSIONS.has(compression) && !isOpen(compression)) return undefined;
  if (level !== undefined && !/^[0-9]+$/.test(level) && !isOpen(level)) return undefined;
  const annotations: [string, string][] = [];
  for (const [key, value] of Object.entries(rest)) {
    const annotation = annotationName(key);
    // These concern the engine's own store, where pushed images are not kept.
    const isOfStore = pushes === 'true' && (key === 'unpack' || key === 'store');
    if (annotation === undefined && !isOfStore) return undefined;
    if (annotation !== undefined) annotations.push([annotation, value]);
  }
  const isPlain = compression === undefined && level === undefined && forces === 'false';
  return {
    push: pushes,
    names: name === undefined ? [] : name.split(','),
    annotations: Object.fromEntries(annotations),
    ...(isPlain
      ? {}
      : {
          compression: {
            type: compression ?? 'gzip',
            ...(level === undefined ? {} : { level }),
            ...(forces === 'false' ? {} : { force: forces === 'true' ? true : forces }),
          },
        }),
  };
}

/** The true values of Go's strconv.ParseBool. */
const TRUE: ReadonlySet<string> = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE: ReadonlySet<string> = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** The boolean value of an exporter's attribute; empty means true; undefined: BuildKit rejects it. */
function flagOf(text: string, isOpen: (text: string) => boolean): string | undefined {
  if (text === '' || TRUE.has(text)) return 'true';
  return FALSE.has(text) ? 'false' : isOpen(text) ? text : undefined;
}

const ATTRIBUTE = /^annotation(?:-((?:manifest|index)(?:-descriptor)?)(\[[^\]]*\])?)?\.(.+)$/s;
const LEVEL = /^(?:manifest|index)(?:-descriptor)?(?:\[[^\]]*\])?(?:,[^:]*)?:/;

/** `annotation-index.name` → `index:name`; undefined if it is not an annotation, or if no such name could express it. */
function annotationName(attribute: string): string | undefined {
  const [, level, platform = '', name = ''] = ATTRIBUTE.exec(attribute) ?? [];
  if (name === '' || (level === undefined && LEVEL.test(name))) return undefined;
  return level === undefined ? name : `${level}${platform}:${name}`;
}

/** `index,manifest:name` → the attributes of an exporter that it sets. */
function annotationAttributes(name: string): readonly string[] {
  const colon = LEVEL.test(name) ? name.indexOf(':') : -1;
  if (colon === -1) return [`annotation.${name}`];
  const levels = name.slice(0, colon).split(',');
  return levels.map((level) => sameAnnotation(`annotation-${level}.${name.slice(colon + 1)}`));
}

/** Canonical form of an annotation's attribute: normalised platforms, and none for an index. */
function sameAnnotation(attribute: string): string {
  const [, level, platform, name = ''] = ATTRIBUTE.exec(attribute) ?? [];
  if (level === undefined || platform === undefined) return attribute;
  if (level.startsWith('index')) return `annotation-${level}.${name}`;
  const known = parsePlatform(platform.slice(1, -1));
  return known === undefined ? attribute : `annotation-${level}[${formatPlatform(known)}].${name}`;
}

/** Go's strconv.ParseBool. */
export function isTrue(text: string | undefined): boolean {
  return text !== undefined && TRUE.has(text);
}
