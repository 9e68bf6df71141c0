/** Shared parts of the declarations of commands: notes for help, and options that several commands have. */
import type { Command } from 'cac';
import type { ParsedArgs } from '../args.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';

/** A file in commands/: reads the arguments, does the work, returns the exit code. Throws only for bugs of bake-ts. */
interface CommandModule {
  readonly runCommand: (args: ParsedArgs, io: Io) => Promise<ExitCode>;
}

/** Sections of the overview, in order. */
export const GROUPS = [
  'Build',
  'builds.yaml',
  'Earlier runs',
  'External images',
  'Registries',
  'CI pipelines',
  'Engine',
  'Help',
] as const;

/** What help needs to know about a command beyond what cac stores. */
export interface CommandNotes {
  /** Where the overview lists it. */
  readonly group: (typeof GROUPS)[number];
  /** Where to read more: an argument of `bake-ts docs`. */
  readonly topic: string;
}

/** Declares a command. */
export type Declare = (name: string, description: string, topic: string) => Command;

const NOTES = new WeakMap<Command, CommandNotes>();

/** Stores the notes of a command. */
export function note(command: Command, notes: CommandNotes): Command {
  NOTES.set(command, notes);
  return command;
}

/** The notes of a declared command. */
export function notesOf(command: Command): CommandNotes {
  return NOTES.get(command) ?? { group: 'Help', topic: 'cli' };
}

/** Declared for options that may be given several times. */
export const REPEATS: { readonly type: [typeof String] } = { type: [String] };

/** `--json` of a command that otherwise prints for people. */
export const JSON_TEXT = 'Print the result as JSON, for programs';

/** The action of a command whose file is loaded when it is called. */
export function lazily(load: () => Promise<CommandModule>) {
  return async (args: ParsedArgs, io: Io): Promise<ExitCode> => (await load()).runCommand(args, io);
}

/** Options of every command that reads builds.yaml. */
export function fromFiles(command: Command): Command {
  return command
    .option(
      '-f, --file <path>',
      'Read this file instead of builds.yaml; - is stdin (repeat it to overlay files)',
      REPEATS,
    )
    .option('--var <NAME=value>', 'Set a variable (may be repeated)', REPEATS)
    .option('--var-file <path>', 'Read variables from a .env, YAML or JSON file (may be repeated)', REPEATS)
    .option('--set <PATTERN.key=value>', 'Override a key of builds; += appends (may be repeated)', REPEATS)
    .option(
      '--allow <grant>',
      'Allow access outside the repository: read:PATH, network.host, … (may be repeated)',
      REPEATS,
    );
}

/** For commands that also make sense with untrusted files. */
export function mistrusting(command: Command): Command {
  return command.option(
    '--untrusted',
    'For files of strangers: run no code of them, use no credentials, push nothing',
  );
}

/** Options of commands that may sign in to the registry they work with. */
export function signingIn(command: Command): Command {
  return command
    .option('-u, --username <name>', 'Sign in to the target registry as this user')
    .option('--password-stdin', 'Read the password for --username from standard input');
}

/** Options of every command that selects builds. */
export function selecting(command: Command): Command {
  return command
    .option('--filter <axis=value>', 'Select only these rows of matrices (may be repeated)', REPEATS)
    .option('--dependents', 'Also select every build that depends on a selected one');
}

/** Options that override every build. They work like `--set`, so `plan` and `print` show their effect. */
export function overriding(command: Command): Command {
  return command
    .option('--push', 'Push every requested build, whatever its `push` key is')
    .option('--no-push', 'Push nothing, for example to check first that everything builds')
    .option('--platform <os/arch>', 'Build for this platform instead (may be repeated)', REPEATS)
    .option('--pull', 'Look up base images in the registry even if the engine has them')
    .option('--no-cache', 'Run every step again, without the cache of the engine')
    .option('--provenance <true|false|mode=max|…>', 'Attach a provenance attestation to each image, or not')
    .option('--sbom <true|false|generator=…>', 'Attach an SBOM to each image, or not');
}

/** Treats all builds as pushed, for commands that work on pushed images. */
export function asPushed(command: Command): Command {
  return command.option('--push', 'Treat every build as pushed, whatever its `push` key is');
}

/** Which engine to use, for commands that accept one engine or a pool. */
export function onEngines(command: Command, text = 'Use this buildkitd, e.g. tcp://host:1234'): Command {
  return command.option('--addr <address>', `${text} (may be repeated)`, REPEATS);
}
