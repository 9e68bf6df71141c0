/** Questions to a person at a terminal. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** The line that was entered; or `interrupted` by Ctrl-C, `ended` by Ctrl-D. */
export type Answer =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'ended' };

/** A dialogue. Lines that are typed ahead wait for their question. */
export interface Prompt {
  readonly ask: (question: string) => Promise<Answer>;
  /** Releases the terminal. */
  readonly close: () => void;
}

/** Starts a dialogue on a terminal's input and output. */
export function createPrompt(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Prompt {
  const lines = createInterface({ input, output, terminal: true, historySize: 0 });
  const early: string[] = [];
  let waiting: ((answer: Answer) => void) | undefined;
  let end: Answer | undefined;
  const finish = (answer: Answer): void => {
    if (end !== undefined) return;
    end = answer;
    lines.close();
    output.write('\n');
    waiting?.(answer);
  };
  lines.on('line', (text) => {
    if (waiting === undefined) early.push(text);
    else waiting({ kind: 'line', text });
    waiting = undefined;
  });
  lines.on('SIGINT', () => finish({ kind: 'interrupted' }));
  lines.on('close', () => finish({ kind: 'ended' }));
  return {
    ask: (question) => {
      const text = early.shift();
      if (text !== undefined) output.write(`${question}${text}\n`);
      if (text !== undefined) return Promise.resolve({ kind: 'line', text });
      if (end !== undefined) return Promise.resolve(end);
      return new Promise((resolve) => {
        waiting = resolve;
        lines.setPrompt(question);
        lines.prompt();
      });
    },
    close: () => {
      end ??= { kind: 'ended' };
      lines.close();
    },
  };
}

/** Asks for a secret: what is typed is not shown. */
export async function askHidden(
  question: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<Answer> {
  output.write(question);
  const prompt = createPrompt(input, new Writable({ write: (_chunk, _encoding, done) => done() }));
  const answer = await prompt.ask('');
  prompt.close();
  output.write('\n');
  return answer;
}
