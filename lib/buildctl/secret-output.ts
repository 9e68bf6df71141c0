/** The values of a build's secrets, kept out of what its steps write. */
import { readFile, stat } from 'node:fs/promises';
import { type Build, createHider, type EventBody, type Problem } from '../model/mod.ts';
import type { Buildctl } from './tool.ts';

/** Larger files are no passwords and tokens, and are not read for this. */
const MOST_FILE_BYTES = 4096;
/** To look for longer values in each line takes long, and nobody prints them by mistake. */
const MOST_VALUE_LENGTH = 8192;
/** Shorter lines of a longer text are in anybody's output. */
const SHORTEST_LINE = 8;

/** Takes the values out of what buildctl says. */
export interface SecretOutput {
  readonly hideInEvent: (event: EventBody) => EventBody;
  readonly hideInProblem: (problem: Problem) => Problem;
}

/**
 * Values from the environment and from commands are known, and hidden up to 8 KiB; those of files where they are one line of at most 4 KiB.
 *
 * @param env what buildctl is called with
 * @param given what the build's commands said
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
    // One may be the start of another.
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

/** A text of one line as it is; of a longer one its lines, since output comes line by line. */
function wordsOf(text: string): readonly string[] {
  const lines = text.split(/\r\n|\r|\n/).map((line) => line.trim());
  const [only = '', ...more] = lines.filter((line) => line !== '');
  return more.length === 0 ? [only] : lines.filter((line) => line.length >= SHORTEST_LINE);
}

async function readLine(file: string): Promise<string> {
  try {
    const found = await stat(file);
    // Reading a pipe would take it from the build.
    if (!found.isFile() || found.size > MOST_FILE_BYTES) return '';
    const text = (await readFile(file, 'utf8')).trim();
    return /[\r\n]/.test(text) ? '' : text;
  } catch {
    // buildctl says what is wrong with it.
    return '';
  }
}
