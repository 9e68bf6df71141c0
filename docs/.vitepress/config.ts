/** The documentation as a static site (`npm run site`). The pages are the Markdown files as they are, so that GitHub shows the same. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { defineConfig } from 'vitepress';
import { listMarkdown, readLinks, slugOf } from '../../.ci/markdown.mjs';
import { root } from '../../.ci/support.mjs';
import { siteLinks, sourcePlace } from './links.ts';
import { makeSidebar, placeOf } from './pages.ts';

const pages: readonly string[] = listMarkdown();
const sources = new Set<string>();

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='7' fill='%235b6b82'/%3E%3C/svg%3E";

export default defineConfig({
  title: 'bake-ts',
  description: 'Bake many container images with buildctl.',
  lang: 'en',
  // In the page itself: nothing is asked for that is not there.
  head: [['link', { rel: 'icon', href: ICON }]],
  srcDir: '..',
  outDir: path.join(root, 'dist/site'),
  cacheDir: path.join(root, '.cache/site'),
  base: process.env['BAKE_TS_SITE_BASE'] ?? '/',
  srcExclude: otherFolders(),
  rewrites: Object.fromEntries(pages.map((file) => [file, placeOf(file)])),
  lastUpdated: false,
  metaChunk: true,
  markdown: {
    // What VitePress adds to Markdown would read things into text that GitHub shows as it stands.
    attrs: { disable: true },
    anchor: { slugify: slugOf },
    toc: { slugify: slugOf },
    config: (md) => {
      md.disable('emoji', true);
      md.use(siteLinks(root, new Set(pages), sources));
      // Vue would take double braces for an expression.
      for (const name of ['text', 'code_inline'] as const) {
        const render = md.renderer.rules[name];
        md.renderer.rules[name] = (...call) => (render?.(...call) ?? '').replaceAll('{{', '&#123;&#123;');
      }
    },
  },
  themeConfig: {
    nav: [
      { text: 'Guide', link: '/' },
      { text: 'Command line', link: '/cli' },
      { text: 'builds.yaml', link: '/language' },
      { text: 'Playground', link: '/playground.html', target: '_self' },
    ],
    sidebar: makeSidebar(pages).map(({ text, files, collapsed }) => ({
      text,
      collapsed,
      items: files.map((file) => ({
        text: titleOf(file),
        link: `/${placeOf(file).replace(/(^|\/)index\.md$/, '$1')}`,
      })),
    })),
    search: { provider: 'local' },
    outline: { level: [2, 3] },
  },
  buildEnd: ({ outDir }) => {
    for (const file of sources) {
      const target = path.join(outDir, sourcePlace(file));
      mkdirSync(path.dirname(target), { recursive: true });
      copyFileSync(path.join(root, file), target);
    }
    const missing = pages.flatMap((file) => findMissingAnchors(file, outDir));
    if (missing.length > 0) throw new Error(`the site lacks anchors:\n${missing.join('\n')}`);
  },
});

/** Folders of the repository that hold no pages. */
function otherFolders(): string[] {
  const withPages = new Set(pages.map((file) => file.split('/')[0]));
  const entries = readdirSync(root, { withFileTypes: true });
  return entries.flatMap((entry) =>
    entry.isDirectory() && !withPages.has(entry.name) ? [`${entry.name}/**`] : [],
  );
}

/** The first heading of a page, in plain text. */
function titleOf(file: string): string {
  const [, title = file] = /^# (.+)$/m.exec(readFileSync(path.join(root, file), 'utf8')) ?? [];
  return title.replaceAll(/[`*]|\[([^\]]*)\]\([^)]*\)/g, '$1');
}

/** Anchors that GitHub gives a page, and the site does not. */
function findMissingAnchors(file: string, outDir: string): readonly string[] {
  const html = readFileSync(path.join(outDir, placeOf(file).replace(/\.md$/, '.html')), 'utf8');
  const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
  return [...readLinks(file).anchors].flatMap((anchor) => (ids.has(anchor) ? [] : [`${file}#${anchor}`]));
}
