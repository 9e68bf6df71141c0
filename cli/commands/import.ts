import { readFile, stat } from 'node:fs/promises';
import { arch } from 'node:os';
import path from 'node:path';
import { problem } from '../../lib/model/mod.ts';
import { goArchitecture } from '../../lib/system/mod.ts';
import { throwDenied } from '../../lib/util/permission.ts';
import { type ParsedArgs, textOf } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { reportProblems } from '../output.ts';
import { writeNotes, writeResult } from '../write-file.ts';

/** Files larger than this are nothing that could be imported. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * `bake-ts import FILE…`: builds.yaml to stdout, or to the file of `-o`; what was lost, and what differs from what bake makes
 * of the files, to stderr.
 */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const names = args.positionals.length === 0 ? ['-'] : args.positionals;
  const files: { readonly name: string; readonly text: string }[] = [];
  for (const name of names) {
    const text = name === '-' ? await io.readStdin() : await readText(path.resolve(io.cwd, name));
    if (text === undefined) {
      const unreadable = problem('cli/unreadable-file', `"${name}" cannot be read`, {
        hint: 'name a bake file, the output of docker buildx bake --print, or a Compose file; - is stdin',
      });
      return reportProblems([unreadable], args, io);
    }
    files.push({ name: name === '-' ? 'standard input' : path.basename(name), text });
  }
  const [first, ...more] = files;
  const now = new Date();
  const localPlatform = `linux/${goArchitecture(arch())}`;
  const { importBuilds } = await import('../../lib/convert/mod.ts');
  const imported = await importBuilds(first?.text ?? '', {
    fileName: first?.name ?? 'standard input',
    more,
    localPlatform,
    now,
  });
  if (!imported.ok) return reportProblems(imported.error, args, io);
  const { yaml, notes, spellOut } = imported.value;
  const code = await writeResult(yaml, textOf(args, 'output') ?? '-', args, io);
  if (code !== EXIT.ok) return code;
  const proof =
    spellOut === undefined
      ? []
      : await (await import('../import-proof.ts')).proveImport(imported.value, {
          cwd: io.cwd,
          now,
          localPlatform,
        });
  writeNotes([...notes, ...proof], args, io);
  return code;
}

async function readText(file: string): Promise<string | undefined> {
  try {
    // A device has no end.
    const found = await stat(file);
    if (found.isCharacterDevice() || found.isBlockDevice() || found.size > MAX_BYTES) return undefined;
    const bytes = await readFile(file);
    return bytes.length > MAX_BYTES ? undefined : bytes.toString('utf8');
  } catch (error) {
    throwDenied(error);
    return undefined;
  }
}
