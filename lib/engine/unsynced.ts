/**
 * A database that does not wait for the disk. containerd writes its own some two hundred times for each image that is built, and waits
 * each time until the disk has it; where that is turned off (`no_sync` of its plugin `bolt`) builds from nothing take less time.
 *
 * What a killed daemon wrote the kernel still writes. What a machine wrote that lost its power may be there in part, and a database of
 * that kind may name wrong layers. So it is done in CI only, where the state is a cache; a note in the state says so, of which boot;
 * after another boot the state is dropped, not trusted; and `down` has everything written and takes the note away.
 */
import { open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { type Environment, ok, type Problem, problem, type Result } from '../model/mod.ts';
import { writeFileWhole } from '../system/mod.ts';
import { isCi } from '../util/is-ci.ts';
import type { EngineOptions } from './notice.ts';
import type { EnginePaths } from './paths.ts';
import { identifyProcess, ownPid } from './process-identity.ts';
import { removeTree } from './remove.ts';
import { isAtLeast } from './versions.ts';

/** The first containerd for which this was tried; `no_sync` may be older. */
const SINCE = '2.4.0';

function noteOf({ stateDir }: EnginePaths): string {
  return path.join(stateDir, 'unsynced.json');
}

function databaseOf({ stateDir }: EnginePaths): string {
  return path.join(stateDir, 'containerd/io.containerd.metadata.v1.bolt/meta.db');
}

/**
 * Makes the state ready for a containerd that is to start: drops what cannot be believed, and decides whether it is to wait for the disk.
 * To be called under the engine's lock, where no containerd runs.
 *
 * @returns a warning (`engine/state-dropped`) where the state was dropped; problems: `engine/cannot-write`, `engine/cannot-remove`
 */
export async function prepareDatabase(
  paths: EnginePaths,
  version: string,
  options: EngineOptions,
): Promise<Result<Problem | undefined, Problem>> {
  const noted = await readNote(paths);
  const bootId = await readBootId();
  let dropped: Problem | undefined;
  if (noted !== undefined && noted !== bootId) {
    for (const name of ['containerd', 'buildkit']) {
      const removed = await removeTree(path.join(paths.stateDir, name), options);
      if (!removed.ok) return removed;
    }
    dropped = {
      ...problem(
        'engine/state-dropped',
        'the machine stopped while the engine ran in CI mode (no fsync): its images and cache were dropped',
        {
          hint: 'stop the engine before you keep its state for another machine: bake-ts engine down',
        },
      ),
      severity: 'warning',
    };
  }
  // Where nothing is left of it, or it is in this machine's memory.
  await settleDatabase(paths);
  if (isWanted(options.env, version) && bootId !== undefined) await writeNote(paths, bootId);
  return ok(dropped);
}

/** Whether the containerd that is to start, or runs, does not wait for the disk. */
export async function isUnsynced(paths: EnginePaths): Promise<boolean> {
  return (await readNote(paths)) !== undefined;
}

/**
 * Has the database written to the disk, after which the state is as good as any. Only where no containerd runs. Where the disk does not
 * take it the note stays.
 */
export async function settleDatabase(paths: EnginePaths): Promise<void> {
  if (!(await isUnsynced(paths))) return;
  try {
    const database = await open(databaseOf(paths), 'r');
    await database.sync().finally(() => database.close());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return;
  }
  await rm(noteOf(paths), { force: true });
}

function isWanted(env: Environment, version: string): boolean {
  return isCi(env) && isAtLeast(version, SINCE);
}

/** On the disk before anything depends on it, its name, too. */
async function writeNote(paths: EnginePaths, bootId: string): Promise<void> {
  await writeFileWhole(noteOf(paths), `${JSON.stringify({ bootId })}\n`, {
    isPrivate: true,
    isDurable: true,
  });
  const directory = await open(paths.stateDir, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The boot that the note is of; one that cannot be read is of none that is known. */
async function readNote(paths: EnginePaths): Promise<string | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(noteOf(paths), 'utf8'));
    const { bootId } = value as { readonly bootId?: unknown };
    return typeof bootId === 'string' ? bootId : '';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : '';
  }
}

async function readBootId(): Promise<string | undefined> {
  return (await identifyProcess(ownPid()))?.bootId;
}
