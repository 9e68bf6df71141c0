/** Converts evaluated bake targets to builds of bake-ts; each value keeps the attribute that it comes from. */
import { basename, dirname, isAbsolute, join, posix, resolve } from 'node:path';
import type { BakeTarget, Fields, TargetKey, TargetValues } from '../bake/mod.ts';
import { type Json, type Problem, problem } from '../model/mod.ts';
import { option } from '../util/option-words.ts';
import { isRemoteAddress } from '../util/remote-address.ts';
import { convertOutputs, isTrue } from './outputs.ts';
import { RESOURCE_NAMES, resourceOption } from './resources.ts';
import { askedOf, type createEnvironmentCheck } from './surroundings.ts';

/** One value of a build. */
export interface ConvertedValue {
  readonly value: Json;
  /** The attribute that sets it. */
  readonly from: TargetKey;
}

/** A target as a build. */
export interface ConvertedBuild {
  /** Values by key of builds.yaml. Texts are literal and contain no expressions. */
  readonly keys: ReadonlyMap<string, ConvertedValue>;
  /** What bake supports and bake-ts does not; an error if the build would be wrong without it. */
  readonly cautions: readonly Problem[];
}

/** The environment of the conversion. */
export interface ConvertedAt {
  /** Absolute: base of the target's relative paths. */
  readonly dir: string;
  /** Whether a file exists. */
  readonly exists: (file: string) => boolean;
  /** The platform that `local` means among other platforms. */
  readonly localPlatform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Checks a target against the environment; see `createEnvironmentCheck`. */
  readonly checkEnvironment: ReturnType<typeof createEnvironmentCheck>;
}

/** Converts one target. */
export function convertToBuild(
  target: BakeTarget,
  { dir, exists, localPlatform, env, checkEnvironment }: ConvertedAt,
): ConvertedBuild {
  const { values } = target;
  const keys = new Map<string, ConvertedValue>();
  const cautions: Problem[] = [];
  const set: Set = (key, value, from) => {
    if (value !== undefined) keys.set(key, { value, from });
  };
  const caution: Caution = (from, message, hint, severity) => {
    const span = target.places.get(from) ?? target.place;
    cautions.push(
      problem('bake/unsupported', `\`${target.name}\` ${message}`, {
        hint,
        severity,
        build: target.name,
        ...(span === undefined ? {} : { span }),
      }),
    );
  };
  convertSources(values, dir, set, caution);
  for (const key of SAME) set(key, plain(values[key]), key);
  for (const key of ['args', 'labels'] as const) set(key, textsIn(values[key]), key);
  set('platforms', platformsOf(values, localPlatform), 'platforms');
  convertCacheTo(values, set);
  warnOfCredentials(values, env, caution);
  set('extra-hosts', hostsOf(values['extra-hosts'], caution), 'extra-hosts');
  set('network', networkOf(values.network, caution), 'network');
  set('secrets', values.secret?.map(convertSecret), 'secret');
  set('ssh', convertSsh(values), 'ssh');
  convertImage(values, set, caution);
  convertResources(values, set, caution);
  refuseCall(values, caution);
  refusePolicy(values, dir, exists, caution);
  cautions.push(...checkEnvironment(askedOf(keys, isWithoutPolicy(values))));
  return { keys, cautions };
}

type Set = (key: string, value: Json | undefined, from: TargetKey) => void;
type Caution = (from: TargetKey, message: string, hint: string, severity: Problem['severity']) => void;

/** Keys with the same name and form in builds.yaml. */
const SAME = [
  'description',
  'target',
  'attest',
  'cache-from',
  'no-cache',
  'no-cache-filter',
  'pull',
  'shm-size',
  'ulimits',
  'entitlements',
] as const;

function plain(value: TargetValues[(typeof SAME)[number]]): Json | undefined {
  return Array.isArray(value) && value.length === 0 ? undefined : (value as Json | undefined);
}

/** A map of texts; entries without a value are left out (buildx bake/bake.go, `toBuildOpt`). */
function textsIn(map: Readonly<Record<string, string | null>> | undefined): Json | undefined {
  const entries = Object.entries(map ?? {}).filter(([, value]) => value !== null);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Among other platforms, `local` is this machine's platform, as in buildx; alone, it is the engine's own. */
function platformsOf({ platforms = [] }: TargetValues, localPlatform: string): Json | undefined {
  const all = platforms.flatMap((one) => one.split(','));
  const isLocal = (one: string): boolean => one.trim().toLowerCase() === 'local';
  if (all.length === 0) return undefined;
  return all.every(isLocal) ? ['local'] : all.map((one) => (isLocal(one) ? localPlatform : one));
}

/** buildx treats the argument BUILDKIT_INLINE_CACHE as a cache export (build/opt.go, `toSolveOpt`); BuildKit ignores it. */
function convertCacheTo({ args = {}, 'cache-to': caches = [] }: TargetValues, set: Set): void {
  const wanted = Object.hasOwn(args, 'BUILDKIT_INLINE_CACHE') && isTrue(args['BUILDKIT_INLINE_CACHE']);
  const isThere = caches.some(({ type }) => type === 'inline');
  if (wanted && !isThere) set('cache-to', [...caches, { type: 'inline' }], 'args');
  else if (caches.length > 0) set('cache-to', caches, 'cache-to');
}

/** Environment variables in which the AWS SDK finds credentials. */
const AWS = ['AWS_ACCESS_KEY_ID', 'AWS_PROFILE', 'AWS_WEB_IDENTITY_TOKEN_FILE'] as const;

/** buildx adds this machine's credentials to the attributes (build/opt.go, `addAwsCredentials`). */
function warnOfCredentials(values: TargetValues, env: ConvertedAt['env'], caution: Caution): void {
  const variable = AWS.find((one) => (env[one] ?? '') !== '');
  if (variable === undefined) return;
  for (const key of ['cache-from', 'cache-to'] as const) {
    const isOpen = (values[key] ?? []).some(
      ({ type, access_key_id: id, secret_access_key: secret }) =>
        type === 's3' && (id === undefined || secret === undefined),
    );
    if (!isOpen) continue;
    caution(
      key,
      `has a cache in S3, for which bake passes the credentials of this machine (${variable}) to the engine; bake-ts does not`,
      'Give the engine its own credentials, by its environment or its role.',
      'warning',
    );
    return;
  }
}

/** Distinguishes addresses from names and lists. BuildKit checks them in detail. */
const ADDRESS = /^(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-f.]*:[0-9a-f:.]*)$/i;

/** Addresses in BuildKit's form, one for each name, without brackets (buildx build/utils.go, `toBuildkitExtraHosts`). */
function hostsOf(hosts: TargetValues['extra-hosts'], caution: Caution): Json | undefined {
  const entries = Object.entries(hosts ?? {}).flatMap(([name, address]): [string, string][] => {
    const ip = /^\[(.+)\]$/.exec(address)?.[1] ?? address;
    if (ADDRESS.test(ip)) return [[name, ip]];
    caution(
      'extra-hosts',
      `gives the host ${name} the address ${JSON.stringify(address)}, which bake-ts cannot pass on`,
      address === 'host-gateway'
        ? 'Write the IP address: only a Docker daemon knows host-gateway.'
        : 'Write one IP address.',
      'error',
    );
    return [];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Context, named contexts and the Dockerfile. `cwd://` means the same directory, since there are no remote files here. */
function convertSources(values: TargetValues, dir: string, set: Set, caution: Caution): void {
  const { context = '.', contexts, dockerfile, 'dockerfile-inline': inline } = values;
  set('context', localPath(context), 'context');
  const named = Object.entries(contexts ?? {}).map(([name, source]): [string, string] => {
    const link = /^target:(.*)$/s.exec(source)?.[1];
    return [name, link === undefined ? localPath(source) : `build:${link}`];
  });
  if (named.length > 0) set('contexts', Object.fromEntries(named), 'contexts');
  if (inline !== undefined && inline !== '') set('dockerfile-inline', inline, 'dockerfile-inline');
  else if (dockerfile !== undefined) {
    if (/^https?:\/\//.test(dockerfile)) {
      caution(
        'dockerfile',
        'has a Dockerfile at a URL, which bake-ts does not download',
        'Put the file into the repository, or use `dockerfile-inline`.',
        'error',
      );
    }
    const own = /^cwd:\/\/(.*)$/s.exec(dockerfile)?.[1];
    set('dockerfile', own === undefined ? dockerfile : resolve(dir, own), 'dockerfile');
  }
}

/** In bake paths, `~` is an ordinary name. */
function localPath(text: string): string {
  const path = /^cwd:\/\/(.*)$/s.exec(text)?.[1] ?? text;
  if (path === '') return '.';
  return path.startsWith('~') ? `./${path}` : text.startsWith('cwd://') ? posix.normalize(path) : path;
}

function networkOf(network: string | undefined, caution: Caution): string | undefined {
  if (network === undefined || network === '' || ['default', 'none', 'host'].includes(network))
    return network;
  caution(
    'network',
    `has the network "${network}", which BuildKit does not have`,
    'Use default, none or host.',
    'error',
  );
  return undefined;
}

/** A variable takes precedence over a file (buildkit session/secrets/secretsprovider/store.go). */
function convertSecret(fields: Fields): Json {
  const { id = '', env } = fields;
  const file = fields['src'] ?? fields['source'];
  return {
    id,
    ...(env === undefined || env === '' ? {} : { env }),
    ...(file === undefined || file === '' || (env !== undefined && env !== '') ? {} : { file }),
  };
}

/** Git contexts over ssh get the agent by default (buildx bake/bake.go, `toBuildOpt`). */
function convertSsh({ ssh = [], context = '' }: TargetValues): Json | undefined {
  if (ssh.length > 0)
    return ssh.map(({ id = 'default', paths }) => ({ id, ...(paths === undefined ? {} : { paths }) }));
  return /^(?:ssh:\/\/|[\w.-]+@[\w.-]+:)/.test(context) ? [{ id: 'default' }] : undefined;
}

function convertImage(values: TargetValues, set: Set, caution: Caution): void {
  const { output = [], tags = [] } = values;
  const annotations = annotationsOf(values.annotations ?? []);
  const found = convertOutputs(output, {
    hasTags: tags.length > 0,
    annotations: Object.keys(annotations),
  });
  set('tags', tags.length > 0 ? tags : found.tags, tags.length > 0 ? 'tags' : 'output');
  const all = { ...annotations, ...found.annotations };
  if (Object.keys(all).length > 0)
    set('annotations', all, Object.keys(annotations).length > 0 ? 'annotations' : 'output');
  if (found.push === 'true') set('push', true, 'output');
  set('compression', found.compression, 'output');
  if (found.outputs.length > 0) set('outputs', found.outputs, 'output');
  if (found.loads) {
    caution(
      'output',
      "would be loaded into Docker; here its image stays in the engine's store",
      '`bake-ts images` lists it. For Docker, write a file and load it: type=docker,dest=image.tar.',
      'warning',
    );
  }
}

/** `index,manifest:name=value`; the last one takes precedence. */
function annotationsOf(texts: readonly string[]): Readonly<Record<string, string>> {
  const entries = new Map<string, string>();
  for (const text of texts) {
    const at = text.indexOf('=');
    const name = at === -1 ? text : text.slice(0, at);
    entries.delete(name);
    entries.set(name, at === -1 ? '' : text.slice(at + 1));
  }
  return Object.fromEntries(entries);
}

function convertResources({ resources }: TargetValues, set: Set, caution: Caution): void {
  const opts: Record<string, string> = {};
  for (const [name, value] of Object.entries(resources ?? {})) {
    const option = resourceOption(name);
    const text = option === undefined ? undefined : limitOf(name, String(value));
    if (option === undefined || text === undefined) {
      caution(
        'resources',
        `limits \`${name}\` to ${JSON.stringify(value)}, which bake-ts cannot pass on`,
        `Use ${RESOURCE_NAMES.join(', ')}; write memory in bytes, or as 512m or 2g.`,
        'error',
      );
    } else if (text !== '0' && text !== '') opts[option] = text;
  }
  if (Object.keys(opts).length > 0) set('opts', opts, 'resources');
}

const POWERS = 'bkmgtp';

/** Converts memory sizes to bytes, in powers of 1024 as Docker does; other limits are unchanged. */
function limitOf(name: string, text: string): string | undefined {
  if (!name.startsWith('memory')) return text;
  if (/^-?[0-9]+$/.test(text)) return text;
  const found = /^([0-9]+(?:\.[0-9]+)?)\s?([bkmgtp])?(?:i?b)?$/i.exec(text.trim());
  if (found === null) return undefined;
  const power = POWERS.indexOf((found[2] ?? 'b').toLowerCase());
  return String(Math.trunc(Number(found[1]) * 1024 ** power));
}

/** Whether a target queries the frontend about its Dockerfile instead of building it. */
export function asksOnly({ values: { call } }: BakeTarget): boolean {
  return call !== undefined && call !== '' && call !== 'build';
}

function isWithoutPolicy({ policy = [] }: TargetValues): boolean {
  return policy.some((one) => one['Disabled'] === true);
}

/** Rejects a policy that the target names, or that is next to its Dockerfile (buildx build/opt.go). */
function refusePolicy(
  values: TargetValues,
  dir: string,
  exists: (file: string) => boolean,
  caution: Caution,
): void {
  const { policy = [], context = '.', dockerfile = 'Dockerfile', 'dockerfile-inline': inline = '' } = values;
  if (isWithoutPolicy(values)) return;
  const own = /^cwd:\/\/(.*)$/s.exec(dockerfile)?.[1];
  const file = own === undefined ? resolve(dir, localPath(context), dockerfile) : resolve(dir, own);
  const isRemote = isRemoteAddress(localPath(context));
  const isLocal = inline === '' && (!isRemote || own !== undefined || isAbsolute(dockerfile));
  const names = basename(file) === 'Dockerfile' ? [file, join(dirname(file), 'dockerfile')] : [file];
  const found = isLocal ? names.find((name) => exists(`${name}.rego`)) : undefined;
  if (policy.length === 0 && found === undefined) return;
  caution(
    policy.length === 0 ? 'dockerfile' : 'policy',
    policy.length === 0
      ? `has a policy beside its Dockerfile (${basename(found ?? file)}.rego), which bake-ts does not support`
      : 'has a policy, which bake-ts does not support',
    `To build without the check: ${option("--set '*.policy=disabled=true'")}.`,
    'error',
  );
}

function refuseCall({ call = '' }: TargetValues, caution: Caution): void {
  if (call === '' || call === 'build') return;
  const isCheck = /^(?:check|lint)\b/.test(call);
  caution(
    'call',
    isCheck ? 'only checks a Dockerfile (`call`)' : `queries the frontend (\`call = "${call}"\`)`,
    isCheck ? 'Use `bake-ts lint` with its name to check it.' : 'Use bake for it.',
    'error',
  );
}
