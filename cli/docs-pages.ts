/** Pages for `docs`, `why` and completion, and how they are shown. */
import type { Page, Topic } from '../lib/docs/mod.ts';
import { fail, ok, type Problem, problem, type Result } from '../lib/model/mod.ts';
import { deniedProblem } from '../lib/util/permission.ts';
import type { ParsedArgs } from './args.ts';
import { PAGE_NAMES } from './docs-contents.ts';
import type { Io } from './io.ts';
import { columnsOf, paletteFor } from './output.ts';

function unreadable(error: unknown): Problem {
  const reason = error instanceof Error ? error.message : String(error);
  return (
    deniedProblem(error) ??
    problem('cli/docs-unreadable', `the documentation cannot be read: ${reason}`, {
      hint: 'Install bake-ts again, or read the pages in its repository.',
    })
  );
}

/** Reads the named pages; by default all. */
export async function readPages(names: readonly string[] = PAGE_NAMES): Promise<Result<readonly Page[]>> {
  const { readPage } = await import('./docs-files.ts');
  try {
    return ok(await Promise.all(names.map(async (name) => ({ name, text: await readPage(name) }))));
  } catch (error) {
    return fail([unreadable(error)]);
  }
}

/** Names of the pages that explain problem codes. */
export const CODE_PAGES: readonly string[] = PAGE_NAMES.filter((name) => name.startsWith('failures/'));

/**
 * Writes topics to stdout: rendered on a terminal, elsewhere as Markdown. On a terminal it also lists the linked pages
 * at the end, as arguments of `bake-ts docs`.
 */
export async function writeTopics(topics: readonly Topic[], args: ParsedArgs, io: Io): Promise<void> {
  const text = topics.map((topic) => topic.text.trimEnd()).join('\n\n');
  if (io.stdout.isTTY !== true) {
    io.stdout.write(`${text}\n`);
    return;
  }
  const { linksIn, renderMarkdown } = await import('../lib/docs/mod.ts');
  const palette = paletteFor(args, io, io.stdout);
  const columns = columnsOf(io.stdout);
  io.stdout.write(renderMarkdown(text, { columns, palette }));
  const linked = new Set(
    topics.flatMap((topic) => linksIn(topic.text).flatMap((link) => pageOfLink(topic, link) ?? [])),
  );
  if (linked.size === 0) return;
  const { wrap } = await import('../lib/report/mod.ts');
  const list = wrap(`Read on: bake-ts docs ${[...linked].join(', ')}`, Math.min(columns, 100));
  io.stdout.write(`\n${list.map((line) => palette.dim(line)).join('\n')}\n`);
}

/** The page to which a link in another page leads. */
function pageOfLink({ name }: Topic, link: string): string | undefined {
  const [from = ''] = name.split('#');
  if (!/^[\w./-]+\.md(?:#|$)/.test(link)) return undefined;
  const { pathname, hash } = new URL(link, `http://docs/${from}`);
  const target = pathname.slice(1).replace(/\.md$/, '');
  return PAGE_NAMES.includes(target) && target !== from ? `${target}${hash}` : undefined;
}
