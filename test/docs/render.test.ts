/** Pages on a terminal: the small renderer shows every word that a full Markdown parser sees, and keeps to the width. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { PAGE_NAMES } from '../../cli/docs-contents.ts';
import { readPage } from '../../cli/docs-files.ts';
import { readSections, renderMarkdown } from '../../lib/docs/mod.ts';
import { createPalette, widthOf } from '../../lib/report/mod.ts';

const plain = createPalette(false);

/** Words of a page as a full parser reads it, tags removed. */
function wordsOfMarkdown(text: string): string {
  const html = micromark(text, {
    extensions: [gfm()],
    htmlExtensions: [gfmHtml()],
    allowDangerousHtml: true,
  });
  const bare = html
    .replaceAll(/<!--[\s\S]*?-->/g, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
  return lettersOf(bare);
}

function lettersOf(text: string): string {
  return text.replaceAll(/[^\p{Letter}\p{Number}]+/gu, '');
}

test('no page loses a word, or gains one', async () => {
  for (const name of PAGE_NAMES) {
    // Addresses are shown beside links, and pictures as what is written for those who cannot see them.
    const text = (await readPage(name))
      .replaceAll(/\]\(https?:[^()\s]*(?:\([^()\s]*\))?[^()\s]*\)/g, '](x)')
      .replaceAll('![', '[')
      // A parser leaves numbers of lists to whoever shows them.
      .replaceAll(/^( *)\d+\. /gm, '$1-  ');
    const shown = lettersOf(renderMarkdown(text, { columns: 100_000, palette: plain }));
    const expected = wordsOfMarkdown(text);
    const at = [...expected].findIndex((one, index) => one !== shown[index]);
    const around = (whole: string): string => whole.slice(Math.max(0, at - 40), at + 40);
    assert.ok(shown === expected, `${name}: "${around(shown)}" and not "${around(expected)}"`);
  }
});

test('text keeps to the width, and code stays as it is', async () => {
  for (const name of PAGE_NAMES) {
    const text = await readPage(name);
    for (const columns of [40, 80, 200]) {
      const shown = renderMarkdown(text, { columns, palette: plain }).split('\n');
      // Code may be wider, and so may a word, a heading, and the first column of a table.
      const wide = shown.filter((line) => {
        return (
          widthOf(line) > columns &&
          !/^[│ -]* {4}/.test(line) &&
          !line.startsWith('#') &&
          /\S +\S/.test(line.trim())
        );
      });
      const isOneWord = (line: string) =>
        line
          .trim()
          .split(/\s+/)
          .some((word) => widthOf(word) > columns / 2);
      assert.deepEqual(
        wide.filter((line) => !isOneWord(line)),
        [],
        `${name} at ${columns}`,
      );
    }
  }
});

const SAMPLE = `# A *page*

Text with \`code\`, **bold \`x\`** and [a link](other.md#part), [out](https://example.com/a).
Second line.

- one
  more of one
  1. inner
- two

  \`\`\`sh
  run   this
  \`\`\`

> quoted
> text

| Name | Meaning |
|---|---|
| \`a\\|b\` | first |
| c | second |
`;

test('each kind of block has its form', () => {
  assert.equal(
    renderMarkdown(SAMPLE, { columns: 60, palette: plain }),
    `# A page

Text with \`code\`, bold \`x\` and a link, out
(https://example.com/a). Second line.

- one more of one

  1. inner
- two

      run   this

│ quoted text

Name   Meaning
\`a|b\`  first
c      second
`,
  );
  assert.equal(
    renderMarkdown('# A\n\n`b`', { columns: 60, palette: createPalette(true) }),
    '\u001b[1mA\u001b[22m\n\n\u001b[36mb\u001b[39m\n',
  );
});

test('a table of several columns that is too wide has a paragraph for each row', () => {
  const table = '| A | B | C |\n|---|---|---|\n| one | two words and more | three words and more |\n';
  assert.equal(
    renderMarkdown(table, { columns: 30, palette: plain }),
    'one\n    B: two words and more\n    C: three words and more\n',
  );
});

test('sections have the anchors that GitHub makes, and headings in code are none', () => {
  const page = '# T\n\n```\n# no\n```\n\n## `bake-ts x` — [why](a.md)?\ntext\n### sub\n## sub\n';
  assert.deepEqual(
    readSections(page).map(({ slug, level }) => [slug, level]),
    [
      ['t', 1],
      ['bake-ts-x--why', 2],
      ['sub', 3],
      ['sub-1', 2],
    ],
  );
  assert.equal(readSections(page)[1]?.text, '## `bake-ts x` — [why](a.md)?\ntext\n### sub\n');
});
