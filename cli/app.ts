/**
 * The command line as a function: words in, exit code out. Everything it touches comes with `io`.
 */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { CAC, Command } from 'cac';
import { fail, ok, type Problem, problem, type Result } from '../lib/model/mod.ts';
import { createPalette } from '../lib/report/mod.ts';
import { didYouMean } from '../lib/util/suggest.ts';
import { findCommandWord, isSet, type ParsedArgs, readArgs, shapeOf, textOf } from './args.ts';
import { type Declaration, declareCli } from './declare.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { formatCommandHelp, formatGroup, formatOverview } from './help.ts';
import type { Io } from './io.ts';
import { columnsOf, reportProblems, wantsColor } from './output.ts';
import { VERSION } from './version.ts';

/** The verb that completion scripts call; not declared, so that help does not show it. */
const COMPLETE = '__complete';

/** Runs one command line. Resolves always; a bug of ours becomes exit code 4 and what a report of it needs. */
export async function runCli(io: Io): Promise<ExitCode> {
  try {
    return await dispatch(declareCli(), io);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    io.stderr.write(
      `internal error in bake-ts ${VERSION} on ${io.runtime}; this is a bug of ours.\n` +
        `Nothing in your files is to blame. A report of it needs the lines below.\n\n${text}\n`,
    );
    return EXIT.internal;
  }
}

async function dispatch({ cli, loaders }: Declaration, io: Io): Promise<ExitCode> {
  if (io.argv[0] === COMPLETE) {
    const { completeCommand } = await import('./commands/complete.ts');
    return completeCommand(io);
  }
  const globals = cli.globalCommand.options.map(shapeOf);
  const start = findCommandWord(io.argv, globals);
  if (start === -1) return runWithoutCommand(cli, io);
  const [first = '', second = ''] = io.argv.slice(start);
  const command = findCommand(cli, first, second);
  const words = command?.name.split(' ').length ?? 1;
  const rest = [...io.argv.slice(0, start), ...io.argv.slice(start + words)];
  if (command === undefined) {
    if (first === 'help') return runCli({ ...io, argv: [...rest, '--help'] });
    if (isGroup(cli, first) && (second === '' || second.startsWith('-')))
      return showGroup(cli, first, rest, io);
    return reportProblems([unknownCommand(cli, first, second)], undefined, io);
  }
  const args = readArgs(rest, [...command.options.map(shapeOf), ...globals]);
  // Whoever asks for help gets it, however wrong the rest is.
  if (rest.includes('--help') || rest.includes('-h')) {
    io.stdout.write(formatCommandHelp(cli, command, columnsOf(io.stdout), palette(io)));
    return EXIT.ok;
  }
  if (!args.ok) return reportProblems(args.error.map(seeHelp(command)), undefined, io);
  if (isSet(args.value, 'version')) return showVersion(io);
  const misplaced = checkPositionals(command, args.value);
  if (misplaced !== undefined) return reportProblems([misplaced], args.value, io);
  const run = await loaders.get(command.name)?.();
  if (run === undefined) throw new Error(`no loader for ${command.name}`);
  const there = inDirectory(io, args.value);
  return there.ok ? run(args.value, there.value) : reportProblems(there.error, args.value, io);
}

function runWithoutCommand(cli: CAC, io: Io): ExitCode {
  const args = readArgs(io.argv, cli.globalCommand.options.map(shapeOf));
  if (!args.ok) return reportProblems(args.error, undefined, io);
  if (isSet(args.value, 'version')) return showVersion(io);
  io.stdout.write(formatOverview(cli, columnsOf(io.stdout), palette(io)));
  return EXIT.ok;
}

function showGroup(cli: CAC, word: string, rest: readonly string[], io: Io): ExitCode {
  const args = readArgs(rest, cli.globalCommand.options.map(shapeOf));
  if (!args.ok) return reportProblems(args.error, undefined, io);
  io.stdout.write(formatGroup(cli, word, columnsOf(io.stdout), palette(io)));
  return EXIT.ok;
}

function showVersion(io: Io): ExitCode {
  io.stdout.write(`bake-ts ${VERSION} (${io.runtime})\n`);
  return EXIT.ok;
}

function palette(io: Io) {
  return createPalette(wantsColor(undefined, io, io.stdout));
}

function findCommand(cli: CAC, first: string, second: string): Command | undefined {
  const named = (name: string): Command | undefined => cli.commands.find((one) => one.name === name);
  return named(`${first} ${second}`) ?? named(first);
}

function isGroup(cli: CAC, word: string): boolean {
  return cli.commands.some((one) => one.name.startsWith(`${word} `));
}

function unknownCommand(cli: CAC, first: string, second: string): Problem {
  const written = isGroup(cli, first) ? `${first} ${second}` : first;
  const names = cli.commands.map((one) => one.name);
  const words = isGroup(cli, first)
    ? names
    : [...names, ...new Set(names.map((name) => name.split(' ')[0] ?? ''))];
  const hint = didYouMean(written, words) ?? `to build something of that name: bake-ts run ${first}`;
  return problem('cli/unknown-command', `there is no command "${written}"`, {
    hint: `${hint}\nbake-ts --help lists the commands`,
  });
}

function seeHelp(command: Command): (found: Problem) => Problem {
  return (found) => ({
    ...found,
    ...(found.hint === 'see --help for the options of this command'
      ? { hint: `bake-ts ${command.name} --help lists the options` }
      : {}),
  });
}

function checkPositionals(command: Command, { positionals }: ParsedArgs): Problem | undefined {
  const missing = command.args[positionals.length];
  if (missing?.required === true) {
    return problem('cli/missing-argument', `"${command.name}" needs <${missing.value}>`, {
      hint: `bake-ts ${command.name} --help shows what it takes`,
    });
  }
  const variadic = command.args.some((one) => one.variadic);
  const extra = variadic ? undefined : positionals[command.args.length];
  if (extra !== undefined) {
    return problem('cli/unexpected-argument', `"${command.name}" takes no argument "${extra}"`, {
      hint: `bake-ts ${command.name} --help shows what it takes`,
    });
  }
  return undefined;
}

function inDirectory(io: Io, args: ParsedArgs): Result<Io> {
  const directory = textOf(args, 'directory');
  if (directory === undefined) return ok(io);
  const cwd = path.resolve(io.cwd, directory);
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() === true) return ok({ ...io, cwd });
  return fail([
    problem('cli/bad-value', `--directory names no directory: "${directory}"`, {
      hint: 'it is read from the working directory',
    }),
  ]);
}
