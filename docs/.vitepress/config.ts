/** The documentation as a static site (`npm run site`). The pages are the Markdown files as they are, so that GitHub shows the same. */
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { defineConfig } from 'vitepress';
import { siteLinks, sourcePlace } from './links.ts';
import { listPages, makeSidebar, placeOf } from './pages.ts';
import { slugOf } from './slugs.mjs';

// VitePress is started in docs/ by .ci/site.mjs.
const root = path.resolve(process.env['BAKE_TS_SITE_ROOT'] ?? '..');
const pages = listPages(root);
const sources = new Set<string>();

export default defineConfig({
  title: 'bake-ts',
  description: 'Bake many container images with buildctl.',
  lang: 'en',
  srcDir: '..',
  outDir: path.join(root, 'dist/site'),
  cacheDir: path.join(root, '.cache/site'),
  base: process.env['BAKE_TS_SITE_BASE'] ?? '/',
  srcExclude: ['!(README|CONTRIBUTING|CHANGELOG).md', '!(docs|examples)/**'],
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
    sidebar: makeSidebar(root).map(({ text, files, collapsed }) => ({
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
  },
});

/** The first heading of a page, in plain text. */
function titleOf(file: string): string {
  const [, title = file] = /^# (.+)$/m.exec(readFileSync(path.join(root, file), 'utf8')) ?? [];
  return title.replaceAll(/[`*]|\[([^\]]*)\]\([^)]*\)/g, '$1');
}
