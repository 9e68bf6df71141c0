/**
 * Regular expressions of builds files, in RE2's syntax (https://github.com/google/re2/wiki/Syntax), as CEL has them. The
 * time that they take grows with the text and the expression and no faster, whoever wrote them.
 */
import { type Budget, OverBudget } from './cel-budget.ts';

/** Whether a text matches an expression, somewhere in it. @throws BadRegex, OverBudget */
export type Matcher = (expression: string, text: string) => boolean;

/** An expression that cannot be read; the message says why. */
export class BadRegex extends Error {}

/** Characters of an expression. */
const MAX_EXPRESSION = 1000;
/** Instructions times characters that count as one step: a step takes about a tenth of a microsecond. */
const WORK_OF_A_STEP = 4;

/** Steps for each instruction of a compiled expression. */
const WORK_OF_COMPILING = 200;
const MAX_COMPILED = 100;

/** Loads the library; it is large, so only where an expression is there to be matched. */
export async function loadMatcher(budget: Budget): Promise<Matcher> {
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
  return (expression, text) => {
    const known = compiled.get(expression);
    const regex = known ?? compile(expression);
    if (known === undefined) {
      budget.spend(regex.programSize() * WORK_OF_COMPILING);
      if (compiled.size >= MAX_COMPILED) compiled.clear();
      compiled.set(expression, regex);
    }
    budget.spend(Math.ceil((regex.programSize() * text.length) / WORK_OF_A_STEP));
    return regex.matcher(text).find();
  };
}

/** Of a file that has no regular expression. */
export function noMatcher(expression: string): boolean {
  throw new Error(`a regular expression that was not foreseen: ${expression}`);
}
