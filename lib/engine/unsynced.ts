/**
 * A containerd database that is not synced to disk. containerd writes its database about two hundred times for each built image
 * and syncs it each time. Turning that off (`no_sync` of its plugin `bolt`) makes builds without cache faster.
 *
 * If the daemon is killed, the kernel still writes its data. After a power failure the database may be partly written and refer
 * to wrong layers. So this is done only in CI, where the state is a cache. A note in the state directory records the boot; after
 * another boot the state is dropped. `down` syncs everything and removes the note.
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

/** The first containerd that was tested with `no_sync`, which may be older. */
const SINCE = '2.4.0';

function noteOf({ stateDir }: EnginePaths): string {
  return path.join(stateDir, 'unsynced.json');
}

function databaseOf({ stateDir }: EnginePaths): string {
  return path.join(stateDir, 'containerd/io.containerd.metadata.v1.bolt/meta.db');
}

/**
 * Prepares the state before containerd starts: drops untrustworthy state and decides whether the database is synced. Call it
 * under the engine's lock while no containerd runs.
 *
 * @returns a warning (`engine/state-dropped`) if the state was dropped; problems: `engine/cannot-write`, `engine/cannot-remove`
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
  // The state was dropped, or is of this boot and can be synced.
  await settleDatabase(paths);
  if (isWanted(options.env, version) && bootId !== undefined) await writeNote(paths, bootId);
  return ok(dropped);
}

/** Whether the starting or running containerd does not sync its database. */
export async function isUnsynced(paths: EnginePaths): Promise<boolean> {
  return (await readNote(paths)) !== undefined;
}

/**
 * Syncs the database, after which the state can be trusted. Call it only while no containerd runs. If the sync fails, the note is
 * kept.
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

/** Syncs the note and its directory entry before anything depends on it. */
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

/** Reads the boot id of the note; an unreadable note is of an unknown boot. */
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
