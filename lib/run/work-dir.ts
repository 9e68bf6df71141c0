/**
 * The directory for the temporary files of one run. A note in it says whose it is, so that the next run removes what a
 * killed one left: its own cannot do that any more.
 */
import { lstat, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir, uptime } from 'node:os';
import path from 'node:path';
import { identifyProcess, isAlive, ownPid } from '../engine/mod.ts';
import {
  fail,
  isProcessIdentity,
  ok,
  type Problem,
  type ProcessIdentity,
  problem,
  type Result,
} from '../model/mod.ts';
import { describeFileFault, fileFaultCode } from '../system/mod.ts';

const PREFIX = 'bake-ts-';
const NAME = /^bake-ts-[A-Za-z0-9]{6}$/;
const NOTE = 'owner.json';
const NOTE_VERSION = 1;
/** How long looking for leftovers may take, and how many go in one run: a run must not wait for it. */
const SWEEP_MS = 2_000;
const SWEEP_MOST = 50;

/** Whose a directory is. Numbers of processes count in one namespace of one boot of one machine. */
interface Owner extends ProcessIdentity {
  readonly version: number;
  readonly host: string;
  /** What `/proc/self/ns/pid` leads to. */
  readonly namespace: string;
}

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
  let dir: string | undefined;
  let owner: Owner | undefined;
  try {
    dir = await mkdtemp(path.join(parent, PREFIX));
    owner = await ownerNow();
    if (owner !== undefined) await writeFile(path.join(dir, NOTE), JSON.stringify(owner), { mode: 0o600 });
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

/** What an error over a file below the directory for temporary files means to the user; undefined: it is something else. */
export async function tempProblem(error: unknown, where: string = tmpdir()): Promise<Problem | undefined> {
  if (fileFaultCode(error) === undefined) return undefined;
  // Writing to a file that is open names none.
  const file = error instanceof Error && 'path' in error ? error.path : undefined;
  if (typeof file === 'string' && !file.startsWith(where)) return undefined;
  const why = await describeFileFault(error, where);
  return problem('run/no-temp', `there is no room for temporary files in \`${where}\` (${why})`, {
    hint: 'Free space there, or set TMPDIR to a directory that exists and that you may write to.',
    ...(error instanceof Error ? { detail: error.message } : {}),
  });
}

/** Undefined where processes cannot be told apart for good (no Linux): then nothing is ever swept. */
async function ownerNow(): Promise<Owner | undefined> {
  const me = await identifyProcess(ownPid());
  const namespace = await readlink('/proc/self/ns/pid').catch(() => undefined);
  if (me === undefined || namespace === undefined) return undefined;
  return { version: NOTE_VERSION, ...me, host: hostname(), namespace };
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
  const found = readOwner(await readFile(note, 'utf8'));
  if (found === undefined || found.host !== me.host) return false;
  if (found.bootId === me.bootId) return found.namespace === me.namespace && !(await isAlive(found));
  // Of an earlier boot of this machine; a machine of the same name that shares the directory runs now.
  return Math.max(ofDir.mtimeMs, ofNote.mtimeMs) < Date.now() - uptime() * 1000;
}

function readOwner(text: string): Owner | undefined {
  const value: unknown = JSON.parse(text);
  if (!isProcessIdentity(value)) return undefined;
  const { version, host, namespace } = value as Partial<Record<keyof Owner, unknown>>;
  if (version !== NOTE_VERSION || typeof host !== 'string' || typeof namespace !== 'string') return undefined;
  return { ...value, version, host, namespace };
}
