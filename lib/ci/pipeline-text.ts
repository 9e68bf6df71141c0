/** Parts of pipeline texts: YAML scalars, shell words, comments. */
import { quotesFor } from '../util/portable-yaml.ts';
import { shellWord } from '../util/shell.ts';
import type { Pipeline, PipelineJob, PipelineNote } from './pipeline-model.ts';

/** Settings for printing a pipeline, besides its jobs. */
export interface PipelineSettings {
  /** Version of the bake-ts that prints. */
  readonly version: string;
  /** Where jobs get bake-ts: an argument of `npm install`, such as the address of a tarball. */
  readonly package: string;
  /** Version of BuildKit to run. */
  readonly buildkit: string;
  /** The branch whose commits are built and pushed. */
  readonly branch: string;
  /** Working directory of bake-ts relative to the repository, with `/`; empty: the repository. */
  readonly directory: string;
  /** Options for reading builds.yaml, for each call of bake-ts. */
  readonly reading: readonly string[];
  /** The selection (patterns, filters) as arguments, for merge requests and nightly builds. */
  readonly selecting: readonly string[];
  /** Path of builds.lock relative to the repository, with `/`. */
  readonly lockFile: string;
  /** Whether builds.yaml or an included file is a program; untrusted programs are not run. */
  readonly hasCode: boolean;
  /** Names of environment variables that supplied values while printing. */
  readonly variables: readonly string[];
}

/** A text as a YAML scalar on one line that every parser reads as the same text. */
export function scalar(text: string): string {
  const isPlain = /^[A-Za-z0-9_/][\w./-]*$/.test(text) && quotesFor(text) === undefined;
  return isPlain ? text : quoted(text);
}

/** A command as a YAML scalar on one line; plain if YAML certainly reads it as text, which is usual. */
export function scalarLine(line: string): string {
  const isPlain = /^[A-Za-z]/.test(line) && !/:(?:\s|$)|\s#|\s$|[\p{C}\p{Zl}\p{Zp}]/u.test(line);
  return isPlain ? line : quoted(line);
}

/** JSON is valid YAML, except for characters that some parsers reject or read as line breaks. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Texts as a YAML list, on one line if it is short. */
export function list(texts: readonly string[], indent: number): string {
  const items = texts.map(scalar);
  const flow = `[${items.join(', ')}]`;
  if (flow.length + indent <= 100) return ` ${flow}`;
  return items.map((one) => `\n${' '.repeat(indent)}- ${one}`).join('');
}

/** Words quoted for a shell, on one line. */
export function shellWords(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}

/** Settings for printing bake-ts calls. */
export interface CallSettings extends Pick<PipelineSettings, 'directory' | 'reading'> {
  /** Quotes a word; default: for a shell. */
  readonly word?: (text: string) => string;
}

/** A bake-ts call; `rest` is appended unchanged. */
export function bakeTs(
  { directory, reading, word = shellWord }: CallSettings,
  command: string,
  ...rest: readonly string[]
): string {
  const at = directory === '' ? [] : ['-C', directory];
  const words = ['bake-ts', ...at, command, ...reading].map(word);
  return [...words, ...rest].filter((one) => one !== '').join(' ');
}

/**
 * Quotes a word for a shell so that no character that `pattern` matches remains unchanged, for systems that read the
 * script before the shell does. The pattern is global and matches single characters.
 */
export function quotedWord(text: string, pattern: RegExp): string {
  const word = shellWord(text);
  if (word.startsWith("$'"))
    return word.replace(pattern, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return word.startsWith("'") ? word.replace(pattern, (one) => `${one}''`) : word;
}

/** The options that limit a run to some platforms, with a leading space; empty for other jobs. */
export function platformWords({ kind, platforms }: Pick<PipelineJob, 'kind' | 'platforms'>): string {
  if (kind !== 'platform') return '';
  return ` ${[...platforms.map((one) => `--platform ${one}`), '--by-digest'].join(' ')}`;
}

/** A YAML comment with wrapped lines. */
export function comment(text: string, indent = 0): string {
  const head = `${' '.repeat(indent)}# `;
  const lines: string[] = [];
  let line = '';
  for (const word of text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ').split(' ')) {
    if (line !== '' && head.length + line.length + word.length + 1 > 110) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((one) => `${head}${one}`.trimEnd()).join('\n');
}

/** The comment at the top: what printed the file, and notes. */
export function heading(
  command: string,
  pipeline: Pipeline,
  { version, variables }: PipelineSettings,
): string {
  const notes: readonly PipelineNote[] = pipeline.notes;
  return [
    comment(
      `Printed by \`bake-ts ${command}\` (bake-ts ${version}). Print it again when builds or their dependencies change.`,
    ),
    ...(variables.length === 0
      ? []
      : [
          comment(
            `Printed with ${variables.join(', ')} from the environment. Set the same for the jobs: with \`env:\`, \`variables:\` or in the settings.`,
          ),
        ]),
    ...notes.map(({ text, hint }) => comment(`Note: ${text} ${hint}`)),
  ].join('\n');
}

/** Unique secret names for registries that need sign-in: `REGISTRY_EXAMPLE_COM`. None may begin with a digit or `GITHUB_`. */
export function secretNames(hosts: readonly string[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const host of hosts) {
    const letters = host
      .toUpperCase()
      .replace(/[^A-Z0-9]+/g, '_')
      .replace(/^_|_$/g, '');
    const plain = /^(?:\d|GITHUB_)/.test(letters) ? `REGISTRY_${letters}` : letters;
    let name = plain;
    const taken = new Set(names.values());
    for (let count = 2; taken.has(name); count++) name = `${plain}_${count}`;
    names.set(host, name);
  }
  return names;
}

/** The variable with {@link PipelineSettings.package}, so that it appears only once in the file. */
export function packageVariable(settings: PipelineSettings, indent: number): string {
  const head = ' '.repeat(indent);
  return `${comment('The package of bake-ts, as for `npm install`.', indent)}\n${head}BAKE_TS_PACKAGE: ${scalar(settings.package)}`;
}

/** A script for a block scalar, each line indented. */
export function indented(text: string, indent: number): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : `${' '.repeat(indent)}${line}`))
    .join('\n');
}
