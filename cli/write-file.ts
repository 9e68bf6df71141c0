/** Writes a file for the user; never replaces another one without permission. */
import { lstat, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { problem } from '../lib/model/mod.ts';
import { wrap } from '../lib/report/mod.ts';
import { describeFileFault, fileFaultCode, writeNamedFile } from '../lib/system/mod.ts';
import { throwDenied } from '../lib/util/permission.ts';
import { isSet, type ParsedArgs } from './args.ts';
import { confirm } from './confirm.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';
import { columnsOf, paletteFor, reportProblems } from './output.ts';

/**
 * Asks whether an existing file may be replaced, for commands that ask more questions, which are useful only after a
 * yes.
 *
 * @returns `refused`: report it with {@link reportKept}; `over`: the user agreed; `not-asked`: there is no file, or
 *   `--force` was given
 */
export async function askForFile(
  target: string,
  args: ParsedArgs,
  io: Io,
): Promise<'refused' | 'over' | 'not-asked'> {
  if (target === '-' || isSet(args, 'force')) return 'not-asked';
  const isThere = await lstat(path.resolve(io.cwd, target)).then(
    () => true,
    () => false,
  );
  if (!isThere) return 'not-asked';
  return (await mayWriteOver(target, io)) ? 'over' : 'refused';
}

/** Reports that a file was not replaced (`cli/file-exists`). */
export function reportKept(target: string, args: ParsedArgs, io: Io): ExitCode {
  const kept = problem('cli/file-exists', `${target} already exists and was not changed`, {
    hint: 'Use --force to overwrite it, -o FILE to write elsewhere, or -o - to see the text first.',
  });
  return reportProblems([kept], args, io);
}

/**
 * Writes a text to a file (`-`: stdout). An existing file is replaced with `--force`, after an earlier yes
 * (`mayReplace`), or if the user agrees at the terminal. Problems: `cli/file-exists`, `cli/unwritable-file`.
 */
export async function writeResult(
  text: string,
  target: string,
  args: ParsedArgs,
  io: Io,
  mayReplace = false,
): Promise<ExitCode> {
  if (target === '-') {
    io.stdout.write(text);
    return EXIT.ok;
  }
  const file = path.resolve(io.cwd, target);
  const first = await tryWrite(file, text, mayReplace || isSet(args, 'force') ? 'w' : 'wx');
  if (first === undefined) return reportWritten(target, io);
  if (first === 'EEXIST') {
    if (!(await mayWriteOver(target, io))) return reportKept(target, args, io);
    const second = await tryWrite(file, text, 'w');
    if (second === undefined) return reportWritten(target, io);
    return reportUnwritable(target, second, args, io);
  }
  return reportUnwritable(target, first, args, io);
}

async function mayWriteOver(target: string, io: Io): Promise<boolean> {
  return (await confirm(`${target} already exists. Overwrite it?`, io)) === 'yes';
}

function reportWritten(target: string, io: Io): ExitCode {
  io.stderr.write(`wrote ${target}\n`);
  return EXIT.ok;
}

function reportUnwritable(target: string, code: string, args: ParsedArgs, io: Io): ExitCode {
  return reportProblems(
    [
      problem('cli/unwritable-file', `${target} cannot be written: ${code}`, {
        hint: 'Choose another file with -o FILE, or -o - for stdout.',
      }),
    ],
    args,
    io,
  );
}

/** Why writing failed, starting with the error's code; undefined: it succeeded. */
async function tryWrite(file: string, text: string, flag: 'w' | 'wx'): Promise<string | undefined> {
  try {
    if (flag === 'wx') await writeFile(file, text, { flag });
    else await writeNamedFile(file, text);
    return undefined;
  } catch (error) {
    throwDenied(error);
    const code = fileFaultCode(error);
    if (code === 'EEXIST') return code;
    // A new file is incomplete after an error.
    if (flag === 'wx') await rm(file, { force: true }).catch(() => undefined);
    return describeFileFault(error, file);
  }
}

/** Writes notes for a person to check to stderr. */
export function writeNotes(notes: readonly string[], args: ParsedArgs, io: Io): void {
  if (notes.length === 0) return;
  const palette = paletteFor(args, io, io.stderr);
  const lines = notes.flatMap((note) => {
    const [first = '', ...rest] = wrap(note, columnsOf(io.stderr) - 4);
    return [`  ${palette.warning('-')} ${first}`, ...rest.map((line) => `    ${line}`)];
  });
  io.stderr.write(`${notes.length === 1 ? 'one thing' : `${notes.length} things`} to check:\n`);
  io.stderr.write(`${lines.join('\n')}\n`);
}
