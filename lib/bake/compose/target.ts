/** A service that is built as a target of bake (buildx bake/compose.go). */
import type { Span } from '../../model/mod.ts';
import { parseSize } from '../../util/size.ts';
import { type Draft, type DraftValues, emptyDraft } from '../draft.ts';
import { type CacheEntry, parseAttest, parseCache, type SshEntry } from '../entries.ts';
import { parseBool, sortedNames } from '../go-text.ts';
import { sliceOf } from '../slice.ts';
import type { TargetKey } from '../target.ts';
import { formatBytes } from './bytes.ts';
import { extendTarget } from './extension.ts';
import { readBoolean } from './interpolate.ts';
import { namedContexts, sortSsh, targetNameOf } from './names.ts';
import { goText, isNull, isText, type MapNode, type Node, valueAt } from './node.ts';
import { type Project, readPairs, type Service } from './project.ts';
import type { Report } from './report.ts';
import { EXTENSIONS } from './schema.ts';
import type { Variables } from './scope.ts';

/** What a target is made from. */
interface Context {
  readonly build: MapNode;
  readonly values: DraftValues;
  readonly places: Map<TargetKey, Span>;
  readonly report: Report;
}

/** The target of a service. */
export function toTarget(
  service: Service,
  build: MapNode,
  project: Project,
  environment: Variables,
  report: Report,
): Draft {
  const draft = emptyDraft(targetNameOf(service.name), service.keySpan);
  const context: Context = { build, values: draft.values, places: draft.places, report };
  readTexts(context);
  readArguments(context, service, environment);
  readLists(context);
  readSize(context);
  readLimits(context);
  readHosts(context);
  readSsh(context);
  readSecrets(context, project);
  readAttestations(context);
  readFlags(context);
  const extension = valueAt(valueAt(build, EXTENSIONS), 'x-bake');
  if (extension !== undefined) extendTarget(context, extension);
  if (draft.values.tags === undefined && service.image !== '') {
    draft.values.tags = sliceOf([service.image]);
  }
  return draft;
}

/** Notes where a key was written. */
function place(key: TargetKey, name: string, { build, places }: Context): void {
  const span = build.entries.get(name)?.keySpan;
  if (span !== undefined) places.set(key, span);
}

const TEXTS: Readonly<Record<string, 'context' | 'dockerfile' | 'dockerfile-inline' | 'network' | 'target'>> =
  {
    context: 'context',
    dockerfile: 'dockerfile',
    dockerfile_inline: 'dockerfile-inline',
    network: 'network',
    target: 'target',
  };

function readTexts(context: Context): void {
  for (const [name, key] of Object.entries(TEXTS)) {
    const value = valueAt(context.build, name);
    if (value === undefined || goText(value) === '') continue;
    context.values[key] = goText(value);
    place(key, name, context);
  }
  const contexts = valueAt(context.build, 'additional_contexts');
  if (contexts?.kind === 'map') {
    context.values.contexts = namedContexts(contexts);
    place('contexts', 'additional_contexts', context);
  }
}

/** Arguments without a value have that of the service's environment, or of bake's; without either they fall away. */
function readArguments(context: Context, service: Service, environment: Variables): void {
  const args = new Map<string, string>();
  for (const [name, value] of readPairs(valueAt(context.build, 'args'), context)) {
    const given = value ?? service.environment.get(name) ?? environment.get(name);
    if (given !== undefined) args.set(name, given);
  }
  if (args.size > 0) context.values.args = args;
  place('args', 'args', context);
  const labels = new Map<string, string>();
  const written = valueAt(context.build, 'labels');
  for (const [name, value] of written === undefined ? [] : labelPairs(written)) labels.set(name, value);
  if (labels.size > 0) context.values.labels = labels;
  place('labels', 'labels', context);
}

function labelPairs(node: Node): readonly (readonly [string, string])[] {
  if (node.kind === 'map') {
    return [...node.entries].map(([name, { value }]) => [name, isNull(value) ? '' : goText(value)]);
  }
  if (node.kind !== 'list') return [];
  return node.items.map((item) => {
    const text = goText(item);
    const equals = text.indexOf('=');
    return equals === -1 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
  });
}

function textsOf(node: Node | undefined): readonly string[] {
  if (node?.kind === 'list') return node.items.map(goText);
  return node !== undefined && isText(node) ? [node.text] : [];
}

function readLists(context: Context): void {
  const { build, values } = context;
  for (const key of ['tags', 'platforms'] as const) {
    const texts = textsOf(valueAt(build, key));
    if (texts.length > 0) values[key] = sliceOf(texts);
    place(key, key, context);
  }
  for (const [key, name] of [
    ['cache-from', 'cache_from'],
    ['cache-to', 'cache_to'],
  ] as const) {
    const list = valueAt(build, name);
    const entries: CacheEntry[] = [];
    for (const item of list?.kind === 'list' ? list.items : []) {
      const parsed = parseCache(goText(item));
      if (parsed.ok) entries.push(...parsed.value);
      else context.report.add(item.span, parsed.error);
    }
    if (list?.kind === 'list' && list.items.length > 0)
      values[key] = sliceOf(entries, Math.max(entries.length, list.items.length));
    place(key, name, context);
  }
}

/**
 * What of a build is wrong by itself, whatever is put over it: bake decodes each file before it puts them together.
 * Places and values of a target are made from the whole.
 */
export function checkBuild(service: Service, build: MapNode, report: Report): void {
  const { values, places } = emptyDraft(service.name, service.keySpan);
  const context: Context = { build, values, places, report };
  readSize(context);
  readHosts(context);
  readFlags(context);
  const secrets = valueAt(build, 'secrets');
  for (const item of secrets?.kind === 'list' ? secrets.items : []) checkMode(item, report);
  const limits = valueAt(build, 'ulimits');
  for (const { value } of limits?.kind === 'map' ? limits.entries.values() : []) readLimitPair(value, report);
}

function readSize(context: Context): void {
  const { build, values, report } = context;
  const size = valueAt(build, 'shm_size');
  if (size?.kind === 'scalar' && size.type !== 'float' && size.type !== 'time') {
    const bytes = parseSize(size.text);
    if (bytes === undefined)
      report.add(size.span, `"${size.text}" is not a valid size`, 'Write it as 64m or 2gb.');
    else if (bytes > 0) values['shm-size'] = formatBytes(bytes);
    place('shm-size', 'shm_size', context);
  }
}

function readLimits(context: Context): void {
  const { build, values, report } = context;
  const limits = valueAt(build, 'ulimits');
  if (limits?.kind !== 'map') return;
  const texts: string[] = [];
  for (const name of sortedNames(limits.entries.keys())) {
    const text = readUlimit(name, limits.entries.get(name)?.value as Node, report);
    if (text !== undefined) texts.push(text);
  }
  values.ulimits = texts;
  place('ulimits', 'ulimits', context);
}

const ULIMITS = new Set(
  'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(
    ' ',
  ),
);

/** `name=soft:hard`. One number alone is lost on the way, so that bake prints 0:0. */
function readUlimit(name: string, node: Node, report: Report): string | undefined {
  if (!ULIMITS.has(name)) {
    report.add(node.span, `There is no ulimit "${name}"`, `Valid ulimits: ${[...ULIMITS].join(', ')}.`);
    return undefined;
  }
  const pair = readLimitPair(node, report);
  if (pair === undefined) return undefined;
  const { soft, hard } = pair;
  if (hard !== -1n && (soft === -1n || soft > hard)) {
    report.add(node.span, `The soft limit of ${name} is higher than its hard limit`);
    return undefined;
  }
  return `${name}=${soft}:${hard}`;
}

function readLimitPair(
  node: Node,
  report: Report,
): { readonly soft: bigint; readonly hard: bigint } | undefined {
  const limit = (key: string): bigint | undefined => {
    const value = valueAt(node, key);
    if (value === undefined) return 0n;
    if (value.kind === 'scalar' && value.type === 'int') return BigInt(value.text);
    report.add(value.span, `${key} must be a number without quotes`);
    return undefined;
  };
  const soft = limit('soft');
  const hard = limit('hard');
  return soft === undefined || hard === undefined ? undefined : { soft, hard };
}

function readHosts(context: Context): void {
  const { build, values, report } = context;
  const node = valueAt(build, 'extra_hosts');
  if (node === undefined) return;
  const hosts = new Map<string, string[]>();
  const add = (host: string, addresses: readonly string[], at: Node): void => {
    if (host === '' || /[:=]/.test(host))
      report.add(at.span, `"${host}" is not a valid host name`, 'Write host=address.');
    hosts.set(host, [
      ...(hosts.get(host) ?? []),
      ...addresses.map((address) => address.replace(/^\[(.+)\]$/s, '$1')),
    ]);
  };
  if (node.kind === 'map') {
    for (const [host, { value }] of node.entries) {
      if (host === EXTENSIONS) report.add(value.span, `"${host}" is not a valid host name`);
      else
        add(
          host,
          value.kind === 'list' ? value.items.map(goText) : [isNull(value) ? '' : goText(value)],
          value,
        );
    }
  }
  for (const item of node.kind === 'list' ? node.items : []) {
    const text = goText(item);
    const at = text.includes('=') ? text.indexOf('=') : text.indexOf(':');
    if (at === -1) report.add(item.span, `"${text}" has no address`, 'Write host=address.');
    else add(text.slice(0, at), text.slice(at + 1).split(','), item);
  }
  if (hosts.size > 0) {
    values['extra-hosts'] = new Map([...hosts].map(([host, addresses]) => [host, addresses.join(',')]));
  }
  place('extra-hosts', 'extra_hosts', context);
}

function readSsh(context: Context): void {
  const node = valueAt(context.build, 'ssh');
  if (node?.kind !== 'map') return;
  const entries = [...node.entries].map(([id, { value }]): SshEntry => {
    const path = isNull(value) ? '' : goText(value);
    return { id, paths: path === '' ? [] : [path] };
  });
  if (entries.length > 0) context.values.ssh = sortSsh(entries);
  place('ssh', 'ssh', context);
}

function readSecrets(context: Context, project: Project): void {
  const list = valueAt(context.build, 'secrets');
  if (list?.kind !== 'list') return;
  const secrets = list.items.map((item) => {
    checkMode(item, context.report);
    const source = valueAt(item, 'source');
    const id = source === undefined ? '' : goText(source);
    const found = project.secrets.get(id);
    if (found?.isExternal === true) {
      context.report.add(
        item.span,
        `The secret "${id}" is external, which bake does not support`,
        'Add `file` or `environment`.',
      );
    }
    return { id, source: found?.file ?? '', env: found?.environment ?? '' };
  });
  if (secrets.length > 0) context.values.secret = secrets;
  place('secret', 'secrets', context);
}

/** Bake passes no mode on; one that cannot be read is a failure to it nevertheless. */
function checkMode(item: Node, report: Report): void {
  const mode = valueAt(item, 'mode');
  if (mode?.kind !== 'scalar' || mode.type === 'int') return;
  if (mode.type !== 'string' || !/^[-+]?[0-7]+$/.test(mode.text))
    report.add(mode.span, 'mode must be an octal number such as 0400');
}

function readAttestations(context: Context): void {
  const { build, values, report } = context;
  const attest = [];
  for (const type of ['sbom', 'provenance'] as const) {
    const node = valueAt(build, type);
    if (node === undefined || goText(node) === '') continue;
    const is = parseBool(goText(node));
    const parsed = parseAttest(`type=${type},${is === undefined ? goText(node) : `disabled=${String(!is)}`}`);
    if (parsed.ok) attest.push(parsed.value);
    else report.add(node.span, parsed.error);
    place('attest', type, context);
  }
  if (attest.length > 0) values.attest = attest;
}

function readFlags(context: Context): void {
  const { build, values, report } = context;
  for (const name of ['no_cache', 'pull', 'privileged'] as const) {
    const node = valueAt(build, name);
    if (node === undefined) continue;
    const is = isText(node) ? readBoolean(node.text) : goText(node) === 'true';
    if (is === undefined) report.add(node.span, `${name} must be true or false`);
    else if (is && name !== 'privileged') {
      const key = name === 'pull' ? 'pull' : 'no-cache';
      values[key] = true;
      place(key, name, context);
    }
  }
}
