import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { problem } from '../../lib/model/mod.ts';
import { type ParsedArgs, textOf } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { reportProblems } from '../output.ts';
import { writeNotes, writeResult } from '../write-file.ts';

/** Files larger than this are nothing that could be imported. */
const MAX_BYTES = 64 * 1024 * 1024;

/** `bake-ts import FILE`: builds.yaml to stdout, or to the file of `-o`; what was lost to stderr. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const [file = '-'] = args.positionals;
  const text = file === '-' ? await io.readStdin() : await readText(path.resolve(io.cwd, file));
  if (text === undefined) {
    return reportProblems(
      [
        problem('cli/unreadable-file', `"${file}" cannot be read`, {
          hint: 'name the output of docker buildx bake --print, a bake file in JSON, or a Compose file; - is stdin',
        }),
      ],
      args,
      io,
    );
  }
  const { importBuilds } = await import('../../lib/convert/mod.ts');
  const imported = importBuilds(text, { fileName: file === '-' ? 'standard input' : path.basename(file) });
  if (!imported.ok) return reportProblems(imported.error, args, io);
  const { yaml, notes } = imported.value;
  const code = await writeResult(yaml, textOf(args, 'output') ?? '-', args, io);
  if (code === EXIT.ok) writeNotes(notes, args, io);
  return code;
}

async function readText(file: string): Promise<string | undefined> {
  try {
    // A device has no end.
    const found = await stat(file);
    if (found.isCharacterDevice() || found.isBlockDevice() || found.size > MAX_BYTES) return undefined;
    const bytes = await readFile(file);
    return bytes.length > MAX_BYTES ? undefined : bytes.toString('utf8');
  } catch {
    return undefined;
  }
}
