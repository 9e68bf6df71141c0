/** The command line as a function: arguments in, exit code out. All access to the process goes through `io`. */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { CAC, Command } from 'cac';
import { fail, ok, type Problem, problem, type Result } from '../lib/model/mod.ts';
import { guardWriter } from '../lib/report/mod.ts';
import { deniedProblem } from '../lib/util/permission.ts';
import { didYouMean } from '../lib/util/suggest.ts';
import { VERSION } from '../lib/util/version.ts';
import { isGroup, isSet, matchCommand, type ParsedArgs, readArgs, shapesOf, textOf } from './args.ts';
import { declareCli } from './declare.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { formatCommandHelp, formatOverview } from './help.ts';
import type { Io } from './io.ts';
import { columnsOf, paletteFor, reportProblems } from './output.ts';
import { findMissingFor } from './permissions.ts';
import { suggestReading } from './read-on.ts';

/** The command that completion scripts call. It is not declared, so help does not show it. */
const COMPLETE = '__complete';

/** Runs one command line. Never rejects: a bug of bake-ts becomes exit code 4 and a message with what a bug report needs. */
export async function runCli(given: Io): Promise<ExitCode> {
  const inActions = given.env['GITHUB_ACTIONS'] === 'true';
  const io = {
    ...given,
    stdout: guardWriter(given.stdout, inActions),
    stderr: guardWriter(given.stderr, inActions),
  };
  try {
    const code = await dispatch(declareCli(io.argv[0]), io);
    suggestReading(code, io);
    return code;
  } catch (error) {
    const denied = deniedProblem(error);
    if (denied !== undefined) return reportProblems([denied], undefined, io);
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    io.stderr.write(
      `internal error in bake-ts ${VERSION} on ${io.runtime}; this is a bug in bake-ts.\n` +
        `Your files are not the cause. Please report it with the lines below.\n\n${text}\n`,
    );
    return EXIT.internal;
  }
}

async function dispatch(cli: CAC, io: Io): Promise<ExitCode> {
  if (io.argv[0] === COMPLETE) {
    const { completeCommand } = await import('./commands/complete.ts');
    return completeCommand(io);
  }
  const { command, name, rest } = matchCommand(cli, io.argv);
  if (name === 'help') return dispatch(cli, { ...io, argv: [...rest, '--help'] });
  if (command === undefined && name !== undefined && !isGroup(cli, name))
    return reportProblems([unknownCommand(cli, name)], undefined, io);
  const args = readArgs(rest, shapesOf(cli, command));
  // `--help` shows help even if other arguments are wrong.
  const end = rest.indexOf('--');
  const options = end === -1 ? rest : rest.slice(0, end);
  const wantsHelp = options.includes('--help') || options.includes('-h');
  if (!args.ok && !wantsHelp) return reportProblems(args.error, undefined, io);
  if (args.ok && isSet(args.value, 'version')) {
    io.stdout.write(`bake-ts ${VERSION} (${io.runtime})\n`);
    return EXIT.ok;
  }
  if (!args.ok || wantsHelp || command === undefined) {
    const palette = paletteFor(args.ok ? args.value : undefined, io, io.stdout);
    const style = { palette, columns: columnsOf(io.stdout) };
    io.stdout.write(
      command === undefined ? formatOverview(cli, name, style) : formatCommandHelp(cli, command, style),
    );
    return EXIT.ok;
  }
  const misplaced = checkPositionals(command, args.value);
  if (misplaced !== undefined) return reportProblems([misplaced], args.value, io);
  const moved = inDirectory(io, args.value);
  if (!moved.ok) return reportProblems(moved.error, args.value, io);
  const missing = await findMissingFor(command.name, args.value, moved.value);
  if (missing !== undefined) return reportProblems([missing], args.value, io);
  return command.commandAction?.(args.value, moved.value);
}

function unknownCommand(cli: CAC, name: string): Problem {
  const [first = '', second] = name.split(' ');
  const names = cli.commands.map((command) => command.name);
  const candidates =
    second === undefined ? [...names, ...names.map((one) => one.split(' ')[0] ?? '')] : names;
  const hint =
    didYouMean(name, candidates) ?? `To build something with that name, run \`bake-ts run ${first}\`.`;
  return problem('cli/unknown-command', `there is no command "${name}"`, {
    hint: `${hint}\n\`bake-ts --help\` lists the commands.`,
  });
}

function checkPositionals(command: Command, { positionals }: ParsedArgs): Problem | undefined {
  const hint = `\`bake-ts ${command.name} --help\` shows its arguments.`;
  const missing = command.args[positionals.length];
  if (missing?.required === true)
    return problem('cli/missing-argument', `"${command.name}" needs <${missing.value}>`, { hint });
  const extra = command.args.some((one) => one.variadic) ? undefined : positionals[command.args.length];
  if (extra !== undefined)
    return problem('cli/unexpected-argument', `"${command.name}" takes no argument "${extra}"`, { hint });
  return undefined;
}

function inDirectory(io: Io, args: ParsedArgs): Result<Io> {
  const directory = textOf(args, 'directory');
  if (directory === undefined) return ok(io);
  const cwd = path.resolve(io.cwd, directory);
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() === true) return ok({ ...io, cwd });
  return fail([
    problem('cli/bad-value', `--directory is not a directory: "${directory}"`, {
      hint: 'Relative paths start at the working directory.',
    }),
  ]);
}
