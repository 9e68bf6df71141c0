import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandFor } from '../../cli/again.ts';
import { readArgs, shapesOf } from '../../cli/args.ts';
import { declareCli } from '../../cli/declare.ts';
import type { Variable } from '../../lib/model/mod.ts';

function again(
  words: readonly string[],
  builds: readonly string[] | undefined,
  variables: readonly Variable[] = [],
): string {
  const cli = declareCli();
  const args = readArgs(
    words,
    shapesOf(
      cli,
      cli.commands.find((command) => command.name === 'run'),
    ),
  );
  assert.ok(args.ok, JSON.stringify(args));
  return commandFor(args.value, builds, new Map(variables.map((one) => [one.name, one])));
}

test('the command to run builds again has what says what they are, and nothing of how they were shown or selected', () => {
  assert.equal(
    again(
      [
        'api-*',
        '-f',
        'builds.yaml',
        '--file=over lay.yaml',
        '--var',
        'TAG=1.10',
        '--set',
        "*.args.A=it's",
        '--no-push',
      ].concat([
        '--filter',
        'os=linux',
        '--dependents',
        '--progress=plain',
        '-j',
        '2',
        '-C',
        'sub',
        '--no-cache',
        '--force',
      ]),
      ['api-1', 'api-2'],
    ),
    "bake-ts run api-1 api-2 --directory sub --file builds.yaml --file 'over lay.yaml' --var TAG=1.10 --set '*.args.A=it'\\''s' --no-push --no-cache",
  );
});

test('sensitive values, and values behind names that sound secret, are not in it', () => {
  const pin: Variable = { name: 'PIN', value: '1', sensitive: true, source: 'flag' } as unknown as Variable;
  const phrase: Variable = { name: 'PHRASE', value: 'open sesame', sensitive: true } as unknown as Variable;
  const text = again(
    [
      '--var',
      'PIN=1',
      '--var',
      'DB_PASSWORD=hunter2',
      '--set',
      'api.args.X=say open sesame',
      '--var',
      'PHRASE=open sesame',
      '--set',
      'api.args.U=https://me:hunter2@host/x',
    ],
    ['api'],
    [pin, phrase],
  );
  assert.equal(
    text,
    "bake-ts run api --var 'PIN=(hidden)' --var 'DB_PASSWORD=(hidden)' --var 'PHRASE=(hidden)' --set 'api.args.X=say (hidden)' --set api.args.U=https://host/x",
  );
});

test('all of a run again is the same selection', () => {
  assert.equal(
    again(['api-*', '--filter', 'os=linux', '--dependents', '--since', 'main', '--jobs', '2'], undefined),
    "bake-ts run 'api-*' --filter os=linux --since main --dependents",
  );
});
