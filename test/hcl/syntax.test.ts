/** Files of HCL: places, comments, and what is said of mistakes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Body, type NativeBody, parseHcl } from '../../lib/hcl/mod.ts';
import type { Span } from '../../lib/model/mod.ts';
import { expressionOf, shown } from './support.ts';

function parsed(text: string): NativeBody {
  const { body, problems } = parseHcl({ path: 'x.hcl', text });
  assert.deepEqual(problems, []);
  return native(body);
}

function native(body: Body): NativeBody {
  assert.equal(body.kind, 'native');
  return body as NativeBody;
}

function textOf({ source, start, end }: Span): string {
  return source.text.slice(start, end);
}

test('attributes, blocks and labels have their places, in UTF-16 units', () => {
  const body = parsed('\ufeffé = "😀" # x\r\ntarget "a 😀" b {\r\n  tags = ["x"]\r\n}\r\n');
  const [attribute] = body.attributes;
  const [block] = body.blocks;
  assert.ok(attribute !== undefined && block !== undefined);
  assert.deepEqual([textOf(attribute.nameSpan), textOf(attribute.value.span)], ['é', '"😀"']);
  assert.deepEqual([block.type, textOf(block.typeSpan)], ['target', 'target']);
  assert.deepEqual(
    block.labels.map(({ value, span }) => [value, textOf(span)]),
    [
      ['a 😀', '"a 😀"'],
      ['b', 'b'],
    ],
  );
  const [tags] = native(block.body).attributes;
  assert.equal(tags === undefined ? undefined : textOf(tags.span), 'tags = ["x"]');
  assert.equal(textOf(block.span).endsWith('}'), true);
});

test('comments belong to what they stand above or behind, and the rest to the body', () => {
  const body = parsed(`# licence

# above, one
// above, two
target "a" { // behind
  /*
   * many
   * lines
   */
  x = 1 # one

  # commented = out
}

y = [ # first
  # item
  "a", # same line
  "b"
  # last
]
z = {
  # key
  a = 1, # value
  # end
}
# the end
`);
  assert.deepEqual(
    body.loose.map(({ lines }) => lines),
    [['licence'], ['the end']],
  );
  const [block] = body.blocks;
  assert.deepEqual(block?.comments, { above: ['above, one', 'above, two'], behind: 'behind' });
  const inner = native(block?.body ?? assert.fail());
  assert.deepEqual(inner.attributes[0]?.comments, { above: ['many', 'lines'], behind: 'one' });
  assert.deepEqual(inner.loose[0]?.lines, ['commented = out']);
  const [y, z] = body.attributes;
  assert.ok(y?.value.kind === 'tuple' && z?.value.kind === 'object');
  assert.deepEqual(y.value.comments?.get(0), { above: ['item'], behind: 'same line' });
  assert.deepEqual(y.value.endComments, ['last']);
  assert.deepEqual(y.comments.above, ['first'], 'what belongs to no item is not lost');
  assert.deepEqual(z.value.items[0]?.comments, { above: ['key'], behind: 'value' });
  assert.deepEqual(z.value.endComments, ['end']);
});

/** Files, and what is said of them: the text underlined and the words. */
const MISTAKES: readonly (readonly [text: string, ...found: readonly string[]])[] = [
  ['a = ', ': A value is missing before the end of the file'],
  ['a = 1 +\n2\nb = 3\n', '\n: A value is missing before the end of the line'],
  ['a = "x\nb = 2\n', '"x: The closing quote of this string is missing'],
  ['a = "x ${y"\nb = 2\n', '": The closing brace of this ${ is missing'],
  ['a = "${x y}"\n', 'y: "}" is expected here, not y'],
  ["a = 'x'\n", "': HCL has no single quotes"],
  ['a = [1 2]\n', '2: A comma is missing between two items of this list, before 2'],
  ['a = [1,\nb = 2\n', '=: A comma is missing between two items of this list, before ='],
  ['target "a" {\n  x = 1\n', '{: This block is not closed'],
  ['a = { b 1 }\n', '1: "=" is missing after a key, before 1'],
  ['a : 1\n', ':: "=" is expected after a, not ":"'],
  ['"a" = 1\n', '": The name of an attribute must not be in quotes'],
  ['a = 1, b = 2\n', ',: There is a comma after this attribute'],
  ['a = 1 b = 2\n', 'b: A line break is missing after this attribute, before b'],
  ['a = 1\na = 2\n', 'a: a is set twice'],
  ['target "a"\n{\n}\n', '\n: "{" or a label is expected after target, not the end of the line'],
  ['target = "a" {\n}\n', '{: A line break is missing after this attribute, before {'],
  ['target "a" { x = 1, y = 2 }\n', ',: A block on one line can hold one attribute'],
  ['target "a" {\n  x = 1 }\n', '}: A line break is missing after this attribute, before }'],
  ['target "${x}" {\n}\n', '${: Labels of blocks are plain strings, not templates'],
  ['}\na = 1\n', '}: This "}" closes nothing'],
  ['a = x ? 1\n', '\n: A conditional needs ":" and a second value, but here is the end of the line'],
  ['a = "\\q \\u12"\n', '\\q: Invalid escape \\q', '\\u12: \\u needs 4 hexadecimal digits'],
  ['a = "%{ iff x }y%{ endif }"\n', 'iff: There is no directive "iff"'],
  ['a = "%{ if x }y"\n', '%{ if x }: This %{ if } is not closed'],
  ['a = "y%{ endif }"\n', '%{ endif }: This %{ endif } has no matching start'],
  ['a = <<EOT\nx\n', '<<EOT\n: This heredoc is not closed'],
  ['a = [for x y : z]\n', 'y: "in" is missing before y'],
  ['a = {for x in y : z}\n', '{: A "for" in braces needs a key'],
  ['a = [for x in y : z => 1]\n', '[: A "for" in brackets makes a list, which has no keys'],
  ['a = x.\n', '\n: The name of an attribute is missing before the end of the line'],
  ['a = x.0.1\n', '0.1: Two indexes cannot be written with dots in a row'],
  ['a = 1.2.3\n', '1.2.3: 1.2.3 is not a number'],
  ['a = f(1\nb = 2\n', 'b: ")" is expected here, not b'],
  ['a = x && y & z\n', '&: "&" alone is not an operator'],
  ['a = 1;\n', ';: HCL has no semicolons'],
  ['a = $x\n', '$: "$" is outside of a string'],
  ['a = "x" /* y\n', '/* y\n: This comment is not closed'],
  ['a = (\n', ': A value is missing before the end of the file'],
  [
    'target {\n  a = \n  b = )\n  c = 1\n}\nd = [}\ne = 2\n',
    '\n: A value is missing before the end of the line',
    '): A value is missing before )',
    '}: A value is missing before }',
  ],
  ['foo\nbar = 1\n', 'foo: foo is neither an attribute nor a block'],
  ['a = “x”\n', '“: There is a curly quote instead of a straight one'],
];

test('each mistake is said once, where it is, and all that are independent of one another', () => {
  for (const [text, ...found] of MISTAKES) {
    const { problems } = parseHcl({ path: 'x.hcl', text });
    assert.deepEqual(problems.map(shown), found, text);
    for (const { code } of problems) assert.equal(code, 'bake/syntax');
  }
});

test('what is right around a mistake is read', () => {
  const { body } = parseHcl({ path: 'x.hcl', text: 'a = 1\nb = [}\nc {\n  d = "\n  e = 2\n}\nf = 3\n' });
  assert.deepEqual(
    native(body).attributes.map(({ name }) => name),
    ['a', 'f'],
  );
  assert.deepEqual(
    native(native(body).blocks[0]?.body ?? assert.fail()).attributes.map(({ name }) => name),
    ['e'],
  );
});

test('files without end or sense are mistakes, and no crash and no hour', () => {
  const many = 100_000;
  const files: readonly (readonly [text: string, message: RegExp | undefined])[] = [
    [`a = ${'['.repeat(many)}`, /deeper than/],
    [`a = ${'{a='.repeat(many)}`, /deeper than/],
    [`a = ${'"${'.repeat(many)}`, /deeper than/],
    [`a = ${'!'.repeat(many)}1`, /deeper than/],
    [`a = ${'('.repeat(many)}`, /deeper than/],
    [`a = x${'[*]'.repeat(many)}`, /deeper than/],
    [`a = x${'.y'.repeat(many)}`, /in a row/],
    [`a = 1${' + 1'.repeat(many)}`, /in a row/],
    [`a = ${'x ? 1 : '.repeat(many)}1`, /deeper than/],
    [`a = ${'('.repeat(100)}x${`${' + 1'.repeat(200)})`.repeat(100)}`, /deeper than/],
    [`a = "${'%{ if a }'.repeat(many)}"`, /deeper than/],
    ['a {\n'.repeat(many), /deeper than/],
    ['a = [\n'.repeat(many), /comma is missing/],
    ['a = "\n'.repeat(many), /quote of this string/],
    ['a = [}\n'.repeat(many), /A value is missing/],
    ['a=1 b\n'.repeat(many), /A line break is missing/],
    ['}'.repeat(many), /closes nothing/],
    [`a = "${'$'.repeat(many)}"`, undefined],
    [`a = <<A\n${' x\n'.repeat(many)}A\n`, undefined],
    [`a = [${'1, # c\n'.repeat(many)}]`, undefined],
  ];
  for (const [text, message] of files) {
    const { problems } = parseHcl({ path: 'x.hcl', text });
    if (message === undefined) assert.deepEqual(problems, []);
    else assert.match(problems[0]?.message ?? '', message, text.slice(0, 20));
    assert.ok(problems.length <= 50);
  }
});

test('keys of objects are texts, whatever word they are', () => {
  const value = expressionOf('{ a = 1, true = 2, "b" = 3, (c) = 4, "d${e}" = 5, f.g = 6 }');
  assert.ok(value.kind === 'object');
  assert.deepEqual(
    value.items.map(({ key }) => (key.kind === 'template' ? key.form : key.kind)),
    ['bare', 'bare', 'quoted', 'parentheses', 'quoted', 'attribute'],
  );
});

test('texts are in NFC, and flush heredocs without their indentation', () => {
  const parts = (text: string) => {
    const value = expressionOf(text);
    assert.ok(value.kind === 'template');
    return value.parts.map((part) => (part.kind === 'text' ? part.value : part.kind));
  };
  assert.deepEqual(parts('"e\\u0301"'), ['é']);
  assert.deepEqual(parts('<<-EOT\n    a\n      b ${c}\n\n  EOT'), ['a\n  b ', 'interpolation', '\n\n']);
  assert.deepEqual(parts('"a ${~ b ~} c"'), ['a', 'interpolation', 'c']);
  assert.deepEqual(
    parts('" ${~ b}"'),
    ['', 'interpolation'],
    'a text that became empty still makes a text of it',
  );
});
