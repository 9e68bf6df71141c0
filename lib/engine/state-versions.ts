/**
 * The versions that have written the engine's state. An older release may not understand the state of a newer minor release, and
 * neither BuildKit nor containerd documents what happens then. So daemons are not started on such state.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Problem, problem } from '../model/mod.ts';
import { writeFileWhole } from '../system/mod.ts';
import type { DaemonName } from './daemon.ts';
import type { EnginePaths } from './paths.ts';
import { isAtLeast } from './versions.ts';

/** `versions.json` in the state directory: the newest version of each daemon with state that has run. */
interface StateVersions {
  readonly format: 1;
  readonly versions: Readonly<Partial<Record<DaemonName, string>>>;
}

function fileOf({ stateDir }: EnginePaths): string {
  return path.join(stateDir, 'versions.json');
}

/** A daemon and its version. */
export interface DaemonVersion {
  readonly name: DaemonName;
  readonly version: string;
}

/**
 * The problem `engine/state-newer` if daemons must not start on the existing state. Patch releases are ignored.
 */
export async function checkStateVersions(
  paths: EnginePaths,
  daemons: readonly DaemonVersion[],
): Promise<Problem | undefined> {
  const written = await read(paths);
  const newer = daemons.flatMap(({ name, version }) => {
    const by = written[name];
    return by === undefined || isAtLeast(minorOf(version), minorOf(by)) ? [] : { name, version, by };
  });
  const [first] = newer;
  if (first === undefined) return undefined;
  const what = newer.map(({ name, by, version }) => `${name} ${by} (${version} is installed)`).join(' and ');
  return problem(
    'engine/state-newer',
    `the engine's state was written by a newer ${what}; it was not touched`,
    {
      hint:
        `install a version at least as new: run bake-ts engine upgrade of the bake-ts that installed it\n` +
        `or start with an empty state: set BAKE_TS_HOME to another directory, or bake-ts engine rm`,
    },
  );
}

/** Notes the versions that use the state from now on. If that cannot be written, an older version is not detected later. */
export async function noteStateVersions(
  paths: EnginePaths,
  daemons: readonly DaemonVersion[],
): Promise<void> {
  const written = await read(paths);
  const versions = { ...written };
  for (const { name, version } of daemons) {
    const by = versions[name];
    if (by === undefined || isAtLeast(version, by)) versions[name] = version;
  }
  if (JSON.stringify(versions) === JSON.stringify(written)) return;
  const text: StateVersions = { format: 1, versions };
  await writeFileWhole(fileOf(paths), `${JSON.stringify(text)}\n`, { isPrivate: true }).catch(
    () => undefined,
  );
}

/** A damaged file, or one of another format, is ignored. */
async function read(paths: EnginePaths): Promise<StateVersions['versions']> {
  try {
    const value: unknown = JSON.parse(await readFile(fileOf(paths), 'utf8'));
    return isStateVersions(value) ? value.versions : {};
  } catch {
    return {};
  }
}

function isStateVersions(value: unknown): value is StateVersions {
  if (typeof value !== 'object' || value === null) return false;
  const { format, versions } = value as Partial<Record<keyof StateVersions, unknown>>;
  if (format !== 1 || typeof versions !== 'object' || versions === null) return false;
  return Object.values(versions).every((one) => typeof one === 'string');
}

function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}
