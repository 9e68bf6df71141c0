import { plural, wrap } from '../../lib/report/mod.ts';
import { isSet, listOf, type ParsedArgs } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { engineOfFile } from '../inputs.ts';
import type { Io } from '../io.ts';
import { columnsOf, paletteFor, writeJson } from '../output.ts';
import { poolToJson } from '../pool-text.ts';
import { withHardStop } from '../signals.ts';
import { engineToJson } from './engine-status.ts';

/** `bake-ts engine doctor`: exits with code 5 if a check failed. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const { engineDoctor } = await import('../../lib/engine/mod.ts');
  const addresses = listOf(args, 'addr');
  const { checks, serving, pool } = await withHardStop(io, async () =>
    engineDoctor({
      env: io.env,
      flagAddress: addresses,
      ...(await engineOfFile(args, io)),
    }),
  );
  const failed = checks.filter((one) => one.status === 'fail').length;
  const code = failed > 0 ? EXIT.engine : EXIT.ok;
  if (isSet(args, 'json')) {
    const engines = pool === undefined ? engineToJson(serving) : poolToJson(pool);
    writeJson({ ok: failed === 0, ...engines, checks }, io);
    return code;
  }
  const palette = paletteFor(args, io, io.stdout);
  const signs = { ok: palette.good('✓'), warn: palette.warning('!'), fail: palette.error('✗') };
  const width = Math.max(...checks.map((one) => one.name.length));
  const textWidth = columnsOf(io.stdout) - width - 4;
  for (const check of checks) {
    const lines = [
      ...wrap(check.found, textWidth),
      ...(check.hint === undefined ? [] : wrap(`→ ${check.hint}`, textWidth).map(palette.hint)),
    ];
    lines.forEach((line, at) => {
      const lead = at === 0 ? `${signs[check.status]} ${check.name.padEnd(width)}  ` : ' '.repeat(width + 4);
      io.stdout.write(`${lead}${line}\n`);
    });
  }
  const warned = checks.filter((one) => one.status === 'warn').length;
  const verdict =
    failed > 0
      ? palette.error(`${plural(failed, 'check')} failed: follow the arrows`)
      : palette.good(
          pool !== undefined ? 'the pool works' : serving.ok ? 'the engine works' : 'an engine can run here',
        );
  io.stdout.write(`\n${verdict}${warned > 0 ? `; ${plural(warned, 'warning')}` : ''}\n`);
  return code;
}
