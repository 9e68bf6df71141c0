/**
 * What a shell offers while a command line is being typed. Everything that the declarations know is computed here
 * without effects. Names of builds, groups and variables are read only where they can be typed.
 */
import type { CAC, Command } from 'cac';
import { isGroup, matchCommand, type OptionShape, shapesOf } from './args.ts';

/** A possible next word. */
export interface Candidate {
  readonly text: string;
  readonly description?: string;
}

/** The offered words. `files`: whatever the shell offers for paths. `nospace`: the word continues after the candidate. */
export interface Completion {
  readonly directive: 'words' | 'nospace' | 'files';
  readonly candidates: readonly Candidate[];
}

/** The names in a builds.yaml. */
export interface Names {
  /** Builds, matrix builds and groups. */
  readonly selectable: readonly Candidate[];
  readonly builds: readonly string[];
  readonly variables: readonly Candidate[];
  /** `axis=value` of all matrices. */
  readonly axes: readonly string[];
  /** Keys that `--set` accepts. */
  readonly keys: readonly string[];
  /** Ids of the recorded runs, newest first. */
  readonly runs: () => Promise<readonly Candidate[]>;
}

/** The names in the documentation. */
export interface DocumentedNames {
  /** Pages, or sections of the page whose name is already typed: `cli#…`. */
  readonly topics: (current: string) => Promise<readonly Candidate[]>;
  /** Problem codes. */
  readonly codes: () => Promise<readonly Candidate[]>;
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
const SELECTING: ReadonlySet<string> = new Set(['builds', 'build', 'what']);
const FILE_WORDS = /^(?:path|file|files|dir|directory)$/;

/**
 * Completes the last of the words after `bake-ts` (empty: a new word).
 *
 * @param names reads the builds.yaml that the words before name (`-f`, `-C`, `--var`), which have the given shapes;
 *   only called where names can be typed
 */
export async function completeWords(
  cli: CAC,
  words: readonly string[],
  names: (before: readonly string[], shapes: readonly OptionShape[]) => Promise<Names>,
  documented: DocumentedNames,
): Promise<Completion> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const { command, name, rest } = matchCommand(cli, before);
  const shapes = shapesOf(cli, command);
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
  if (command === undefined) return completeCommandName(cli, name, current);
  const [argument] = command.args;
  if (argument?.value === 'topic') return offer(await documented.topics(current), current);
  if (argument?.value === 'codes') return offer(await documented.codes(), current);
  return completeArgument(command, rest, current, read);
}

/** The option whose value the next word is. */
function openOption(word: string | undefined, shapes: readonly OptionShape[]): OptionShape | undefined {
  return shapes.find(
    (one) =>
      one.value !== undefined &&
      (word === `--${one.long}` || (one.short !== undefined && word === `-${one.short}`)),
  );
}

/** The first word of a command, or the second one in `group`. */
function completeCommandName(cli: CAC, group: string | undefined, current: string): Completion {
  if (group !== undefined && !isGroup(cli, group)) return NOTHING;
  const words = new Map<string, Candidate>();
  for (const { name, description } of cli.commands) {
    if (group !== undefined && !name.startsWith(`${group} `)) continue;
    const [text = '', more] = (group === undefined ? name : name.slice(group.length + 1)).split(' ');
    words.set(text, more === undefined ? { text, description } : { text });
  }
  return offer([...words.values()], current);
}

async function completeArgument(
  command: Command,
  written: readonly string[],
  current: string,
  names: () => Promise<Names>,
): Promise<Completion> {
  const [argument] = command.args;
  if (argument === undefined) return NOTHING;
  // `push` also accepts a path; once it looks like one, complete it.
  if (argument.value === 'what' && /^[./]/.test(current)) return FILES;
  if (SELECTING.has(argument.value)) {
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
    case 'id': {
      const runs = await (await names()).runs();
      return offer(
        runs.map((one) => ({ ...one, text: `${lead}${one.text}` })),
        `${lead}${current}`,
      );
    }
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
