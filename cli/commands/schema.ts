import { buildsSchema } from '../../lib/config/mod.ts';
import type { ParsedArgs } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { writeJson } from '../output.ts';

/** `bake-ts schema` */
export async function runCommand(_args: ParsedArgs, io: Io): Promise<ExitCode> {
  writeJson(buildsSchema, io);
  return EXIT.ok;
}
