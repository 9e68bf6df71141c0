/** Functions of the language on texts, lists and times, beyond CEL's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printOne, read } from './support.ts';

async function resultOf(code: string): Promise<unknown> {
  const build = await printOne(
    `builds: { a: { args: { X: ${JSON.stringify(`\${{ toJSON(${code}) }}`)} } } }`,
  );
  return JSON.parse((build['args'] as Readonly<Record<string, string>>)['X'] ?? '');
}

test('functions on texts, lists and times', async () => {
  const expected: readonly (readonly [string, unknown])[] = [
    ['"v1.2".trimPrefix("v")', '1.2'],
    ['"v1.2".trimPrefix("1")', 'v1.2'],
    ['"a.js".trimSuffix(".js")', 'a'],
    ['"a".trimSuffix("")', 'a'],
    ['"0123456789".truncate(7)', '0123456'],
    ['"ab".truncate(7)', 'ab'],
    ['"😀x".truncate(1)', '😀'],
    ['"v1.2.3".replaceRegex("^v([0-9]+)[.](?P<minor>[0-9]+)", "${1}_${minor}.$9$$1")', '1_2.$1.3'],
    ['"v1".replaceRegex("v(1)", "$1x|$")', '|$'],
    ['"baaac".replaceRegex("a*", "-")', '-b-c-'],
    ['"a1-b2".findAll("[a-z][0-9]")', ['a1', 'b2']],
    [
      '"a1-b2".findAll("([a-z])([0-9])|(-)")',
      [
        ['a', '1', null],
        [null, null, '-'],
        ['b', '2', null],
      ],
    ],
    ['"a1".findAll("(?P<letter>[a-z])(?P<digit>[0-9])")[0].digit', '1'],
    ['"x".findAll("[0-9]")', []],
    ['"baaac".findAll("a*")', ['', 'aaa', '']],
    ['["b", "a", "B", "\uFB00", "😀"].sort()', ['B', 'a', 'b', '\uFB00', '😀']],
    ['[10, 9].sort()', [9, 10]],
    ['[{"a": 1, "b": 1}, null, {"b": 2}].merge()', { a: 1, b: 2 }],
    ['range(3)', [0, 1, 2]],
    ['range(-1)', []],
    ['now.format("YYYY-MM-DD\'T\'hh:mm:ssZ")', '2026-01-02T03:04:05Z'],
    ["now.format(\"D MMM YY, H aa, EEEE 'o''clock' ZZZZ\")", "2 Jan 26, 3 am, Friday o'clock +0000"],
    [
      `"2026-01-31T23:30:05.25-03:30".format("YYYY-MM-DD'T'hh:mm:ssZ|ZZZZ|ZZZ")`,
      '2026-01-31T23:30:05-03:30|-0330|-0330',
    ],
    ['"2026-01-31T23:30:05Z".format("hhmm ZZZ")', '2330 UTC'],
  ];
  for (const [code, value] of expected) assert.deepEqual(await resultOf(code), value, code);
});

test('functions say what they cannot do', async () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['"a".replaceRegex("(", "")', /"\(" is not a valid regular expression/],
    ['[1, "a"].sort()', /sort: a list of texts or of numbers is needed/],
    ['[1].merge()', /merge: a list of maps is needed/],
    ['range(1000000)', /the result would be a list of more than 100,000 items/],
    ['"a".truncate(-1)', /a length cannot be negative/],
    ['now.format("YYY")', /"YYY" in "YYY" is not a part of a time/],
    ['"yesterday".format("YYYY")', /"yesterday" is not a time such as/],
    ['now.format("\'a")', /a ' is not closed/],
    [
      'range(60000).map(i, "aaaaaaaaaa").join("").replaceRegex("a", "$0$0")',
      /more than 1,048,576 characters|steps/,
    ],
  ];
  for (const [code, expected] of refused) {
    const result = await read(`builds: { a: { args: { X: ${JSON.stringify(`\${{ toJSON(${code}) }}`)} } } }`);
    const said = result.ok ? 'nothing is wrong' : result.error.map(({ message }) => message).join();
    assert.match(said, expected, code);
  }
});
