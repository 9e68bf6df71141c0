/**
 * Reads the words of the command line against what cac has had declared.
 *
 * cac's own reading is not used: it turns values that look like numbers into numbers (`--tag 1.10` becomes 1.1), and
 * passes over unknown commands in silence. Here a value is the text that was written, everything unknown is an error,
 * and all errors come at once.
 */
import { parseArgs } from 'node:util';
import { fail, ok, type Problem, problem, type Result } from '../lib/model/mod.ts';
import { didYouMean } from '../lib/util/suggest.ts';

/** An option as the reader needs it; `Option` of cac 7 is one. */
export interface DeclaredOption {
  /** `-f, --file <path>` */
  readonly rawName: string;
  readonly description: string;
  /** A `type` list means that it may be repeated. */
  readonly config: { readonly type?: readonly unknown[] };
}

/** What an option's declaration says. */
export interface OptionShape {
  /** Without dashes; `no-push` for `--no-push`. */
  readonly long: string;
  readonly short?: string;
  /** Name of the value, as help shows it; undefined: a flag. */
  readonly value?: string;
  /** The words that are allowed, where the value's name lists them: `<auto|plain>`. */
  readonly choices?: readonly string[];
  readonly repeats: boolean;
}

/** What was written, checked. */
export interface ParsedArgs {
  readonly positionals: readonly string[];
  /** Values by option, in the order written. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** Flags; `--no-push` sets `push` to false where `--push` exists, else it sets `no-push`. */
  readonly flags: ReadonlyMap<string, boolean>;
}

/** Reads a declaration. */
export function shapeOf(option: DeclaredOption): OptionShape {
  const long = /--([a-z][a-z-]*)/.exec(option.rawName)?.[1] ?? '';
  const short = /(?:^|\s)-([A-Za-z])\b/.exec(option.rawName)?.[1];
  const value = /<([^>]+)>/.exec(option.rawName)?.[1];
  return {
    long,
    repeats: Array.isArray(option.config.type),
    ...(short === undefined ? {} : { short }),
    ...(value === undefined ? {} : { value }),
    ...(value?.includes('|') === true ? { choices: value.split('|') } : {}),
  };
}

/** Where the command starts: the index of the first word that is no global option or its value; -1 for none. */
export function findCommandWord(argv: readonly string[], globals: readonly OptionShape[]): number {
  for (const token of tokenize(argv, globals)) {
    if (token.kind === 'positional') return token.index;
    if (token.kind === 'option-terminator') return -1;
  }
  return -1;
}

/**
 * Reads the words after the command. Problems: `cli/unknown-option`, `cli/missing-value`, `cli/unexpected-value`,
 * `cli/bad-value`, `cli/repeated-option`.
 */
export function readArgs(argv: readonly string[], shapes: readonly OptionShape[]): Result<ParsedArgs> {
  const byName = new Map(shapes.map((shape) => [shape.long, shape]));
  const problems: Problem[] = [];
  const positionals: string[] = [];
  const values = new Map<string, string[]>();
  const flags = new Map<string, boolean>();
  for (const token of tokenize(argv, shapes)) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const shape = byName.get(token.name);
    if (shape === undefined) problems.push(unknownOption(token.rawName, shapes));
    else if (shape.value === undefined) {
      if (token.value === undefined) setFlag(flags, shape, byName);
      else problems.push(unexpectedValue(token.rawName, token.value, shape, byName));
    } else {
      const found = checkValue(token.rawName, token.value, token.inlineValue === true, shape);
      if (found !== undefined) problems.push(found);
      else if (!shape.repeats && values.has(shape.long)) problems.push(repeated(token.rawName));
      else if (token.value !== undefined) push(values, shape.long, token.value);
    }
  }
  return problems.length > 0 ? fail(problems) : ok({ positionals, values, flags });
}

/** The value of an option that is given once. */
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
  const options: Record<string, { type: 'string' | 'boolean'; short?: string }> = {};
  for (const { long, short, value } of shapes) {
    options[long] = {
      type: value === undefined ? 'boolean' : 'string',
      ...(short === undefined ? {} : { short }),
    };
  }
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

function setFlag(
  flags: Map<string, boolean>,
  shape: OptionShape,
  byName: ReadonlyMap<string, OptionShape>,
): void {
  const positive = shape.long.startsWith('no-') ? shape.long.slice(3) : undefined;
  if (positive !== undefined && byName.has(positive)) flags.set(positive, false);
  else flags.set(shape.long, true);
}

function push(values: Map<string, string[]>, name: string, value: string): void {
  const known = values.get(name);
  if (known === undefined) values.set(name, [value]);
  else known.push(value);
}

function checkValue(
  rawName: string,
  value: string | undefined,
  inline: boolean,
  shape: OptionShape,
): Problem | undefined {
  // The word after an option is its value even if it looks like an option; more likely a value was forgotten.
  const looksLikeOption = !inline && value !== undefined && /^-./.test(value);
  if (value === undefined || looksLikeOption) {
    return problem('cli/missing-value', `${rawName} needs a value`, {
      hint: looksLikeOption
        ? `write ${rawName}=${value} if "${value}" is meant to be its value`
        : `write ${rawName} <${shape.value ?? 'value'}>`,
    });
  }
  if (shape.choices !== undefined && !shape.choices.includes(value)) {
    return problem('cli/bad-value', `${rawName} cannot be "${value}"`, {
      hint: didYouMean(value, shape.choices) ?? `it is one of ${shape.choices.join(', ')}`,
    });
  }
  return undefined;
}

function unexpectedValue(
  rawName: string,
  value: string,
  shape: OptionShape,
  byName: ReadonlyMap<string, OptionShape>,
): Problem {
  const opposite = `no-${shape.long}`;
  return problem('cli/unexpected-value', `${rawName} takes no value, and "${value}" was given`, {
    hint: byName.has(opposite)
      ? `write ${rawName} or --${opposite}`
      : `write ${rawName} alone, or leave it out`,
  });
}

function repeated(rawName: string): Problem {
  return problem('cli/repeated-option', `${rawName} was given more than once`, {
    hint: 'give it once; only options whose help says so may be repeated',
  });
}

function unknownOption(rawName: string, shapes: readonly OptionShape[]): Problem {
  const candidates = shapes.map((shape) => `--${shape.long}`);
  return problem('cli/unknown-option', `there is no option ${rawName}`, {
    hint: didYouMean(rawName, candidates) ?? 'see --help for the options of this command',
  });
}
