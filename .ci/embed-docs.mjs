/**
 * The pages of docs/ in a bundle: a module that replaces cli/docs-files.js and contains them compressed. 470 kB become
 * 160.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { root } from './support.mjs';

/** A plugin for the bundler. */
export const embedDocs = {
  name: 'embed-docs',
  load: {
    filter: { id: /\/dist\/cli\/docs-files\.js$/ },
    async handler() {
      const { PAGE_NAMES } = await import(path.join(root, 'dist/cli/docs-contents.js'));
      const pages = Object.fromEntries(
        PAGE_NAMES.map((name) => [name, readFileSync(path.join(root, 'docs', `${name}.md`), 'utf8')]),
      );
      const text = JSON.stringify(pages);
      const packed = brotliCompressSync(text, {
        params: { [constants.BROTLI_PARAM_LGWIN]: 22, [constants.BROTLI_PARAM_SIZE_HINT]: text.length },
      });
      const code = `import { brotliDecompressSync } from 'node:zlib';
let pages;
export async function readPage(name) {
  pages ??= JSON.parse(brotliDecompressSync(Buffer.from(${JSON.stringify(packed.toString('base64'))}, 'base64')).toString());
  return pages[name];
}`;
      return { code, moduleType: 'js' };
    },
  },
};
