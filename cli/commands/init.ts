import { type ParsedArgs, textOf } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { reportProblems } from '../output.ts';
import { writeNotes, writeResult } from '../write-file.ts';

/** `bake-ts init`: a first builds.yaml from the Dockerfiles below the working directory. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const { proposeBuilds, readRepository } = await import('../../lib/convert/mod.ts');
  const proposed = proposeBuilds(await readRepository(io.cwd));
  if (!proposed.ok) return reportProblems(proposed.error, args, io);
  const { yaml, notes } = proposed.value;
  const code = await writeResult(yaml, textOf(args, 'output') ?? 'builds.yaml', args, io);
  if (code === EXIT.ok) writeNotes(notes, args, io);
  return code;
}
