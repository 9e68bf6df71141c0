/**
 * Declares every command and option with cac; the groups are in declare/. The code of each command is in its own file
 * in commands/ and is loaded when the command is called, so `--help` and `--version` are cheap.
 */
import { type CAC, type Command, cac } from 'cac';
import { readWords } from './args.ts';
import { declareBuild } from './declare/build.ts';
import { declareEngine } from './declare/engine.ts';
import { declareFiles, declareLock } from './declare/files.ts';
import { declareHelp } from './declare/help.ts';
import { declareKept } from './declare/kept.ts';
import { declarePipelines } from './declare/pipelines.ts';
import { declareRegistries } from './declare/registries.ts';
import { type CommandNotes, type Declare, note } from './declare/shared.ts';

/** Ignores the declarations of other commands. */
const IGNORED = {
  option: () => IGNORED,
  alias: () => IGNORED,
  example: () => IGNORED,
  action: () => IGNORED,
} as unknown as Command;

/**
 * Declares commands and options.
 *
 * @param word declares only the commands that begin with it, because each of hundreds of options is parsed when it is
 *   declared; all commands if none begins with it
 */
export function declareCli(word?: string): CAC {
  const cli = declareCommands(word);
  return word === undefined || cli.commands.length > 0 ? cli : declareCommands(undefined);
}

function declareCommands(word: string | undefined): CAC {
  const cli = cac('bake-ts');
  cli.option('-h, --help', 'Show this help');
  cli.option('--version', 'Show the version and the runtime');
  cli.option('-C, --directory <path>', 'Work as if started in this directory');
  cli.option('--color <auto|always|never>', 'Use colours; auto follows NO_COLOR and FORCE_COLOR');
  const inGroup =
    (group: CommandNotes['group']): Declare =>
    (name, description, topic) =>
      word === undefined || name.split(' ')[0] === word || (word === 'bake' && name.startsWith('run '))
        ? note(cli.command(name, description), { group, topic })
        : IGNORED;
  declareBuild(inGroup('Build'));
  declareFiles(inGroup('builds.yaml'));
  declareKept(inGroup('Earlier runs'), (words) => readWords(declareCli('run'), 'run', words));
  declareLock(inGroup('External images'));
  declareRegistries(inGroup('Registries'));
  declarePipelines(inGroup('CI pipelines'));
  declareEngine(inGroup('Engine'));
  declareHelp(inGroup('Help'));
  return cli;
}
