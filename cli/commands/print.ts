import { createHider } from '../../lib/model/mod.ts';
import { isSet, type ParsedArgs } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { readInputs, selectionOf } from '../inputs.ts';
import type { Io } from '../io.ts';
import { reportProblems, writeJson } from '../output.ts';

/** `bake-ts print`: prints the selected builds with variables, templates and matrices resolved. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const read = await readInputs(args, io);
  if (!read.ok) return reportProblems(read.error, args, io);
  reportProblems(read.value.warnings, args, io);
  const { set } = read.value;
  const { selectBuilds } = await import('../../lib/plan/mod.ts');
  // Without a selection all builds are printed, not only the group `default`, because this is about the file.
  const all = args.positionals.length === 0 && (args.values.get('filter') ?? []).length === 0;
  const selected = selectBuilds(set, { ...selectionOf(args), whole: all });
  if (!selected.ok) return reportProblems(selected.error, args, io);
  const mistakes = [...selected.value].flatMap((name) => set.builds.get(name)?.mistakes ?? []);
  const code = reportProblems(mistakes, args, io);
  if (code !== EXIT.ok) return code;
  const only = selected.value;
  const { formatPrinted, printBuilds } = await import('../../lib/config/mod.ts');
  const whole = printBuilds(set, only);
  const printed = isSet(args, 'show-sensitive') ? whole : createHider(set.variables).hide(whole);
  if (isSet(args, 'json')) writeJson(printed, io);
  else io.stdout.write(await formatPrinted(printed));
  return EXIT.ok;
}
