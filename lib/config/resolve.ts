/** Resolves one concrete build: evaluates its layers; all values become final and all paths absolute. */
import { isAbsolute, resolve } from 'node:path';
import {
  type Build,
  type ContextSource,
  type DockerfileSource,
  type Json,
  type PushMode,
  parseTag,
  problem,
  type Span,
  type Tag,
} from '../model/mod.ts';
import { parseDuration } from '../util/duration.ts';
import { parseSize } from '../util/size.ts';
import { suggest } from '../util/suggest.ts';
import { absolutePath, type PathOptions } from './absolute-path.ts';
import { readCache, readSecrets, readSsh, readTyped, readUlimits } from './attributes.ts';
import { readBuildctlOptions } from './buildctl-options.ts';
import { readContext } from './contexts.ts';
import { readEngineLabels } from './engine.ts';
import { readFrontend, readOpts } from './frontend.ts';
import type { Row } from './matrix.ts';
import { readPlatforms } from './platforms.ts';
import type { Problems } from './problems.ts';
import { at, isOfBake, jsonText, type Origin } from './tree.ts';
import { asBoolean, plainText, type Value, type Values } from './values.ts';

/** A build before its values are read. */
export interface BuildHead {
  readonly name: string;
  readonly span?: Span;
  readonly description?: string;
  readonly matrix?: { readonly name: string; readonly row: Row };
  /** The file that declares it; its directory is the default context. */
  readonly origin: Origin;
}

/** Names to which edges may refer. */
export interface KnownNames {
  readonly builds: ReadonlySet<string>;
  readonly matrices: ReadonlyMap<string, readonly string[]>;
  /** See `Instances`. */
  readonly isComplete: boolean;
}

/** Reads all values of one build. For undefined values a problem was reported. */
export function resolveBuild(
  head: BuildHead,
  values: Values,
  known: KnownNames,
  paths: PathOptions,
  problems: Problems,
): Build {
  const { name, span, description, matrix } = head;
  const context = mainContext(head.origin, values, paths);
  const platforms = readPlatforms(values);
  const tags = readTags(values, problems);
  const push = readPush(values);
  const cacheFrom = readTyped('cache-from', values.appended('cache-from'), values, paths);
  const cacheTo = readTyped('cache-to', values.replaced('cache-to'), values, paths);
  const cache = readCache(values.whole('cache'), tags, platforms.normal, values);
  const argSpans = new Map<string, Span>();
  // Filled key by key: ten thousand literals with a dozen conditional spreads each took a third of the whole time.
  const build: Draft<Build> = {
    name,
    context,
    dockerfile: readDockerfile(context, values),
    opts: readOpts(values),
    buildctlOptions: readBuildctlOptions(values, paths),
    args: readTexts('args', values, argSpans),
    contexts: readContexts(values, known, paths),
    needs: readNeeds(values, known),
    platforms: platforms.normal,
    tags,
    push: push.mode,
    labels: readTexts('labels', values),
    annotations: splitLevels(readTexts('annotations', values)),
    outputs: readTyped('outputs', values.replaced('outputs'), values, paths),
    attest: readTyped('attest', values.appended('attest'), values, paths),
    reproducible: values.boolean('reproducible') ?? false,
    cacheFrom: cache === undefined ? cacheFrom : [cache.from, ...cacheFrom],
    cacheTo: cache?.to === undefined ? cacheTo : [cache.to, ...cacheTo],
    noCache: values.boolean('no-cache') ?? false,
    noCacheFilter: readWords('no-cache-filter', values.appended('no-cache-filter'), values),
    pull: values.boolean('pull') ?? false,
    secrets: readSecrets(values.appended('secrets'), values, paths),
    ssh: readSsh(values.appended('ssh'), values, paths),
    extraHosts: readTexts('extra-hosts', values),
    ulimits: readUlimits(values.map('ulimits'), values),
    entitlements: readWords('entitlements', values.appended('entitlements'), values),
  };
  if (span !== undefined) build.span = span;
  if (argSpans.size > 0) build.argSpans = argSpans;
  if (description !== undefined) build.description = description;
  if (matrix !== undefined) build.matrix = matrix;
  const frontendImage = readFrontend(values);
  if (frontendImage !== undefined) build.frontendImage = frontendImage;
  if (tags.length === 0 && values.has('tags')) build.hasNoTags = true;
  if (push.span !== undefined) build.pushSpan = push.span;
  const target = values.text('target')?.text;
  if (target !== undefined && target !== '') build.target = target;
  if (platforms.written !== undefined) build.platformsWritten = platforms.written;
  const compression = readCompression(values);
  if (compression !== undefined) build.compression = compression;
  const sourceDateEpoch = readEpoch(values);
  if (sourceDateEpoch !== undefined) build.sourceDateEpoch = sourceDateEpoch;
  const network = readWord(values, 'network', NETWORKS);
  if (network !== undefined) build.network = network;
  const shmSizeBytes = readShmSize(values);
  if (shmSizeBytes !== undefined) build.shmSizeBytes = shmSizeBytes;
  const cgroupParent = values.text('cgroup-parent')?.text;
  if (cgroupParent !== undefined && cgroupParent !== '') build.cgroupParent = cgroupParent;
  const timeoutMs = readTimeout(values);
  if (timeoutMs !== undefined) build.timeoutMs = timeoutMs;
  const engineLabels = readEngineLabels(values);
  if (engineLabels.length > 0) build.engineLabels = engineLabels;
  return build;
}

type Draft<T> = { -readonly [K in keyof T]: T[K] };

const NETWORKS = ['default', 'none', 'host'] as const;

function mainContext(origin: Origin, values: Values, paths: PathOptions): ContextSource {
  const written = values.text('context');
  const fallback = {
    kind: 'scalar',
    value: '.',
    text: '.',
    plain: true,
    origin,
    start: -1,
    end: -1,
  } as const;
  const found = written === undefined || written.text === '' ? { text: '.', node: fallback } : written;
  const context = readContext(found, 'main', values, paths);
  return context ?? { ref: { kind: 'local', path: origin.dir }, written: '.' };
}

function readDockerfile(context: ContextSource, values: Values): DockerfileSource {
  const inline = values.text('dockerfile-inline');
  if (inline !== undefined && inline.text !== '')
    return { kind: 'inline', text: inline.text, ...at(inline.node) };
  const found = values.text('dockerfile');
  const written = found === undefined || found.text === '' ? 'Dockerfile' : found.text;
  const path =
    context.ref.kind === 'local' && !isAbsolute(written) ? resolve(context.ref.path, written) : written;
  return { kind: 'file', path, written, ...(found === undefined ? {} : at(found.node)) };
}

/** @param spans receives the places of the values */
function readTexts(key: string, values: Values, spans?: Map<string, Span>): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const [name, value] of values.map(key)) {
    const text = plainText(value) ?? values.textOf(value, `${key}.${name}`);
    if (text === undefined) continue;
    texts.set(name, text);
    const { span } = at(value.node);
    if (span !== undefined) spans?.set(name, span);
  }
  return texts;
}

const LEVEL = String.raw`(?:manifest|index)(?:-descriptor)?(?:\[[^\]]*\])?`;
const LEVELS = new RegExp(`^(${LEVEL}(?:,${LEVEL})+):(.*)$`, 's');

/** `index,manifest:name` sets both levels, as in bake: an entry for each; the last one takes precedence. */
function splitLevels(written: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const found = [...written].map(([name, text]) => ({ name, text, levels: LEVELS.exec(name) }));
  if (found.every(({ levels }) => levels === null)) return written;
  return new Map(
    found.flatMap(({ name, text, levels }): (readonly [string, string])[] =>
      levels === null
        ? [[name, text]]
        : (levels[1] ?? '').split(',').map((level) => [`${level}:${levels[2] ?? ''}`, text]),
    ),
  );
}

function readContexts(
  values: Values,
  known: KnownNames,
  paths: PathOptions,
): ReadonlyMap<string, ContextSource> {
  const contexts = new Map<string, ContextSource>();
  for (const [name, value] of values.map('contexts')) {
    const text = values.textOf(value, `contexts.${name}`);
    if (text === undefined || text === '') continue;
    const source = readContext({ text, node: value.node }, 'named', values, paths);
    if (source === undefined) continue;
    if (source.ref.kind === 'build' && !known.builds.has(source.ref.build)) {
      unknownBuild(source.ref.build, value, values, known, 'build:');
      continue;
    }
    contexts.set(name, source);
  }
  return contexts;
}

function unknownBuild(name: string, value: Value, values: Values, known: KnownNames, prefix: string): void {
  const rows = known.matrices.get(name);
  if (rows !== undefined) {
    values.fail(
      'config/unknown-build',
      `"${name}" is a matrix of ${rows.length} builds, but one build is expected here`,
      value.node,
      {
        hint:
          rows.length === 0
            ? 'Add rows to the matrix, or remove the reference.'
            : `Choose a row: ${prefix}${rows.slice(0, 4).join(`, ${prefix}`)}${rows.length > 4 ? ' …' : ''}.`,
      },
    );
    return;
  }
  if (!known.isComplete || values.isFull()) return;
  const near = suggest(name, [...known.builds, ...known.matrices.keys()]);
  values.fail('config/unknown-build', `There is no build "${name}"`, value.node, {
    hint: near === undefined ? `Run bake-ts list to see all names.` : `Did you mean "${prefix}${near}"?`,
  });
}

function readNeeds(values: Values, known: KnownNames): Build['needs'] {
  const items = values.appended('needs');
  if (items.length === 0) return [];
  const needs = new Map<string, { readonly build: string; readonly span?: Span }>();
  for (const item of items) {
    const name = values.textOf(item, 'an item of needs');
    if (name === undefined || name === '') continue;
    const rows = known.builds.has(name) ? [name] : known.matrices.get(name);
    if (rows === undefined) unknownBuild(name, item, values, known, '');
    else for (const build of rows) if (build !== values.build) needs.set(build, { build, ...at(item.node) });
    if (name === values.build) {
      values.fail('config/unknown-build', `"${name}" depends on itself`, item.node, {
        hint: 'Remove it from needs.',
      });
    }
  }
  return [...needs.values()];
}

function readTags(values: Values, problems: Problems): Build['tags'] {
  const items = values.replaced('tags');
  if (items.length === 0) return [];
  const tags = new Map<string, Tag>();
  for (const item of items) {
    const text = values.textOf(item, 'an item of tags')?.trim();
    if (text === undefined || text === '' || tags.has(text)) continue;
    const place = at(item.node);
    const ref = parseTag(text);
    if (ref === undefined) {
      problems.add({
        ...problem('config/bad-tag', `"${text}" is not a valid tag for a push`, {
          hint:
            parseTag(text.toLowerCase()) !== undefined
              ? `Write the repository in lowercase: ${text.toLowerCase()}.`
              : text.includes('${') && !isOfBake(item.node)
                ? 'Write ${{ vars.NAME }} for the value of a variable; ${NAME} is literal text.'
                : `Write [registry/]repository[:tag]${isOfBake(item.node) ? '' : '; slug(…) makes a valid tag of any text'}.`,
          ...place,
          build: values.build,
        }),
        severity: 'warning',
      });
    }
    tags.set(text, { text, ...(ref === undefined ? {} : { ref }), ...place });
  }
  return [...tags.values()];
}

const PUSH_MODES: Readonly<Record<string, PushMode>> = { false: 'never', true: 'selected', always: 'always' };

function readPush(values: Values): { readonly mode: PushMode; readonly span?: Span } {
  const found = values.text('push');
  if (found === undefined) return { mode: 'never' };
  const mode = Object.hasOwn(PUSH_MODES, found.text) ? PUSH_MODES[found.text] : undefined;
  if (mode !== undefined) return mode === 'never' ? { mode } : { mode, ...at(found.node) };
  values.fail('config/wrong-type', `"push" must be true, false or always, not "${found.text}"`, found.node);
  return { mode: 'never' };
}

function readWords(key: string, items: readonly Value[], values: Values): readonly string[] {
  if (items.length === 0) return [];
  const words = new Set<string>();
  for (const item of items) {
    const text = values.textOf(item, `an item of ${key}`);
    if (text !== undefined && text !== '') words.add(text);
  }
  return [...words];
}

function readWord<W extends string>(values: Values, key: string, words: readonly W[]): W | undefined {
  const found = values.text(key);
  if (found === undefined || found.text === '') return undefined;
  const word = words.find((one) => one === found.text);
  if (word === undefined) {
    const near = suggest(found.text, words);
    values.fail(
      'config/wrong-type',
      `"${key}" must be ${words.join(', ')}, not "${found.text}"`,
      found.node,
      {
        ...(near === undefined ? {} : { hint: `Did you mean "${near}"?` }),
      },
    );
  }
  return word;
}

const COMPRESSIONS = ['uncompressed', 'gzip', 'zstd', 'estargz'] as const;

function readCompression(values: Values): Build['compression'] {
  const found = values.whole('compression');
  if (found === undefined) return undefined;
  const { value, node } = found;
  const map = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : { type: value };
  const fields = map as { readonly [key: string]: Json };
  const type = COMPRESSIONS.find((one) => one === fields['type']);
  const level = fields['level'] ?? undefined;
  const isLevel = level === undefined || /^[0-9]+$/.test(jsonText(level));
  if (type === undefined || !isLevel) {
    const what =
      type === undefined ? `one of ${COMPRESSIONS.join(', ')}` : 'given with a whole number as its level';
    values.fail('config/wrong-type', `"compression" must be ${what}`, node);
    return undefined;
  }
  const force = asBoolean(fields['force'] ?? false) ?? false;
  return { type, ...(level === undefined ? {} : { level: Number(level) }), force };
}

function readEpoch(values: Values): number | undefined {
  const found = values.text('source-date-epoch');
  if (found === undefined || found.text === '') return undefined;
  if (/^[0-9]+$/.test(found.text)) return Number(found.text);
  values.fail(
    'config/wrong-type',
    `"source-date-epoch" must be seconds since 1970, not "${found.text}"`,
    found.node,
    {
      hint: 'For example ${{ git.timestamp }}.',
    },
  );
  return undefined;
}

function readShmSize(values: Values): number | undefined {
  const found = values.text('shm-size');
  if (found === undefined || found.text === '') return undefined;
  const size = parseSize(found.text.trim());
  if (size === undefined || size < 0) {
    values.fail('config/size', `"${found.text}" is not a size`, found.node, {
      hint: 'Write bytes, or 64m, 1g.',
    });
    return undefined;
  }
  return size;
}

function readTimeout(values: Values): number | undefined {
  const found = values.text('timeout');
  if (found === undefined || found.text === '') return undefined;
  const ms = parseDuration(found.text);
  if (ms === undefined) {
    values.fail('config/duration', `"${found.text}" is not a duration`, found.node, {
      hint: 'Write seconds, or 90s, 20m, 1h30m; 0 is no limit.',
    });
  }
  return ms === 0 ? undefined : ms;
}

/** Paths of registries are relative to the file, like all others. */
export function registryPath(value: Value, paths: PathOptions): string | undefined {
  const text = plainText(value);
  return text === undefined || text === '' ? undefined : absolutePath(text, value.node.origin.dir, paths);
}
