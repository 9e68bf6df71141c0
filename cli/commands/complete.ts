import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { BuildSet } from '../../lib/model/mod.ts';
import { type OptionShape, type ParsedArgs, readArgs } from '../args.ts';
import {
  type Candidate,
  type Completion,
  completeWords,
  type DocumentedNames,
  type Names,
} from '../complete.ts';
import { declareCli } from '../declare.ts';
import { CONTENTS, PAGE_NAMES } from '../docs-contents.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { whenText } from '../history-text.ts';
import { readInputs } from '../inputs.ts';
import type { Io } from '../io.ts';
import { keptRunsDirectory } from '../kept-run.ts';

/** Default files in YAML. A builds.ts cannot be read in part. */
const DEFAULT_FILES = ['builds.yaml', 'builds.yml'];
/** Default files of bake in HCL. */
const HCL_FILES = ['docker-bake.hcl', 'docker-bake.override.hcl'];
const NO_NAMES: Names = {
  selectable: [],
  builds: [],
  variables: [],
  axes: [],
  keys: [],
  runs: async () => [],
};

/**
 * `bake-ts __complete <shell> <words…>`, which the scripts of `bake-ts completion` call. Prints a line that says how to
 * use the rest (`words`, `nospace`, `files`), then a line per candidate, with a tab before its description. On any
 * error it offers less and prints no message, because its output appears in the user's command line.
 */
export async function completeCommand(io: Io): Promise<ExitCode> {
  const [shell = '', ...written] = io.argv.slice(1);
  try {
    const words = shell === 'bash' ? joinAssignments(written) : written;
    const names = (before: readonly string[], shapes: readonly OptionShape[]) =>
      readNames(before, shapes, io);
    const found = await completeWords(declareCli(), words, names, DOCUMENTED);
    io.stdout.write(formatCompletion(found, shell, words.at(-1) ?? ''));
  } catch {
    io.stdout.write('words\n');
  }
  return EXIT.ok;
}

/** Pages are read only to complete a section or a problem code. */
const DOCUMENTED: DocumentedNames = {
  topics: async (current) => {
    const [page = ''] = current.split('#');
    if (!current.includes('#') || !PAGE_NAMES.includes(page))
      return CONTENTS.flatMap(({ pages }) => pages.map(([text, description]) => ({ text, description })));
    const [{ readSections }, { readPages }] = await Promise.all([
      import('../../lib/docs/mod.ts'),
      import('../docs-pages.ts'),
    ]);
    const pages = await readPages([page]);
    const sections = pages.ok ? pages.value.flatMap(({ text }) => readSections(text)) : [];
    return sections.map(({ slug, title }) => ({ text: `${page}#${slug}`, description: title }));
  },
  codes: async () => {
    const [{ codesOf }, { CODE_PAGES, readPages }] = await Promise.all([
      import('../../lib/docs/mod.ts'),
      import('../docs-pages.ts'),
    ]);
    const pages = await readPages(CODE_PAGES);
    return pages.ok ? pages.value.flatMap((page) => codesOf(page).map((text) => ({ text }))) : [];
  },
};

/** bash splits `--format=json` into three words, because `=` is a word break there (COMP_WORDBREAKS). */
function joinAssignments(words: readonly string[]): readonly string[] {
  const joined: string[] = [];
  for (const word of words) {
    const last = joined.at(-1);
    const follows = last?.endsWith('=') === true && /^[^=]/.test(word);
    if (last !== undefined && (word === '=' || word === '+=' || follows)) {
      joined[joined.length - 1] = `${last}${word}`;
    } else joined.push(word);
  }
  return joined;
}

function formatCompletion({ directive, candidates }: Completion, shell: string, current: string): string {
  // bash replaces only the part after the last `=`.
  const cut = shell === 'bash' ? current.lastIndexOf('=') + 1 : 0;
  const lines = candidates.map(({ text, description }) => {
    const words = (description ?? '').replace(/\s+/g, ' ').trim();
    return words === '' || shell === 'bash' ? text.slice(cut) : `${text}\t${words}`;
  });
  return `${[directive, ...lines].join('\n')}\n`;
}

/** Reads the builds.yaml that the words name. Half-written words are normal here. */
async function readNames(before: readonly string[], shapes: readonly OptionShape[], io: Io): Promise<Names> {
  // Invalid words must not prevent the completion of the others.
  const read = readArgs(
    before,
    shapes.map((shape) => ({ ...shape, repeats: true })),
  );
  const values = read.ok ? new Map(read.value.values) : new Map<string, readonly string[]>();
  const files = (values.get('file') ?? []).filter((file) => file !== '-');
  const args = {
    positionals: [],
    flags: new Map<string, boolean>(),
    values: new Map([
      ['file', files],
      ['var', (values.get('var') ?? []).filter((one) => one.includes('='))],
      ['var-file', values.get('var-file') ?? []],
      // Prevents the message about which file was found.
      ['progress', ['quiet']],
    ]),
  };
  const directory = values.get('directory')?.[0];
  const cwd = directory === undefined ? io.cwd : path.resolve(io.cwd, directory);
  const inputs = await readInputs(args, { ...io, cwd });
  const runs = () => readRuns(args, { ...io, cwd });
  if (!inputs.ok) return { ...scanNames(cwd, files), runs };
  const { overridableKeys } = await import('../../lib/config/mod.ts');
  return { ...namesOf(inputs.value.set, Object.keys(overridableKeys)), runs };
}

async function readRuns(args: ParsedArgs, io: Io): Promise<readonly Candidate[]> {
  const { listRuns } = await import('../../lib/history/mod.ts');
  const runs = await listRuns(await keptRunsDirectory(args, io));
  return runs.map((run) => ({
    text: run.runId,
    description: `${run.result.replaceAll('-', ' ')}, ${whenText(run.startedAt, io.now())}`,
  }));
}

/** Finds names in a file that cannot be resolved right now, for example because a line is half-written or a variable is not set. */
function scanNames(cwd: string, files: readonly string[]): Names {
  const found = new Map<string, string[]>([
    ['builds', []],
    ['groups', []],
    ['vars', []],
  ]);
  for (const file of files.length > 0 ? files : DEFAULT_FILES) {
    let section: string[] | undefined;
    for (const line of textOf(path.resolve(cwd, file)).split('\n')) {
      const head = /^([a-z-]+):/.exec(line)?.[1];
      if (head !== undefined) section = found.get(head);
      const name = /^ {2}"?([A-Za-z0-9_][\w.-]*)"?:/.exec(line)?.[1];
      if (name !== undefined) section?.push(name);
    }
  }
  for (const file of files.length > 0 ? files : HCL_FILES) {
    const blocks = textOf(path.resolve(cwd, file)).matchAll(/^(target|group|variable)[ \t]+"([\w-]+)"/gm);
    for (const [, type, name = ''] of blocks)
      found.get(type === 'target' ? 'builds' : type === 'group' ? 'groups' : 'vars')?.push(name);
  }
  const [builds = [], groups = [], variables = []] = found.values();
  return {
    ...NO_NAMES,
    selectable: [...groups, ...builds].map((text) => ({ text })),
    builds,
    variables: variables.map((text) => ({ text })),
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function namesOf(set: BuildSet, keys: readonly string[]): Omit<Names, 'runs'> {
  const described = (text: string, description: string | undefined): Candidate =>
    description === undefined ? { text } : { text, description };
  const axes = new Set<string>();
  for (const { matrix } of set.builds.values()) {
    for (const [axis, value] of Object.entries(matrix?.row ?? {})) {
      if (typeof value !== 'object') axes.add(`${axis}=${value}`);
    }
  }
  return {
    selectable: [
      ...[...set.groups.values()].map((one) => described(one.name, one.description ?? 'group')),
      ...[...set.matrices.keys()].map((name) => described(name, 'matrix')),
      ...[...set.builds.values()].map((one) => described(one.name, one.description)),
    ],
    builds: [...set.matrices.keys(), ...set.builds.keys()],
    variables: [...set.variables.values()].map((one) => described(one.name, one.description)),
    axes: [...axes],
    keys,
  };
}
