/** Sources of the engine's programs, for `engine install` and `engine upgrade`. */
import type { EnginePackage, EngineSource, InstallOptions } from '../lib/engine/mod.ts';
import { fail, ok, problem, type Result } from '../lib/model/mod.ts';
import { listOf, type ParsedArgs, textOf } from './args.ts';

type Sources = Pick<InstallOptions, 'from' | 'mirror' | 'files' | 'checksums'>;

/** Reads `--from`, `--mirror`, `--file` and `--checksum`. Problem: `cli/bad-value`. */
export async function readInstallSources(args: ParsedArgs): Promise<Result<Sources>> {
  const { PACKAGES } = await import('../lib/engine/mod.ts');
  const names = PACKAGES.map((one) => one.name);
  const files = readPairs('file', listOf(args, 'file'), names);
  if (!files.ok) return files;
  const checksums = readPairs('checksum', listOf(args, 'checksum'), names);
  if (!checksums.ok) return checksums;
  const from = textOf(args, 'from') as EngineSource | undefined;
  const mirror = textOf(args, 'mirror');
  return ok({
    files: files.value,
    checksums: checksums.value,
    ...(from === undefined ? {} : { from }),
    ...(mirror === undefined ? {} : { mirror }),
  });
}

/** `buildkit=./buildkit.tar.gz` and the like. Problem: `cli/bad-value`. */
function readPairs(
  option: string,
  written: readonly string[],
  names: readonly EnginePackage[],
): Result<Readonly<Partial<Record<EnginePackage, string>>>> {
  const pairs: Partial<Record<EnginePackage, string>> = {};
  for (const one of written) {
    const equals = one.indexOf('=');
    const name = names.find((known) => known === one.slice(0, Math.max(0, equals)));
    if (name === undefined || equals === one.length - 1) {
      return fail([
        problem('cli/bad-value', `--${option} cannot be "${one}"`, {
          hint: `Write --${option} PACKAGE=…, where PACKAGE is one of ${names.join(', ')}.`,
        }),
      ]);
    }
    pairs[name] = one.slice(equals + 1);
  }
  return ok(pairs);
}
