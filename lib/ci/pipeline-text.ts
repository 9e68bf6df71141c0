/** What the texts of all pipelines are made of: YAML scalars, shell words, comments. */
import { quotesFor } from '../util/portable-yaml.ts';
import { shellWord } from '../util/shell.ts';
import type { Pipeline, PipelineJob, PipelineNote } from './pipeline-model.ts';

/** What a pipeline is printed with, besides its jobs. */
export interface PipelineSettings {
  /** Version of bake-ts that prints. */
  readonly version: string;
  /** Where jobs get bake-ts: what `npm install` takes, such as the address of a tarball. */
  readonly package: string;
  /** Version of BuildKit to run. */
  readonly buildkit: string;
  /** The branch whose commits are built and pushed. */
  readonly branch: string;
  /** Where bake-ts works, from the top of the repository, with `/`; empty: there. */
  readonly directory: string;
  /** Options for reading builds.yaml, for each call of bake-ts. */
  readonly reading: readonly string[];
  /** What was requested (patterns, filters): the words of the command line that merge requests and nightly builds take. */
  readonly selecting: readonly string[];
  /** builds.lock, from the top of the repository, with `/`. */
  readonly lockFile: string;
  /** Whether builds.yaml, or what it includes, is a program: that of a stranger is not run. */
  readonly hasCode: boolean;
  /** Names of variables that the environment gave while this was printed. */
  readonly variables: readonly string[];
}

/** A text as a YAML scalar on one line, that every reader takes for the same text. */
export function scalar(text: string): string {
  const isPlain = /^[A-Za-z0-9_/][\w./-]*$/.test(text) && quotesFor(text) === undefined;
  return isPlain ? text : quoted(text);
}

/** A command line as a YAML scalar on one line: plain where YAML surely takes it for text, as most are. */
export function scalarLine(line: string): string {
  const isPlain = /^[A-Za-z]/.test(line) && !/:(?:\s|$)|\s#|\s$|[\p{C}\p{Zl}\p{Zp}]/u.test(line);
  return isPlain ? line : quoted(line);
}

/** JSON is YAML, but for what some readers take for the end of a line, or refuse. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Texts as a YAML list: on one line where that is short. */
export function list(texts: readonly string[], indent: number): string {
  const items = texts.map(scalar);
  const flow = `[${items.join(', ')}]`;
  if (flow.length + indent <= 100) return ` ${flow}`;
  return items.map((one) => `\n${' '.repeat(indent)}- ${one}`).join('');
}

/** Words as a shell takes them apart again, on one line. */
export function shellWords(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}

/** What calls of bake-ts are printed with. */
export interface CallSettings extends Pick<PipelineSettings, 'directory' | 'reading'> {
  /** Quotes a word; default: for a shell. */
  readonly word?: (text: string) => string;
}

/** A call of bake-ts; `rest` is as it is. */
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
 * Quotes a word for a shell so that none of its characters that `pattern` matches is left unchanged; for what reads the script
 * before the shell does. The pattern is global and matches single characters.
 */
export function quotedWord(text: string, pattern: RegExp): string {
  const word = shellWord(text);
  if (word.startsWith("$'"))
    return word.replace(pattern, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return word.startsWith("'") ? word.replace(pattern, (one) => `${one}''`) : word;
}

/** What makes a run one for some platforms only, with a blank before it; empty for other jobs. */
export function platformWords({ kind, platforms }: Pick<PipelineJob, 'kind' | 'platforms'>): string {
  if (kind !== 'platform') return '';
  return ` ${[...platforms.map((one) => `--platform ${one}`), '--by-digest'].join(' ')}`;
}

/** Lines as a YAML comment, folded. */
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

/** The lines at the top: what printed it, and what one should know. */
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

/** Names of secrets for hosts that sign in, each its own: `REGISTRY_EXAMPLE_COM`. None may begin with a digit or `GITHUB_`. */
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

/** The variable with {@link PipelineSettings.package}, so that it stands in the file once. */
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
