import { formatDuration, plural } from '../../lib/report/mod.ts';
import type { ParsedArgs } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { createNoticeView } from '../notices.ts';
import { reportProblems } from '../output.ts';

/** `bake-ts engine down`. A signal does not interrupt it, because it is stopping things anyway. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const { downEngine } = await import('../../lib/engine/mod.ts');
  const view = createNoticeView(args, io);
  const down = await downEngine({ env: io.env, notify: view.notify }).finally(() => view.close());
  if (!down.ok) return reportProblems(down.error, args, io);
  const { wasRunning, stopped, removedContainers, killedProcesses, unmounted, durationMs } = down.value;
  if (!wasRunning) {
    io.stdout.write('the engine was not running\n');
    return EXIT.ok;
  }
  const killed = stopped.filter((one) => one.how === 'killed').map((one) => one.name);
  const extra = [
    ...(killed.length > 0 ? [`${killed.join(', ')} had to be killed`] : []),
    ...(removedContainers > 0 ? [`${plural(removedContainers, 'container')} removed`] : []),
    ...(killedProcesses > 0
      ? [`${plural(killedProcesses, 'leftover process', 'leftover processes')} ended`]
      : []),
    ...(unmounted.length > 0 ? [`${plural(unmounted.length, 'mount')} removed`] : []),
  ];
  const names = stopped.map((one) => one.name).join(', ');
  const what = names === '' ? 'removed leftovers of the engine' : `stopped ${names}`;
  io.stdout.write(`${[`${what} in ${formatDuration(durationMs)}`, ...extra].join('; ')}\n`);
  return EXIT.ok;
}
