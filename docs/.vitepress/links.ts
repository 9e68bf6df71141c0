/**
 * Links of the Markdown files lead from file to file of the repository, as GitHub shows them. On the site pages lie elsewhere, and what is no
 * page is not there at all: such files are handed out as plain text under `source/`.
 */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { placeOf } from './pages.ts';

/** What is used of a token of markdown-it. */
interface Token {
  readonly type: string;
  readonly children: readonly Token[] | null;
  readonly attrGet: (name: string) => string | null;
  readonly attrSet: (name: string, value: string) => void;
}

/** What is used of markdown-it. */
interface Markdown {
  readonly core: {
    readonly ruler: {
      readonly push: (name: string, rule: (state: State) => void) => void;
    };
  };
}

interface State {
  readonly tokens: readonly Token[];
  readonly env: { readonly path?: string; readonly realPath?: string };
}

/** Makes links lead to pages of the site; files that are no pages are noted in `sources`. */
export function siteLinks(
  root: string,
  pages: ReadonlySet<string>,
  sources: Set<string>,
): (md: Markdown) => void {
  return (md) => {
    md.core.ruler.push('site-links', ({ tokens, env }) => {
      const file = path.relative(root, env.realPath ?? env.path ?? '');
      for (const token of tokens.flatMap(({ children }) => children ?? [])) {
        if (token.type !== 'link_open') continue;
        const href = token.attrGet('href') ?? '';
        const found = resolveLink(root, pages, file, href);
        if (found === undefined) continue;
        if (found.source !== undefined) sources.add(found.source);
        token.attrSet('href', found.href);
      }
    });
  };
}

/** Undefined: it stays as it is, an address or a heading of the same page. */
function resolveLink(
  root: string,
  pages: ReadonlySet<string>,
  file: string,
  href: string,
): { readonly href: string; readonly source?: string } | undefined {
  if (href === '' || href.startsWith('#') || /^[a-z][a-z0-9+.-]*:/i.test(href)) return undefined;
  const [, written = '', hash = ''] = /^([^#]*)(#.*)?$/s.exec(href) ?? [];
  const found = path.posix.join(path.posix.dirname(file), decodeURIComponent(written)).replace(/\/$/, '');
  const page = pages.has(found) ? found : `${found}/README.md`;
  if (pages.has(page)) return { href: `/${placeOf(page).replace(/(^|\/)index\.md$/, '$1')}${hash}` };
  // VitePress reports what is not there as a dead link.
  const full = path.join(root, found);
  if (found.startsWith('..') || !existsSync(full) || statSync(full).isDirectory()) return undefined;
  return { href: `/${sourcePlace(found)}`, source: found };
}

/** Where a file that is no page lies on the site. The ending makes browsers show it, and VitePress take it for no page. */
export function sourcePlace(file: string): string {
  return `source/${file}.txt`;
}
