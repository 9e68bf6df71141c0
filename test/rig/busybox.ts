/**
 * A static busybox: the one program that images made `FROM scratch` in tests can run. From BAKE_TS_TEST_BUSYBOX, from
 * where `npm run demo` keeps it, from PATH, or out of Debian's package, which is unpacked and not installed.
 */
import { chmod, copyFile, mkdir, readdir, readFile, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { runCommand } from './command.ts';
import { repoPath } from './paths.ts';
import { type Cleanup, makeTempDir } from './temp.ts';

/** Absolute path of a static busybox. Throws where there is no way to have one: such a test must not look passed. */
export async function findBusybox(t: Cleanup): Promise<string> {
  const given = process.env['BAKE_TS_TEST_BUSYBOX'] ?? '';
  const kept = repoPath('.cache/demo/busybox/busybox');
  const onPath = (process.env['PATH'] ?? '').split(path.delimiter).map((dir) => path.join(dir, 'busybox'));
  for (const file of [given, kept, ...onPath]) {
    if (path.isAbsolute(file) && (await isStatic(file))) return file;
  }
  const dir = await makeTempDir(t, 'busybox-');
  await chmod(dir, 0o777); // apt downloads as a user of its own
  const download = () => runCommand(['apt-get', 'download', 'busybox-static'], { cwd: dir });
  if ((await download()).exitCode !== 0) {
    await runCommand(['apt-get', 'update'], { timeoutMs: 120_000 });
    await download();
  }
  const archive = (await readdir(dir)).find((name) => name.endsWith('.deb'));
  if (archive === undefined) throw new Error('no static busybox: set BAKE_TS_TEST_BUSYBOX to one');
  await runCommand(['dpkg-deb', '-x', path.join(dir, archive), dir]);
  for (const place of ['bin/busybox', 'usr/bin/busybox']) {
    const file = path.join(dir, place);
    if (!(await isStatic(file))) continue;
    await mkdir(path.dirname(kept), { recursive: true });
    const draft = `${kept}.${process.pid}`;
    await copyFile(file, draft);
    await rename(draft, kept);
    return kept;
  }
  throw new Error(`${archive} holds no static busybox`);
}

/** Whether a 64-bit little-endian ELF file asks for no interpreter (program header PT_INTERP is 3). */
async function isStatic(file: string): Promise<boolean> {
  if ((await stat(file).catch(() => undefined))?.isFile() !== true) return false;
  const elf = await readFile(file);
  if (elf.length < 64 || elf.readUInt32BE(0) !== 0x7f454c46 || elf[4] !== 2) return false;
  const offset = Number(elf.readBigUInt64LE(32));
  const size = elf.readUInt16LE(54);
  for (let at = 0; at < elf.readUInt16LE(56); at++) {
    if (elf.readUInt32LE(offset + at * size) === 3) return false;
  }
  return true;
}
