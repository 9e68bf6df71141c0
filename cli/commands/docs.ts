import { findTopics, pageNameOf, type Topic } from '../../lib/docs/mod.ts';
import { problem } from '../../lib/model/mod.ts';
import { padEnd, widthOf, wrap } from '../../lib/report/mod.ts';
import type { ParsedArgs } from '../args.ts';
import { CONTENTS, PAGE_NAMES } from '../docs-contents.ts';
import { readPages, writeTopics } from '../docs-pages.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { columnsOf, paletteFor, reportProblems } from '../output.ts';

/** `bake-ts docs [topic]` */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const asked = args.positionals.join(' ').trim();
  if (asked === '') {
    writeContents(args, io);
    return EXIT.ok;
  }
  const page = pageNameOf(asked);
  const pages = await readPages(PAGE_NAMES.includes(page) ? [page] : PAGE_NAMES);
  if (!pages.ok) return reportProblems(pages.error, args, io);
  const { topics, nearest } = findTopics(pages.value, asked);
  if (topics.length === 0) {
    const hint = nearest === undefined ? '' : `Did you mean "${nearest}"? `;
    const unknown = problem('cli/unknown-topic', `no page and no heading matches "${asked}"`, {
      hint: `${hint}\`bake-ts docs\` lists the pages.`,
    });
    return reportProblems([unknown], args, io);
  }
  if (topics.length === 1) await writeTopics(topics, args, io);
  else writeChoice(topics, args, io);
  return EXIT.ok;
}

/** The list of all pages. */
function writeContents(args: ParsedArgs, io: Io): void {
  const palette = paletteFor(args, io, io.stdout);
  const width = Math.max(...CONTENTS.flatMap(({ pages }) => pages.map(([name]) => widthOf(name))));
  const groups = CONTENTS.map(({ title, pages }) => {
    const rows = pages.flatMap(([name, about]) => {
      const lines = wrap(about, Math.max(24, columnsOf(io.stdout) - width - 4));
      return lines.map((line, at) =>
        at === 0 ? `  ${palette.info(padEnd(name, width))}  ${line}` : `${' '.repeat(width + 4)}${line}`,
      );
    });
    return [palette.bold(`${title}:`), ...rows].join('\n');
  });
  const end =
    'bake-ts docs PAGE prints a page, bake-ts docs PAGE#SECTION a part of it; other words are looked for in the headings.';
  io.stdout.write(`${[...groups, wrap(end, columnsOf(io.stdout)).join('\n')].join('\n\n')}\n`);
}

/** Several topics match: lists their names to choose from. */
function writeChoice(topics: readonly Topic[], args: ParsedArgs, io: Io): void {
  const palette = paletteFor(args, io, io.stdout);
  const width = Math.max(...topics.map(({ name }) => widthOf(name)));
  io.stdout.write(`${topics.length} sections match. Print one with:\n`);
  for (const { name, title } of topics)
    io.stdout.write(`bake-ts docs ${palette.info(padEnd(name, width))}  ${title}\n`);
}
