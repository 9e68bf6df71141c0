/** What bake's `output` means here: an image that is pushed or kept, with what its exporter is told; or files that are written. */
import type { Fields } from '../bake/mod.ts';
import type { Json } from '../model/mod.ts';

/** The outputs of a target in our keys. */
export interface ConvertedOutputs {
  readonly push: boolean;
  /** The names of `name=`, where the target has no tags. */
  readonly tags?: readonly string[];
  readonly compression?: Readonly<Record<string, Json>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly outputs: readonly Fields[];
  /** `type=docker` without a file, which loads into Docker. */
  readonly loads: boolean;
}

/** Attributes of the image exporter that are keys of a build here. */
const KNOWN = /^(?:push|name|compression|compression-level|force-compression|annotation.*)$/;

/**
 * The first image that has no attributes but those with a key of their own becomes `push` and these keys, so that it is
 * skipped where nothing changed; all else stays an output.
 */
export function convertOutputs(output: readonly Fields[], tags: readonly string[]): ConvertedOutputs {
  const outputs: Fields[] = [];
  let image: Fields | undefined;
  let loads = false;
  for (const fields of output) {
    const { type = '', ...attributes } = fields;
    const isImage = type === 'registry' || type === 'image';
    const pushes = type === 'registry' ? (attributes['push'] ?? 'true') : attributes['push'];
    if (isImage && image === undefined && Object.keys(attributes).every((key) => KNOWN.test(key)))
      image = { ...attributes, push: pushes ?? 'false' };
    else if (isImage) outputs.push(imageOf(attributes, pushes, tags));
    else {
      loads ||= type === 'docker' && attributes['dest'] === undefined;
      outputs.push(fields);
    }
  }
  return {
    push: false,
    annotations: {},
    ...(image === undefined ? {} : keysOf(image, tags)),
    outputs,
    loads,
  };
}

/** As buildx hands an image to BuildKit: the tags are its names, whatever `name` says. */
function imageOf(attributes: Fields, push: string | undefined, tags: readonly string[]): Fields {
  const { name, ...rest } = attributes;
  return {
    type: 'image',
    ...rest,
    ...(push === undefined ? {} : { push }),
    ...(name === undefined || tags.length > 0 ? {} : { name }),
  };
}

function keysOf(image: Fields, tags: readonly string[]): Omit<ConvertedOutputs, 'outputs' | 'loads'> {
  const { compression, 'compression-level': level, 'force-compression': force, name } = image;
  const annotations = Object.entries(image).flatMap(([key, value]): [string, string][] => {
    const found = /^annotation(?:-([a-z-]+(?:\[[^\]]*\])?))?\.(.+)$/s.exec(key);
    if (found === null) return [];
    const [, of, what = ''] = found;
    return [[of === undefined ? what : `${of}:${what}`, value]];
  });
  return {
    push: isTrue(image['push']),
    annotations: Object.fromEntries(annotations),
    ...(name === undefined || name === '' || tags.length > 0 ? {} : { tags: name.split(',') }),
    ...(compression === undefined && level === undefined && force === undefined
      ? {}
      : {
          compression: {
            type: compression ?? 'gzip',
            ...(level === undefined ? {} : { level }),
            ...(isTrue(force) ? { force: true } : {}),
          },
        }),
  };
}

/** Go's strconv.ParseBool. */
export function isTrue(text: string | undefined): boolean {
  return text !== undefined && /^(?:1|t|true)$/i.test(text);
}
