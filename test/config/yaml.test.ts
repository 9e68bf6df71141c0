import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { toPlain } from '../../lib/config/tree.ts';
import { readFast } from '../../lib/config/yaml/fast.ts';
import { assertSameTree, originOf } from './yaml-compare.ts';

test('the fast reader reads ordinary files, and as the full parser does', async () => {
  const samples = [
    "a: 1\nb: two # c\nc:\n  - x\n  - y: 1\n    z: 2\n  -\n    - deep\nd: {e: [1, 2.50, \"x, y\", 'it''s'], f: {g: ~}}\n",
    '{"builds": {"a": {"context": ".", "tags": ["x:1", "y\\n"], "push": true}}}',
    'a: |\n  FROM x\n   indented\n\n  RUN y\nb: |-\n  one\nc: 0o17\nd: 0x1F\ne: 1e3\nf: .5\ng: +12\nh: .inf\ni: True\nj: NULL\n',
    '---\n# head\nlist:\n- a\n- b\nother: "q # no comment"\nurl: http://x/y#z\nat: a:b\n',
    'a:\n  b:\n    c: d\n\n  # note\n  e: f\ng:\n',
    'x: [a,\n  b,\n  # c\n  d\n  ]\ny: 08\nz: 1_000\nw: -1\nv: - not a list\n'.replace(
      'v: - not a list\n',
      '',
    ),
    'k: plain text with, commas [and] {braces}\nq: \'#\'\n"quoted key": 1\n3.10: x\n',
  ];
  for (const text of samples) assert.equal(await assertSameTree(text), true, text);
});

test('an unquoted expression is one unit for both readers', async () => {
  const text = [
    'a: ${{ x ? "a: b" : c }}',
    'b: [${{ f(1, 2) }}, "${{ y }}", pre-${{ {"k": 1} }}-post]',
    'c: { d: ${{ z # not a comment }}, e: 1 }',
    'f:',
    "  - ${{ q == 'it' ? [1, 2] : null }} # comment",
    '${{ key }}/x: v',
    '',
  ].join('\n');
  assert.equal(await assertSameTree(text), true);
  const fast = readFast(originOf(text));
  assert.deepEqual(fast && toPlain(fast), {
    a: '${{ x ? "a: b" : c }}',
    b: ['${{ f(1, 2) }}', '${{ y }}', 'pre-${{ {"k": 1} }}-post'],
    c: { d: '${{ z # not a comment }}', e: 1 },
    f: ["${{ q == 'it' ? [1, 2] : null }}"],
    '${{ key }}/x': 'v',
  });
});

test('what is beyond the fast reader is left to the full parser', () => {
  for (const text of [
    'a: &x 1\nb: *x\n',
    'a: !t x\n',
    'a: >\n  folded\n',
    'a:\tb\n',
    'a: 1\n---\nb: 2\n',
    'a: 1\na: 2\n',
    'a: b\n c\n',
    'a: b: c\n',
    '"open\n',
    'a: [1, 2\n',
    '? x\n: y\n',
    'a: %x\n',
    '<<: x\n',
    '- a\nb: c\n',
    'a: "x" y\n',
  ]) {
    assert.equal(readFast(originOf(text)), undefined, text);
  }
});

const line = fc.constantFrom(
  'a: 1',
  'b:',
  '  c: d',
  '  - x',
  '- y',
  '    e: [1, 2]',
  '  f: {g: h}',
  '# note',
  '',
  '   ',
  '  k: "q"',
  "  l: 'r'",
  '  m: |',
  '     text',
  '  - n: o',
  '    p: q',
  '- - s',
  't: # u',
  '    - v',
  '  w: x # y',
  'z: a:b',
  '- ',
  '-',
  '  "k2": 1',
  '  ${{ a }}: ${{ b ? c : d }}',
  '---',
  'n: ~',
  'o: [',
  ']',
  'p: {',
  '}',
  '  q: -1.50',
  'r: - s',
  '  : x',
  'a b: c d',
  '  {u: v}: w',
  '  s: |-',
  '   ',
  't: "a\\u0041\\n"',
  "u: ''''",
  ' v: 1',
  'w: x:',
  '  x: [a: b]',
  '!x',
  'y: @z',
  '  - [a, "b"]',
  '  - {a: b, c: d}',
);

test('on random documents made of usual lines, the fast reader agrees with the full one or passes', async () => {
  let read = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 12 }), async (lines) => {
      if (await assertSameTree(`${lines.join('\n')}\n`)) read++;
    }),
    { numRuns: 3000 },
  );
  assert.ok(read > 20, `only ${read} documents were read`);
});

test('on random data written by a YAML or JSON printer, the fast reader agrees with the full one or passes', async () => {
  let read = 0;
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.oneof(
        fc.string({ maxLength: 12 }),
        fc.constantFrom('yes', '1.10', 'true', '~', ' x', 'a: b', '#c', '- d', 'é', '😀', 'a\nb', ''),
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.boolean(),
        fc.constant(null),
      ),
      fc.array(tie('node'), { maxLength: 4 }),
      fc.dictionary(fc.stringMatching(/^[a-z-]{1,8}$/), tie('node'), { maxKeys: 4 }),
    ),
  })).node;
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.stringMatching(/^[a-z-]{1,8}$/), value, { minKeys: 1, maxKeys: 4 }),
      fc.integer({ min: 0, max: 2 }),
      async (data, style) => {
        const text = style === 0 ? stringify(data) : JSON.stringify(data, null, style === 1 ? 2 : 0);
        if (await assertSameTree(text)) read++;
      },
    ),
    { numRuns: 1000 },
  );
  assert.ok(read > 500, `only ${read} documents were read`);
});
