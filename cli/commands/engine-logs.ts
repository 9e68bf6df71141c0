import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { problem } from '../../lib/model/mod.ts';
import { throwDenied } from '../../lib/util/permission.ts';
import { didYouMean } from '../../lib/util/suggest.ts';
import { type ParsedArgs, textOf } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { readNumber } from '../inputs.ts';
import type { Io } from '../io.ts';
import { paletteFor, reportProblems } from '../output.ts';

const DAEMONS = ['containerd', 'buildkitd', 'registry'];

/** `bake-ts engine logs [daemon]` */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const lines = readNumber('lines', textOf(args, 'lines') ?? '50', 1, 1_000_000);
  if (!lines.ok) return reportProblems(lines.error, args, io);
  const [wanted] = args.positionals;
  if (wanted !== undefined && !DAEMONS.includes(wanted)) {
    const unknown = problem('cli/bad-value', `there is no daemon "${wanted}"`, {
      hint: didYouMean(wanted, DAEMONS) ?? `Use one of ${DAEMONS.join(', ')}.`,
    });
    return reportProblems([unknown], args, io);
  }
  const { enginePaths } = await import('../../lib/engine/mod.ts');
  const { logDir } = enginePaths(io.env);
  const palette = paletteFor(args, io, io.stdout);
  let found = 0;
  for (const daemon of wanted === undefined ? DAEMONS : [wanted]) {
    const file = path.join(logDir, `${daemon}.log`);
    const text = await readFile(file, 'utf8').catch(throwDenied);
    if (text === undefined) continue;
    found += 1;
    if (wanted === undefined) io.stdout.write(`${found > 1 ? '\n' : ''}${palette.bold(file)}\n`);
    io.stdout.write(`${text.trimEnd().split('\n').slice(-lines.value).join('\n')}\n`);
  }
  if (found > 0) return EXIT.ok;
  const none = problem('engine/no-logs', `there are no logs in ${logDir}`, {
    hint: 'Start the engine with `bake-ts engine up`.',
  });
  return reportProblems([none], args, io);
}
