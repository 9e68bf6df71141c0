/** Asking whether something is meant. */
import type { Io } from './io.ts';

/**
 * Asks at the terminal. Whatever is no yes is a no, Ctrl-C too.
 *
 * @param question with its question mark
 * @returns `nobody`: there is no terminal to ask at
 */
export async function confirm(question: string, io: Io): Promise<'yes' | 'no' | 'nobody'> {
  const prompt = await io.openPrompt?.();
  if (prompt === undefined) return 'nobody';
  try {
    const answer = await prompt.ask(`${question} [y/N] `);
    return answer.kind === 'line' && /^y(?:es)?$/i.test(answer.text.trim()) ? 'yes' : 'no';
  } finally {
    prompt.close();
  }
}
