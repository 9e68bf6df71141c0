/**
 * The directory for temporary files of a run. A note in it names the owner, so that a later run can remove what a killed one
 * left.
 */
import { lstat, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { livesOwner, type Owner, ownerNow, readOwner } from '../engine/mod.ts';
import { fail, ok, type Problem, problem, type Result } from '../model/mod.ts';
import { describeFileFault, fileFaultCode, findMissing, isPermitted } from '../system/mod.ts';
import { deniedProblem, useOfDirectory } from '../util/permission.ts';

const PREFIX = 'bake-ts-';
const NAME = /^bake-ts-[A-Za-z0-9]{6}$/;
const NOTE = 'owner.json';
const NOTE_VERSION = 1;
/** How long looking for leftovers may take, and how many go in one run: a run must not wait for it. */
const SWEEP_MS = 2_000;
const SWEEP_MOST = 50;

/**
 * Makes a directory, works with it, and removes it whatever happens. What killed runs left beside it goes meanwhile.
 *
 * @param parent where it is made; default: TMPDIR, or what the system has for it
 * @returns what the work gives; problem: `run/no-temp`
 */
export async function withWorkDir<T>(
  work: (dir: string) => Promise<T>,
  parent: string = tmpdir(),
): Promise<Result<T, Problem>> {
  const missing = findMissing(useOfDirectory(parent));
  if (missing !== undefined) return fail(missing);
  let dir: string | undefined;
  let owner: Owner | undefined;
  try {
    dir = await mkdtemp(path.join(parent, PREFIX));
    owner = await ownerNow();
    if (owner !== undefined) {
      const note = JSON.stringify({ version: NOTE_VERSION, ...owner });
      await writeFile(path.join(dir, NOTE), note, { mode: 0o600 });
    }
  } catch (error) {
    if (dir !== undefined) await rm(dir, { recursive: true, force: true });
    const found = await tempProblem(error, parent);
    if (found === undefined) throw error;
    return fail(found);
  }
  const sweeping = owner === undefined ? undefined : sweepWorkDirs(parent, dir, owner);
  try {
    return ok(await work(dir));
  } finally {
    await sweeping;
    // What is still there goes with the next run.
    await rm(dir, { recursive: true, force: true }).catch(() => undefined);
  }
}

/**
 * The same for work that writes there only in passing: where the runtime permits nothing there it gets the name of a directory that
 * is not there.
 */
export async function withSpareWorkDir<T>(work: (dir: string) => Promise<T>): Promise<Result<T, Problem>> {
  const parent = tmpdir();
  if (useOfDirectory(parent).every(isPermitted)) return withWorkDir(work, parent);
  return ok(await work(path.join(parent, `${PREFIX}none`)));
}

/** What an error over a file below the directory for temporary files means to the user; undefined: it is something else. */
export async function tempProblem(error: unknown, where: string = tmpdir()): Promise<Problem | undefined> {
  if (fileFaultCode(error) === undefined) return undefined;
  const denied = deniedProblem(error);
  if (denied !== undefined) return denied;
  // Writing to a file that is open names none.
  const file = error instanceof Error && 'path' in error ? error.path : undefined;
  if (typeof file === 'string' && !file.startsWith(where)) return undefined;
  const why = await describeFileFault(error, where);
  return problem('run/no-temp', `there is no room for temporary files in \`${where}\` (${why})`, {
    hint: 'Free space there, or set TMPDIR to a writable directory.',
    ...(error instanceof Error ? { detail: error.message } : {}),
  });
}

/** Removes directories of this user whose runs are surely gone. Never fails: it is done for the sake of order. */
async function sweepWorkDirs(parent: string, own: string, me: Owner): Promise<void> {
  const until = Date.now() + SWEEP_MS;
  try {
    const { uid } = await lstat(own);
    let left = SWEEP_MOST;
    for (const name of await readdir(parent)) {
      if (left === 0 || Date.now() > until) return;
      const dir = path.join(parent, name);
      if (!NAME.test(name) || dir === own) continue;
      if (!(await isLeftover(dir, uid, me).catch(() => false))) continue;
      left--;
      await rm(dir, { recursive: true, force: true }).catch(() => undefined);
    }
  } catch {
    // Whoever may not look there has left nothing there.
  }
}

async function isLeftover(dir: string, uid: number, me: Owner): Promise<boolean> {
  const note = path.join(dir, NOTE);
  const [ofDir, ofNote] = [await lstat(dir), await lstat(note)];
  if (!ofDir.isDirectory() || !ofNote.isFile() || ofDir.uid !== uid || ofNote.uid !== uid) return false;
  const found = readNote(await readFile(note, 'utf8'));
  const lastSeenMs = Math.max(ofDir.mtimeMs, ofNote.mtimeMs);
  return found !== undefined && (await livesOwner(found, me, lastSeenMs)) === false;
}

function readNote(text: string): Owner | undefined {
  const value = JSON.parse(text) as Partial<Record<'version', unknown>> | null;
  return value?.version === NOTE_VERSION ? readOwner(value) : undefined;
}
