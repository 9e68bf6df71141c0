/**
 * Converts services of Compose files to targets of bake
 * (https://github.com/compose-spec/compose-spec/blob/main/build.md). Keys that only concern running are silently ignored;
 * `x-bake` is read as in bake (buildx bake/compose.go).
 */
import { asList, isRecord, scalarText, textList } from './draft.ts';

/** A map of a Compose file. */
export type Section = Readonly<Record<string, unknown>>;

/** What services may refer to. */
export interface ComposeFile {
  readonly services: Section;
  readonly secrets: Section;
}

/** A service as a target of bake; undefined if it is not built. */
export function targetOf(
  service: Section,
  file: ComposeFile,
  note: (sentence: string) => void,
): Section | undefined {
  const { build } = service;
  const section = typeof build === 'string' ? { context: build } : build;
  if (!isRecord(section)) return undefined;
  const target: Record<string, unknown> = { context: '.' };
  for (const [key, value] of Object.entries(section)) {
    if (value === null) continue;
    const bakeKey = Object.hasOwn(BUILD_KEYS, key) ? BUILD_KEYS[key] : undefined;
    if (bakeKey !== undefined) target[bakeKey] = value;
    else if (!key.startsWith('x-') && !OWN_HANDLING.has(key)) {
      note(`\`build.${key}\` has no equivalent here`);
    }
  }
  target['secret'] = asList(section['secrets']).flatMap((item) => secretOf(item, file, note));
  target['ssh'] = sshOf(section['ssh']);
  target['ulimits'] = ulimitsOf(section['ulimits']);
  target['extra-hosts'] = hostsOf(section['extra_hosts'], note);
  target['attest'] = [...attestOf('sbom', section['sbom']), ...attestOf('provenance', section['provenance'])];
  if (section['privileged'] === true) {
    target['entitlements'] = [...asList(section['entitlements']), 'security.insecure'];
    note('`privileged` becomes the entitlement security.insecure, which only RUN --security=insecure uses');
  }
  const tags = [...asList(service['image']), ...asList(section['tags'])];
  // If `x-bake` has tags, the image's name is not one of them.
  const isForBake = isRecord(section['x-bake']) && section['x-bake']['tags'] !== undefined;
  target['tags'] = isForBake ? asList(section['tags']) : tags;
  target['context'] = shortPath(target['context']);
  target['contexts'] = shortContexts(target['contexts'], file);
  if (service['platform'] !== undefined && section['platforms'] === undefined) {
    target['platforms'] = [service['platform']];
  }
  if (isRecord(section['x-bake'])) addBakeExtension(target, section['x-bake'], note);
  for (const [key, value] of Object.entries(target)) {
    if (Array.isArray(value) && value.length === 0) delete target[key];
  }
  return target;
}

/** `./base` in the form that people write in builds files, which Compose also uses. */
function shortPath(path: unknown): unknown {
  return typeof path === 'string' ? path.replace(/^\.\/(?=.)/, '') : path;
}

/** Named contexts; a service that is not built is replaced by its image. */
function shortContexts(contexts: unknown, { services }: ComposeFile): unknown {
  if (contexts === undefined) return undefined;
  const entries = Object.entries(asMap(contexts)).map(([name, path]): [string, unknown] => {
    const service = /^service:(.*)$/.exec(scalarText(path) ?? '')?.[1];
    const other = service === undefined ? undefined : services[service];
    const image = isRecord(other) && other['build'] === undefined ? scalarText(other['image']) : undefined;
    return [name, image === undefined ? shortPath(path) : `docker-image://${image}`];
  });
  return Object.fromEntries(entries);
}

/** Keys of `build:` and bake's names for them. */
const BUILD_KEYS: Readonly<Record<string, string>> = {
  context: 'context',
  dockerfile: 'dockerfile',
  dockerfile_inline: 'dockerfile-inline',
  args: 'args',
  labels: 'labels',
  target: 'target',
  additional_contexts: 'contexts',
  cache_from: 'cache-from',
  cache_to: 'cache-to',
  platforms: 'platforms',
  network: 'network',
  shm_size: 'shm-size',
  no_cache: 'no-cache',
  no_cache_filter: 'no-cache-filter',
  pull: 'pull',
  entitlements: 'entitlements',
};

const OWN_HANDLING: ReadonlySet<string> = new Set([
  'secrets',
  'ssh',
  'ulimits',
  'extra_hosts',
  'sbom',
  'provenance',
  'privileged',
  'tags',
]);

function secretOf(item: unknown, file: ComposeFile, note: (sentence: string) => void): readonly unknown[] {
  const source = isRecord(item) ? scalarText(item['source']) : scalarText(item);
  if (source === undefined) return [];
  const declared = file.secrets[source];
  if (!isRecord(declared)) return [{ id: source }];
  if (typeof declared['file'] === 'string') return [{ id: source, src: shortPath(declared['file']) }];
  if (typeof declared['environment'] === 'string') return [{ id: source, env: declared['environment'] }];
  note(`the secret "${source}" has neither a file nor an environment variable; add one below secrets`);
  return [{ id: source }];
}

function sshOf(value: unknown): readonly unknown[] {
  if (!isRecord(value)) return asList(value);
  // In bake's order.
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([id, path]) => (path === null || path === '' ? id : { id, paths: textList(path) }));
}

function ulimitsOf(value: unknown): readonly string[] {
  if (!isRecord(value)) return [];
  return Object.entries(value).map(([name, limit]) => {
    if (!isRecord(limit)) return `${name}=${scalarText(limit) ?? ''}`;
    const soft = scalarText(limit['soft'] ?? limit['hard']) ?? '';
    return `${name}=${soft}:${scalarText(limit['hard']) ?? soft}`;
  });
}

function hostsOf(value: unknown, note: (sentence: string) => void): Section | undefined {
  const pairs = isRecord(value)
    ? Object.entries(value).map(([host, ip]) => [host, textList(ip).join(',')] as const)
    : asList(value).flatMap((item): (readonly [string, string])[] => {
        const found = /^([^:=]+)[:=](.*)$/.exec(scalarText(item) ?? '');
        return found === null ? [] : [[found[1] ?? '', found[2] ?? '']];
      });
  if (pairs.some(([, ip]) => ip === 'host-gateway')) {
    note('`host-gateway` works only with a Docker daemon; write the IP address');
  }
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
}

/** `true`, `false`, or the parameters of the attestation. */
function attestOf(type: string, value: unknown): readonly unknown[] {
  const text = scalarText(value);
  if (text === undefined || text === '') return [];
  if (text === 'true') return [{ type }];
  if (text === 'false') return [{ type, disabled: 'true' }];
  return [`type=${type},${text}`];
}

function addBakeExtension(
  target: Record<string, unknown>,
  extension: Section,
  note: (sentence: string) => void,
): void {
  const words = (value: unknown): readonly unknown[] =>
    typeof value === 'string' ? value.split(/\s+/).filter((word) => word !== '') : asList(value);
  for (const [key, value] of Object.entries(extension)) {
    switch (key) {
      case 'tags':
      case 'cache-from':
      case 'cache-to':
      case 'secret':
      case 'ssh':
      case 'platforms':
      case 'output':
      case 'no-cache-filter':
        target[key] = [...asList(target[key]), ...words(value)];
        break;
      case 'pull':
      case 'no-cache':
        target[key] = value;
        break;
      case 'contexts':
        target[key] = { ...asMap(target[key]), ...(isRecord(value) ? value : {}) };
        break;
      default:
        note(`\`x-bake.${key}\` is unknown`);
    }
  }
}

function asMap(value: unknown): Section {
  if (isRecord(value)) return value;
  return Object.fromEntries(
    asList(value).flatMap((item) => {
      const text = scalarText(item) ?? '';
      const at = text.indexOf('=');
      return at === -1 ? [] : [[text.slice(0, at), text.slice(at + 1)]];
    }),
  );
}
