import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { type Problem, problem, problemToJson, type Span } from '../../lib/model/mod.ts';
import { formatProblem, formatProblems, toProblemJson, widthOf } from '../../lib/report/mod.ts';
import { assertGolden } from '../rig/golden.ts';

const source = {
  path: 'builds.yaml',
  text: [
    'vars:',
    '  A: 1',
    'builds:',
    '  api:',
    '    contxt: services/api',
    '    tags: ["日本語:${{ vars.X }}"]',
    '  web:',
    '    context: .',
    '\tkey: x',
    '  api:',
    `    ${'x'.repeat(150)}bad${'y'.repeat(100)}`,
    ...['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((key) => `    ${key}: 1`),
    '',
  ].join('\n'),
};

function spanOf(word: string, nth = 0): Span {
  let at = source.text.indexOf(word);
  for (let left = nth; left > 0; left -= 1) at = source.text.indexOf(word, at + 1);
  assert.notEqual(at, -1);
  return { source, start: at, end: at + word.length };
}

const examples: readonly Problem[] = [
  problem('config/unknown-key', 'build "api" has no key "contxt"', {
    span: spanOf('contxt'),
    hint: 'did you mean "context"?',
  }),
  problem('config/duplicate-key', 'the key "api" is written twice', {
    span: spanOf('api:', 1),
    related: [
      { span: spanOf('api:'), message: 'first written here' },
      { message: 'YAML would take the last one' },
    ],
    hint: 'rename one of them\nor make one of the two',
  }),
  problem('config/no-variable', 'there is no variable "X"', { span: spanOf('vars.X'), build: 'api' }),
  problem('config/tab', 'a tab stands where blanks are due', { span: spanOf('key'), severity: 'warning' }),
  problem('config/long', 'a line of 250 characters', { span: spanOf('bad') }),
  problem('config/block', 'a block of many lines', {
    span: { source, start: source.text.indexOf('  api:\n    xxx'), end: source.text.length },
  }),
  problem('config/lines', 'two lines', {
    span: { source, start: source.text.indexOf('  web:'), end: source.text.indexOf('\tkey') },
  }),
  problem('config/eof', 'the file ends too early', {
    span: { source, start: source.text.length, end: source.text.length },
  }),
  problem('engine/none', 'there is no engine', {
    hint: 'bake-ts engine install',
    detail: 'dial unix:///run/x\n\u001b[31mrefused\u001b[0m\n',
  }),
];

test('problems are shown with their lines, carets, other places and hints', () => {
  const text = formatProblems(examples, { columns: 80 });
  assertGolden(`${text}\n`, 'report/golden/problems.txt');
  assert.ok(text.split('\n').every((line) => widthOf(line) <= 80));
});

test('with frames turned off each problem is one line that editors can jump to', () => {
  assertGolden(`${formatProblems(examples, { frames: false })}\n`, 'report/golden/problem-lines.txt');
});

test('colour changes nothing but colour', () => {
  const coloured = formatProblems(examples, { columns: 80, color: true });
  assert.notEqual(coloured, formatProblems(examples, { columns: 80 }));
  assert.equal(stripVTControlCharacters(coloured), formatProblems(examples, { columns: 80 }));
});

test('a problem in JSON form gets the same frame as the original where its file can be read', () => {
  for (const one of examples) {
    const json = problemToJson(one);
    assert.deepEqual(toProblemJson(one), json);
    const shown = formatProblem(json, { sourceOf: () => source.text });
    assert.equal(shown, formatProblem(one));
  }
});

test('a problem in JSON form whose file cannot be read keeps its place', () => {
  const [first] = examples;
  assert.ok(first !== undefined);
  const shown = formatProblem(problemToJson(first), { sourceOf: () => undefined });
  assert.match(shown, /┌─ builds\.yaml:5:5\n.*hint: did you mean/s);
});

test('the caret stands under its word whatever comes before it on the line', () => {
  for (const before of ['', 'a', '\t', '日本', '👩‍👩‍👧 ', 'e\u0301', '\u001b[31m', '\u200b']) {
    const text = `${before}HERE`;
    const file = { path: 'f', text };
    const lines = formatProblem(
      problem('config/x', 'x', { span: { source: file, start: before.length, end: text.length } }),
    ).split('\n');
    const shown = lines.find((line) => line.includes('HERE')) ?? '';
    const carets = lines.find((line) => line.includes('^')) ?? '';
    assert.equal(
      widthOf(carets.slice(0, carets.indexOf('^'))),
      widthOf(shown.slice(0, shown.indexOf('HERE'))),
    );
    assert.equal(carets.trim().replace('│', '').trim(), '^^^^');
  }
});

test('nothing from a file or a log can reach the terminal as an escape sequence', () => {
  const nasty = '\u001b]0;owned\u0007\u001b[2J\u202e';
  const file = { path: `${nasty}f`, text: `${nasty}text` };
  const shown = formatProblem(
    problem('config/x', `words ${nasty}`, {
      span: { source: file, start: 0, end: 3 },
      hint: nasty,
      detail: nasty,
    }),
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what it is for
  assert.doesNotMatch(shown, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});

test('problems that are the same are shown once', () => {
  const [first] = examples;
  assert.ok(first !== undefined);
  assert.equal(formatProblems([first, { ...first }]), formatProblem(first));
});

test('a problem that many builds share is shown once, with their names', () => {
  const rows = Array.from({ length: 7 }, (_, at) =>
    problem('dockerfile/missing', 'no Dockerfile', { span: spanOf('api:'), build: `api-${at}` }),
  );
  const text = formatProblems(rows);
  assert.match(text, /= builds: api-0, api-1, api-2, api-3, api-4 and 2 more$/);
  assert.equal(text.split('dockerfile/missing').length, 2);
});

test('thousands of problems are counted, not all printed', () => {
  const many = Array.from({ length: 3000 }, (_, at) => problem('config/x', `number ${at}`));
  const text = formatProblems(many);
  assert.ok(text.includes('… and 2900 more problems') && text.endsWith('3000 errors'));
  assert.ok(!text.includes('number 2999'));
});
