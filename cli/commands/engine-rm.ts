import { problem } from '../../lib/model/mod.ts';
import { isSet, type ParsedArgs } from '../args.ts';
import { confirm } from '../confirm.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { createNoticeView } from '../notices.ts';
import { reportProblems } from '../output.ts';

/** `bake-ts engine rm`. A signal does not interrupt it, because a half-removed engine is of no use. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const { findRemovable, removeEngine } = await import('../../lib/engine/mod.ts');
  const options = { env: io.env, programs: isSet(args, 'programs') };
  const dirs = await findRemovable(options);
  if (dirs.length === 0) {
    io.stdout.write('nothing to delete: there is no engine\n');
    return EXIT.ok;
  }
  if (!isSet(args, 'yes')) {
    const answer = await confirm(`Stop the engine and delete ${dirs.join(', ')}?`, io);
    if (answer === 'nobody') {
      const message = `this would delete ${dirs.join(', ')}, and there is nobody to ask for confirmation`;
      const hint = 'Add --yes to confirm.';
      return reportProblems([problem('cli/not-confirmed', message, { hint })], args, io);
    }
    if (answer === 'no') return EXIT.ok;
  }
  const view = createNoticeView(args, io);
  const removed = await removeEngine({ ...options, notify: view.notify }).finally(() => view.close());
  if (!removed.ok) return reportProblems(removed.error, args, io);
  for (const dir of removed.value) io.stdout.write(`removed ${dir}\n`);
  return EXIT.ok;
}
