/** What the judge does not show (oracle.test.ts): comments, places, several mistakes at once, JSON, references, bounds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  attributesOf,
  type Body,
  callsOf,
  contentOf,
  type Expression,
  evaluate,
  parseHcl,
  parseHclJson,
  type Scope,
  variablesOf,
} from '../../lib/hcl/mod.ts';
import { formatPlace, type Problem } from '../../lib/model/mod.ts';

const EMPTY: Scope = {
  variable: () => undefined,
  function: () => undefined,
  variableNames: () => [],
  functionNames: () => [],
};

function parsed(text: string): Body {
  const { body, problems } = parseHcl({ path: 'x.hcl', text });
  assert.deepEqual(problems.map(lineOf), []);
  return body;
}

function lineOf({ code, message, span }: Problem): string {
  return `${code} ${span === undefined ? '' : formatPlace(span)} ${message}`;
}

/** The expression of the attribute `a`. */
function expressionOf(text: string): Expression {
  const found = attributesOf(parsed(`a = ${text}\n`)).attributes.get('a');
  assert(found !== undefined);
  return found.value;
}

test('comments stay with what they are about', () => {
  const body = parsed(
    '# top\n\n# about a\n// second\ntarget "a" { # open\n  x = 1 # one\n\n  # list\n  y = 2\n  # end\n}\n',
  );
  assert(body.kind === 'native');
  assert.deepEqual(
    body.loose.map(({ lines }) => lines),
    [['top']],
  );
  const [block] = body.blocks;
  assert.deepEqual(block?.comments, { above: ['about a', 'second'], behind: 'open' });
  assert(block?.body.kind === 'native');
  assert.deepEqual(
    block.body.attributes.map(({ comments }) => comments),
    [{ above: [], behind: 'one' }, { above: ['list'] }],
  );
  assert.deepEqual(
    block.body.loose.map(({ lines }) => lines),
    [['end']],
  );
});

test('each part knows where it stands, whatever is before it', () => {
  const text = '\ufeffé = "x"\r\nb "l" {\r\n\tc = upper("${d}") + [1, 2][0]\r\n}\r\n';
  const body = parsed(text);
  assert(body.kind === 'native');
  const cut = ({ span }: { readonly span: { readonly start: number; readonly end: number } }) =>
    text.slice(span.start, span.end);
  const [block] = body.blocks;
  assert(block?.body.kind === 'native');
  const [attribute] = block.body.attributes;
  assert(attribute?.value.kind === 'binary');
  const { left, right } = attribute.value;
  assert(left.kind === 'call' && right.kind === 'index');
  assert.deepEqual(
    [block.labels[0], attribute, attribute.value, left, left.args[0], right, right.key].map((one) =>
      one === undefined ? '' : cut(one),
    ),
    [
      '"l"',
      'c = upper("${d}") + [1, 2][0]',
      'upper("${d}") + [1, 2][0]',
      'upper("${d}")',
      '"${d}"',
      '[1, 2][0]',
      '0',
    ],
  );
  assert.equal(text.slice(left.nameSpan.start, left.nameSpan.end), 'upper');
});

test('mistakes are found all at once, and what is sound is read', () => {
  const text = 'a = \nb = 1 +\ntarget "x" {\n  c = [1, 2\n  d = 3\n}\ne = "ok"\nf = "open\ng = 2\n';
  const { body, problems } = parseHcl({ path: 'x.hcl', text });
  assert.deepEqual(problems.map(lineOf), [
    'bake/syntax x.hcl:1:5 A value is missing before the end of the line',
    'bake/syntax x.hcl:2:8 A value is missing before the end of the line',
    'bake/syntax x.hcl:5:3 A comma is missing between two items of this list, before d',
    'bake/syntax x.hcl:8:5 The closing quote of this string is missing',
  ]);
  assert(problems.every(({ hint }) => hint !== undefined));
  assert(body.kind === 'native');
  assert.deepEqual(
    body.attributes.map(({ name }) => name),
    ['e', 'g'],
  );
});

const SCHEMA = { attributes: ['a'], blocks: { target: 1 } };

test('JSON gives the same bodies: labels as names, several blocks as lists, // as comments', () => {
  const text = `{
  "//": "a comment",
  "a": "x-\${b}",
  "other": [1, true, null, {"k": "v"}],
  "target": [{ "app": { "a": 1 } }, { "web": [{ "a": 2 }, { "a": 3 }] }]
}`;
  const { body, problems } = parseHclJson({ path: 'x.json', text });
  assert.deepEqual(problems, []);
  const { content, problems: found } = contentOf(body, SCHEMA);
  assert.deepEqual(found, []);
  assert.equal(content.attributes.get('a')?.value.kind, 'template');
  assert.deepEqual(
    content.blocks.map(({ type, labels, body: own }) => [
      type,
      labels.map(({ value }) => value),
      [...contentOf(own, SCHEMA).content.attributes.keys()],
    ]),
    [
      ['target', ['app'], ['a']],
      ['target', ['web'], ['a']],
      ['target', ['web'], ['a']],
    ],
  );
  const { span } = content.blocks[2] ?? content.blocks[0] ?? assert.fail();
  assert.match(formatPlace(span), /^x\.json:5:/);
  assert.deepEqual([...attributesOf(content.rest).attributes.keys()], ['other']);
});

test('JSON that is none, or no object, has a place', () => {
  for (const [text, place] of [
    ['{ "a": }', '1:8'],
    ['{ "a": 1,\n "b" 2 }', '2:6'],
    ['"text"', '1:1'],
    ['', '1:1'],
  ] as const) {
    const { problems } = parseHclJson({ path: 'x.json', text });
    assert.match(problems.map(lineOf)[0] ?? '', new RegExp(`^bake/syntax x\\.json:${place} `), text);
  }
});

test('references are those of the file, without the names that for binds', () => {
  const expression = expressionOf('[for k, v in m : "${k}-${v.x}-${w[i].y}" if f(v, g(z...))]');
  assert.deepEqual(
    variablesOf(expression)
      .map(({ root }) => root)
      .sort(),
    ['i', 'm', 'w', 'z'],
  );
  const w = variablesOf(expression).find(({ root }) => root === 'w');
  assert.equal(w?.steps.length, 2);
  assert.deepEqual(
    callsOf(expression)
      .map(({ name }) => name)
      .sort(),
    ['f', 'g'],
  );
});

test('what nests or grows without end is a problem, and soon', () => {
  const deep = (open: string, close: string) => `${open.repeat(100_000)}1${close.repeat(100_000)}`;
  for (const text of [
    deep('[', ']'),
    deep('(', ')'),
    deep('{a=', '}'),
    `"${'${"'.repeat(50_000)}`,
    `${'!'.repeat(100_000)}true`,
    `1${' + 1'.repeat(100_000)}`,
    `x${'.a'.repeat(100_000)}`,
    deep('true ? ', ' : 1'),
  ]) {
    const start = performance.now();
    const { problems } = parseHcl({ path: 'x.hcl', text: `a = ${text}\n` });
    assert.equal(problems[0]?.code, 'bake/syntax', text.slice(0, 20));
    assert(performance.now() - start < 5_000, text.slice(0, 20));
  }
  const ten = '[1, 2, 3, 4, 5, 6, 7, 8, 9, 0]';
  const loops = 'abcdefgh'.replaceAll(/./g, (name) => `[for ${name} in ${ten} : `);
  const huge = evaluate(expressionOf(`${loops}1${']'.repeat(8)}`), EMPTY);
  assert(!huge.ok);
  assert.equal(huge.problems[0]?.code, 'bake/expression');
});

test('what cannot be evaluated says where, why and what was meant', () => {
  const scope: Scope = { ...EMPTY, variableNames: () => ['TAG'], functionNames: () => ['upper'] };
  const refusal = (text: string) => {
    const result = evaluate(expressionOf(text), scope);
    assert(!result.ok, text);
    return result.problems.map((one) => `${lineOf(one)} | ${one.hint ?? ''}`);
  };
  assert.deepEqual(refusal('"x-${TGA}"'), [
    'bake/expression x.hcl:1:10 There is no variable TGA | Did you mean "TAG"?',
  ]);
  assert.match(
    refusal('uper("x")')[0] ?? '',
    /^bake\/expression x\.hcl:1:5 .*uper.* \| Did you mean "upper"\?$/,
  );
  assert.match(refusal('[1, 2][5]')[0] ?? '', /^bake\/expression x\.hcl:1:\d+ /);
  assert.match(refusal('{ a = 1 }.b')[0] ?? '', /^bake\/expression x\.hcl:1:\d+ .*b/);
  assert.match(refusal('1 + "x"')[0] ?? '', /^bake\/expression x\.hcl:1:9 /);
});
