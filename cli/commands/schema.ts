import type { ParsedArgs } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { writeJson } from '../output.ts';

/** `bake-ts schema` */
export async function runCommand(_args: ParsedArgs, io: Io): Promise<ExitCode> {
  const { buildsSchema } = await import('../../lib/config/mod.ts');
  writeJson(buildsSchema, io);
  return EXIT.ok;
}
