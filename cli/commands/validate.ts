import type { Problem } from '../../lib/model/mod.ts';
import { plural } from '../../lib/report/mod.ts';
import { type ParsedArgs, textOf } from '../args.ts';
import { EXIT, type ExitCode, exitCodeOfProblems } from '../exit-codes.ts';
import { readInputs } from '../inputs.ts';
import type { Io } from '../io.ts';
import { paletteFor, writeFindings } from '../output.ts';
import { planWhole } from '../planned.ts';

/** `bake-ts validate`: prints findings to stdout in every format, because they are its result. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const read = await readInputs(args, io);
  const problems: Problem[] = [...(read.ok ? read.value.warnings : read.error)];
  let builds = 0;
  if (read.ok) {
    const { set } = read.value;
    const { findMistakes, findRefused, findUnmatched, findUnnamed, withoutMistakes } = await import(
      '../../lib/prepare/mod.ts'
    );
    problems.push(...findMistakes(set));
    // Dependencies, cycles and Dockerfiles can also be wrong.
    const planned = await planWhole(withoutMistakes(set), io);
    builds = set.builds.size;
    const found: Problem[] = [...(planned.ok ? planned.value.missing : planned.error)];
    if (planned.ok) {
      const { plan, dockerfiles } = planned.value;
      found.push(...findRefused(plan, io.cwd), ...findUnnamed(plan), ...findUnmatched(plan, dockerfiles));
    }
    // A mistake in a build may cause more problems, which are not worth reporting.
    const isWrong = (build: string | undefined): boolean =>
      set.builds.get(build ?? '')?.mistakes?.some(({ severity }) => severity === 'error') === true;
    problems.push(...found.filter(({ build }) => !isWrong(build)));
  }
  await writeFindings(problems, args, io);
  const code = exitCodeOfProblems(problems);
  if (code === EXIT.ok && ['text', 'lines'].includes(textOf(args, 'format') ?? 'text')) {
    const good = paletteFor(args, io, io.stdout).good('valid');
    io.stdout.write(
      `${good}: ${plural(builds, 'build')} in ${read.ok ? read.value.set.files.join(', ') : ''}\n`,
    );
  }
  return code;
}
