/**
 * Whether a bake file means the same after its import: names, contexts, Dockerfiles, targets, arguments, labels,
 * annotations, platforms, tags in order, named contexts, edges, caches, outputs, secrets, attestations, and groups as
 * sets. Takes what `docker buildx bake --print` writes. Also a script:
 *
 *     node test/convert/compare.ts bake.json [bake.json:builds.yaml …]
 *
 * With `:builds.yaml` behind it, a file is compared with that one instead of with its own import.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { type PrintedSet, printBuilds, readBuilds } from '../../lib/config/mod.ts';
import { importBuilds } from '../../lib/convert/mod.ts';
import { formatPlace, type Problem } from '../../lib/model/mod.ts';
import { preparePlan } from '../../lib/prepare/mod.ts';

/** What came of one comparison. */
export interface Comparison {
  /** Targets and groups that were compared. */
  readonly targets: number;
  readonly groups: number;
  readonly edges: number;
  /** One line each; empty: equal. */
  readonly differences: readonly string[];
  readonly notes: readonly string[];
}

/** What is compared. */
export interface CompareRequest {
  /** JSON of `bake --print`. */
  readonly bake: string;
  readonly fileName: string;
  /** A builds file to compare with; absent: the import of `bake`. */
  readonly builds?: {
    /** `-`: what `text` holds. */
    readonly path: string;
    readonly text?: string;
    readonly vars?: ReadonlyMap<string, string>;
    readonly env?: Readonly<Record<string, string>>;
  };
  /** Directory that paths are read against; need not hold any of them. */
  readonly cwd: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** Imports (unless `builds` is given), reads, plans, and compares. */
export async function compareWithBake(request: CompareRequest): Promise<Comparison> {
  const { bake, fileName, builds, cwd } = request;
  const original = JSON.parse(bake) as {
    target: Record<string, Fields>;
    readonly group?: Record<string, Fields>;
  };
  for (const [name, target] of Object.entries(original.target)) original.target[name] = unescaped(target);
  const none = { targets: 0, groups: 0, edges: 0, notes: [] };
  const imported = builds === undefined ? await importBuilds(bake, { fileName }) : undefined;
  if (imported?.ok === false) return { ...none, differences: imported.error.map(line) };
  const read = await readBuilds({
    cwd,
    env: builds?.env ?? {},
    ...(builds?.vars === undefined ? {} : { vars: builds.vars }),
    ...(builds === undefined ? { files: ['-'] } : { files: [builds.path] }),
    stdin: imported?.value.yaml ?? builds?.text ?? '',
  });
  if (!read.ok) return { ...none, differences: read.error.map(line) };
  const { set } = read.value;
  const printed = printBuilds(set);
  const differences: string[] = [];
  differences.push(...compareNames('targets', Object.keys(original.target), Object.keys(printed.builds)));
  for (const [name, target] of Object.entries(original.target)) {
    const build = printed.builds[name];
    if (build !== undefined) differences.push(...compareTarget(name, target, build));
  }
  // bake makes a group of every matrix; here the matrix build's own name means its rows.
  const groups = { ...Object.fromEntries(set.matrices), ...printed.groups };
  differences.push(...compareGroups(original, groups));

  let edges = 0;
  const plan = preparePlan(set, { patterns: [...set.builds.keys()] }, cwd);
  if (!plan.ok) differences.push(...plan.error.map(line));
  else {
    for (const [name, target] of Object.entries(original.target)) {
      const wanted = Object.entries((target['contexts'] ?? {}) as Record<string, string>)
        .filter(([, source]) => source.startsWith('target:'))
        .map(([context, source]) => `${context} from ${source.slice('target:'.length)}`);
      const node = plan.value.plan.nodes.get(name);
      const found = (node?.edges ?? [])
        .filter((edge) => edge.reason === 'context')
        .map((edge) => `${edge.contextName ?? ''} from ${edge.to}`);
      edges += wanted.length;
      differences.push(...compareNames(`${name}: edges`, wanted, found));
    }
  }
  return {
    targets: Object.keys(original.target).length,
    groups: Object.keys(original.group ?? {}).length,
    edges,
    differences,
    notes: imported?.value.notes ?? [],
  };
}

/** `--print` escapes `${` and `%{` in these, so that its output can be read by bake again. */
function unescaped(target: Fields): Fields {
  const keys = ['annotations', 'dockerfile-inline', 'labels', 'args', 'extra-hosts'];
  const chosen = Object.fromEntries(Object.entries(target).filter(([key]) => keys.includes(key)));
  const plain = JSON.parse(
    JSON.stringify(chosen, (_key, value: unknown) =>
      typeof value === 'string' ? value.replaceAll('$${', () => '${').replaceAll('%%{', '%{') : value,
    ),
  ) as Fields;
  return { ...target, ...plain };
}

function compareTarget(name: string, target: Fields, build: Fields): readonly string[] {
  const differences: string[] = [];
  const check = (what: string, wanted: unknown, found: unknown): void => {
    const [a, b] = [canonical(wanted), canonical(found)];
    if (a !== b) differences.push(`${name}: ${what}: wanted ${a}, found ${b}`);
  };
  const isInline = target['dockerfile-inline'] !== undefined;
  for (const key of ['description', 'context', 'target', 'dockerfile-inline', 'network']) {
    check(key, target[key] === '' ? undefined : target[key], build[key]);
  }
  check('dockerfile', isInline ? undefined : target['dockerfile'], build['dockerfile']);
  for (const key of ['args', 'labels', 'extra-hosts']) check(key, withoutNulls(target[key]), build[key]);
  for (const key of ['platforms', 'tags', 'no-cache-filter', 'entitlements']) {
    const written = ((target[key] ?? []) as readonly string[]).filter((word) => word !== '');
    // bake splits these as late as in the build request.
    const words = key === 'platforms' ? written.flatMap((word) => word.split(',')) : written;
    check(key, nonEmpty([...new Set(words)]), build[key]);
  }
  for (const key of ['no-cache', 'pull']) check(key, target[key] === true || undefined, build[key]);
  check('contexts', contextsOf(target['contexts']), build['contexts']);
  const outputs = fieldsOf(target['output'], (word) => ({ type: 'local', dest: word }));
  const images = outputs.filter(isImage);
  check('outputs', nonEmpty(outputs.filter((output) => !isImage(output))), build['outputs']);
  check('push', images.some(isPush) ? true : undefined, build['push']);
  const compression = images.map((image) => image['compression']).find((type) => type !== undefined);
  check('compression', compression === undefined ? undefined : { type: compression }, build['compression']);
  check(
    'annotations',
    withMore(annotationsOf(target['annotations']), images.flatMap(annotationsOfImage)),
    build['annotations'],
  );
  for (const key of ['cache-from', 'cache-to']) {
    check(key, nonEmpty(fieldsOf(target[key], (word) => ({ type: 'registry', ref: word }))), build[key]);
  }
  check('attest', nonEmpty(fieldsOf(target['attest'], (word) => ({ type: word }))), build['attest']);
  check('secrets', nonEmpty(secretsOf(target['secret'])), build['secrets']);
  check('ssh', nonEmpty(sshOf(target['ssh'])), build['ssh']);
  check('ulimits', ulimitsOf(target['ulimits']), build['ulimits']);
  check('shm-size', bytesOf(target['shm-size']), build['shm-size']);
  return differences;
}

/** An image all of whose attributes are keys of a build here, too. */
function isImage(output: Fields): boolean {
  const { type, push: _push, compression: _compression, ...more } = output;
  // Without Docker, what would be loaded into it is kept like an image.
  if (type === 'docker') return Object.keys(more).length === 0;
  return (
    (type === 'registry' || type === 'image') &&
    Object.keys(more).every((key) => key.startsWith('annotation'))
  );
}

function isPush({ type, push }: Fields): boolean {
  return type === 'registry' ? push !== 'false' : push === 'true';
}

function annotationsOfImage(image: Fields): readonly (readonly [string, unknown])[] {
  return Object.entries(image).flatMap(([key, value]) => {
    const [, level, name = ''] = /^annotation(?:-([a-z-]+))?\.(.*)$/.exec(key) ?? [];
    return name === '' ? [] : [[level === undefined ? name : `${level}:${name}`, value] as const];
  });
}

function withMore(annotations: unknown, more: readonly (readonly [string, unknown])[]): unknown {
  return more.length === 0
    ? annotations
    : { ...(annotations as object | undefined), ...Object.fromEntries(more) };
}

function contextsOf(value: unknown): unknown {
  const contexts = value as Readonly<Record<string, string>> | undefined;
  if (contexts === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(contexts).map(([name, source]) => [name, source.replace(/^target:/, 'build:')]),
  );
}

function annotationsOf(value: unknown): unknown {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  return Object.fromEntries(
    (value as readonly string[]).flatMap((text) => {
      const equals = text.indexOf('=');
      const [levels, key] = splitLevels(text.slice(0, equals));
      return levels.map((level) => [level + key, text.slice(equals + 1)]);
    }),
  );
}

function splitLevels(name: string): readonly [readonly string[], string] {
  const colon = name.indexOf(':');
  if (colon === -1) return [[''], name];
  return [
    name
      .slice(0, colon)
      .split(',')
      .map((level) => `${level}:`),
    name.slice(colon + 1),
  ];
}

/** Items as records of text; duplicates once. */
function fieldsOf(value: unknown, lone: (word: string) => Fields): readonly Fields[] {
  const items = ((value ?? []) as readonly unknown[]).map((item): Fields => {
    if (typeof item !== 'string') {
      return Object.fromEntries(Object.entries(item as Fields).map(([key, inner]) => [key, String(inner)]));
    }
    if (!item.includes('=')) return lone(item);
    return Object.fromEntries(
      item.split(',').map((field) => [field.split('=')[0], field.slice(field.indexOf('=') + 1)]),
    );
  });
  return [...new Map(items.map((item) => [canonical(item), item])).values()];
}

function secretsOf(value: unknown): readonly Fields[] {
  return fieldsOf(value, (word) => ({ id: word })).map(({ id, env, src, type }) => ({
    id,
    env: env ?? (type === 'env' ? (src ?? id) : undefined),
    file: type === 'env' ? undefined : src,
  }));
}

function sshOf(value: unknown): readonly Fields[] {
  return ((value ?? []) as readonly unknown[]).map((item): Fields => {
    if (typeof item !== 'string') return item as Fields;
    const [id, paths] = item.split('=');
    return { id, paths: paths?.split(',') };
  });
}

function ulimitsOf(value: unknown): unknown {
  if (!Array.isArray(value)) return undefined;
  return Object.fromEntries(
    (value as readonly string[]).map((text) => {
      const [name, limits = ''] = text.split('=');
      const [soft, hard = soft] = limits.split(':');
      return [name, soft === hard ? Number(soft) : `${soft}:${hard}`];
    }),
  );
}

function bytesOf(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined;
  const found = /^([0-9.]+)\s*([kmg]?)(?:i?b)?$/i.exec(value);
  const power = ['', 'k', 'm', 'g'].indexOf((found?.[2] ?? '').toLowerCase());
  return Math.round(Number(found?.[1]) * 1024 ** power);
}

function nonEmpty(value: unknown): unknown {
  return Array.isArray(value) && value.length === 0 ? undefined : value;
}

function withoutNulls(value: unknown): unknown {
  const kept = Object.entries((value ?? {}) as Fields).filter(([, inner]) => inner !== null);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** A bake group may have a target's name, and then means the target where it lists itself. */
function compareGroups(
  original: { readonly target: Record<string, Fields>; readonly group?: Record<string, Fields> },
  printed: PrintedSet['groups'],
): readonly string[] {
  const groups = original.group ?? {};
  const membersOf = (name: string, open: readonly string[] = []): readonly string[] =>
    ((groups[name]?.['targets'] ?? []) as readonly string[]).flatMap((member) => {
      if (open.includes(member)) return [];
      return member !== name && groups[member] !== undefined ? membersOf(member, [...open, name]) : [member];
    });
  return Object.keys(groups).flatMap((name) => {
    const wanted = [...new Set(membersOf(name))];
    const isItself = original.target[name] !== undefined;
    if (isItself && wanted.length === 1 && wanted[0] === name) return [];
    const found = printed[isItself ? `${name}-group` : name];
    if (found === undefined) return [`group ${name}: missing`];
    return compareNames(`group ${name}`, wanted, found);
  });
}

function compareNames(what: string, wanted: readonly string[], found: readonly string[]): readonly string[] {
  const missing = wanted.filter((name) => !found.includes(name));
  const extra = found.filter((name) => !wanted.includes(name));
  return [
    ...(missing.length > 0 ? [`${what}: missing ${missing.join(', ')}`] : []),
    ...(extra.length > 0 ? [`${what}: too many ${extra.join(', ')}`] : []),
  ];
}

/** JSON with sorted keys; lists keep their order. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? 'nothing'
  );
}

function line(found: Problem): string {
  return `${found.code}: ${found.message}${found.span === undefined ? '' : ` (${formatPlace(found.span)})`}${found.hint === undefined ? '' : ` | ${found.hint}`}`;
}

async function main(args: readonly string[]): Promise<number> {
  let total = 0;
  for (const arg of args) {
    const [file = '', builds] = arg.split(':');
    const result = await compareWithBake({
      bake: readFileSync(file, 'utf8'),
      fileName: path.basename(file),
      cwd: process.cwd(),
      ...(builds === undefined ? {} : { builds: { path: builds } }),
    });
    const { targets, groups, edges, differences, notes } = result;
    total += differences.length;
    console.log(
      `${file}: ${targets} targets, ${groups} groups, ${edges} edges: ${differences.length} differences`,
    );
    for (const difference of differences) console.log(`  ${difference}`);
    for (const note of notes) console.log(`  note: ${note}`);
  }
  return total === 0 ? 0 : 1;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = await main(process.argv.slice(2));
}
