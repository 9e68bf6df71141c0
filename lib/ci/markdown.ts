/**
 * Text from builds, files and registries inside Markdown as GitHub shows it. Nothing in it is read as Markdown or HTML, and
 * none of it leaves the line, the cell or the block that it stands in. Long texts in a line are cut.
 */
import { plainText } from '../report/mod.ts';
import { escapeHtml } from '../util/html.ts';

/** Text between other text: every character that could mean something is escaped. One line. */
export function inlineText(text: string): string {
  return oneLine(text).replace(/[!-/:-@[-`{-~]/g, (one) => `\\${one}`);
}

/** Text in letters of equal width, in a cell of a table, too: code spans cannot hold every text there. Empty stays empty. */
export function code(text: string): string {
  return text === '' ? '' : `<code>${inlineText(text)}</code>`;
}

/** Text in an element of HTML. One line. */
export function htmlText(text: string): string {
  return escapeHtml(oneLine(text));
}

/** Lines as they are. The element continues over empty lines up to its end tag, so Markdown has no say in it. */
export function preBlock(lines: readonly string[]): string {
  return `<pre>${lines.map((line) => escapeHtml(plainText(line))).join('\n')}\n</pre>`;
}

/** A block that is opened on click. `summary` is HTML, `content` Markdown. */
export function details(summary: string, content: string, isOpen = false): string {
  return `<details${isOpen ? ' open' : ''}><summary>${summary}</summary>\n\n${content}\n\n</details>`;
}

/** A table; cells are Markdown without line breaks. Titles that start with `>` stand over numbers. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(titles.map((title) => title.replace(/^>/, ''))),
    line(titles.map((title) => (title.startsWith('>') ? '---:' : '---'))),
    ...rows.map(line),
  ].join('\n');
}

/** Characters of a text that stands in a line of others; nobody reads on there. */
const LONGEST = 500;

function oneLine(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
  return cut.split('\n').map(plainText).join(' ');
}
