/** The resolved file: an entry for each concrete build, with the keys of builds.yaml and final values. */
import { relative } from 'node:path';
import type { Build, BuildSet, ContextSource, Json, TypedAttributes } from '../model/mod.ts';
import { escapeControlsInYaml } from '../util/control-characters.ts';
import { quotesFor } from '../util/portable-yaml.ts';

/** What `bake-ts print --json` shows. */
export interface PrintedSet {
  /** Name of a build → its keys as in builds.yaml, without those that are not set. */
  readonly builds: { readonly [name: string]: { readonly [key: string]: Json } };
  /** Name of a group → names of its builds. */
  readonly groups: { readonly [name: string]: readonly string[] };
}

/** The set (or only the given builds) as plain data, without keys that are not set; paths are relative to the root. */
export function printBuilds(set: BuildSet, only?: Iterable<string>): PrintedSet {
  const names = only === undefined ? set.builds.keys() : only;
  const builds: Record<string, Readonly<Record<string, Json>>> = {};
  for (const name of names) {
    const build = set.builds.get(name);
    if (build !== undefined) builds[name] = printBuild(build, set.root);
  }
  const groups: Record<string, readonly string[]> = {};
  for (const [name, group] of set.groups) groups[name] = group.builds;
  return { builds, groups };
}

/** The same as YAML that can be read again with the same result. */
export async function formatPrinted(printed: PrintedSet): Promise<string> {
  const { Document, visit } = await import('yaml');
  const escaped = escapeExpressions({ builds: printed.builds, groups: printed.groups });
  const document = new Document(escaped, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_at, scalar) => {
      const quotes = typeof scalar.value === 'string' ? quotesFor(scalar.value) : undefined;
      if (quotes !== undefined) scalar.type = quotes;
    },
  });
  return escapeControlsInYaml(document.toString({ lineWidth: 0 }));
}

/** A final value that contains `${{` must not become an expression when it is read again. */
function escapeExpressions(value: Json): Json {
  if (typeof value === 'string') return escapeText(value);
  if (Array.isArray(value)) return value.map(escapeExpressions);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value as { readonly [key: string]: Json });
  return Object.fromEntries(entries.map(([key, inner]) => [escapeText(key), escapeExpressions(inner)]));
}

function escapeText(text: string): string {
  return text.replaceAll('${{', () => '$${{');
}

function printBuild(build: Build, root: string): { readonly [key: string]: Json } {
  const { dockerfile, compression } = build;
  const all: Record<string, Json | undefined> = {
    description: build.description,
    context: build.context.written,
    dockerfile: dockerfile.kind === 'file' ? dockerfile.written : undefined,
    'dockerfile-inline': dockerfile.kind === 'inline' ? dockerfile.text : undefined,
    frontend: build.frontendImage === undefined ? undefined : 'gateway.v0',
    source: build.frontendImage?.image,
    opts: texts(build.opts),
    'buildctl-options': list(build.buildctlOptions.flatMap(({ written }) => written)),
    target: build.target,
    args: texts(build.args),
    contexts: contexts(build.contexts),
    needs: list(build.needs.map((need) => need.build)),
    platforms: list(build.platformsWritten ?? build.platforms),
    tags: list(build.tags.map((tag) => tag.text)),
    push: build.push === 'never' ? undefined : build.push === 'always' ? 'always' : true,
    labels: texts(build.labels),
    annotations: texts(build.annotations),
    outputs: typedList(build.outputs),
    attest: typedList(build.attest),
    compression:
      compression === undefined
        ? undefined
        : compact({
            type: compression.type,
            level: compression.level,
            force: compression.force || undefined,
          }),
    reproducible: build.reproducible || undefined,
    'source-date-epoch': build.sourceDateEpoch,
    'cache-from': typedList(build.cacheFrom),
    'cache-to': typedList(build.cacheTo),
    'no-cache': build.noCache || undefined,
    'no-cache-filter': list(build.noCacheFilter),
    pull: build.pull || undefined,
    secrets: list(build.secrets.map((secret) => printSecret(secret, root))),
    ssh: list(
      build.ssh.map((one) =>
        compact({
          id: one.id,
          paths: list(one.writtenPaths ?? one.paths.map((path) => fromRoot(path, root))),
        }),
      ),
    ),
    network: build.network,
    'extra-hosts': texts(build.extraHosts),
    ulimits:
      build.ulimits.length === 0
        ? undefined
        : Object.fromEntries(
            build.ulimits.map(({ name, soft, hard }) => [name, soft === hard ? soft : `${soft}:${hard}`]),
          ),
    'shm-size': build.shmSizeBytes,
    'cgroup-parent': build.cgroupParent,
    entitlements: list(build.entitlements),
    timeout: build.timeoutMs === undefined ? undefined : build.timeoutMs / 1_000,
    engine: build.engineLabels === undefined ? undefined : { labels: build.engineLabels },
  };
  return compact(all);
}

function printSecret(secret: Build['secrets'][number], root: string): Json {
  const { id, from, bare, writtenPath } = secret;
  if (bare) return { id };
  switch (from.kind) {
    case 'file':
      return { id, file: writtenPath ?? fromRoot(from.path, root) };
    case 'env':
      return { id, env: from.variable };
    case 'command':
      return { id, command: from.argv };
  }
}

function fromRoot(path: string, root: string): string {
  return relative(root, path) || '.';
}

function typedList(items: readonly TypedAttributes[]): Json | undefined {
  return list(
    items.map(({ type, attributes, writtenPath }) => {
      const printed: Record<string, Json> = { type };
      for (const [name, value] of attributes) {
        const isPath = writtenPath !== undefined && (name === 'dest' || name === 'src');
        printed[name] = isPath ? writtenPath : value;
      }
      return printed;
    }),
  );
}

function contexts(map: ReadonlyMap<string, ContextSource>): Json | undefined {
  if (map.size === 0) return undefined;
  return Object.fromEntries([...map].map(([name, source]) => [name, source.written]));
}

function texts(map: ReadonlyMap<string, string>): Json | undefined {
  return map.size === 0 ? undefined : Object.fromEntries(map);
}

function list(items: readonly Json[]): Json | undefined {
  return items.length === 0 ? undefined : items;
}

function compact(all: Readonly<Record<string, Json | undefined>>): { readonly [key: string]: Json } {
  const kept: Record<string, Json> = {};
  for (const [key, value] of Object.entries(all)) if (value !== undefined) kept[key] = value;
  return kept;
}
