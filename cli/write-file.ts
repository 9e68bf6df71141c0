/** A file that a command makes for the user: never over another one without leave. */
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { problem } from '../lib/model/mod.ts';
import { wrap } from '../lib/report/mod.ts';
import { describeFileFault, fileFaultCode, writeNamedFile } from '../lib/system/mod.ts';
import { isSet, type ParsedArgs } from './args.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';
import { columnsOf, paletteFor, reportProblems } from './output.ts';

/**
 * Writes a text to a file (`-`: stdout). Where there is a file already, `--force` writes over it, else a terminal is
 * asked. Problems: `cli/file-exists`, `cli/unwritable-file`.
 */
export async function writeResult(text: string, target: string, args: ParsedArgs, io: Io): Promise<ExitCode> {
  if (target === '-') {
    io.stdout.write(text);
    return EXIT.ok;
  }
  const file = path.resolve(io.cwd, target);
  const first = await tryWrite(file, text, isSet(args, 'force') ? 'w' : 'wx');
  if (first === undefined) return reportWritten(target, io);
  if (first === 'EEXIST') {
    if (!(await mayWriteOver(target, io))) {
      return reportProblems(
        [
          problem('cli/file-exists', `${target} is there already and was left as it is`, {
            hint: 'write over it with --force, elsewhere with -o FILE, or look first with -o -',
          }),
        ],
        args,
        io,
      );
    }
    const second = await tryWrite(file, text, 'w');
    if (second === undefined) return reportWritten(target, io);
    return reportUnwritable(target, second, args, io);
  }
  return reportUnwritable(target, first, args, io);
}

async function mayWriteOver(target: string, io: Io): Promise<boolean> {
  const prompt = await io.openPrompt?.();
  const answer = await prompt?.ask(`${target} is there already. Write over it? [y/N] `);
  prompt?.close();
  return answer?.kind === 'line' && /^y(?:es)?$/i.test(answer.text.trim());
}

function reportWritten(target: string, io: Io): ExitCode {
  io.stderr.write(`wrote ${target}\n`);
  return EXIT.ok;
}

function reportUnwritable(target: string, code: string, args: ParsedArgs, io: Io): ExitCode {
  return reportProblems(
    [
      problem('cli/unwritable-file', `${target} cannot be written: ${code}`, {
        hint: 'choose another file with -o FILE, or -o - for stdout',
      }),
    ],
    args,
    io,
  );
}

/** Why it was not written, the error's code first; undefined: written. */
async function tryWrite(file: string, text: string, flag: 'w' | 'wx'): Promise<string | undefined> {
  try {
    if (flag === 'wx') await writeFile(file, text, { flag });
    else await writeNamedFile(file, text);
    return undefined;
  } catch (error) {
    const code = fileFaultCode(error);
    if (code === 'EEXIST') return code;
    // What is there of a new file is half of it.
    if (flag === 'wx') await rm(file, { force: true }).catch(() => undefined);
    return describeFileFault(error, file);
  }
}

/** Lists what a person should look at, on stderr. */
export function writeNotes(notes: readonly string[], args: ParsedArgs, io: Io): void {
  if (notes.length === 0) return;
  const palette = paletteFor(args, io, io.stderr);
  const lines = notes.flatMap((note) => {
    const [first = '', ...rest] = wrap(note, columnsOf(io.stderr) - 4);
    return [`  ${palette.warning('-')} ${first}`, ...rest.map((line) => `    ${line}`)];
  });
  io.stderr.write(`${notes.length === 1 ? 'one thing' : `${notes.length} things`} to look at:\n`);
  io.stderr.write(`${lines.join('\n')}\n`);
}
