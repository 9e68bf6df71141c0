import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cac } from 'cac';
import { listOf, matchCommand, readArgs, shapesOf, textOf } from '../../cli/args.ts';

const cli = cac('x')
  .option('-f, --file <path>', 'files', { type: [String] })
  .option('--tag <text>', 'a tag')
  .option('-j, --jobs <number>', 'a number')
  .option('--push', 'push')
  .option('--no-push', 'do not')
  .option('--no-cache', 'no cache')
  .option('--when <auto|always|never>', 'a choice');
const shapes = shapesOf(cli, undefined);

function codes(argv: readonly string[]): readonly string[] {
  const read = readArgs(argv, shapes);
  return read.ok ? [] : read.error.map((one) => one.code);
}

function read(argv: readonly string[]) {
  const args = readArgs(argv, shapes);
  assert.ok(args.ok, JSON.stringify(args));
  return args.value;
}

test('values stay the text that was written, whatever they look like', () => {
  for (const value of ['1.10', '0123456', '', '1e3', '0x10', 'true', '日本', ' a ', '-', 'a=b=c']) {
    assert.equal(textOf(read([`--tag=${value}`]), 'tag'), value);
    if (!/^-./.test(value)) assert.equal(textOf(read(['--tag', value]), 'tag'), value);
  }
  assert.equal(textOf(read(['-j4']), 'jobs'), '4');
});

test('positionals stay text and may stand between options', () => {
  assert.deepEqual(read(['1.10', '--push', 'b', '-f', 'x', '007']).positionals, ['1.10', 'b', '007']);
});

test('after -- everything is a positional', () => {
  assert.deepEqual(read(['--', '--push', '-f']).positionals, ['--push', '-f']);
});

test('an option that may be repeated keeps its order; another one may not be repeated', () => {
  assert.deepEqual(listOf(read(['-f', 'a', '--file=b', '-fc', '-f', '-']), 'file'), ['a', 'b', 'c', '-']);
  assert.deepEqual(codes(['--tag', 'a', '--tag', 'b']), ['cli/repeated-option']);
});

test('of a flag and its opposite the last one counts', () => {
  assert.equal(read(['--push', '--no-push']).flags.get('push'), false);
  assert.equal(read(['--no-push', '--push']).flags.get('push'), true);
  assert.equal(read([]).flags.get('push'), undefined);
});

test('a negative flag without an opposite keeps its own name', () => {
  assert.equal(read(['--no-cache']).flags.get('no-cache'), true);
  assert.deepEqual(codes(['--cache']), ['cli/unknown-option']);
});

test('a forgotten value is an error, and does not swallow the next option', () => {
  assert.deepEqual(codes(['--tag']), ['cli/missing-value']);
  assert.deepEqual(codes(['--tag', '--push']), ['cli/missing-value']);
  assert.deepEqual(codes(['-f']), ['cli/missing-value']);
});

test('all problems come at once, with what was probably meant', () => {
  const args = readArgs(['--tga', 'x', '--push=yes', '--when', 'alwys'], shapes);
  assert.ok(!args.ok);
  assert.deepEqual(
    args.error.map((one) => [one.code, one.hint]),
    [
      ['cli/unknown-option', 'Did you mean "--tag"?'],
      ['cli/unexpected-value', 'Write --push or --no-push.'],
      ['cli/bad-value', 'Did you mean "always"?'],
    ],
  );
});

test('names of options cannot reach the prototype of anything', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    assert.deepEqual(codes([`--${name}`]), ['cli/unknown-option'], name);
    assert.deepEqual(codes([`--${name}=x`]), ['cli/unknown-option'], name);
  }
});

test('the command is the first word that is not a global option or its value', () => {
  const named = cac('x').option('-f, --file <path>', 'files').option('--push', 'push');
  for (const name of ['plan', 'engine up', 'engine down']) named.command(name, '');
  const match = (...argv: readonly string[]) => {
    const { command, name, rest } = matchCommand(named, argv);
    return [command?.name, name, rest];
  };
  assert.deepEqual(match('-f', 'run', 'plan', 'x'), ['plan', 'plan', ['-f', 'run', 'x']]);
  assert.deepEqual(match('--file=run', '--push', 'plan'), ['plan', 'plan', ['--file=run', '--push']]);
  assert.deepEqual(match('--push'), [undefined, undefined, ['--push']]);
  assert.deepEqual(match('--', 'plan'), [undefined, undefined, ['--', 'plan']]);
  assert.deepEqual(match('', 'plan'), [undefined, '', ['plan']]);
  assert.deepEqual(match('engine', 'up', '1'), ['engine up', 'engine up', ['1']]);
  assert.deepEqual(match('engine', 'upp'), [undefined, 'engine upp', []]);
  assert.deepEqual(match('engine', '--push', 'up'), [undefined, 'engine', ['--push', 'up']]);
  assert.deepEqual(match('plan', 'engine', 'up'), ['plan', 'plan', ['engine', 'up']]);
});
