/**
 * Unpacks a release tarball. Even after its checksum was verified it is not trusted: every entry is checked before the first byte
 * is written, and only the wanted programs are written, as plain files.
 */
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fail, ok, problem, type Result } from '../model/mod.ts';
import type { EnginePart } from './versions.ts';

/** Far above any real release file; a larger entry is rejected. */
const MEMBER_LIMIT_BYTES = 1024 ** 3;

/** The fields of an entry that matter for safety. */
interface Entry {
  readonly path: string;
  readonly type: string;
  readonly linkTarget: string;
  readonly sizeBytes: number;
}

/**
 * Unpacks the wanted members of a `.tar.gz` as executables `<binDir>/<part>`. `scratchDir` must be on the same file system; it is
 * emptied at the end. Problems: `engine/archive-damaged`, `engine/archive-unsafe`, `engine/archive-incomplete`; in each case
 * nothing is left in `binDir`.
 */
export async function unpackMembers(options: {
  readonly file: string;
  readonly members: Readonly<Partial<Record<EnginePart, string>>>;
  readonly binDir: string;
  readonly scratchDir: string;
}): Promise<Result<readonly string[]>> {
  const { file, members, binDir, scratchDir } = options;
  const tar = await import('tar');
  const name = path.basename(file);
  const damaged = (error: unknown) =>
    fail([
      problem('engine/archive-damaged', `${name} cannot be read as a tarball`, {
        hint: 'get the file again; it may be incomplete',
        detail: error instanceof Error ? error.message : String(error),
      }),
    ]);

  const entries: Entry[] = [];
  try {
    await tar.list({
      file,
      strict: true,
      onReadEntry: (entry) => {
        entries.push({
          path: entry.path,
          type: entry.type,
          linkTarget: entry.linkpath ?? '',
          sizeBytes: entry.size,
        });
        entry.resume();
      },
    });
  } catch (error) {
    return damaged(error);
  }
  for (const entry of entries) {
    const reason = whyUnsafe(entry);
    if (reason !== undefined) {
      return fail([
        problem('engine/archive-unsafe', `${name} is refused: its entry "${entry.path}" ${reason}`, {
          hint: 'do not use this file: no official release holds such an entry',
        }),
      ]);
    }
  }

  const wanted = new Map(Object.entries(members).map(([part, member]) => [member, part]));
  const plain = (text: string): string => path.posix.normalize(text).replace(/^\.\//, '');
  const present = new Set(entries.filter((entry) => isFile(entry.type)).map((entry) => plain(entry.path)));
  const missing = [...wanted.keys()].filter((member) => !present.has(member));
  if (missing.length > 0) {
    return fail([
      problem('engine/archive-incomplete', `${name} does not hold ${missing.join(', ')}`, {
        hint: 'check that it is the right file for this package and this machine',
      }),
    ]);
  }

  try {
    await rm(scratchDir, { recursive: true, force: true });
    await mkdir(scratchDir, { recursive: true });
    await tar.extract({
      file,
      cwd: scratchDir,
      strict: true,
      preserveOwner: false,
      filter: (entryPath, entry) => wanted.has(plain(entryPath)) && 'type' in entry && isFile(entry.type),
    });
    const unpacked: string[] = [];
    await mkdir(binDir, { recursive: true });
    for (const [member, part] of wanted) {
      const target = path.join(binDir, part);
      await chmod(path.join(scratchDir, member), 0o755);
      await rename(path.join(scratchDir, member), target);
      unpacked.push(target);
    }
    return ok(unpacked);
  } catch (error) {
    for (const part of wanted.values()) await rm(path.join(binDir, part), { force: true });
    return damaged(error);
  } finally {
    await rm(scratchDir, { recursive: true, force: true });
  }
}

function isFile(type: string): boolean {
  return type === 'File' || type === 'OldFile' || type === 'ContiguousFile';
}

function whyUnsafe(entry: Entry): string | undefined {
  if (entry.path.includes('\0')) return 'has a zero byte in its name';
  if (path.posix.isAbsolute(entry.path) || /^[A-Za-z]:/.test(entry.path)) return 'has an absolute path';
  if (entry.path.split(/[/\\]/).includes('..')) return 'leads out of the directory';
  if (entry.sizeBytes > MEMBER_LIMIT_BYTES) return 'is larger than any release file';
  if (isFile(entry.type) || entry.type === 'Directory') return undefined;
  if (entry.type === 'SymbolicLink' || entry.type === 'Link') {
    // A symbolic link is relative to its own directory, a hard link to the root of the archive.
    const base = entry.type === 'SymbolicLink' ? path.posix.dirname(entry.path) : '.';
    const target = path.posix.normalize(path.posix.join(base, entry.linkTarget));
    const leaves = path.posix.isAbsolute(entry.linkTarget) || target === '..' || target.startsWith('../');
    return leaves ? `is a link that leaves the directory (to "${entry.linkTarget}")` : undefined;
  }
  return `is neither a file, a directory nor a link (${entry.type})`;
}
