/**
 * Registry settings of buildkitd, which reads images itself and does not see `registries:` in builds.yaml. Its configuration is
 * read only at start, and the embedded engine serves all projects of a user. So the settings of a project are kept for the next
 * start, and settings that a running engine lacks are reported.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Problem, problem, type RegistrySettings } from '../model/mod.ts';
import { writeFileWhole } from '../system/mod.ts';
import { isLoopback } from '../util/loopback.ts';
import type { EnginePaths } from './paths.ts';

/** Settings by host[:port]. */
export type Registries = ReadonlyMap<string, RegistrySettings>;

/** The settings that differ from BuildKit's defaults (util/resolver/resolver.go, `NewRegistryConfig`); undefined: none. */
function entryOf(host: string, settings: RegistrySettings): RegistrySettings | undefined {
  const { http, ca, cert, key, insecure, mirrors } = settings;
  const isLocal = isLoopback(host.replace(/:[0-9]+$/, ''));
  // For us certificates imply https, also on loopback, where BuildKit would use plain http.
  const scheme = http ?? (ca !== undefined || cert !== undefined || insecure === true ? false : isLocal);
  const entry: RegistrySettings = {
    ...(scheme === isLocal ? {} : { http: scheme }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...(insecure === true ? { insecure } : {}),
    ...(mirrors === undefined || mirrors.length === 0 ? {} : { mirrors }),
  };
  return Object.keys(entry).length === 0 ? undefined : entry;
}

/** The lines of buildkitd.toml for the settings; empty if none are needed (buildkit docs/buildkitd.toml.md). */
export function formatRegistries(registries: Registries): string {
  const quote = (text: string): string => JSON.stringify(text);
  const tables: string[] = [];
  for (const [host, settings] of registries) {
    const entry = entryOf(host, settings);
    if (entry === undefined) continue;
    const { http, ca, cert, key, insecure, mirrors } = entry;
    tables.push(
      [
        `[registry.${quote(host)}]`,
        ...(http === undefined ? [] : [`  http = ${http}`]),
        ...(insecure === undefined ? [] : [`  insecure = ${insecure}`]),
        ...(ca === undefined ? [] : [`  ca = [${quote(ca)}]`]),
        ...(mirrors === undefined ? [] : [`  mirrors = [${mirrors.map(quote).join(', ')}]`]),
        ...(cert === undefined || key === undefined
          ? []
          : [
              `  [[registry.${quote(host)}.keypair]]`,
              `    cert = ${quote(cert)}`,
              `    key = ${quote(key)}`,
            ]),
      ].join('\n'),
    );
  }
  return tables.join('\n\n');
}

/** What to do if an external engine cannot use a registry; undefined if no settings are needed. */
export function registriesHint(registries: Registries): string | undefined {
  const lines = formatRegistries(registries);
  return lines === '' ? undefined : `Set it for the engine, too, in buildkitd.toml:\n${lines}`;
}

const fileOf = (paths: EnginePaths): string => path.join(paths.stateDir, 'registries.json');

/** The settings with which the embedded engine was started last. */
async function readSettingsAtStart(paths: EnginePaths): Promise<Registries> {
  try {
    const settings: unknown = JSON.parse(await readFile(fileOf(paths), 'utf8'));
    if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) return new Map();
    return new Map(Object.entries(settings).filter(isEntry));
  } catch {
    return new Map();
  }
}

/** Whether a JSON entry is a valid registry setting. */
function isEntry(entry: [string, unknown]): entry is [string, RegistrySettings] {
  const [, value] = entry;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(([key, one]: [string, unknown]) => {
    if (key === 'mirrors') return Array.isArray(one) && one.every((host) => typeof host === 'string');
    if (key === 'http' || key === 'insecure') return typeof one === 'boolean';
    return ['ca', 'cert', 'key'].includes(key) && typeof one === 'string';
  });
}

/**
 * Merges the settings of earlier starts with the wanted ones, which take precedence, and stores them for later starts.
 */
export async function mergeRegistries(paths: EnginePaths, wanted: Registries): Promise<Registries> {
  const merged = new Map(await readSettingsAtStart(paths));
  for (const [host, settings] of wanted) {
    const entry = entryOf(host, settings);
    if (entry === undefined) merged.delete(host);
    else merged.set(host, entry);
  }
  const text = JSON.stringify(Object.fromEntries(merged), undefined, 2);
  await writeFileWhole(fileOf(paths), text, { mode: 0o600, isDurable: true });
  return merged;
}

/** A warning if a running engine was started without the wanted settings. */
export async function checkRegistrySettings(
  paths: EnginePaths,
  wanted: Registries,
): Promise<Problem | undefined> {
  const atStart = await readSettingsAtStart(paths);
  const missing = [...wanted].flatMap(([host, settings]) => {
    const [now, then] = [entryOf(host, settings), atStart.get(host)];
    return JSON.stringify(now) === JSON.stringify(then) ? [] : [host];
  });
  if (missing.length === 0) return undefined;
  return problem(
    'engine/registries-untold',
    `the embedded engine runs without the settings in \`registries\` for ${missing.join(', ')}`,
    {
      severity: 'warning',
      hint: 'Restart it here when no build runs: bake-ts engine down && bake-ts engine up',
    },
  );
}
