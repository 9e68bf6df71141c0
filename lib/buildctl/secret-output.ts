/** Hides the values of a build's secrets in the output of its steps. */
import { readFile, stat } from 'node:fs/promises';
import { type Build, createHider, type EventBody, type Problem } from '../model/mod.ts';
import type { Buildctl } from './tool.ts';

/** Larger files are not passwords or tokens, and are not read for this. */
const MOST_FILE_BYTES = 4096;
/** Searching each line for longer values would be slow, and nobody prints them by mistake. */
const MOST_VALUE_LENGTH = 8192;
/** Shorter lines of a text are too common to be hidden. */
const SHORTEST_LINE = 8;

/** Hides the values in events and problems. */
export interface SecretOutput {
  readonly hideInEvent: (event: EventBody) => EventBody;
  readonly hideInProblem: (problem: Problem) => Problem;
}

/**
 * Hides values from the environment and from commands up to 8 KiB, and values from files if they are one line of at most 4 KiB.
 *
 * @param env buildctl's environment
 * @param given the values from the build's commands
 */
export async function hideSecrets(
  build: Build,
  env: Buildctl['env'],
  given: readonly string[],
): Promise<SecretOutput> {
  const texts = [...given];
  for (const { from } of build.secrets) {
    if (from.kind === 'env') texts.push(env[from.variable] ?? '');
    if (from.kind === 'file') texts.push(await readLine(from.path));
  }
  const hiders = texts
    .filter((text) => text.length <= MOST_VALUE_LENGTH)
    // Longest first: one value may be the start of another.
    .sort((one, other) => other.length - one.length)
    .map((text) => createHider(new Map(), wordsOf(text)));
  const hide = (text: string) => hiders.reduce((shown, hider) => hider.hide(shown), text);
  return {
    hideInEvent: (event) => {
      if (event.type === 'log') return { ...event, text: hide(event.text) };
      if (event.type !== 'vertex' || event.error === undefined) return event;
      return { ...event, error: hide(event.error) };
    },
    hideInProblem: (problem) => ({
      ...problem,
      message: hide(problem.message),
      ...(problem.hint === undefined ? {} : { hint: hide(problem.hint) }),
      ...(problem.detail === undefined ? {} : { detail: hide(problem.detail) }),
    }),
  };
}

/** The texts to hide: a one-line text itself, or each line of a longer one, since output comes line by line. */
function wordsOf(text: string): readonly string[] {
  const lines = text.split(/\r\n|\r|\n/).map((line) => line.trim());
  const [only = '', ...more] = lines.filter((line) => line !== '');
  return more.length === 0 ? [only] : lines.filter((line) => line.length >= SHORTEST_LINE);
}

async function readLine(file: string): Promise<string> {
  try {
    const found = await stat(file);
    // Reading a pipe would consume it before the build does.
    if (!found.isFile() || found.size > MOST_FILE_BYTES) return '';
    const text = (await readFile(file, 'utf8')).trim();
    return /[\r\n]/.test(text) ? '' : text;
  } catch {
    // buildctl will report the error.
    return '';
  }
}
