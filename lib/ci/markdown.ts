/**
 * Text from builds, files and registries in GitHub's Markdown. It is never interpreted as Markdown or HTML, and cannot
 * break out of its line, cell or block. Long text on a line is truncated.
 */
import { plainText } from '../report/mod.ts';
import { escapeHtml } from '../util/html.ts';

/** Inline text on one line; every special character is escaped. */
export function inlineText(text: string): string {
  return oneLine(text).replace(/[!-/:-@[-`{-~]/g, (one) => `\\${one}`);
}

/** Monospace text, also for table cells: code spans cannot contain every text there. Empty stays empty. */
export function code(text: string): string {
  return text === '' ? '' : `<code>${inlineText(text)}</code>`;
}

/** Text in an HTML element, on one line. */
export function htmlText(text: string): string {
  return escapeHtml(oneLine(text));
}

/** Preformatted lines. The element also contains empty lines up to its end tag, so nothing in it is read as Markdown. */
export function preBlock(lines: readonly string[]): string {
  return `<pre>${lines.map((line) => escapeHtml(plainText(line))).join('\n')}\n</pre>`;
}

/** A folded block. `summary` is HTML, `content` Markdown. */
export function details(summary: string, content: string, isOpen = false): string {
  return `<details${isOpen ? ' open' : ''}><summary>${summary}</summary>\n\n${content}\n\n</details>`;
}

/** A table; cells are Markdown without line breaks. Titles that start with `>` mark columns of numbers. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(titles.map((title) => title.replace(/^>/, ''))),
    line(titles.map((title) => (title.startsWith('>') ? '---:' : '---'))),
    ...rows.map(line),
  ].join('\n');
}

/** Most characters of inline text. */
const LONGEST = 500;

function oneLine(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
  return cut.split('\n').map(plainText).join(' ');
}
