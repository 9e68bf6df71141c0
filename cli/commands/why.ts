import { codesOf, findCode, type Page, type Topic } from '../../lib/docs/mod.ts';
import { type Problem, problem } from '../../lib/model/mod.ts';
import { suggest } from '../../lib/util/suggest.ts';
import type { ParsedArgs } from '../args.ts';
import { CODE_PAGES, readPages, writeTopics } from '../docs-pages.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { reportProblems } from '../output.ts';

const MOST_NAMED = 5;

/** `bake-ts why <code…>` */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const wanted = args.positionals.map((one) => `failures/${bareCode(one).split('/')[0]}`);
  const isKnown = wanted.every((name) => CODE_PAGES.includes(name));
  const pages = await readPages(isKnown ? [...new Set(wanted)] : CODE_PAGES);
  if (!pages.ok) return reportProblems(pages.error, args, io);
  const topics: Topic[] = [];
  const unknown: Problem[] = [];
  for (const written of new Set(args.positionals)) {
    const found = lookUp(written, pages.value);
    if (found === undefined) unknown.push(unknownCode(written, pages.value));
    else topics.push(found);
  }
  if (topics.length > 0) await writeTopics(topics, args, io);
  return unknown.length > 0 ? reportProblems(unknown, args, io) : EXIT.ok;
}

/** Removes the rest of a message from a code copied from it: `error[plan/cycle]:`. */
function bareCode(written: string): string {
  return (/\[([^\]]*)\]/.exec(written)?.[1] ?? written).toLowerCase();
}

/** The text about a code. Its area may be omitted if that is unambiguous. */
function lookUp(written: string, pages: readonly Page[]): Topic | undefined {
  const bare = bareCode(written);
  const all = pages.flatMap((page) => codesOf(page).map((code) => ({ page, code })));
  const matching = all.filter(({ code }) => code === bare || code.endsWith(`/${bare}`));
  const [first, ...others] = matching;
  if (first !== undefined) return others.length > 0 ? undefined : findCode(first.page, first.code);
  // Rules of BuildKit's linter share one text.
  const rules = pages.find(({ name }) => name === 'failures/lint');
  return rules !== undefined && bare.startsWith('lint/') ? findCode(rules, 'lint/RULE') : undefined;
}

function unknownCode(written: string, pages: readonly Page[]): Problem {
  const codes = pages.flatMap(codesOf);
  const holding = codes.filter((code) => code.includes(written.toLowerCase()));
  const near = suggest(written, codes);
  const named = [...new Set([...(near === undefined ? [] : [near]), ...holding])];
  const list = named.slice(0, MOST_NAMED).join(', ');
  const more = named.length > MOST_NAMED ? ', …' : '';
  return problem('cli/unknown-code', `there is no problem code "${written}"`, {
    hint:
      named.length > 0 ? `Did you mean ${list}${more}?` : '`bake-ts docs failures` lists the areas of codes.',
  });
}
