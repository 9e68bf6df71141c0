import path from 'node:path';
import { isSet, type ParsedArgs } from '../args.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { reportProblems, writeJson } from '../output.ts';
import { blobLines, formatPut, formatTransfer, putToJson, readTarget, withRegistry } from '../registry.ts';

/** `bake-ts push`: an image that lies on disk, with the digest that it has there. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const [source = '', second = ''] = args.positionals;
  const to = readTarget(second, undefined);
  if (!to.ok) return reportProblems(to.error, args, io);
  const { openLayout } = await import('../../lib/registry/mod.ts');
  const layout = await openLayout(path.resolve(io.cwd, source), source);
  if (!layout.ok) return reportProblems(layout.error, args, io);
  return withRegistry(args, io, [to.value], async (client) => {
    const pushed = await client.pushLayout(layout.value, to.value, { onBlob: blobLines(io) });
    if (!pushed.ok) return pushed.error;
    io.stderr.write(formatTransfer(pushed.value));
    if (isSet(args, 'json')) writeJson(putToJson(to.value, pushed.value), io);
    else io.stdout.write(formatPut(to.value, pushed.value));
    return [];
  });
}
