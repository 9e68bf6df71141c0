import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { createPalette, guardWriter } from '../../lib/report/mod.ts';
import { escapeControls, escapeControlsInYaml, hasControls } from '../../lib/util/control-characters.ts';

test('what JSON and YAML do not escape by themselves is escaped, and means the same', () => {
  const text = '\u0001a\u007f\u009b\u200b\u202e\u2066\ufeff b\u00e4\n\t';
  assert.ok(hasControls(text));
  const json = escapeControls(JSON.stringify({ text }));
  assert.equal(json, '{"text":"\\u0001a\\u007f\\u009b\\u200b\\u202e\\u2066\\ufeff bä\\n\\t"}');
  assert.deepEqual(JSON.parse(json), { text });
  const tagged = '"\u{e0041}\u202e"';
  assert.equal(escapeControlsInYaml(tagged), '"\\U000e0041\\u202e"');
  assert.equal(parse(escapeControlsInYaml(tagged)), '\u{e0041}\u202e');
  assert.ok(!hasControls('plain\n\ttext ä 🙂'));
});

test('of what goes to a terminal our own colours are kept, and nothing else that it would obey', () => {
  let written = '';
  const writer = guardWriter({ columns: 7, isTTY: true, write: (text) => (written += text) });
  const palette = createPalette(true);
  const painted = [palette.error('a'), palette.hint('b'), palette.dim('c'), palette.name('x', 'd')].join(' ');
  writer.write(`${painted}\n\t`);
  assert.equal(written, `${painted}\n\t`);
  written = '';
  writer.write('\u001b[8m\u001b[2J\u001b[31;1m\u001b]0;t\u0007\r\b\u009b2J\u202ex');
  assert.equal(written, '·[8m·[2J·[31;1m·]0;t····2J·x');
  assert.deepEqual([writer.columns, writer.isTTY], [7, true]);
  written = '';
  writer.writeRaw?.('\u001b[J');
  assert.equal(written, '\u001b[J');
});

test('in GitHub Actions what its log would obey is broken, and comes through writeRaw only', () => {
  let written = '';
  const writer = guardWriter({ write: (text) => (written += text) }, true);
  writer.write(
    '  ::add-mask::x\n::set-output name=a::b\n::error file=a::b\na ::c ##[group]x\n::warning::y\n',
  );
  assert.equal(
    written,
    '  : :add-mask::x\n: :set-output name=a::b\n: :error file=a::b\na ::c # #[group]x\n: :warning::y\n',
  );
  written = '';
  // The runner trims every kind of blank, and compares as .NET does, which passes over marks that show nothing.
  writer.write('\u00a0\u3000::a::\n\u200d::b::\n:\u034f:c::\n#\u200c#\u200d[d]e\n');
  assert.equal(written, '\u00a0\u3000: :a::\n\u200d: :b::\n: :c::\n# #\u200d[d]e\n');
  written = '';
  writer.writeRaw?.('::error::z\n');
  assert.equal(written, '::error::z\n');
});
