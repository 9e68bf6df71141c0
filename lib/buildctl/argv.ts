/**
 * The command line of one build: a pure function, so that tests can compare it exactly. Flag grammar: buildkit
 * cmd/buildctl/build.go and its build/ folder; options of the frontend: frontend/dockerfile/builder and frontend/dockerui
 * (config.go, attr.go).
 */
import {
  type Build,
  contextKey,
  type DigestRef,
  type EngineTarget,
  engineArgv,
  formatImageRef,
  type ImageRef,
  namesUser,
  parseAnnotationKey,
  type TypedAttributes,
} from '../model/mod.ts';
import { formatCsv } from '../util/csv.ts';
import type { SecretPlace } from './command-secrets.ts';

/** How a build sees the result of another one, always by digest. */
export type Link =
  | {
      /** The context's name in the Dockerfile. */
      readonly contextName: string;
      readonly kind: 'image';
      readonly ref: DigestRef;
      /**
       * The same layers with an almost empty config (`layersOnly` in the registry package): steps are based on it, while the
       * frontend reads the config of `ref`.
       */
      readonly layersOnly?: DigestRef;
    }
  /** The empty image, for checks that need no build results. */
  | { readonly contextName: string; readonly kind: 'scratch' }
  | {
      readonly contextName: string;
      readonly kind: 'layout';
      /** Directory of an OCI image layout on this machine. */
      readonly dir: string;
      readonly digest: string;
    };

/** An output of the build. */
export type BuildOutput =
  /** Pushed by digest to these repositories (without tags); tags are pushed afterwards. Nothing is kept in the engine's store. */
  | { readonly kind: 'push-by-digest'; readonly repositories: readonly string[]; readonly insecure: boolean }
  /** Kept in the engine's own image store (containerd worker) under these names. */
  | { readonly kind: 'store'; readonly names: readonly string[] }
  /** Exported and compressed like any image, but kept only in the engine's cache. */
  | { readonly kind: 'cached' }
  /** Written as an OCI image layout. */
  | { readonly kind: 'layout'; readonly dir: string }
  /** As written in builds.yaml. */
  | { readonly kind: 'written'; readonly output: TypedAttributes };

/** A local directory that the engine may read. */
export interface LocalSource {
  readonly dir: string;
  /**
   * The local source cache key. The engine keeps one copy of the files for each name (lowercase letters and digits; buildkit
   * source/local/source.go), so sources with the same name must have the same files. Undefined: `context`, which all builds of an
   * engine share.
   */
  readonly name?: string;
}

/** The local sources of a build. Contexts that are not listed use the names that all builds share. */
export interface LocalSources {
  readonly main?: LocalSource;
  readonly named: ReadonlyMap<string, LocalSource>;
  /** The file for a foreign frontend, in a directory that the frontend may read; undefined: its own directory. */
  readonly dockerfile?: FrontendFile;
}

/** The local file that the frontend reads. */
export interface FrontendFile extends LocalSource {
  readonly filename: string;
}

/** The input of one `buildctl build` call. */
export interface BuildRequest extends EngineTarget {
  readonly build: Build;
  /** The local Dockerfile; undefined: it is part of the (git or http) context. */
  readonly dockerfile?: FrontendFile;
  /** The frontend's image as requested; undefined: that of the build. */
  readonly source?: string;
  readonly links: readonly Link[];
  readonly locals: LocalSources;
  /** JSON file of rules that pin external images to digests. */
  readonly policyFile?: string;
  /** In order; the metadata file has the digest of the last one. */
  readonly outputs: readonly BuildOutput[];
  readonly metadataFile?: string;
  /** Secrets that come from a command: id → where buildctl finds the value. */
  readonly secretPlaces: ReadonlyMap<string, SecretPlace>;
  /** Proxy build arguments for the steps. If the proxy URL has a user, only the name is passed here and the value is in the environment. */
  readonly proxies?: ReadonlyMap<string, string>;
}

/** The arguments of `buildctl`, without the program itself. Holds no secret. */
export function buildArgv(request: BuildRequest): readonly string[] {
  const { build } = request;
  const argv = [...engineArgv(request), 'build', '--progress=rawjson'];
  const opt = (key: string, value: string) => argv.push('--opt', `${key}=${value}`);
  pushFrontend(request, argv, opt);

  pushContexts(request, argv, opt);
  if (build.target !== undefined) opt('target', build.target);
  if (build.platforms.length > 0) opt('platform', build.platforms.join(','));
  for (const [name, value] of build.args) opt(`build-arg:${name}`, value);
  for (const [name, value] of request.proxies ?? []) {
    if (namesUser(value)) argv.push('--opt', `build-arg:${name}`);
    else opt(`build-arg:${name}`, value);
  }
  const epoch = effectiveEpoch(build);
  if (epoch !== undefined && !build.args.has('SOURCE_DATE_EPOCH'))
    opt('build-arg:SOURCE_DATE_EPOCH', String(epoch));
  for (const [name, value] of build.labels) opt(`label:${name}`, value);
  if (build.noCache) argv.push('--no-cache');
  else if (build.noCacheFilter.length > 0) opt('no-cache', build.noCacheFilter.join(','));
  if (build.pull) opt('image-resolve-mode', 'pull');
  pushRunOptions(build, argv, opt);
  for (const attest of build.attest) {
    if (attest.attributes.get('disabled') === 'true') continue;
    opt(`attest:${attest.type}`, formatCsv([...attest.attributes].map(([key, value]) => `${key}=${value}`)));
  }
  for (const [name, value] of build.opts) opt(name, value);
  for (const cache of build.cacheFrom) argv.push('--import-cache', formatTyped(cache));
  for (const cache of build.cacheTo) argv.push('--export-cache', formatTyped(cache));
  for (const secret of build.secrets) argv.push('--secret', formatSecret(secret, request.secretPlaces));
  for (const ssh of build.ssh) {
    argv.push(
      '--ssh',
      ssh.paths.length === 0 ? ssh.id : formatCsv([`${ssh.id}=${ssh.paths[0]}`, ...ssh.paths.slice(1)]),
    );
  }
  if (request.policyFile !== undefined) argv.push('--source-policy-file', request.policyFile);
  for (const output of request.outputs) argv.push('--output', formatOutput(output, build));
  if (request.metadataFile !== undefined) argv.push('--metadata-file', request.metadataFile);
  for (const option of build.buildctlOptions) argv.push(...option.words);
  return argv;
}

function pushFrontend(
  { build, source }: BuildRequest,
  argv: string[],
  opt: (key: string, value: string) => void,
): void {
  const image = source ?? build.frontendImage?.image;
  argv.push('--frontend', image === undefined ? 'dockerfile.v0' : 'gateway.v0');
  if (image !== undefined) opt('source', image);
}

/** Unix time that a build's timestamps are set to; 0 for a reproducible build without its own. */
function effectiveEpoch(build: Build): number | undefined {
  return build.sourceDateEpoch ?? (build.reproducible ? 0 : undefined);
}

function pushContexts(
  request: BuildRequest,
  argv: string[],
  opt: (key: string, value: string) => void,
): void {
  const { build, dockerfile } = request;
  const main = build.context.ref;
  if (main.kind === 'local') pushLocal('context', request.locals.main ?? { dir: main.path }, argv, opt);
  if (main.kind === 'git' || main.kind === 'http') opt('context', main.url);
  if (dockerfile !== undefined) {
    pushLocal('dockerfile', dockerfile, argv, opt);
    opt('filename', dockerfile.filename);
    // A git or http context has its own Dockerfile; this makes the frontend read ours.
    if (main.kind !== 'local') opt('dockerfilekey', 'dockerfile');
  } else if (build.dockerfile.kind === 'file') opt('filename', build.dockerfile.path);
  let locals = 0;
  for (const [contextName, source] of build.contexts) {
    const key = `context:${contextKey(contextName)}`;
    switch (source.ref.kind) {
      case 'local': {
        const { dir, name } = request.locals.named.get(contextName) ?? { dir: source.ref.path };
        const local = name ?? `named${locals++}`;
        argv.push('--local', `${local}=${dir}`);
        opt(key, `local:${local}`);
        break;
      }
      case 'image':
        opt(key, `docker-image://${source.ref.ref}`);
        break;
      case 'git':
      case 'http':
        opt(key, source.ref.url);
        break;
      case 'oci-layout': {
        const id = `layout${locals++}`;
        argv.push('--oci-layout', `${id}=${source.ref.path}`);
        const { tag, digest } = source.ref;
        const marks = `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
        opt(key, `oci-layout://${id}${marks}`);
        break;
      }
      case 'build':
        break; // passed as a link
    }
  }
  for (const link of request.links) {
    const key = `context:${contextKey(link.contextName)}`;
    if (link.kind === 'image')
      opt(key, imageIdentifier(link.layersOnly === undefined ? link.ref : aliasOf(link.ref)));
    else if (link.kind === 'scratch') opt(key, 'docker-image://scratch');
    else {
      const id = `parent${locals++}`;
      argv.push('--oci-layout', `${id}=${link.dir}`);
      opt(key, `oci-layout://${id}@${link.digest}`);
    }
  }
}

/**
 * `NAME:` makes the engine request `NAME-context` (buildkit source/local/source.go), with one more prefix if its policy reads the
 * source first. Since no plain `context` is passed, an engine that does not support this fails instead of using the wrong files.
 */
function pushLocal(
  key: 'context' | 'dockerfile',
  { dir, name }: LocalSource,
  argv: string[],
  opt: (key: string, value: string) => void,
): void {
  if (name === undefined) argv.push('--local', `${key}=${dir}`);
  else {
    opt(`local-sessionid:${key}`, `${name}:`);
    argv.push('--local', `${name}-${key}=${dir}`, '--local', `${name}-${name}-${key}=${dir}`);
  }
}

/** The BuildKit source identifier of an image. */
export function imageIdentifier(ref: ImageRef): string {
  return `docker-image://${formatImageRef(ref)}`;
}

/**
 * Another name of the same image, with its digest and a tag that is never requested. By this name, policy rules distinguish the
 * frontend's look-ups from the images that steps are based on. An engine that ignores policies reads the image itself.
 */
export function aliasOf(ref: DigestRef): DigestRef {
  return { ...ref, tag: 'bake-ts' };
}

function pushRunOptions(build: Build, argv: string[], opt: (key: string, value: string) => void): void {
  const allowed = new Set(build.entitlements);
  if (build.network !== undefined && build.network !== 'default') opt('force-network-mode', build.network);
  if (build.network === 'host') allowed.add('network.host');
  if (build.extraHosts.size > 0)
    opt('add-hosts', formatCsv([...build.extraHosts].map(([host, ip]) => `${host}=${ip}`)));
  if (build.ulimits.length > 0) {
    opt('ulimit', build.ulimits.map((limit) => `${limit.name}=${limit.soft}:${limit.hard}`).join(','));
  }
  if (build.shmSizeBytes !== undefined) opt('shm-size', String(build.shmSizeBytes));
  if (build.cgroupParent !== undefined) opt('cgroup-parent', build.cgroupParent);
  for (const entitlement of allowed) argv.push('--allow', entitlement);
}

function formatSecret(secret: Build['secrets'][number], places: ReadonlyMap<string, SecretPlace>): string {
  switch (secret.from.kind) {
    case 'file':
      return formatCsv([`id=${secret.id}`, `src=${secret.from.path}`]);
    case 'env':
      return formatCsv([`id=${secret.id}`, `env=${secret.from.variable}`]);
    case 'command': {
      const place = places.get(secret.id) ?? { variable: '' };
      return formatCsv([`id=${secret.id}`, 'file' in place ? `src=${place.file}` : `env=${place.variable}`]);
    }
  }
}

function formatOutput(output: BuildOutput, build: Build): string {
  switch (output.kind) {
    case 'push-by-digest':
      return formatCsv([
        'type=image',
        `name=${output.repositories.join(',')}`,
        'push=true',
        'push-by-digest=true',
        'store=false',
        ...(output.insecure ? ['registry.insecure=true'] : []),
        ...imageAttributes(build),
      ]);
    case 'store':
      return formatCsv(['type=image', `name=${output.names.join(',')}`, ...imageAttributes(build)]);
    case 'cached':
      return formatCsv(['type=image', 'store=false', ...imageAttributes(build)]);
    case 'layout':
      return formatCsv(['type=oci', 'tar=false', `dest=${output.dir}`, ...imageAttributes(build)]);
    case 'written': {
      const { attributes } = output.output;
      // bake's and buildx's type for a pushed image; buildctl does not know it.
      const isPush = output.output.type === 'registry';
      const type = isPush ? 'image' : output.output.type;
      const own = [...attributes].map(([key, value]) => `${key}=${value}`);
      const given = new Set(attributes.keys());
      const isImage = type === 'image' || type === 'oci' || type === 'docker';
      const ours = isImage
        ? imageAttributes(build).filter((one) => !given.has(one.slice(0, one.indexOf('='))))
        : [];
      const push = isPush && !given.has('push') ? ['push=true'] : [];
      // As in bake, an image gets the build's tags unless the output has a name.
      const named = isImage && !given.has('name') && build.tags.length > 0;
      const name = named ? [`name=${build.tags.map((tag) => tag.text).join(',')}`] : [];
      return formatCsv([`type=${type}`, ...own, ...name, ...push, ...ours]);
    }
  }
}

/** Attributes of every image exporter that come from the build itself. */
function imageAttributes(build: Build): readonly string[] {
  const attributes: string[] = [];
  if (build.compression !== undefined) {
    attributes.push(`compression=${build.compression.type}`);
    if (build.compression.level !== undefined)
      attributes.push(`compression-level=${build.compression.level}`);
    if (build.compression.force) attributes.push('force-compression=true');
  }
  if (build.reproducible) attributes.push('rewrite-timestamp=true');
  for (const [key, value] of build.annotations) attributes.push(`${annotationKey(key)}=${value}`);
  return attributes;
}

/** `index:k` → `annotation-index.k`; `manifest[linux/arm64]:k` → `annotation-manifest[linux/arm64].k`. */
function annotationKey(key: string): string {
  const { level, platform, name } = parseAnnotationKey(key);
  // Without a level it also belongs to the manifest.
  if (name === key) return `annotation.${key}`;
  return `annotation-${level}${platform === undefined ? '' : `[${platform}]`}.${name}`;
}

function formatTyped(typed: TypedAttributes): string {
  return formatCsv([`type=${typed.type}`, ...[...typed.attributes].map(([key, value]) => `${key}=${value}`)]);
}
