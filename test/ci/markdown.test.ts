import assert from 'node:assert/strict';
import { test } from 'node:test';
import { code, details, htmlText, inlineText, preBlock, table } from '../../lib/ci/markdown.ts';
import { plainText } from '../../lib/report/mod.ts';
import { HOSTILE } from './hostile.ts';
import { renderMarkdown, rowsOf, tagsOf, textOf } from './markdown.ts';

/** As a reader sees it: blanks fold, and some of them are taken off. */
function seen(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function oneLine(text: string): string {
  return text.split('\n').map(plainText).join(' ');
}

/** GitHub's own extension makes links of addresses in text; they say where they lead. */
const LINK = /^<\/?a(?: href="(?:https?:\/\/|mailto:)[^"]*")?>$/;

test('text is shown as it is, whatever is in it, and is never more than text', () => {
  for (const text of HOSTILE) {
    const html = renderMarkdown(`before ${inlineText(text)} after`);
    assert.equal(seen(textOf(html)), seen(`before ${oneLine(text)} after`));
    assert.deepEqual(
      tagsOf(html).filter((tag) => !LINK.test(tag)),
      ['<p>', '</p>'],
      html,
    );
  }
});

test('in a table it stays in its cell', () => {
  const rows = HOSTILE.map((text) => [inlineText(text), code(text), 'end']);
  const shown = rowsOf(renderMarkdown(table(['a', '>b', 'c'], rows)));
  assert.deepEqual(shown[0], ['a', 'b', 'c']);
  assert.deepEqual(
    shown.slice(1).map((cells) => cells.map(seen)),
    HOSTILE.map((text) => [seen(oneLine(text)), seen(oneLine(text)), 'end']),
  );
});

test('lines of a log are shown as they are, and what follows them is Markdown again', () => {
  const lines = HOSTILE.flatMap((text) => text.split('\n'));
  const html = renderMarkdown(details(`<b>${htmlText('<a>')}</b>`, `${preBlock(lines)}\n\n**after**`));
  const [, pre = ''] = /<pre>([\s\S]*?)<\/pre>/.exec(html) ?? [];
  assert.equal(textOf(pre), `${lines.map(plainText).join('\n')}\n`);
  assert.deepEqual(tagsOf(pre), []);
  assert.match(html, /<summary><b>&lt;a&gt;<\/b><\/summary>/);
  assert.match(html, /<p><strong>after<\/strong><\/p>\s*<\/details>/);
});
