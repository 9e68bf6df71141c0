/** Markdown as GitHub shows it, looked at as HTML. */
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';

/** HTML of Markdown with the extensions of GitHub; HTML in it is kept as it is, which is the worst case. */
export function renderMarkdown(text: string): string {
  return micromark(text, { allowDangerousHtml: true, extensions: [gfm()], htmlExtensions: [gfmHtml()] });
}

/** Every tag of some HTML, with its attributes. */
export function tagsOf(html: string): readonly string[] {
  return [...html.matchAll(/<\/?[a-zA-Z!?][^>]*>/g)].map(([tag]) => tag);
}

/** What is there to read. */
export function textOf(html: string): string {
  const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
  return html
    .replace(/<[^>]*>/g, '')
    .replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => named[name] ?? '');
}

/** Cells of the rows of every table, as text; heads included. */
export function rowsOf(html: string): readonly (readonly string[])[] {
  return [...html.matchAll(/<tr>([\s\S]*?)<\/tr>/g)].map(([, row = '']) =>
    [...row.matchAll(/<t[hd][^>]*>([\s\S]*?)<\/t[hd]>/g)].map(([, cell = '']) => textOf(cell)),
  );
}
