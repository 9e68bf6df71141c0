/**
 * Files of bake and what `docker buildx bake --print` 0.38.2 makes of them: test/bake/cases/*.txt. A case is
 *
 *     === what it shows
 *     $ targets --set TARGET.key=value --var NAME=value -f FILE
 *     % NAME=value of the environment
 *     --- docker-bake.hcl
 *     the file
 *     --- print
 *     bake's JSON
 *
 * or, where bake refuses it, `--- refused` and our problems: code, place, words.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { DEFAULT_BAKE_FILES, readBake, resolveBake } from '../../lib/bake/mod.ts';
import type { BakeDefinition, BakeResult } from '../../lib/bake/mod.ts';
import { fail, formatPlace, type Problem, type Result } from '../../lib/model/mod.ts';
import { repoPath } from '../rig/paths.ts';

export interface Case {
  readonly title: string;
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly files: ReadonlyMap<string, string>;
  /** bake's JSON. */
  readonly print?: string;
  /** Our problems, a line each. */
  readonly refused?: string;
}

const DIR = 'test/bake/cases';

/** Names of the files of cases, by subject. */
export function subjects(): readonly string[] {
  return readdirSync(repoPath(DIR))
    .filter((name) => name.endsWith('.txt'))
    .sort();
}

/** The cases of a subject. */
export function casesOf(subject: string): readonly Case[] {
  const text = readFileSync(repoPath(`${DIR}/${subject}`), 'utf8');
  return text
    .split(/^=== /m)
    .filter((one) => one.trim() !== '')
    .map(readCase);
}

function readCase(text: string): Case {
  const [head = '', ...rest] = text.split(/^--- /m);
  const lines = head.split('\n');
  const wordsAfter = (sign: string): readonly string[] =>
    lines.filter((line) => line.startsWith(sign)).flatMap((line) => line.slice(1).split(' ').filter((word) => word !== ''));
  const env = wordsAfter('%').map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]);
  const sections = new Map(
    rest.map((section) => [section.slice(0, section.indexOf('\n')), `${section.slice(section.indexOf('\n') + 1).trimEnd()}\n`]),
  );
  const print = sections.get('print');
  const refused = sections.get('refused');
  sections.delete('print');
  sections.delete('refused');
  return {
    title: lines[0] ?? '',
    words: wordsAfter('$'),
    env: Object.fromEntries(env),
    files: sections,
    ...(print === undefined ? {} : { print }),
    ...(refused === undefined ? {} : { refused }),
  };
}

interface Asked {
  readonly files: readonly string[];
  readonly targets: readonly string[];
  readonly overrides: readonly string[];
  readonly vars: ReadonlyMap<string, string>;
}

function readWords(words: readonly string[]): Asked {
  const files: string[] = [];
  const targets: string[] = [];
  const overrides: string[] = [];
  const vars = new Map<string, string>();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (!word.startsWith('-')) {
      targets.push(word);
      continue;
    }
    at += 1;
    const value = words[at] ?? '';
    if (word === '-f') files.push(value);
    else if (word === '--set') overrides.push(value);
    else vars.set(value.slice(0, value.indexOf('=')), value.slice(value.indexOf('=') + 1));
  }
  return { files, targets, overrides, vars };
}

/** What a case comes to here. */
export interface Outcome {
  readonly definition?: BakeDefinition;
  readonly result: Result<BakeResult>;
}

/** Runs a case. */
export async function runCase(one: Pick<Case, 'words' | 'env' | 'files'>): Promise<Outcome> {
  const { files, targets, overrides, vars } = readWords(one.words);
  const names = files.length > 0 ? files : DEFAULT_BAKE_FILES.filter((name) => one.files.has(name));
  const sources = names.map((path) => ({ source: { path, text: one.files.get(path) ?? '' }, dir: '/work' }));
  const read = await readBake(sources, {
    env: one.env,
    vars,
    cmdContext: 'cwd://',
    localPlatform: 'linux/amd64',
    now: new Date('2026-01-02T03:04:05Z'),
    readFile: async (path) => one.files.get(path),
  });
  if (!read.ok) return { result: fail(read.error) };
  return { definition: read.value, result: resolveBake(read.value, { targets, overrides }) };
}

/** A problem on a line. */
export function lineOf({ code, span, message, hint }: Problem): string {
  const place = span === undefined ? '-' : formatPlace(span);
  return `${code} ${place} ${message}${hint === undefined ? '' : ` | ${hint.replaceAll('\n', ' ')}`}`;
}
