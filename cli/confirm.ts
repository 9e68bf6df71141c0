/** Asks for confirmation. */
import type { Io } from './io.ts';

/**
 * Asks at the terminal. Anything but yes is a no, also Ctrl-C.
 *
 * @param question with its question mark
 * @returns `nobody`: there is no terminal
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
