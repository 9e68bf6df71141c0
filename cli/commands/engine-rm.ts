import { problem } from '../../lib/model/mod.ts';
import { isSet, type ParsedArgs } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { createNoticeView } from '../notices.ts';
import { reportProblems } from '../output.ts';

/** `bake-ts engine rm`. A signal does not stop it half-way: what is half removed is of no use to anybody. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const { findRemovable, removeEngine } = await import('../../lib/engine/mod.ts');
  const options = { env: io.env, programs: isSet(args, 'programs') };
  const dirs = await findRemovable(options);
  if (dirs.length === 0) {
    io.stdout.write('there is nothing of the engine to remove\n');
    return EXIT.ok;
  }
  if (!isSet(args, 'yes')) {
    const refused = await ask(dirs, io);
    if (refused === 'no') return EXIT.ok;
    if (refused !== undefined) return reportProblems([refused], args, io);
  }
  const view = createNoticeView(args, io);
  const removed = await removeEngine({ ...options, notify: view.notify }).finally(() => view.close());
  if (!removed.ok) return reportProblems(removed.error, args, io);
  for (const dir of removed.value) io.stdout.write(`removed ${dir}\n`);
  return EXIT.ok;
}

/** Whether it is meant: undefined where it is, `no` where it is not, a problem where there is nobody to ask. */
async function ask(dirs: readonly string[], io: Io) {
  const prompt = await io.openPrompt?.();
  if (prompt === undefined) {
    return problem('cli/not-confirmed', `this would remove ${dirs.join(', ')}, and there is nobody to ask`, {
      hint: 'say that it is meant: --yes',
    });
  }
  try {
    const answer = await prompt.ask(`Stop the engine and remove ${dirs.join(', ')}? [y/N] `);
    return answer.kind === 'line' && /^y(?:es)?$/i.test(answer.text.trim()) ? undefined : 'no';
  } finally {
    prompt.close();
  }
}
