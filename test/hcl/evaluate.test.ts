/** Expressions and their values. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callsOf, evaluate, newBudget, variablesOf } from '../../lib/hcl/mod.ts';
import { evaluateText, expressionOf, scopeOf, shown, variablesIn } from './support.ts';

const VARIABLES = variablesIn(`
S = "str"
N = 3
L = ["b", "a", "c"]
E = []
M = { x = "1", b = "2" }
O = [{ a = "p", b = 1 }, { a = "q", b = 2 }]
NUL = null
`);

/** What buildx 0.38.2 gives for `jsonencode(EXPRESSION)` in an argument, with these variables. */
const VALUES: readonly (readonly [expression: string, json: string])[] = [
  ['1 + 2 * 3 - 4 / 8', '6.5'],
  ['7 % 3', '1'],
  ['-N', '-3'],
  [
    '1 / 3',
    '0.33333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333335',
  ],
  ['0.1 + 0.2', '0.3'],
  ['1e3', '1000'],
  ['10 / 4', '2.5'],
  ['"3" + 4', '7'],
  ['"10" > 9', 'true'],
  ['1 == "1"', 'false'],
  ['1 == 1.0', 'true'],
  ['true && !false', 'true'],
  ['false && missing', 'false'],
  ['missing || true', 'true'],
  ['NUL == null', 'true'],
  ['S == "str" ? "yes" : "no"', '"yes"'],
  ['true ? 1 : "a"', '"1"'],
  ['true ? [1] : ["a"]', '["1"]'],
  ['false ? missing : 1', '1'],
  ['N > 2 ? L[0] : L[7]', '"b"'],
  ['true ? { a = 1 } : { a = "x" }', '{"a":"1"}'],
  ['true ? null : "x"', 'null'],
  ['[1, "a", true, null]', '[1,"a",true,null]'],
  ['{ b = 1, a = [2], "c d" = { e = 3 } }', '{"a":[2],"b":1,"c d":{"e":3}}'],
  ['{ (S) = 1, "k-${N}" = 2, 1 = 3, true = 4 }', '{"1":3,"k-3":2,"str":1,"true":4}'],
  ['{ a = 1, a = 2 }', '{"a":2}'],
  ['L[1]', '"a"'],
  ['L["2"]', '"c"'],
  ['L.0', '"b"'],
  ['M.x', '"1"'],
  ['M["b"]', '"2"'],
  ['O[*].a', '["p","q"]'],
  ['O.*.b', '[1,2]'],
  ['E[*].a', '[]'],
  ['S[*]', '["str"]'],
  ['NUL[*]', '[]'],
  ['O[1]["a"]', '"q"'],
  ['[for x in L : upper(x)]', '["B","A","C"]'],
  ['[for i, x in L : "${i}${x}"]', '["0b","1a","2c"]'],
  ['[for k, v in M : "${k}=${v}"]', '["b=2","x=1"]'],
  ['[for x in L : x if x != "a"]', '["b","c"]'],
  ['{for x in L : x => upper(x)}', '{"a":"A","b":"B","c":"C"}'],
  ['{for i, x in L : x => i if i > 0}', '{"a":1,"c":2}'],
  ['{for x in O : x.a => x.b...}', '{"p":[1],"q":[2]}'],
  ['"a${N}b${true}c${1.50}"', '"a3btruec1.5"'],
  ['"${N}"', '3'],
  ['"${[1]}"', '[1]'],
  ['"%{ if N > 2 }big%{ else }small%{ endif }"', '"big"'],
  ['"%{ for x in L }<${x}>%{ endfor }"', '"\\u003cb\\u003e\\u003ca\\u003e\\u003cc\\u003e"'],
  ['"%{ for i, x in L ~} ${i}:${x} %{~ endfor }"', '"0:b1:a2:c"'],
  ['"a  ${~ S ~}  b"', '"astrb"'],
  ['max(L == null ? [] : [1, 5, 3]...)', '5'],
  ['upper("é")', '"É"'],
  ['join(",", [for x in concat(L, E) : x])', '"b,a,c"'],
  ['coalesce(NUL, "d")', '"d"'],
  ['(1 + 2) * 3', '9'],
  ['(1 + \n 2)', '3'],
  ['[for x in L : [for y in L : "${x}${y}" if x != y]][0]', '["ba","bc"]'],
  ['O[0] == { a = "p", b = 1 }', 'true'],
  ['"e\\u0301" == "\\u00e9"', 'true'],
  ['true ? [1] : [1, 2]', '[1]'],
];

test('expressions have the values that bake gives them', () => {
  for (const [expression, json] of VALUES)
    assert.equal(evaluateText(expression, VARIABLES), json, expression);
});

/** What buildx 0.38.2 refuses; the words are ours, with what they underline. */
const REFUSED: readonly (readonly [expression: string, first: string])[] = [
  ['missing', 'missing: There is no variable missing'],
  ['missing.a', 'missing: There is no variable missing'],
  ['nofn(1)', 'nofn: There is no function nofn'],
  ['L[7]', 'L[7]: The list has 3 elements, so there is no [7]'],
  ['L[1.5]', 'L[1.5]: The index is not a whole number'],
  ['L[-1]', 'L[-1]: The index is negative'],
  ['M.zz', 'M.zz: This object has no "zz"'],
  ['S.a', 'S.a: A string has no attribute a'],
  ['NUL.a', 'NUL.a: null has no attribute a'],
  ['"a${NUL}"', 'NUL: NUL is null, so it cannot be inserted into a string'],
  ['"a${L}"', 'L: This cannot be inserted into a string: a string is required, not a tuple'],
  ['true ? [] : {}', '[] : {}: The two sides of this conditional have different types: tuple and object'],
  ['L ? 1 : 2', 'L: This is not a condition: a bool is required, not a tuple'],
  ['NUL ? 1 : 2', 'NUL: The condition is null'],
  ['"x" + 1', '"x": + cannot be applied here: a number is required'],
  ['1 + NUL', '1 + NUL: The right operand of + is null'],
  ['!S', 'S: ! cannot be applied here: a bool is required'],
  ['{ (NUL) = 1 }', '(NUL): The key of an entry is null'],
  ['{ O.a = 1 }', 'O.a: A key with dots or brackets could be a name or a reference'],
  ['{for x in L : "k" => x}', '"k": The key "k" appears twice'],
  ['[for x in S : x]', 'S: "for" cannot loop over a string'],
  ['[for x in NUL : x]', 'NUL: "for" cannot loop over null'],
  ['[for x in L : x if S]', 'S: This is not a condition: a bool is required'],
  ['upper("a", "b")', '"b": upper(): it takes one argument, not 2'],
  ['upper(L)', 'L: upper(): a string is required, not a tuple'],
  ['max(S...)', 'S: "..." expands a list, but this is not one'],
  ['0 / 0', '0 / 0: Zero cannot be divided by zero, nor an infinite number by an infinite one'],
  ['[for x in E : x if missing]', 'missing: There is no variable missing'],
  ['O[*].a[0]', '[*].a[0]: A string has no elements'],
];

test('what bake refuses is refused, at its place', () => {
  for (const [expression, first] of REFUSED) {
    const problems = evaluateText(expression, VARIABLES);
    assert.ok(typeof problems !== 'string', expression);
    const [found] = problems;
    assert.equal(found === undefined ? undefined : shown(found), first, expression);
    assert.equal(found?.code, 'bake/expression');
  }
});

test('all that is wrong with an expression is said, with the nearest known names', () => {
  const problems = evaluateText('[missing, uper("a"), N1, { a = M.xx }]', { ...VARIABLES });
  assert.ok(typeof problems !== 'string');
  assert.deepEqual(
    problems.map((found) => [shown(found), found.hint]),
    [
      ['missing: There is no variable missing', 'Put a string in quotes: "missing".'],
      ['uper: There is no function uper', 'Did you mean "upper"?'],
      ['N1: There is no variable N1', 'Put a string in quotes: "N1".'],
      ['M.xx: This object has no "xx"', 'It has b, x.'],
    ],
  );
});

test('only the problems of the side that is taken count', () => {
  assert.equal(evaluateText('true ? 1 : missing'), '1');
  assert.equal(evaluateText('missing && false'), 'false');
  assert.equal(evaluateText('true ? "a" : 1 + missing'), '"a"');
  assert.equal(evaluateText('true ? 5 : "${missing}x"'), '"5"', 'a text would have been a text');
  assert.ok(typeof evaluateText('missing && true') !== 'string');
});

test('functions that evaluate their own arguments do not fail on the rest', () => {
  assert.equal(evaluateText('try(missing, "d")'), '"d"');
  assert.equal(evaluateText('can(M.zz)', VARIABLES), 'false');
});

test('problems within a function lead to its body', () => {
  const body = expressionOf('1 + missing');
  const scope = scopeOf({});
  const result = evaluate(expressionOf('double()'), {
    ...scope,
    function: () => ({
      call: () => {
        const inner = evaluate(body, scope);
        return inner.ok ? inner : { ok: false, message: 'its body has no value', problems: inner.problems };
      },
    }),
  });
  assert.ok(!result.ok);
  assert.equal(result.problems[0]?.message, 'double() fails: its body has no value');
  assert.equal(result.problems[0]?.related?.[0]?.message, 'There is no variable missing');
});

test('names of a loop hide those outside, and are not known behind it', () => {
  assert.equal(evaluateText('[for S in L : S]', VARIABLES), '["b","a","c"]');
  assert.equal(evaluateText('[for S in L : [for S in [1] : S]][0]', VARIABLES), '[1]');
  assert.ok(typeof evaluateText('[[for x in L : x], x]', VARIABLES) !== 'string');
});

test('what takes too long, goes too deep or grows too large is a problem', () => {
  const loop = (depth: number): string => (depth === 0 ? '1' : `[for x in L : ${loop(depth - 1)}]`);
  const L = variablesIn(`L = [${'1, '.repeat(100)}]`);
  const cases: readonly (readonly [expression: string, message: RegExp])[] = [
    [loop(6), /more than two million steps|1,000,000 parts/],
    [`"${'%{ for x in L }'.repeat(5)}x${'%{ endfor }'.repeat(5)}"`, /steps|characters/],
    ['[for B in [[for x in L : L]] : [for x in L : [for y in L : B == B]]]', /more than two million steps/],
    [`concat(${Array.from({ length: 1001 }, () => '[for x in L : 1]').join(', ')})`, /100,000 items/],
  ];
  for (const [expression, message] of cases) {
    const problems = evaluateText(expression, L);
    assert.ok(typeof problems !== 'string', expression.slice(0, 60));
    assert.match(problems[0]?.message ?? '', message);
  }
});

test('functions that call themselves without end are a problem', () => {
  const body = expressionOf('f()');
  const scope = {
    ...scopeOf({}),
    budget: newBudget(),
    function: () => ({
      call: () => {
        const inner = evaluate(body, scope);
        return inner.ok ? inner : { ok: false as const, message: inner.problems[0]?.message ?? '' };
      },
    }),
  };
  const result = evaluate(body, scope);
  assert.ok(!result.ok);
  assert.match(result.problems[0]?.message ?? '', /deeper than 800 levels/);
  assert.equal(evaluateText('1'), '1', 'the next one starts afresh');
});

test('a budget is shared by all that is evaluated with it', () => {
  const budget = { ...newBudget(), steps: 3 };
  const scope = { ...scopeOf({}), budget };
  assert.equal(evaluate(expressionOf('[1, 2]'), scope).ok, true);
  assert.equal(evaluate(expressionOf('1'), scope).ok, false);
});

test('variables and calls are found, without what an expression binds itself', () => {
  const expression = expressionOf(
    'f(a.b[c]["d"], [for k, v in m : "${k}${v.x}${w}" if k != z]..., { q = r, (s) = 1 }, l[*].n[i], "%{ for t in u }${t}%{ endfor }")'.replace(
      '...',
      '',
    ),
  );
  const found = variablesOf(expression);
  assert.deepEqual(
    found.map(({ root }) => root),
    ['a', 'c', 'm', 'w', 'z', 'r', 's', 'l', 'i', 'u'],
  );
  assert.deepEqual(
    found[0]?.steps.map((step) => (typeof step === 'string' ? step : step.kind)),
    ['b', 'variable', 'template'],
  );
  const { source, start, end } = found[0]?.span ?? assert.fail();
  assert.equal(source.text.slice(start, end), 'a.b[c]["d"]');
  assert.deepEqual(
    callsOf(expressionOf('f(g(1), "${ns::h()}", [for x in i() : j()])')).map(({ name }) => name),
    ['f', 'g', 'ns::h', 'i', 'j'],
  );
});
