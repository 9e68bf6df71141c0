/**
 * The command line of one build: a pure function, so that tests read it letter by letter. Flag grammar: buildkit
 * cmd/buildctl/build.go and its build/ folder; options of the frontend: frontend/dockerfile/builder and
 * frontend/dockerui (config.go, attr.go).
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
      /** What the Dockerfile calls it. */
      readonly contextName: string;
      readonly kind: 'image';
      readonly ref: DigestRef;
      /**
       * The same layers under a config that says nothing (`layersOnly` in the registry package): steps are based on it,
       * while the frontend reads the config of `ref`.
       */
      readonly layersOnly?: DigestRef;
    }
  /** The empty image, for checks that need the result of no build. */
  | { readonly contextName: string; readonly kind: 'scratch' }
  | {
      readonly contextName: string;
      readonly kind: 'layout';
      /** Directory of an OCI image layout on this machine. */
      readonly dir: string;
      readonly digest: string;
    };

/** Where the result goes. */
export type BuildOutput =
  /** Pushed to these repositories (no tags) by digest; tags are put afterwards. Nothing stays in the engine's store. */
  | { readonly kind: 'push-by-digest'; readonly repositories: readonly string[]; readonly insecure: boolean }
  /** Kept in the engine's own image store (containerd worker) under these names. */
  | { readonly kind: 'store'; readonly names: readonly string[] }
  /** Made and compressed as any other image, and kept nowhere but in the engine's cache. */
  | { readonly kind: 'cached' }
  /** Written as an OCI image layout. */
  | { readonly kind: 'layout'; readonly dir: string }
  /** As written in builds.yaml. */
  | { readonly kind: 'written'; readonly output: TypedAttributes };

/** A directory of this machine as it is offered to the engine. */
export interface LocalSource {
  readonly dir: string;
  /**
   * The engine keeps one copy of files for each name (lowercase letters and digits; buildkit source/local/source.go), so
   * what has the same name must be the same; undefined: the one name `context`, which all builds of an engine share.
   */
  readonly name?: string;
}

/** How the local contexts of a build are offered; those that are not in it by the names that all builds share. */
export interface LocalSources {
  readonly main?: LocalSource;
  readonly named: ReadonlyMap<string, LocalSource>;
  /** The file of a foreign frontend, with what may be read beside it; undefined: the directory that it lies in. */
  readonly dockerfile?: FrontendFile;
}

/** The file that the frontend reads, on this machine. */
export interface FrontendFile extends LocalSource {
  readonly filename: string;
}

/** All that one call of `buildctl build` needs. */
export interface BuildRequest extends EngineTarget {
  readonly build: Build;
  /** The Dockerfile on this machine; undefined: it comes with the (git or http) context. */
  readonly dockerfile?: FrontendFile;
  /** The frontend's image as requested; undefined: that of the build. */
  readonly source?: string;
  readonly links: readonly Link[];
  readonly locals: LocalSources;
  /** JSON file of rules that pin external images to digests. */
  readonly policyFile?: string;
  /** In order; the metadata file holds the digest of the last one. */
  readonly outputs: readonly BuildOutput[];
  readonly metadataFile?: string;
  /** Secrets that come from a command: id → where buildctl finds the value. */
  readonly secretPlaces: ReadonlyMap<string, SecretPlace>;
  /** Arguments for the proxies of steps; those with a user stand here by their names, with their values in the environment. */
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

/** Seconds since 1970 that a build's timestamps are set to; a reproducible build without a date of its own gets 0. */
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
    // A git or http context brings its own Dockerfile; this makes the frontend take ours.
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
        break; // comes as a link
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
 * `NAME:` makes the engine ask for `NAME-context` (buildkit source/local/source.go), and once more prefixed where its policy
 * reads the source first. Without a plain `context`, an engine that knows no such thing fails instead of taking the wrong
 * files.
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

/** How BuildKit's sources name an image. */
export function imageIdentifier(ref: ImageRef): string {
  return `docker-image://${formatImageRef(ref)}`;
}

/**
 * Another name of the same image: by its digest, under a tag that is never requested. Rules of a policy tell by it what
 * the frontend looks up from what steps are based on; an engine that goes by no policy reads the image itself.
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
      // bake's and buildx's word for an image that is pushed; buildctl does not know it.
      const isPush = output.output.type === 'registry';
      const type = isPush ? 'image' : output.output.type;
      const own = [...attributes].map(([key, value]) => `${key}=${value}`);
      const given = new Set(attributes.keys());
      const isImage = type === 'image' || type === 'oci' || type === 'docker';
      const ours = isImage
        ? imageAttributes(build).filter((one) => !given.has(one.slice(0, one.indexOf('='))))
        : [];
      const push = isPush && !given.has('push') ? ['push=true'] : [];
      // As in bake, an image goes by the build's tags where the output names nothing else.
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
  // Without a level it is the manifest's, too.
  if (name === key) return `annotation.${key}`;
  return `annotation-${level}${platform === undefined ? '' : `[${platform}]`}.${name}`;
}

function formatTyped(typed: TypedAttributes): string {
  return formatCsv([`type=${typed.type}`, ...[...typed.attributes].map(([key, value]) => `${key}=${value}`)]);
}
