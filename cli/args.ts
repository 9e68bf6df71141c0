/**
 * Splits the command line into options and names, as declared with cac.
 *
 * cac's own parser is not used: it turns values into numbers (`--tag 1.10` becomes 1.1), also names after a flag, and
 * loses arguments (docs/decisions.md has the list). Here a value is the text as written, everything unknown is an
 * error, and all errors are reported together.
 */
import { parseArgs } from 'node:util';
import type { CAC, Command } from 'cac';
import { fail, ok, type Problem, problem, type Result } from '../lib/model/mod.ts';
import { didYouMean } from '../lib/util/suggest.ts';
import { bakeOptionHint, bakeValueHint } from './bake-words.ts';

/** What bake-ts reads from the declaration of an option, beyond what cac reads. */
export interface OptionShape {
  /** Without dashes; `no-push` for `--no-push`. */
  readonly long: string;
  readonly short: string | undefined;
  readonly description: string;
  /** Name of the value, as shown in help; undefined: a flag. */
  readonly value: string | undefined;
  /** The allowed values, if the name of the value lists them: `<auto|plain>`. */
  readonly choices: readonly string[] | undefined;
  readonly repeats: boolean;
}

/** The checked arguments. */
export interface ParsedArgs {
  readonly positionals: readonly string[];
  /** Values by option, in the order written. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** Flags; `--no-push` sets `push` to false where `--push` exists, else it sets `no-push`. */
  readonly flags: ReadonlyMap<string, boolean>;
}

/** A command line, split into the command and the rest. */
export interface MatchedWords {
  /** Undefined if no command is named or the name is unknown. */
  readonly command: Command | undefined;
  /** The word in the command's position, even if no command has this name. */
  readonly name: string | undefined;
  /** All other words. */
  readonly rest: readonly string[];
}

/** Options of a command (undefined: no command is named) and the global ones. */
export function shapesOf(cli: CAC, command: Command | undefined): readonly OptionShape[] {
  return [...(command?.options ?? []), ...cli.globalCommand.options].map((option) => {
    const value = /<([^>]+)>/.exec(option.rawName)?.[1];
    return {
      long: /--([a-z-]+)/.exec(option.rawName)?.[1] ?? option.name,
      short: option.names.find((name) => name.length === 1),
      description: option.description,
      value,
      choices: value?.includes('|') === true && !value.includes('…') ? value.split('|') : undefined,
      repeats: option.config.type !== undefined,
    };
  });
}

/** Whether there are commands of two words that start with this one (`engine`). */
export function isGroup(cli: CAC, word: string): boolean {
  return cli.commands.some((command) => command.name.startsWith(`${word} `));
}

/** Finds the command: the first word that is not a global option or its value; for `engine …` also the next word. */
export function matchCommand(cli: CAC, argv: readonly string[]): MatchedWords {
  const first = tokenize(argv, shapesOf(cli, undefined)).find((token) => token.kind !== 'option');
  if (first?.kind !== 'positional') return { command: undefined, name: undefined, rest: argv };
  const next = argv[first.index + 1];
  const isPair = isGroup(cli, first.value) && next !== undefined && next !== '' && !next.startsWith('-');
  const name = isPair ? `${first.value} ${next}` : first.value;
  return {
    command: cli.commands.find((command) => command.isMatched(name)),
    name,
    rest: argv.toSpliced(first.index, isPair ? 2 : 1),
  };
}

/**
 * Reads the arguments after the command. Problems: `cli/unknown-option`, `cli/missing-value`, `cli/unexpected-value`,
 * `cli/bad-value`, `cli/repeated-option`.
 */
export function readArgs(argv: readonly string[], shapes: readonly OptionShape[]): Result<ParsedArgs> {
  const byName = new Map(shapes.map((shape) => [shape.long, shape]));
  const problems: Problem[] = [];
  const positionals: string[] = [];
  const values = new Map<string, readonly string[]>();
  const flags = new Map<string, boolean>();
  for (const token of tokenize(argv, shapes)) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const shape = byName.get(token.name);
    const wrong =
      shape === undefined ? unknownOption(token.rawName, shapes) : checkOption(token, shape, byName);
    if (wrong !== undefined) problems.push(wrong);
    else if (token.value === undefined) {
      const opposite = token.name.startsWith('no-') ? token.name.slice(3) : undefined;
      if (opposite !== undefined && byName.has(opposite)) flags.set(opposite, false);
      else flags.set(token.name, true);
    } else {
      const before = values.get(token.name) ?? [];
      if (before.length > 0 && shape?.repeats !== true) problems.push(repeatedOption(token.rawName));
      values.set(token.name, [...before, token.value]);
    }
  }
  return problems.length > 0 ? fail(problems) : ok({ positionals, values, flags });
}

/**
 * Reads all words after the program's name.
 *
 * @returns undefined if they name another command or have invalid arguments
 */
export function readWords(cli: CAC, name: string, words: readonly string[]): ParsedArgs | undefined {
  const { command, rest } = matchCommand(cli, words);
  const args = command?.name === name ? readArgs(rest, shapesOf(cli, command)) : undefined;
  return args?.ok === true ? args.value : undefined;
}

/** The value of an option that may be given once. */
export function textOf(args: ParsedArgs, name: string): string | undefined {
  return args.values.get(name)?.[0];
}

/** All values of an option that may be repeated. */
export function listOf(args: ParsedArgs, name: string): readonly string[] {
  return args.values.get(name) ?? [];
}

/** Whether a flag was given. */
export function isSet(args: ParsedArgs, name: string): boolean {
  return args.flags.get(name) === true;
}

function tokenize(argv: readonly string[], shapes: readonly OptionShape[]) {
  const options = Object.fromEntries(
    shapes.map(({ long, short, value }) => [
      long,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), ...(short && { short }) },
    ]),
  );
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

type OptionToken = Extract<ReturnType<typeof tokenize>[number], { readonly kind: 'option' }>;

function checkOption(
  { rawName, value, inlineValue }: OptionToken,
  shape: OptionShape,
  byName: ReadonlyMap<string, OptionShape>,
): Problem | undefined {
  if (shape.value === undefined) {
    if (value === undefined) return undefined;
    const opposite = `no-${shape.long}`;
    return problem('cli/unexpected-value', `${rawName} takes no value, but "${value}" was given`, {
      hint: byName.has(opposite)
        ? `Write ${rawName} or --${opposite}.`
        : `Write ${rawName} without a value, or leave it out.`,
    });
  }
  if (value === undefined)
    return problem('cli/missing-value', `${rawName} needs a value`, {
      hint: `Write ${rawName} <${shape.value}>.`,
    });
  // The word after an option is its value even if it looks like an option, but then a value was probably forgotten. A
  // negative number is never an option.
  if (inlineValue !== true && /^-(?!\d+$)./.test(value))
    return problem('cli/missing-value', `${rawName} needs a value`, {
      hint: `If "${value}" is its value, write ${rawName}=${value}.`,
    });
  if (shape.choices === undefined || shape.choices.includes(value)) return undefined;
  return problem('cli/bad-value', `${rawName} cannot be "${value}"`, {
    hint:
      bakeValueHint(shape.long, value) ??
      didYouMean(value, shape.choices) ??
      `Use one of ${shape.choices.join(', ')}.`,
  });
}

function repeatedOption(rawName: string): Problem {
  return problem('cli/repeated-option', `${rawName} was given more than once`, {
    hint: 'Give it once. The help of an option says if it may be repeated.',
  });
}

function unknownOption(rawName: string, shapes: readonly OptionShape[]): Problem {
  const candidates = shapes.map((shape) => `--${shape.long}`);
  return problem('cli/unknown-option', `there is no option ${rawName}`, {
    hint:
      bakeOptionHint(rawName) ??
      didYouMean(rawName, candidates) ??
      'The same command with --help lists its options.',
  });
}
