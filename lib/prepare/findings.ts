/** Reports a finding at one place once, even if several builds have it. */
import { type Build, type Problem, type ProblemCode, problem, type Span } from '../model/mod.ts';

/** One finding, before those of several builds are merged. */
export interface Finding {
  readonly code: ProblemCode;
  /** Default: a warning. */
  readonly severity?: Problem['severity'];
  readonly build: Build;
  readonly span: Span | undefined;
  /** The message, which follows the names of the builds. */
  readonly text: (isOne: boolean) => string;
  readonly hint: string;
}

const NAMES_SHOWN = 3;

/** One problem for each finding and place, with the names of the builds. */
export function mergeBuilds(found: readonly Finding[]): readonly Problem[] {
  const groups = new Map<string, Finding[]>();
  for (const one of found) {
    const place = one.span === undefined ? one.build.name : placeKey(one.span);
    const key = [one.code, place, one.text(true), one.hint].join('\0');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const names = group.map(({ build }) => `\`${build.name}\``);
    const shown = names.slice(0, NAMES_SHOWN);
    const more = names.length - shown.length;
    const all = more > 0 ? [...shown, `${more} more`] : shown;
    const who = all.length === 1 ? all[0] : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`;
    const span = first.span ?? first.build.span;
    return problem(first.code, `${who} ${first.text(names.length === 1)}`, {
      severity: first.severity ?? 'warning',
      hint: first.hint,
      ...(names.length === 1 ? { build: first.build.name } : {}),
      ...(span === undefined ? {} : { span }),
    });
  });
}

/** Equal for spans of the same place. */
export function placeKey({ source, start, end }: Span): string {
  return `${source.path}\0${start}\0${end}`;
}
