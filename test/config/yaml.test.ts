import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { parseText } from '../../lib/config/parse.ts';
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

/** What the parsing of a text gives: plain data, or the problems. */
async function parsed(text: string): Promise<unknown> {
  const { node, problems } = await parseText(originOf(text));
  return problems.length > 0 ? problems.map((one) => one.message) : node && toPlain(node);
}

test('a quote in the middle of a plain scalar is a letter, with LF and with CRLF', async () => {
  const text = 'a: b, "c\nd: ${{ x ? "y: z" : w }} # "\ne: it\'s, \'f\ng: [h "i, ${{ j(1, 2) }}]\n';
  const expected = {
    a: 'b, "c',
    d: '${{ x ? "y: z" : w }}',
    e: "it's, 'f",
    g: ['h "i', '${{ j(1, 2) }}'],
  };
  assert.deepEqual(await parsed(text), expected);
  assert.deepEqual(await parsed(text.replaceAll('\n', '\r\n')), expected);
});

test('a quote in a block scalar or on a later line of a scalar does not hide the expressions behind it', async () => {
  for (const head of [
    'a: |\n  "b\n',
    "a: >-\n  it's\n",
    'a: b\n  "c\n',
    'a: &x b\n  - "c\n',
    '# "\na: !!str "b\n  c"\n',
  ]) {
    const data = await parsed(`${head}d: \${{ x ? "y: z" : w }}\n`);
    assert.equal((data as { d?: string }).d, '${{ x ? "y: z" : w }}', JSON.stringify(data));
  }
});

test('an expression goes on over the lines of its scalar, and no further', async () => {
  assert.deepEqual(await parsed('a: ${{ b ? "c: d"\n   : e }}\nf: g\n'), {
    a: '${{ b ? "c: d" : e }}',
    f: 'g',
  });
  assert.deepEqual(await parsed('a: ${{ b\nc: d }}\n'), { a: '${{ b', c: 'd }}' });
  assert.deepEqual(await parsed('a: $${{ b and ${{ c ? d : e }}\n'), { a: '$${{ b and ${{ c ? d : e }}' });
});

test('only spaces and tabs are blanks: a no-break space is part of the value', async () => {
  assert.deepEqual(await parsed('a: [b\u00a0, c]\nd: {e\u00a0: f\u00a0}\n'), {
    a: ['b\u00a0', 'c'],
    d: { 'e\u00a0': 'f\u00a0' },
  });
  assert.deepEqual(await parsed('a:\u00a0b: c\n'), { 'a:\u00a0b': 'c' });
  assert.deepEqual(await parsed('a: ${{ b, c }}\u00a0# d\n'), { a: '${{ b, c }}\u00a0# d' });
});

test('what YAML refuses is refused: a dash in braces, a key of more than 1,024 characters', async () => {
  for (const text of [
    'a: { - b: c }\n',
    `${'k'.repeat(1025)}: v\n`,
    `"${'k'.repeat(1023)}": v\n`,
    'a: [- b]\n',
  ]) {
    const { problems } = await parseText(originOf(text));
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['config/yaml'],
      text.slice(0, 20),
    );
  }
  assert.equal(await assertSameTree(`${'k'.repeat(1024)}: v\n`), true);
});

test('keys that mean the same are one key, whatever they look like; so are keys that look the same', async () => {
  const twice = (name: string): readonly string[] => [`The key "${name}" appears twice in this map`];
  assert.deepEqual(await parsed('{~: 1, null: 2}\n'), twice('null'));
  assert.deepEqual(await parsed('1: a\n0x1: b\n'), twice('0x1'));
  assert.deepEqual(await parsed('true: a\nTrue: b\n'), twice('True'));
  assert.deepEqual(await parsed('1.0: a\n1.00: b\n'), twice('1.00'));
  assert.deepEqual(await parsed('"1": a\n1: b\n'), twice('1'));
  assert.deepEqual(await parsed('a: {b: c, "b": d}\n'), twice('b'));
  assert.deepEqual(await parsed('~: 1\n"null": 2\n3.1: x\n3.10: y\n'), [
    'The key "3.10" appears twice in this map',
  ]);
  assert.deepEqual(await parsed('~: 1\n"null": 2\n3.1: x\n3.2: y\n'), {
    '~': 1,
    null: 2,
    '3.1': 'x',
    '3.2': 'y',
  });
});

test('the place of a literal block is all of its lines', async () => {
  const text = 'a: |\n  b\n\n  c\n\nd: |-\n  e';
  const fast = readFast(originOf(text));
  assert.ok(fast?.kind === 'map');
  const places = [...fast.entries.values()].map(({ value }) => text.slice(value.start, value.end));
  assert.deepEqual(places, ['|\n  b\n\n  c\n', '|-\n  e']);
  assert.equal(await assertSameTree(text), true);
});

test('the last bracket may stand in the column of its key', async () => {
  assert.equal(await assertSameTree('a: [\n  b,\n  c\n]\nd: {\n  e: f\n}\ng:\n  - [\n    h\n  ]\n'), true);
});

test('an alias means the last anchor of its name above it', async () => {
  assert.deepEqual(await parsed('a: &x 1\nb: *x\nc: &x 2\nd: *x\n'), { a: 1, b: 1, c: 2, d: 2 });
});

test('characters of private use are kept, beside expressions too', async () => {
  const text = '\ue020a: &x ${{ b, "c" }}\ue022\nd: "\ue07f"\n';
  assert.deepEqual(await parsed(text), { '\ue020a': '${{ b, "c" }}\ue022', d: '\ue07f' });
});

test('many expressions that never close take no longer than as many that do', async () => {
  const open = `a: &x\n${'  ${{ "b\n'.repeat(20_000)}`;
  const start = performance.now();
  await parseText(originOf(open));
  assert.ok(performance.now() - start < 5000);
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
