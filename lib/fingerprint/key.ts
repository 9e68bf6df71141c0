/** The key of a build: a digest of everything that can change the bytes of its result. */
import { createHash, type Hash } from 'node:crypto';
import { type ContextUse, type DockerfileFacts, MAIN_CONTEXT } from '../dockerfile/mod.ts';
import {
  type Build,
  type BuildKey,
  type ContextRef,
  externalFrontend,
  type FilePart,
  isDigest,
  KEY_VERSION,
  type KeyParts,
  parseImageRef,
  sbomGenerators,
  sortUnknowns,
  type TypedAttributes,
  type UnknownInput,
  type UnknownKind,
} from '../model/mod.ts';

/** The parts of a key. */
export interface KeyInput {
  readonly build: Build;
  /** From the Dockerfile, and from the configs of base images that could be read. */
  readonly facts: DockerfileFacts;
  /** Additional build arguments: the proxies for its steps. */
  readonly proxies?: ReadonlyMap<string, string>;
  /** Context name (`context` for the main one) → what is read from it. */
  readonly files: ReadonlyMap<string, readonly FilePart[]>;
  /** External image as written → digest that it is resolved and pinned to. */
  readonly images: ReadonlyMap<string, string>;
  /** Named context → digest of its image in an OCI layout, if the context itself has none. */
  readonly layouts?: ReadonlyMap<string, string>;
  /** Named context → digest of the result of the build that it refers to. */
  readonly parents: ReadonlyMap<string, string>;
  /** The platforms that it is certain to be built for: the requested ones or the engine's; empty if not known. */
  readonly platforms: readonly string[];
  /** `os/arch` of the engine; part of the key if `platforms` is empty or the Dockerfile uses it. */
  readonly enginePlatform?: string;
}

/** The parts of a key, and unknown inputs. */
export interface KeyResult {
  readonly parts: KeyParts;
  /** Unknown inputs. If there are any, the key proves nothing and the build must not be skipped. */
  readonly untracked: readonly UnknownInput[];
}

/** Attributes of an output that affect its destination, not its content. */
const PLACES = new Set([
  'dest',
  'name',
  'push',
  'push-by-digest',
  'name-canonical',
  'store',
  'unpack',
  'tar',
]);

/** Collects the parts of a build's key. */
export function keyParts(input: KeyInput): KeyResult {
  const { build, facts } = input;
  const untracked = [...facts.unknowns];
  const unknown = (kind: UnknownKind, text: string, subject?: string): void => {
    untracked.push({ kind, text, ...(subject === undefined ? {} : { subject }) });
  };
  const options = optionsOf(input);
  const files: Record<string, readonly FilePart[]> = {};
  const images: Record<string, string> = {};
  const parents: Record<string, string> = {};
  const addFiles = (name: string): void => {
    if (!facts.reads.has(name)) return;
    const found = input.files.get(name);
    if (found === undefined) unknown('unread', `the files of the context ${name} were not read`);
    else files[name] = found;
  };
  const addImage = (written: string): void => {
    const digest = parseImageRef(written)?.digest ?? input.images.get(written);
    if (digest === undefined)
      unknown('image', `the image ${written} could not be resolved to a digest`, written);
    else images[written] = digest;
  };
  const addContext = (name: string, ref: ContextRef): void => {
    switch (ref.kind) {
      case 'local':
        addFiles(name);
        return;
      case 'image':
        addImage(ref.ref);
        return;
      case 'build': {
        const digest = input.parents.get(name);
        if (digest === undefined) unknown('parent', `the result of ${ref.build} has no digest`, name);
        else parents[name] = digest;
        return;
      }
      case 'oci-layout': {
        const digest = input.layouts?.get(name) ?? ref.digest;
        if (digest === undefined || !isDigest(digest))
          unknown('unread', `the image of the OCI layout ${name} was not resolved`);
        else options[`context ${name}`] = `@${digest}`;
        return;
      }
      default:
        options[`context ${name}`] = withoutUser(ref.url);
        if (!isCommitUrl(ref))
          unknown('remote-context', `the context ${name} is remote and may have changed`);
    }
  };

  // Another frontend may read any context; otherwise contexts that nothing refers to are not read.
  const isOpaque = facts.stages.length === 0;
  const used = new Set(facts.contexts.map((use: ContextUse) => use.name));
  addContext(MAIN_CONTEXT, build.context.ref);
  for (const [name, source] of build.contexts) {
    if (isOpaque || used.has(name) || facts.reads.has(name)) addContext(name, source.ref);
  }
  // References that the plan resolves to another build have no entry in `contexts`.
  for (const [name, digest] of input.parents) {
    if (!build.contexts.has(name) && (isOpaque || used.has(name))) parents[name] = digest;
  }
  for (const name of used) {
    if (!build.contexts.has(name) && !input.parents.has(name)) {
      unknown('parent', `the result for context ${name} has no digest`, name);
    }
  }
  for (const image of facts.images) addImage(image.written);
  const frontend = externalFrontend(build);
  if (frontend !== undefined) addImage(frontend.image);
  for (const generator of sbomGenerators(build)) addImage(generator);
  for (const remote of facts.remoteSources) {
    if (!remote.pinned) unknown('download', `ADD ${remote.url} may have changed (it has no --checksum)`);
  }
  return {
    parts: {
      version: KEY_VERSION,
      dockerfile: facts.text,
      target: facts.stages[facts.target]?.name ?? build.target ?? '',
      platforms: [...input.platforms],
      args: argsOf(input),
      files: sorted(files),
      images: sorted(images),
      parents: sorted(parents),
      options: sorted(options),
    },
    untracked: sortUnknowns(untracked),
  };
}

/** Arguments that can matter: declared ones, and those that BuildKit itself uses. Proxies only if declared. */
function argsOf({ build, facts, proxies = new Map() }: KeyInput): Readonly<Record<string, string>> {
  const args: Record<string, string> = {};
  const isOpaque = facts.stages.length === 0;
  for (const [name, value] of [...build.args, ...proxies]) {
    const isListenedTo = name.startsWith('BUILDKIT_') || name === 'SOURCE_DATE_EPOCH';
    if (isOpaque || isListenedTo || facts.declaredArgs.has(name)) args[name] = value;
  }
  return sorted(args);
}

function optionsOf({ build, facts, platforms, enginePlatform }: KeyInput): Record<string, string> {
  const options: Record<string, string> = {};
  const add = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) options[name] = String(value);
  };
  if (platforms.length === 0 || facts.usesEnginePlatform) add('engine platform', enginePlatform);
  for (const [name, value] of build.labels) add(`label ${name}`, value);
  for (const [name, value] of build.annotations) add(`annotation ${name}`, value);
  for (const attest of build.attest) add(`attest ${attest.type}`, attributesText(attest));
  const outputs = build.outputs.map((output) => `${output.type} ${attributesText(output, PLACES)}`.trim());
  if (outputs.length > 0) add('outputs', JSON.stringify(outputs));
  if (build.compression !== undefined) {
    const { type, level, force } = build.compression;
    add(
      'compression',
      [type, level, force ? 'force' : undefined].filter((part) => part !== undefined).join(' '),
    );
  }
  // An inline cache is in the image config; all others are stored separately.
  if (build.cacheTo.some(({ type }) => type === 'inline')) add('inline cache', 'true');
  if (build.frontendImage !== undefined) add('frontend', build.frontendImage.image);
  for (const [name, value] of build.opts) add(`opt ${name}`, value);
  // Values of harmless options are mostly paths of this machine.
  const words = build.buildctlOptions.flatMap((one) => (one.isHarmless ? [] : one.words));
  if (words.length > 0) add('buildctl options', JSON.stringify(words));
  if (build.reproducible) add('reproducible', 'true');
  add('source date epoch', build.sourceDateEpoch);
  add('network', build.network === 'default' ? undefined : build.network);
  for (const [host, address] of build.extraHosts) add(`host ${host}`, address);
  for (const { name, soft, hard } of build.ulimits) add(`ulimit ${name}`, `${soft}:${hard}`);
  // Lists in the definition of RUN: another order is another step to the engine, with a new layer (measured).
  if (build.extraHosts.size > 1) add('order of hosts', [...build.extraHosts.keys()].join(' '));
  if (build.ulimits.length > 1) {
    add('order of ulimits', build.ulimits.map(({ name, soft, hard }) => `${name}=${soft}:${hard}`).join(' '));
  }
  add('shm size', build.shmSizeBytes);
  add('cgroup parent', build.cgroupParent);
  if (build.entitlements.length > 0) add('entitlements', [...build.entitlements].sort().join(' '));
  // Never their content: a hash of a secret helps to guess it.
  const ids = (list: readonly { readonly id: string }[]): string =>
    JSON.stringify(list.map(({ id }) => id).sort());
  if (build.secrets.length > 0) add('secrets', ids(build.secrets));
  const unset = build.secrets.filter(({ isUnset }) => isUnset === true);
  if (unset.length > 0) add('secrets without a value', ids(unset));
  if (build.ssh.length > 0) add('ssh', ids(build.ssh));
  return options;
}

function attributesText(typed: TypedAttributes, without: ReadonlySet<string> = new Set()): string {
  const kept = [...typed.attributes].filter(([name]) => !without.has(name)).sort(byName);
  return kept.length === 0 ? '' : JSON.stringify(kept);
}

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function sorted<T>(record: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(record).sort(byName));
}

function withoutUser(url: string): string {
  return url.replace(/^([^/]+\/\/)[^/@]*@/, '$1');
}

/** Only a git URL whose fragment or query is a full commit id always refers to the same files. */
function isCommitUrl(ref: ContextRef): boolean {
  return (
    ref.kind === 'git' &&
    /(?:#|[?&](?:ref|commit|checksum)=)[0-9a-f]{40}(?:[0-9a-f]{24})?(?![0-9a-f])/.test(ref.url)
  );
}

/**
 * The key: sha256 of a form in which every part has its name and length, so that different sets of parts never have the
 * same form. Changes of the form must raise `KEY_VERSION`.
 */
export function computeKey(parts: KeyParts): BuildKey {
  const hash = createHash('sha256');
  put(hash, 'bake-ts key', String(parts.version));
  put(hash, 'dockerfile', parts.dockerfile);
  put(hash, 'target', parts.target);
  putList(hash, 'platforms', parts.platforms);
  for (const name of ['args', 'images', 'parents', 'options'] as const) {
    putList(hash, name, Object.entries(parts[name]).sort(byName).flat());
  }
  const contexts = Object.entries(parts.files).sort(byName);
  put(hash, 'contexts', String(contexts.length));
  for (const [name, files] of contexts) {
    put(hash, 'context', name);
    putFiles(hash, files);
  }
  return hash.digest('hex');
}

function put(hash: Hash, name: string, text: string): void {
  hash.update(`${name} ${text.length}:${text}\n`);
}

function putList(hash: Hash, name: string, texts: readonly string[]): void {
  put(hash, name, String(texts.length));
  for (const text of texts) put(hash, '-', text);
}

const FILES_AT_ONCE = 1000;

/** In chunks: a hundred thousand small updates cost more than the hashing. */
function putFiles(hash: Hash, files: readonly FilePart[]): void {
  put(hash, 'files', String(files.length));
  let portion = '';
  for (const [index, { path, kind, mode, content }] of files.entries()) {
    portion += `${kind} ${mode.toString(8)} ${path.length}:${path} ${content.length}:${content}\n`;
    if (index % FILES_AT_ONCE === FILES_AT_ONCE - 1) {
      hash.update(portion);
      portion = '';
    }
  }
  hash.update(portion);
}
