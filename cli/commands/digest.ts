import { readImageRef } from '../../lib/model/mod.ts';
import type { ParsedArgs } from '../args.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { reportProblems } from '../output.ts';
import { withRegistry } from '../registry.ts';

/** `bake-ts digest`: makes one request and prints only the digest to stdout. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const ref = readImageRef(args.positionals[0] ?? '');
  if (!ref.ok) return reportProblems(ref.error, args, io);
  return withRegistry(args, io, [ref.value], async (client) => {
    const digest = await client.resolveDigest(ref.value);
    if (!digest.ok) return digest.error;
    io.stdout.write(`${digest.value}\n`);
    return [];
  });
}
