/**
 * Computes the image of a build from its previous image if the config of its base changed but all its steps would come
 * from the cache: replaces the base's part. Pure; works only on documents that were already read.
 *
 * The build's own part of a config is not taken from its Dockerfile but from the image's `history`: the entries after
 * those of the base list what the engine executed (buildkit frontend/dockerfile/dockerfile2llb/convert.go). If that does
 * not determine the result, a reason is returned, and the engine builds.
 */
import type { Digest } from '../model/mod.ts';
import {
  type HistoryEntry,
  type ImageConfig,
  isObject,
  isPlainText,
  isSameJson,
  type JsonObject,
  readImageConfig,
  writeImageConfig,
} from './image-json.ts';

/** The image of a platform: its config as text, and the layers in its manifest. */
export interface ImageOfPlatform {
  readonly config: string;
  readonly layers: readonly { readonly digest: Digest; readonly text: string }[];
}

/** The previous and current `labels:` of a build. */
export interface GivenLabels {
  readonly before: ReadonlyMap<string, string>;
  readonly after: ReadonlyMap<string, string>;
}

/** The previous and current image of the context that a build's target is based on. */
export interface ParentChange {
  readonly before: ImageOfPlatform;
  readonly after: ImageOfPlatform;
}

/** The new config, or why it cannot be computed. */
export type Rebased =
  | { readonly kind: 'config'; readonly text: string }
  | { readonly kind: 'unsure'; readonly why: string };

/** Instructions that the engine executes and records in the history (`commitToHistory`). */
const KNOWN_VERB =
  /^(?:RUN|COPY|ADD|ENV|ARG|LABEL|CMD|ENTRYPOINT|EXPOSE|VOLUME|STOPSIGNAL|HEALTHCHECK|MAINTAINER|USER|WORKDIR|SHELL) /;
const HISTORY_COMMENT = 'buildkit.dockerfile.v0';

/** Config fields that steps can see, or that affect which steps there are. */
const SEEN_FIELDS = ['Env', 'WorkingDir', 'User', 'Shell', 'OnBuild'];
const PLATFORM_FIELDS = ['os', 'architecture', 'variant', 'os.version', 'os.features'];

function unsure(why: string): Rebased {
  return { kind: 'unsure', why };
}

/**
 * Computes the current config of a build's image.
 *
 * @param child the previous image
 * @param parent undefined: its base is unchanged, only its own labels differ
 */
export function rebaseConfig(
  child: ImageOfPlatform,
  parent: ParentChange | undefined,
  labels: GivenLabels,
): Rebased {
  const own = readImageConfig(child.config);
  if (own === undefined) return unsure('its config is not in the form that the engine writes');
  for (const name of labels.before.keys())
    if (!labels.after.has(name))
      return unsure(`the label ${name} was removed, and the value of the base image is unknown`);
  for (const [name, value] of labels.before)
    if (labelsOf(own)[name] !== value) return unsure(`its label ${name} differs from the given value`);
  for (const [name, value] of labels.after)
    if (!isPlainText(name) || !isPlainText(value)) return unsure(`the label ${name} has unusual letters`);
  if (parent === undefined)
    return write(withLabels(own, { ...labelsOf(own), ...Object.fromEntries(labels.after) }));

  const [before, after] = [readImageConfig(parent.before.config), readImageConfig(parent.after.config)];
  if (before === undefined || after === undefined)
    return unsure('the config of its parent is not in the form that the engine writes');
  const differs = findDifference({ ...parent.before, read: before }, { ...parent.after, read: after });
  if (differs !== undefined) return unsure(`${differs} of its parent differ`);
  if (parent.before.layers.length === 0) return unsure('its parent has no layers');
  if (!isBasedOn(child, own, parent.before, before))
    return unsure('it is not based on the recorded result of its parent');
  const steps = own.history.slice(before.history.length);
  const strange = steps.find(
    (entry) => entry.comment !== HISTORY_COMMENT || !KNOWN_VERB.test(entry.created_by ?? ''),
  );
  if (strange !== undefined) return unsure(`its history has an unknown entry: ${strange.created_by ?? ''}`);
  // Without a layer of its own, its times are those of its parent, in a way that only the engine knows.
  if (steps.every((entry) => entry.empty_layer === true)) return unsure('it adds no layer');
  // An epoch also replaces later times of a parent. Which epoch was set is not known here, but all own times are equal to
  // it.
  const made = own.top['created'];
  if (typeof made !== 'string' || !after.history.every(({ created }) => isNotLater(created, made)))
    return unsure('its parent is newer than it');

  const exchange = { child: own, steps, before, labels };
  // The same computation with the previous parent must produce the previous image; otherwise it was made in an unknown
  // way.
  const again = exchangeParent({ ...exchange, after: before, labels: { ...labels, after: labels.before } });
  if (again.kind === 'unsure') return again;
  if (again.text !== child.config) return unsure('its config does not follow from its history');
  return exchangeParent({ ...exchange, after });
}

/**
 * How a parent changed in other ways than as the target's base matters: as the base of a stage from which files are
 * copied, for example. Undefined: no such change.
 */
export function findVisibleChange({ before, after }: ParentChange): string | undefined {
  const [was, is] = [readImageConfig(before.config), readImageConfig(after.config)];
  if (was === undefined || is === undefined) return 'a config that is not in the form that the engine writes';
  return findDifference({ ...before, read: was }, { ...after, read: is });
}

type ReadImage = ImageOfPlatform & { readonly read: ImageConfig };

function findDifference(before: ReadImage, after: ReadImage): string | undefined {
  const textsOf = (image: ReadImage) => image.layers.map(({ text }) => text);
  if (
    !isSameJson(textsOf(before), textsOf(after)) ||
    !isSameJson(before.read.top['rootfs'], after.read.top['rootfs'])
  )
    return 'layers';
  for (const image of [before, after])
    if (!countsAgree(image.layers.length, image.read)) return 'layers and history';
  const fields = SEEN_FIELDS.filter((name) => !isSameJson(before.read.config[name], after.read.config[name]));
  const platform = PLATFORM_FIELDS.filter((name) => !isSameJson(before.read.top[name], after.read.top[name]));
  const all = [...fields, ...platform];
  return all.length === 0 ? undefined : all.join(', ');
}

function countsAgree(layers: number, { diffIds, history }: ImageConfig): boolean {
  return (
    diffIds.length === layers && history.filter(({ empty_layer }) => empty_layer !== true).length === layers
  );
}

/** Layers are compared by digest: rewritten layers have an annotation in the parent's manifest that the child's lacks. */
function isBasedOn(
  child: ImageOfPlatform,
  own: ImageConfig,
  parent: ImageOfPlatform,
  base: ImageConfig,
): boolean {
  const digestsOf = (layers: ImageOfPlatform['layers']) => layers.map(({ digest }) => digest);
  return (
    countsAgree(child.layers.length, own) &&
    isSameJson(digestsOf(child.layers.slice(0, parent.layers.length)), digestsOf(parent.layers)) &&
    isSameJson(own.diffIds.slice(0, base.diffIds.length), base.diffIds) &&
    isSameJson(own.history.slice(0, base.history.length), base.history) &&
    PLATFORM_FIELDS.every((name) => isSameJson(own.top[name], base.top[name]))
  );
}

interface Exchange {
  readonly child: ImageConfig;
  /** The child's own entries. */
  readonly steps: readonly HistoryEntry[];
  readonly before: ImageConfig;
  readonly after: ImageConfig;
  readonly labels: GivenLabels;
}

function exchangeParent({ child, steps, before, after, labels }: Exchange): Rebased {
  const has = (verb: string): boolean =>
    steps.some(({ created_by = '' }) => created_by.startsWith(`${verb} `));
  const config: Record<string, unknown> = { ...child.config };
  const inherit = (name: string): void => {
    if (after.config[name] === undefined) delete config[name];
    else config[name] = after.config[name];
  };
  // ENTRYPOINT resets an inherited command.
  if (!has('CMD') && !has('ENTRYPOINT')) inherit('Cmd');
  if (!has('CMD')) inherit('ArgsEscaped');
  if (!has('ENTRYPOINT')) inherit('Entrypoint');
  if (!has('STOPSIGNAL')) inherit('StopSignal');
  if (!has('HEALTHCHECK')) inherit('Healthcheck');
  for (const [name, verb] of [
    ['ExposedPorts', 'EXPOSE'],
    ['Volumes', 'VOLUME'],
  ] as const) {
    const [was, is] = [objectIn(before.config, name), objectIn(after.config, name)];
    const gone = Object.keys(was).filter((key) => !Object.hasOwn(is, key));
    if (gone.length > 0 && has(verb))
      return unsure(`its parent no longer has ${verb} ${gone.join(' ')}, which it may set itself`);
    const kept = Object.entries({ ...objectIn(child.config, name), ...is }).filter(
      ([key]) => !gone.includes(key),
    );
    if (kept.length === 0) delete config[name];
    else config[name] = Object.fromEntries(kept);
  }
  const merged = mergeLabels({ child, steps, before, after, labels });
  if (typeof merged === 'string') return unsure(merged);
  const { author: _, ...top } = child.top;
  const author = has('MAINTAINER') ? child.top['author'] : after.top['author'];
  const based: ImageConfig = {
    ...child,
    top: author === undefined ? top : { ...top, author },
    config,
    history: [...after.history, ...steps],
  };
  return write(withLabels(based, merged));
}

/** The current labels of the child, or why they are not known. */
function mergeLabels({ child, steps, before, after, labels }: Exchange): JsonObject | string {
  const [was, is, own] = [labelsOf(before), labelsOf(after), labelsOf(child)];
  const merged = new Map(Object.entries(own));
  for (const name of new Set([...Object.keys(was), ...Object.keys(is)])) {
    if (labels.after.has(name) || was[name] === is[name]) continue;
    const mayBeOwn = steps.some(({ created_by = '' }) => mayLabel(created_by, name));
    if (own[name] !== was[name]) {
      if (!mayBeOwn || own[name] === undefined) return `the origin of its label ${name} is unknown`;
      continue;
    }
    if (mayBeOwn) return `its label ${name} may be its own or that of its parent`;
    const value = is[name];
    if (value === undefined) merged.delete(name);
    else merged.set(name, value);
  }
  return Object.fromEntries([...merged, ...labels.after]);
}

/** Whether a history entry may be a LABEL of this name: the engine writes `LABEL NAME=VALUE …`, unquoted. */
function mayLabel(entry: string, name: string): boolean {
  const forms = [` ${name}=`, `"${name}"`, `'${name}'`];
  return entry.startsWith('LABEL ') && forms.some((form) => entry.includes(form));
}

function labelsOf({ config }: ImageConfig): Readonly<Record<string, unknown>> {
  return objectIn(config, 'Labels');
}

/** Without a prototype: a label may have any name. */
function objectIn(config: JsonObject, name: string): JsonObject {
  const value = config[name];
  return Object.assign(Object.create(null), isObject(value) ? value : {});
}

function withLabels(image: ImageConfig, labels: JsonObject): ImageConfig {
  const { Labels: _, ...config } = image.config;
  return { ...image, config: Object.keys(labels).length === 0 ? config : { ...config, Labels: labels } };
}

function write(image: ImageConfig): Rebased {
  const text = writeImageConfig(image);
  return text === undefined ? unsure('it has unknown fields') : { kind: 'config', text };
}

/** Whether a time (RFC 3339 with nanoseconds) is equal to or before another; false if not known. */
function isNotLater(one: string, other: string): boolean {
  const [a, b] = [readTime(one), readTime(other)];
  return a.seconds === b.seconds ? a.fraction <= b.fraction : a.seconds < b.seconds;
}

/** `seconds` is NaN for an invalid time. */
function readTime(text: string): { readonly seconds: number; readonly fraction: string } {
  const [, time = '', fraction = '', zone = ''] =
    /^(.+T\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  return { seconds: Date.parse(`${time}${zone}`), fraction: fraction.padEnd(9, '0') };
}
