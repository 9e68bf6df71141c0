/**
 * Regular expressions of builds files, in RE2's syntax (https://github.com/google/re2/wiki/Syntax), as in CEL. Their run
 * time is at most proportional to the sizes of text and expression, so untrusted ones are safe.
 */
import { type Budget, OverBudget } from './cel-budget.ts';

/** Whether a text contains a match. @throws BadRegex, OverBudget */
export type Matcher = (expression: string, text: string) => boolean;

/** Operations with regular expressions. */
export interface Regex {
  readonly matches: Matcher;
  /**
   * Replaces every match; `$1` and `${name}` are replaced by the text of a group, `$$` by `$`.
   *
   * @throws BadRegex, OverBudget
   */
  readonly replace: (expression: string, text: string, by: string) => string;
  /**
   * All matches. Without groups, the text of each; with groups, the texts of the groups (null: not matched), as a list
   * or, if they have names, as a map.
   *
   * @throws BadRegex, OverBudget
   */
  readonly findAll: (expression: string, text: string) => readonly Match[];
}

/** See {@link Regex.findAll}. */
export type Match = string | readonly (string | null)[] | Readonly<Record<string, string | null>>;

/** An invalid expression; the message says why. */
export class BadRegex extends Error {}

/** Maximum length of an expression in characters. */
const MAX_EXPRESSION = 1000;
/** Instructions times characters that count as one step: a step takes about a tenth of a microsecond. */
const WORK_OF_A_STEP = 4;

/** Steps for each instruction of a compiled expression. */
const WORK_OF_COMPILING = 200;
const MAX_COMPILED = 100;

/** Loads the library; it is large, so only if there is an expression to match. */
export async function loadRegex(budget: Budget): Promise<Regex> {
  const { RE2JS } = await import('re2js');
  const compiled = new Map<string, InstanceType<typeof RE2JS>>();
  const compile = (expression: string) => {
    if (expression.length > MAX_EXPRESSION)
      throw new OverBudget(`a regular expression has more than ${MAX_EXPRESSION} characters`);
    try {
      return RE2JS.compile(expression);
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      throw new BadRegex(why.replace(/^error parsing regexp: /, ''));
    }
  };
  const matcherOf = (expression: string, text: string) => {
    const known = compiled.get(expression);
    const regex = known ?? compile(expression);
    if (known === undefined) {
      budget.spend(regex.programSize() * WORK_OF_COMPILING);
      if (compiled.size >= MAX_COMPILED) compiled.clear();
      compiled.set(expression, regex);
    }
    budget.spend(Math.ceil((regex.programSize() * text.length) / WORK_OF_A_STEP));
    return regex.matcher(text);
  };
  return {
    matches: (expression, text) => matcherOf(expression, text).find(),
    replace: (expression, text, by) => {
      const found = matcherOf(expression, text);
      const work = Math.ceil((found.groupCount() + 1 + by.length) / WORK_OF_A_STEP);
      let result = '';
      let from = 0;
      eachMatch(found, text, budget, () => {
        budget.spend(work);
        result += text.slice(from, found.start()) + fillIn(by, found);
        from = found.end();
        if (result.length <= MAX_REPLACED) return;
        const most = MAX_REPLACED.toLocaleString('en');
        throw new OverBudget(`the result would be a text of more than ${most} characters`);
      });
      return result + text.slice(from);
    },
    findAll: (expression, text) => {
      const found = matcherOf(expression, text);
      const all: Match[] = [];
      eachMatch(found, text, budget, () => {
        budget.spend(found.groupCount() + 1);
        all.push(matchOf(found));
      });
      return all;
    },
  };
}

/** An empty match directly after another match is ignored, as in Go (https://pkg.go.dev/regexp). */
function eachMatch(found: Found, text: string, budget: Budget, work: () => void): void {
  let last = -1;
  while (found.find()) {
    // Each search processes the rest of the text.
    budget.spend(1 + Math.ceil((text.length - found.end()) / WORK_OF_A_STEP));
    if (found.end() === last && found.start() === last) continue;
    last = found.end();
    work();
  }
}

function matchOf(found: Found): Match {
  const names = Object.entries(found.namedGroups);
  if (names.length > 0)
    return Object.fromEntries(names.map(([name, group]) => [name, found.group(group) ?? null]));
  if (found.groupCount() === 0) return found.group(0) ?? '';
  return Array.from({ length: found.groupCount() }, (_, at) => found.group(at + 1) ?? null);
}

/** Maximum length of the result of `replace` in characters. */
const MAX_REPLACED = 1024 * 1024;

interface Found {
  readonly find: () => boolean;
  readonly start: () => number;
  readonly end: () => number;
  readonly group: (group: number | string) => string | null;
  readonly groupCount: () => number;
  readonly namedGroups: Readonly<Record<string, number>>;
}

/** Groups that do not exist are empty, as in Go (https://pkg.go.dev/regexp#Regexp.Expand). */
function fillIn(by: string, found: Found): string {
  return by.replaceAll(
    /\$(?:\$|\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))/g,
    (written, braced: string | undefined, bare: string | undefined) => {
      const name = braced ?? bare;
      if (name === undefined) return written === '$$' ? '$' : written;
      const group = /^[0-9]+$/.test(name) ? Number(name) : found.namedGroups[name];
      return group === undefined || group > found.groupCount() ? '' : (found.group(group) ?? '');
    },
  );
}

/** For files without regular expressions. */
export const NO_REGEX: Regex = { matches: unforeseen, replace: unforeseen, findAll: unforeseen };

function unforeseen(expression: string): never {
  throw new Error(`unsupported regular expression: ${expression}`);
}
