/** Commands that messages, hints and running text quote: each names a command and options that there are. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { matchCommand, shapesOf } from '../../cli/args.ts';
import { declareCli } from '../../cli/declare.ts';
import { readModules } from '../rig/imports.ts';
import { listPages } from '../rig/pages.ts';
import { repoPath } from '../rig/paths.ts';

/** A command with its options, up to the end of the quotation. */
const QUOTED = /bake-ts ((?:(?:engine|ci) )?[a-z]+(?: [^\s`'"]+)*)/g;

const cli = declareCli();

/** What is wrong with the commands of a text. */
function wrongIn(file: string, text: string): readonly string[] {
  return text.split('\n').flatMap((line, at) =>
    [...line.matchAll(QUOTED)].flatMap(([, words = '']) => {
      const argv = words.split(' ');
      const { command } = matchCommand(cli, argv);
      // "bake-ts builds" is a sentence.
      if (command === undefined) return [];
      const known = shapesOf(cli, command);
      const end = argv.findIndex((word) => /^[|&;>(]|[.,:;)]$/.test(word));
      const own = end === -1 ? argv : argv.slice(0, end + 1);
      return own.flatMap((word) => {
        const [, long, value] = /^--([a-z-]+)(=)?/.exec(word) ?? [];
        if (long === undefined) return [];
        const shape = known.find((one) => one.long === long || one.long === long.replace(/^no-/, ''));
        const place = `${file}:${at + 1}: bake-ts ${command.name} --${long}`;
        if (shape === undefined) return [`${place}: there is no such option`];
        return value !== undefined && shape.value === undefined ? [`${place} takes no value`] : [];
      });
    }),
  );
}

test('commands in messages and hints have options that there are', () => {
  const files = [...readModules('lib'), ...readModules('cli')].map(({ file }) => file);
  const wrong = files.flatMap((file) => wrongIn(file, readFileSync(repoPath(file), 'utf8')));
  assert.deepEqual(wrong, []);
});

test('commands in the running text of pages have options that there are', () => {
  const files = ['README.md', 'CONTRIBUTING.md', ...listPages().map((name) => `docs/${name}`)];
  const wrong = files.flatMap((file) => wrongIn(file, readFileSync(repoPath(file), 'utf8')));
  assert.deepEqual(wrong, []);
});

test('what is wrong is found', () => {
  assert.deepEqual(wrongIn('a', 'hint: bake-ts engine up --registry=5001'), [
    'a:1: bake-ts engine up --registry takes no value',
  ]);
  assert.deepEqual(wrongIn('a', 'Run `bake-ts run --pusch`, or `bake-ts plan --json`.'), [
    'a:1: bake-ts run --pusch: there is no such option',
  ]);
});
