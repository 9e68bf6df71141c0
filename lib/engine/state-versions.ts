/**
 * Which versions have written the engine's state. What a newer minor release has written, an older one may not understand, and
 * neither BuildKit nor containerd says what it does with it then: such state is left alone.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Problem, problem } from '../model/mod.ts';
import { writeFileWhole } from '../system/mod.ts';
import type { DaemonName } from './daemon.ts';
import type { EnginePaths } from './paths.ts';
import { isAtLeast } from './versions.ts';

/** `versions.json` in the state directory: of each daemon that keeps something there the newest that ran. */
interface StateVersions {
  readonly format: 1;
  readonly versions: Readonly<Partial<Record<DaemonName, string>>>;
}

function fileOf({ stateDir }: EnginePaths): string {
  return path.join(stateDir, 'versions.json');
}

/** A daemon, and the version that it has. */
export interface DaemonVersion {
  readonly name: DaemonName;
  readonly version: string;
}

/**
 * What keeps daemons from starting on the state that is there: `engine/state-newer`. Undefined: nothing that is known. Patch
 * releases count for nothing.
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

/** Notes the versions that run on the state from now on. Where that cannot be written, an older one is not noticed later. */
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

/** What is damaged, or of another format, says nothing. */
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
