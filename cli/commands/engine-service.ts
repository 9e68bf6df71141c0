import { problem } from '../../lib/model/mod.ts';
import { didYouMean } from '../../lib/util/suggest.ts';
import { isSet, type ParsedArgs } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { reportProblems } from '../output.ts';

const KINDS = ['systemd', 'systemd-user', 'kubernetes'] as const;

/** `bake-ts engine service <kind>`: prints a service definition that keeps an engine running. Installs nothing. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const [written = ''] = args.positionals;
  const kind = KINDS.find((one) => one === written);
  if (kind === undefined) {
    const unknown = problem('cli/bad-value', `there is no service "${written}"`, {
      hint: didYouMean(written, KINDS) ?? `Use one of ${KINDS.join(', ')}.`,
    });
    return reportProblems([unknown], args, io);
  }
  const rootless = isSet(args, 'rootless');
  if (rootless && kind !== 'kubernetes') {
    const conflict = problem('cli/conflict', `--rootless works only with kubernetes, not with ${kind}`, {
      hint: 'For an engine without root use `bake-ts engine service systemd-user`.',
    });
    return reportProblems([conflict], args, io);
  }
  const { kubernetesObjects, systemdUnit } = await import('../../lib/engine/mod.ts');
  io.stdout.write(
    kind === 'kubernetes'
      ? kubernetesObjects({ rootless })
      : systemdUnit(kind, { program: io.program ?? ['/usr/local/bin/bake-ts'], env: io.env }),
  );
  return EXIT.ok;
}
