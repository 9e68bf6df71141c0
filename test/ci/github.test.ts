/** Workflow commands and outputs, read as the runner reads them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createGithubGroups,
  formatAnnotation,
  formatAnnotations,
  formatOutputs,
  runOutputs,
} from '../../lib/ci/mod.ts';
import type { BakeEvent, Outcome, ProblemJson } from '../../lib/model/mod.ts';
import { readCommands, readOutputs } from '../rig/actions-runner.ts';
import { fakeDigest } from '../rig/recorded-runs.ts';
import { HOSTILE } from './hostile.ts';

function failed(build: string, message: string, more: Partial<ProblemJson> = {}): Outcome {
  const problem: ProblemJson = { severity: 'error', code: 'build/step-failed', message, build, ...more };
  return { build, kind: 'failed', tags: [], durationMs: 1, problem };
}

const PLACE = { file: 'api/Dockerfile', line: 3, column: 1, endLine: 3, endColumn: 9 };

test('an annotation stands beside its line and has the hint and the end of the log', () => {
  const log = Array.from({ length: 60 }, (_, line) => `line ${line}`);
  const lines = formatAnnotations({
    problems: [],
    warnings: [],
    outcomes: [failed('api', 'make ended', { place: PLACE, hint: 'do this', detail: log.join('\n') })],
    fileOf: (file) => `shop/${file}`,
  });
  assert.deepEqual(readCommands(lines.join('\n')), [
    {
      command: 'error',
      properties: {
        file: 'shop/api/Dockerfile',
        line: '3',
        col: '1',
        endColumn: '9',
        title: 'api: build/step-failed',
      },
      data: ['make ended', 'do this', '', ...log.slice(30)].join('\n'),
    },
  ]);
});

test('what would end a field is escaped', () => {
  const place = { file: 'a,b:c.yaml', line: 1, column: 5, endLine: 1, endColumn: 8 };
  assert.equal(
    formatAnnotation({ severity: 'error', code: 'config/x', message: '100% wrong', hint: 'mend it', place }),
    '::error file=a%2Cb%3Ac.yaml,line=1,col=5,endColumn=8,title=config/x::100%25 wrong%0Amend it',
  );
});

test('a failure without a log of its own has what its build wrote last, a warning has none', () => {
  const [error, warning] = readCommands(
    formatAnnotations({
      problems: [],
      warnings: [{ severity: 'warning', code: 'build/dockerfile-check', message: 'odd', build: 'api' }],
      outcomes: [failed('api', 'lost')],
      tailOf: () => ['the end'],
    }).join('\n'),
  );
  assert.equal(error?.data, 'lost\n\nthe end');
  assert.deepEqual([warning?.command, warning?.data], ['warning', 'odd']);
});

test('a message has no more characters than the runner passes on, and the log gives way', () => {
  const [one] = formatAnnotations({
    problems: [],
    warnings: [],
    outcomes: [failed('a', 'm'.repeat(3_000), { detail: Array(100).fill('l'.repeat(400)).join('\n') })],
  });
  const [{ data = '' } = {}] = readCommands(one ?? '');
  assert.ok(data.length <= 4_096 && data.length > 3_400, String(data.length));
  assert.match(data, /^m{3000}\n\nl{400}/);
});

test('what is no file of the repository is named in words', () => {
  const problem: ProblemJson = { severity: 'error', code: 'config/bad-name', message: 'bad', place: PLACE };
  const at = (file: string) =>
    readCommands(
      formatAnnotation(
        { ...problem, place: { ...PLACE, file } },
        { fileOf: (one) => (one.startsWith('..') ? undefined : one) },
      ),
    )[0];
  assert.equal(at('x')?.properties['file'], 'x');
  for (const file of ['../x', '-', '--set']) {
    assert.deepEqual(at(file)?.properties, { title: 'config/bad-name' });
    assert.equal(at(file)?.data, `bad\nin ${file}:3:1`);
  }
});

test('rows of a matrix that fail alike are one annotation; what keeps most from being made comes first', () => {
  const outcomes = [
    failed('lone', 'lone failed'),
    ...['x', 'y', 'z'].map((row) => failed(`m-${row}`, 'rows failed', { place: PLACE, detail: row })),
    failed('base', 'base failed'),
    ...Array.from(
      { length: 4 },
      (_, at): Outcome => ({
        build: `b${at}`,
        kind: 'blocked',
        tags: [],
        durationMs: 0,
        blockedBy: at === 0 ? 'base' : `b${at - 1}`,
      }),
    ),
  ];
  const run = { severity: 'error', code: 'run/no-temp', message: 'no room' } as const;
  const found = readCommands(formatAnnotations({ problems: [run], warnings: [], outcomes }).join('\n'));
  assert.deepEqual(
    found.map(({ properties }) => properties['title']),
    ['run/no-temp', 'base: build/step-failed', 'm-x, m-y, m-z: build/step-failed', 'lone: build/step-failed'],
  );
});

test('a registry that is away is one annotation, whichever images it was asked for', () => {
  const outcomes = ['api', 'web', 'job'].map((build) =>
    failed(build, `Cannot ask localhost:5000/shop/${build}:1: the registry does not answer`, {
      code: 'registry/unreachable',
      detail: `dial tcp: connection refused`,
    }),
  );
  const found = readCommands(formatAnnotations({ problems: [], warnings: [], outcomes }).join('\n'));
  assert.deepEqual(
    found.map(({ properties }) => properties['title']),
    ['api, web, job: registry/unreachable'],
  );
});

test('the runner shows ten errors and ten warnings: the tenth names the rest', () => {
  const outcomes = Array.from({ length: 15 }, (_, at) => failed(`b${at}`, `${at} failed`));
  const warnings = Array.from(
    { length: 10 },
    (_, at): ProblemJson => ({
      severity: 'warning',
      code: 'build/dockerfile-check',
      message: `warned ${at}`,
    }),
  );
  const found = readCommands(formatAnnotations({ problems: [], warnings, outcomes }).join('\n'));
  assert.equal(found.filter(({ command }) => command === 'warning').length, 10);
  const errors = found.filter(({ command }) => command === 'error');
  assert.equal(errors.length, 10);
  assert.equal(errors[9]?.properties['title'], '6 more errors, in the log and in the job summary');
  assert.match(errors[9]?.data ?? '', /^b9: 9 failed\n(?:.*\n)+b14: 14 failed$/);
});

test('nothing in a problem becomes a command or a property', () => {
  for (const evil of HOSTILE) {
    const place = { ...PLACE, file: evil };
    const lines = formatAnnotations({
      problems: [],
      warnings: [],
      outcomes: [failed('a', evil, { hint: evil, detail: evil, place })],
    });
    assert.equal(lines.length, 1);
    const [one, ...rest] = readCommands(lines.join('\n'));
    assert.deepEqual(rest, []);
    assert.deepEqual(Object.keys(one?.properties ?? {}), ['file', 'line', 'col', 'endColumn', 'title']);
    assert.equal(one?.properties['file'], evil.replaceAll('%', '%25').replaceAll('%25', '%'));
  }
});

test('groups fold what went well; what failed stays in sight, and says nothing that is obeyed', () => {
  const groups = createGithubGroups();
  const end = (build: string, kind: Outcome['kind']): BakeEvent => ({
    type: 'node-finished',
    build,
    outcome: { build, kind, tags: [], durationMs: 1 },
    seq: 1,
    atMs: 1,
  });
  groups.onEvent(end('a', 'built'));
  groups.onEvent(end('b', 'failed'));
  assert.deepEqual(readCommands(groups.open('a', '✓ a 100% ##[x]')), [
    { command: 'group', properties: {}, data: '✓ a 100% ##[x]' },
  ]);
  assert.equal(groups.close('a'), '::endgroup::');
  assert.equal(groups.open('b', '✗ b ##[add-mask]x'), '✗ b # #[add-mask]x');
  assert.equal(groups.close('b'), '');
});

const BUILT: Outcome = {
  build: 'api-3.13',
  kind: 'built',
  digest: fakeDigest('aa'),
  tags: [
    { ref: 'localhost:5000/team/api:1', digest: fakeDigest('aa'), action: 'pushed' },
    { ref: 'localhost:5000/team/api:latest', digest: fakeDigest('aa'), action: 'there' },
  ],
  durationMs: 1,
};

test('outputs: images with their digests, and who was built and who failed', () => {
  const outcomes: readonly Outcome[] = [
    BUILT,
    { ...BUILT, build: 'tool', kind: 'unchanged', tags: [] },
    failed('web', 'x'),
  ];
  const outputs = readOutputs(formatOutputs(runOutputs(outcomes), 'D'));
  assert.deepEqual([...outputs.keys()], ['images', 'built', 'failed']);
  assert.deepEqual(JSON.parse(outputs.get('images') ?? ''), {
    'api-3.13': {
      result: 'built',
      digest: fakeDigest('aa'),
      image: `localhost:5000/team/api@${fakeDigest('aa')}`,
      tags: ['localhost:5000/team/api:1', 'localhost:5000/team/api:latest'],
    },
    tool: { result: 'unchanged', digest: fakeDigest('aa'), tags: [] },
    web: { result: 'failed', tags: [] },
  });
  assert.deepEqual(JSON.parse(outputs.get('built') ?? ''), ['api-3.13']);
  assert.deepEqual(JSON.parse(outputs.get('failed') ?? ''), ['web']);
});

test('no text sets an output of its own', () => {
  for (const evil of HOSTILE) {
    const outcomes = [
      { ...BUILT, build: evil, tags: [{ ref: evil, digest: fakeDigest('aa'), action: 'there' as const }] },
    ];
    const outputs = readOutputs(`before=1\n${formatOutputs(runOutputs(outcomes), 'D')}`);
    assert.deepEqual([...outputs.keys()], ['before', 'images', 'built', 'failed']);
    assert.deepEqual(JSON.parse(outputs.get('built') ?? ''), [evil]);
  }
  assert.throws(() => formatOutputs(new Map([['a', 'x\nD\ny']]), 'D'), /delimiter/);
});
