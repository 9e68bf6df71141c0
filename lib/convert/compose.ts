/**
 * The `build:` sections of a Compose file as builds.yaml
 * (https://github.com/compose-spec/compose-spec/blob/main/build.md). Everything that only concerns running is left
 * alone without a word; `x-bake` is read as bake reads it (buildx bake/compose.go).
 */
import { LineCounter, parseDocument } from 'yaml';
import { fail, ok, type Problem, problem, type Result, spanOfLine } from '../model/mod.ts';
import type { SourceText } from './bake.ts';
import {
  addNote,
  asList,
  createBuild,
  createDraft,
  type Draft,
  isRecord,
  scalarText,
  textList,
} from './draft.ts';
import { createInterpolator, type Interpolator } from './interpolate.ts';
import { fitNames } from './names.ts';
import { convertTarget } from './target.ts';

type Section = Readonly<Record<string, unknown>>;

/** Longest file that is read, as for builds files. */
const MAX_CHARS = 8 * 1024 * 1024;

/**
 * Turns the services of a Compose file that have a `build:` into builds. Problems: `import/not-yaml`,
 * `import/too-big`, `import/nothing-to-build`.
 */
export function draftCompose({ name: fileName, text }: SourceText): Result<Draft> {
  const parsed = parseYaml(text, fileName);
  if (!parsed.ok) return parsed;
  const file = parsed.value;
  const draft = createDraft();
  const services = isRecord(file['services']) ? file['services'] : {};
  const targets = new Map<string, Section>();
  for (const name of Object.keys(services)) {
    const service = resolveExtends(name, services, draft, []);
    const target = targetOf(name, service, file, draft);
    if (target !== undefined) targets.set(name, target);
  }
  if (targets.size === 0) {
    return fail([
      problem('import/nothing-to-build', `${fileName} has no service with a build section`, {
        hint: 'Services that only have an image are not built.',
      }),
    ]);
  }
  if (file['include'] !== undefined) {
    addNote(
      draft,
      'files named by `include` are not followed; import them one by one, `include` the results',
    );
  }
  const interpolator = createInterpolator();
  for (const target of targets.values()) interpolator.scan(target);
  draft.variables.push(...interpolator.variables());
  if (draft.variables.length > 0) {
    addNote(draft, 'bake-ts does not read .env by itself: pass it with --var-file .env');
  }
  addBuilds(targets, interpolator, draft);
  addProfiles(targets, services, draft);
  return ok({ ...draft, isFlat: true });
}

function addBuilds(targets: ReadonlyMap<string, Section>, interpolator: Interpolator, draft: Draft): void {
  const names = fitNames(targets.keys());
  for (const [name, target] of targets) {
    const build = createBuild(names.get(name) ?? name);
    convertTarget(build, target, {
      ...interpolator,
      mayInherit: false,
      nameOf: (other) => {
        if (!targets.has(other)) {
          addNote(draft, `the service "${other}" that it reads has no build section`, build.name);
        }
        return names.get(other) ?? other;
      },
      note: (sentence) => addNote(draft, sentence, build.name),
    });
    const bare = bareArguments(target['args']);
    if (bare.length > 0) {
      const args = build.keys.get('args');
      build.keys.set('args', {
        ...(isRecord(args) ? (args as Readonly<Record<string, string>>) : {}),
        ...Object.fromEntries(bare.map((arg) => [arg, `\${{ has(env.${arg}) ? env.${arg} : null }}`])),
      });
    }
    draft.builds.push(build);
  }
}

/** Arguments without a value: the environment has it. */
function bareArguments(args: unknown): readonly string[] {
  const names = isRecord(args)
    ? Object.entries(args).flatMap(([name, value]) => (value === null ? [name] : []))
    : asList(args).filter((item): item is string => typeof item === 'string' && !item.includes('='));
  return names.filter((name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
}

/** A group for each profile; what has none is built by default. */
function addProfiles(targets: ReadonlyMap<string, Section>, services: Section, draft: Draft): void {
  const names = fitNames(targets.keys());
  const members = new Map<string, string[]>();
  const always: string[] = [];
  for (const name of targets.keys()) {
    const service = services[name];
    const profiles = isRecord(service) ? textList(service['profiles']) : [];
    if (profiles.length === 0) always.push(names.get(name) ?? name);
    for (const profile of profiles)
      members.set(profile, [...(members.get(profile) ?? []), names.get(name) ?? name]);
  }
  if (members.size === 0) return;
  const taken = new Set(names.values());
  draft.groups.push({ name: 'default', members: always });
  const fitted = fitNames(members.keys());
  for (const [profile, builds] of members) {
    const isClash = taken.has(profile) || profile === 'default';
    const name = isClash ? `profile-${profile}` : (fitted.get(profile) ?? profile);
    draft.groups.push({ name, members: builds });
  }
}

function parseYaml(text: string, fileName: string): Result<Section> {
  if (text.length > MAX_CHARS) {
    return fail([
      problem('import/too-big', `${fileName} has more than 8 MiB`, { hint: 'This is not a Compose file.' }),
    ]);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { merge: true, lineCounter: lines, logLevel: 'silent' });
  const source = { path: fileName, text };
  const problems = document.errors.map(
    (error): Problem =>
      problem('import/not-yaml', `${fileName} is not valid YAML: ${error.message.split('\n')[0] ?? ''}`, {
        span: spanOfLine(source, lines.linePos(error.pos[0]).line),
        hint: 'Mend it first; docker compose config shows whether Compose can read it.',
      }),
  );
  if (problems.length > 0) return fail(problems);
  try {
    const value: unknown = document.toJS({ maxAliasCount: 1000 });
    return ok(isRecord(value) ? value : {});
  } catch (thrown) {
    return fail([
      problem('import/not-yaml', `${fileName} cannot be unfolded`, {
        hint: 'Its aliases multiply without end.',
        detail: thrown instanceof Error ? thrown.message : String(thrown),
      }),
    ]);
  }
}

/** A service with what it takes from others of the same file. */
function resolveExtends(name: string, services: Section, draft: Draft, open: readonly string[]): Section {
  const service = services[name];
  if (!isRecord(service)) return {};
  const parent = service['extends'];
  const other = isRecord(parent) ? scalarText(parent['service']) : scalarText(parent);
  if (other === undefined || open.includes(other)) return service;
  if (isRecord(parent) && parent['file'] !== undefined) {
    addNote(draft, 'it extends a service of another file, which is not read', name);
    return service;
  }
  const base = resolveExtends(other, services, draft, [...open, name]);
  const { profiles: _profiles, ...inherited } = base;
  return mergeDeep(inherited, service);
}

function mergeDeep(base: Section, over: Section): Section {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = base[key];
    if (isRecord(below) && isRecord(value)) merged[key] = mergeDeep(below, value);
    else if (key === 'build' && isRecord(below) && typeof value === 'string')
      merged[key] = { ...below, context: value };
    else merged[key] = value;
  }
  return merged;
}

/** A service as a target of bake; undefined where it is not built. */
function targetOf(name: string, service: Section, file: Section, draft: Draft): Section | undefined {
  const { build } = service;
  const section = typeof build === 'string' ? { context: build } : build;
  if (!isRecord(section)) return undefined;
  const target: Record<string, unknown> = { context: '.' };
  const note = (sentence: string): void => addNote(draft, sentence, name);
  for (const [key, value] of Object.entries(section)) {
    if (value === null) continue;
    const bakeKey = Object.hasOwn(BUILD_KEYS, key) ? BUILD_KEYS[key] : undefined;
    if (bakeKey !== undefined) target[bakeKey] = value;
    else if (!key.startsWith('x-') && !OWN_HANDLING.has(key)) {
      note(`\`build.${key}\` has no counterpart here`);
    }
  }
  target['secret'] = asList(section['secrets']).flatMap((item) => secretOf(item, file, note));
  target['ssh'] = sshOf(section['ssh']);
  target['ulimits'] = ulimitsOf(section['ulimits']);
  target['extra-hosts'] = hostsOf(section['extra_hosts'], note);
  target['attest'] = [...attestOf('sbom', section['sbom']), ...attestOf('provenance', section['provenance'])];
  if (section['privileged'] === true) {
    target['entitlements'] = [...asList(section['entitlements']), 'security.insecure'];
    note(
      '`privileged` becomes the entitlement security.insecure, which only RUN --security=insecure makes use of',
    );
  }
  const tags = [...asList(service['image']), ...asList(section['tags'])];
  // Where bake is given tags of its own, the image's name is none of them.
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

/** `./base` as people write it in builds files; Compose itself shortens it so. */
function shortPath(path: unknown): unknown {
  return typeof path === 'string' ? path.replace(/^\.\/(?=.)/, '') : path;
}

/** Named contexts; a service that is not built is read as the image it runs. */
function shortContexts(contexts: unknown, file: Section): unknown {
  if (contexts === undefined) return undefined;
  const services = isRecord(file['services']) ? file['services'] : {};
  const entries = Object.entries(asMap(contexts)).map(([name, path]): [string, unknown] => {
    const service = /^service:(.*)$/.exec(scalarText(path) ?? '')?.[1];
    const other = service === undefined ? undefined : services[service];
    const image = isRecord(other) && other['build'] === undefined ? scalarText(other['image']) : undefined;
    return [name, image === undefined ? shortPath(path) : `docker-image://${image}`];
  });
  return Object.fromEntries(entries);
}

/** Keys of `build:` that bake has under another spelling (or the same). */
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

function secretOf(item: unknown, file: Section, note: (sentence: string) => void): readonly unknown[] {
  const source = isRecord(item) ? scalarText(item['source']) : scalarText(item);
  if (source === undefined) return [];
  const declared = isRecord(file['secrets']) ? file['secrets'][source] : undefined;
  if (!isRecord(declared)) return [{ id: source }];
  if (typeof declared['file'] === 'string') return [{ id: source, src: shortPath(declared['file']) }];
  if (typeof declared['environment'] === 'string') return [{ id: source, env: declared['environment'] }];
  note(
    `the secret "${source}" comes neither from a file nor from the environment; say where it is below secrets`,
  );
  return [{ id: source }];
}

function sshOf(value: unknown): readonly unknown[] {
  if (!isRecord(value)) return asList(value);
  return Object.entries(value).map(([id, path]) => (path === null ? id : { id, paths: textList(path) }));
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
    note('`host-gateway` is an address that only a Docker daemon knows; write the IP address');
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
