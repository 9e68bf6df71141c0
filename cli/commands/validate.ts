import type { Problem } from '../../lib/model/mod.ts';
import {
  createPalette,
  formatGithubAnnotation,
  formatProblems,
  plural,
  sortProblems,
  toProblemJson,
} from '../../lib/report/mod.ts';
import { type ParsedArgs, textOf } from '../args.ts';
import { EXIT, type ExitCode, exitCodeOfProblems } from '../exit-codes.ts';
import { readInputs } from '../inputs.ts';
import type { Io } from '../io.ts';
import { columnsOf, wantsColor, writeJson } from '../output.ts';
import { planWhole } from '../whole-plan.ts';

/** `bake-ts validate`: what it finds is its result, and so goes to stdout in every form. */
export async function validateCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const read = await readInputs(args, io);
  const problems: Problem[] = [...(read.ok ? read.value.warnings : read.error)];
  let builds = 0;
  if (read.ok) {
    // Edges, cycles and Dockerfiles are part of what can be wrong in a file.
    const planned = await planWhole(read.value.set, io);
    builds = read.value.set.builds.size;
    problems.push(...(planned.ok ? planned.value.missing : planned.error));
  }
  write(problems, args, io);
  const code = exitCodeOfProblems(problems);
  if (code === EXIT.ok && ['text', 'lines'].includes(textOf(args, 'format') ?? 'text')) {
    const good = createPalette(wantsColor(args, io, io.stdout)).good('valid');
    io.stdout.write(
      `${good}: ${plural(builds, 'build')} in ${read.ok ? read.value.set.files.join(', ') : ''}\n`,
    );
  }
  return code;
}

function write(problems: readonly Problem[], args: ParsedArgs, io: Io): void {
  const format = textOf(args, 'format') ?? 'text';
  if (format === 'json') {
    writeJson({ problems: sortProblems(problems).map(toProblemJson) }, io);
  } else if (format === 'github') {
    for (const one of sortProblems(problems)) io.stdout.write(`${formatGithubAnnotation(one)}\n`);
  } else if (problems.length > 0) {
    const color = wantsColor(args, io, io.stdout);
    const style = { color, columns: columnsOf(io.stdout), frames: format === 'text' };
    io.stdout.write(`${formatProblems(problems, style)}\n`);
  }
}
