/**
 * What a shell offers while a command line is being written. Everything that the declarations know is worked out here,
 * without effects; names of builds, groups and variables are asked for only where they can stand.
 */
import type { CAC, Command } from 'cac';
import { findCommandWord, type OptionShape, shapeOf } from './args.ts';

/** A word that can be written next. */
export interface Candidate {
  readonly text: string;
  readonly description?: string;
}

/** What to offer. `files`: whatever the shell offers for paths. `nospace`: the word goes on after it. */
export interface Completion {
  readonly directive: 'words' | 'nospace' | 'files';
  readonly candidates: readonly Candidate[];
}

/** What a builds.yaml has to offer. */
export interface Names {
  /** Builds, matrix builds and groups. */
  readonly selectable: readonly Candidate[];
  readonly builds: readonly string[];
  readonly variables: readonly Candidate[];
  /** `axis=value` of all matrices. */
  readonly axes: readonly string[];
  /** Keys that `--set` knows. */
  readonly keys: readonly string[];
}

const NOTHING: Completion = { directive: 'words', candidates: [] };
const FILES: Completion = { directive: 'files', candidates: [] };
const PLATFORMS = [
  'linux/amd64',
  'linux/arm64',
  'linux/arm/v7',
  'linux/arm/v6',
  'linux/386',
  'linux/riscv64',
];
const FIXED_ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  shell: ['bash', 'zsh', 'fish'],
  daemon: ['containerd', 'buildkitd', 'registry'],
};
const FILE_WORDS = /^(?:path|file|files|layout|dir|directory)$/;

/**
 * Completes the last of the words (empty: a new one), which stand after `bake-ts`.
 *
 * @param names reads builds.yaml as the words before say (`-f`, `-C`, `--var`), which are of the shapes given; only
 *   called where names can stand
 */
export async function completeWords(
  cli: CAC,
  words: readonly string[],
  names: (before: readonly string[], shapes: readonly OptionShape[]) => Promise<Names>,
): Promise<Completion> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const globals = cli.globalCommand.options.map(shapeOf);
  const start = findCommandWord(before, globals);
  const [first = '', second] = start === -1 ? [] : before.slice(start);
  const named = (name: string): Command | undefined => cli.commands.find((one) => one.name === name);
  const command = second === undefined ? named(first) : (named(`${first} ${second}`) ?? named(first));
  const declared = [...(command?.options ?? []), ...cli.globalCommand.options];
  const shapes = declared.map((option) => ({ ...shapeOf(option), description: option.description }));

  const read = (): Promise<Names> => names(before, shapes);

  const pending = before.includes('--') ? undefined : openOption(before.at(-1), shapes);
  if (pending !== undefined) return completeValue(pending, current, '', read);
  if (current.startsWith('-') && !before.includes('--')) {
    const inline = /^--([a-z-]+)=(.*)$/s.exec(current);
    const shape = inline === null ? undefined : shapes.find((one) => one.long === inline[1]);
    if (inline !== null)
      return shape?.value === undefined
        ? NOTHING
        : completeValue(shape, inline[2] ?? '', `--${shape.long}=`, read);
    const used = new Set(before);
    const open = shapes.filter((one) => one.repeats || !used.has(`--${one.long}`));
    return offer(
      open.map((one) => ({ text: `--${one.long}`, description: one.description })),
      current,
    );
  }
  if (command === undefined) return completeVerb(cli, first, second, current);
  return completeArgument(command, before.slice(start), current, read);
}

/** The option that the next word is the value of. */
function openOption<S extends OptionShape>(word: string | undefined, shapes: readonly S[]): S | undefined {
  return shapes.find(
    (one) =>
      one.value !== undefined &&
      (word === `--${one.long}` || (one.short !== undefined && word === `-${one.short}`)),
  );
}

function completeVerb(cli: CAC, first: string, second: string | undefined, current: string): Completion {
  if (first === '') {
    const verbs = new Map<string, Candidate>();
    for (const { name, description } of cli.commands) {
      const [word = '', more] = name.split(' ');
      verbs.set(word, more === undefined ? { text: word, description } : { text: word });
    }
    return offer([...verbs.values()], current);
  }
  if (second !== undefined) return NOTHING;
  const group = cli.commands.filter((one) => one.name.startsWith(`${first} `));
  return offer(
    group.map(({ name, description }) => ({ text: name.slice(first.length + 1), description })),
    current,
  );
}

async function completeArgument(
  command: Command,
  written: readonly string[],
  current: string,
  names: () => Promise<Names>,
): Promise<Completion> {
  const [argument] = command.args;
  if (argument === undefined) return NOTHING;
  if (argument.value === 'builds' || argument.value === 'build') {
    const { selectable } = await names();
    const lead = current.startsWith('!') ? '!' : '';
    const used = new Set(written);
    return offer(
      selectable.map((one) => ({ ...one, text: `${lead}${one.text}` })).filter(({ text }) => !used.has(text)),
      current,
    );
  }
  const fixed = FIXED_ARGUMENTS[argument.value];
  if (fixed !== undefined)
    return offer(
      fixed.map((text) => ({ text })),
      current,
    );
  return FILE_WORDS.test(argument.value) ? FILES : NOTHING;
}

async function completeValue(
  shape: OptionShape,
  current: string,
  lead: string,
  names: () => Promise<Names>,
): Promise<Completion> {
  const words = (texts: readonly string[], nospace = false): Completion =>
    offer(
      texts.map((text) => ({ text: `${lead}${text}` })),
      `${lead}${current}`,
      nospace,
    );
  if (shape.choices !== undefined) return words(shape.choices);
  switch (shape.value) {
    case 'path':
      return FILES;
    case 'os/arch':
      return words(PLATFORMS);
    case 'axis=value':
      return words((await names()).axes);
    case 'NAME=value': {
      const { variables } = await names();
      return offer(
        variables.map((one) => ({ ...one, text: `${lead}${one.text}=` })),
        `${lead}${current}`,
        true,
      );
    }
    case 'PATTERN.key=value': {
      const { builds, keys } = await names();
      const dot = current.lastIndexOf('.');
      if (dot === -1)
        return words(
          ['*', ...builds].map((one) => `${one}.`),
          true,
        );
      return words(
        keys.map((key) => `${current.slice(0, dot)}.${key}=`),
        true,
      );
    }
    default:
      return NOTHING;
  }
}

function offer(candidates: readonly Candidate[], current: string, nospace = false): Completion {
  return {
    directive: nospace ? 'nospace' : 'words',
    candidates: candidates.filter(({ text }) => text.startsWith(current)),
  };
}
