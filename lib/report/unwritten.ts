/** Folds warnings about results that cannot be recorded, which otherwise appear once per file. */
import type { ProblemJson } from '../model/mod.ts';
import { plural } from './units.ts';

const NOT_REMEMBERED = /^the results cannot be remembered: `([^`]*)` \((.*)\)$/s;

/** Equal for warnings that differ only in the build and the file. */
export function warningIdentity(found: ProblemJson): string {
  const why = reasonOf(found);
  const { build: _, ...rest } = found;
  return why === undefined ? JSON.stringify(rest) : JSON.stringify([found.code, why.why]);
}

/** Folds warnings about unwritable files into one with their directory and the number of builds; keeps the others. */
export function foldUnwritten(warnings: readonly ProblemJson[]): readonly ProblemJson[] {
  const groups = new Map<
    string,
    { readonly first: ProblemJson; readonly files: string[]; readonly builds: Set<string> }
  >();
  const folded = warnings.flatMap((one): readonly (ProblemJson | string)[] => {
    const reason = reasonOf(one);
    if (reason === undefined) return [one];
    const { why, file } = reason;
    const group = groups.get(why) ?? { first: one, files: [], builds: new Set() };
    const isNew = group.files.length === 0;
    groups.set(why, group);
    group.files.push(file);
    if (one.build !== undefined) group.builds.add(one.build);
    return isNew ? [why] : [];
  });
  return folded.flatMap((one) => {
    const group = typeof one === 'string' ? groups.get(one) : undefined;
    if (typeof one !== 'string') return one;
    if (group === undefined || group.files.length === 1) return group?.first ?? [];
    const { first, files, builds } = group;
    const { build: _, ...rest } = first;
    const whose = builds.size === 0 ? 'builds' : plural(builds.size, 'build');
    const message = `state cannot be written (${one}) in ${commonDirectory(files)}: ${whose} will not be remembered`;
    return { ...rest, message };
  });
}

function reasonOf({
  code,
  message,
}: ProblemJson): { readonly file: string; readonly why: string } | undefined {
  if (code !== 'state/not-written') return undefined;
  const [, file, why] = NOT_REMEMBERED.exec(message) ?? [];
  return file === undefined || why === undefined ? undefined : { file, why };
}

/** The deepest common directory of these files. */
function commonDirectory(files: readonly string[]): string {
  const [first = [], ...others] = files.map((file) => file.split(/[\\/]/).slice(0, -1));
  let length = first.length;
  for (const parts of others)
    while (first.slice(0, length).some((part, at) => part !== parts[at])) length -= 1;
  return first.slice(0, length).join('/') || '/';
}
