/** Functions that a builds file declares itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { print, printOne, problemsOf } from './support.ts';

test('a call gives what the function says, of whatever kind', async () => {
  const build = await printOne(`
vars: { REPO: acme, FULL: "\${{ tag('full', 1) }}" }
functions:
  tag(name, n): "\${{ vars.REPO }}/\${{ name }}:\${{ n }}"
  both( name , more ):
    - "\${{ tag(name, 1) }}"
    - '\${{ name == "x" ? null : more }}'
  labels(title): { title: "\${{ title }}", none: null }
  half(n): "\${{ n / 2.0 }}"
  hour(): "\${{ now }}"
builds:
  a:
    tags: ["\${{ both(build.name, ['b:1', 'b:2']) }}", "\${{ both('x', 0) }}", "\${{ vars.FULL }}"]
    labels: "\${{ labels('A') }}"
    args: { HALF: "\${{ half(3.0) + half(4.0) }}", HOUR: "\${{ hour().format('hh') }}" }
`);
  assert.deepEqual(build['tags'], ['acme/a:1', 'b:1', 'b:2', 'acme/x:1', 'acme/full:1']);
  assert.deepEqual(build['labels'], { title: 'A' });
  // A number stays one without a fraction, and a time a time.
  assert.deepEqual(build['args'], { HALF: '3.5', HOUR: '03' });
});

test('functions come from included files, the last one counts, and each reads files from where it is written', async () => {
  const set = await print(
    `
include: [sub/more.yaml]
functions: { "name()": own, "gone(a)": null }
builds: { a: { context: ., args: { A: "\${{ name() }}", B: "\${{ text() + readText('b.txt') }}" } } }
`,
    {
      tree: {
        'sub/more.yaml':
          'functions:\n  name(x): theirs\n  gone(b): 1\n  text(): "${{ readText(\'b.txt\') }}"\nbuilds: { b: {} }\n',
        'sub/b.txt': 'below ',
        'b.txt': 'above',
      },
    },
  );
  assert.deepEqual(set.builds['a']?.['args'], { A: 'own', B: 'below above' });
  assert.deepEqual(
    await problemsOf('functions: { "gone(b)": 1 }\nbuilds: { a: { args: { A: "${{ gone(1) }}" } } }', {
      tree: { 'over.yaml': 'functions: { "gone(b)": null }' },
      files: ['builds.yaml', 'over.yaml'],
    }),
    [
      'config/expression-value builds.yaml:2:32 «gone(1)» No function fits gone(int) | See docs/language.md for the functions.',
    ],
  );
});

/** What is wrong with a function, and how it is told. */
const WRONG: readonly (readonly [string, string, string])[] = [
  [
    '"slug(a)": 1',
    '1',
    'config/function builds.yaml:1:14 «"slug(a)"» "slug" is already a function of the language | Use another name.',
  ],
  [
    '"f(now)": 1',
    '1',
    'config/function builds.yaml:1:14 «"f(now)"» "now" is reserved and cannot be a parameter | Use another name.',
  ],
  [
    '"f(a, a)": 1',
    '1',
    'config/function builds.yaml:1:14 «"f(a, a)"» The parameter "a" appears twice | Rename one of them.',
  ],
  [
    '"f": 1',
    '1',
    'config/bad-name builds.yaml:1:14 «"f"» "f" cannot be a name in functions | Write name(parameter, …); use letters, digits and _, and do not start with a digit.',
  ],
  [
    '"f(a)": "${{ matrix.b }}"',
    'f(1)',
    'config/unknown-variable builds.yaml:1:27 «matrix» "matrix" is not defined here | Use matrix only in builds and templates; pass its values to functions as arguments.',
  ],
  [
    '"f(a)": "${{ vars.NONE }}"',
    '1',
    'config/unknown-variable builds.yaml:1:27 «vars.NONE» There is no variable "NONE" | Declare it below vars: NONE.',
  ],
  [
    '"f(a)": "${{ a }}"',
    'f(1, 2)',
    'config/expression-value builds.yaml:2:32 «f(1, 2)» No function fits f(int, int) | Call it as f(a).',
  ],
  [
    '"flag(a)": 1',
    'flg(1)',
    'config/expression-value builds.yaml:2:32 «flg(1)» No function fits flg(int) | Did you mean "flag"?',
  ],
  [
    '"f(a)": "${{ g(a) }}", "g(a)": "${{ f(a) }}"',
    'f(1)',
    'config/expression-value builds.yaml:1:46 «${{ f(a) }}» The expression fails: functions call one another in a cycle: f → g → f',
  ],
];

test('what is wrong with a function is told where it is written', async () => {
  for (const [declared, code, expected] of WRONG) {
    const yaml = `functions: { ${declared} }\nbuilds: { a: { args: { A: "\${{ ${code} }}" } } }`;
    assert.deepEqual(await problemsOf(yaml), [expected], yaml);
  }
});

test('calls count: functions that call others twice over come to an end', async () => {
  const functions = Array.from(
    { length: 40 },
    (_, at) => `"f${at}(a)": "\${{ f${at + 1}(a) + f${at + 1}(a) }}"`,
  );
  const [told = ''] = await problemsOf(
    `functions: { ${functions.join(', ')}, "f40(a)": "" }\nbuilds: { a: { args: { A: "\${{ f0(1) }}" } } }`,
  );
  assert.match(told, /take more than 10,000,000 steps/);
});
