/** What `verify` says: folded for people, whole where that is asked for, and nothing that is left out is not counted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatVerifications } from '../../cli/verify-text.ts';
import type { FileChange, LayerComparison } from '../../lib/compare/mod.ts';
import { createPalette } from '../../lib/report/mod.ts';
import type { Verification } from '../../lib/verify/mod.ts';

const changed = (path: string, more: Partial<FileChange> = {}): FileChange => ({
  path,
  change: 'changed',
  what: ['content'],
  ...more,
});

function found(layers: readonly LayerComparison[], more: Partial<Verification> = {}): Verification {
  return {
    build: 'api',
    ref: 'r.test/api:1',
    digest: `sha256:${'a'.repeat(64)}`,
    verdict: 'different',
    platforms: [
      {
        platform: 'linux/amd64',
        verdict: 'different',
        comparison: { verdict: 'different', config: [], layers },
      },
    ],
    differences: [],
    notCounted: { knownNoise: 0, ignored: [] },
    ...more,
  };
}

const format = (verbose: boolean, ...builds: readonly Verification[]): readonly string[] =>
  formatVerifications(builds, { palette: createPalette(false), verbose }).split('\n');

const layer = (...files: readonly FileChange[]): LayerComparison => ({
  layer: 2,
  step: 'RUN make',
  kind: 'different',
  files,
});

test('many differences are folded by directory, and all of them are shown on demand', () => {
  const many = Array.from({ length: 12 }, (_, at) => changed(`usr/lib/py/f${at + 10}.py`));
  const files = [
    changed('etc/app', { what: ['mode 0644 → 0755', 'owner 0:0 → 1:1'] }),
    ...many,
    changed('usr/lib/py/new', { change: 'added', what: [] }),
    changed('usr/lib/py/z', { what: ['file → symlink'] }),
  ];
  const report = found([layer(...files)], { differences: files.map(({ path }) => path) });
  assert.deepEqual(format(false, report), [
    'BUILD  RESULT     TAG           DIGEST',
    'api    different  r.test/api:1  aaaaaaaaaaaa',
    '',
    'api: 15 differences',
    '  linux/amd64 layer 2 (RUN make):',
    '    changed /etc/app (mode 0644 → 0755, owner 0:0 → 1:1)',
    '    /usr/lib/py/**: 12 differ in content, 1 added, 1 differ in type (f10.py, f11.py, f12.py and 11 more)',
    '  --verbose lists every one',
    '',
  ]);
  const whole = format(true, report);
  assert.equal(whole.filter((line) => line.startsWith('    ')).length, 15);
  assert(whole.includes('    changed /usr/lib/py/f10.py (content)'));
  assert(!whole.includes('  --verbose lists every one'));
});

test('few differences stand as they are, the config whole', () => {
  const report = found([layer(changed('a'))], {
    differences: ['', ''],
    platforms: [
      { platform: 'linux/s390x', verdict: 'different', only: 'first' },
      {
        platform: 'linux/amd64',
        verdict: 'different',
        comparison: {
          verdict: 'different',
          config: [{ name: 'config.Env.A', before: '1', after: '2' }],
          layers: [layer(changed('a')), { layer: 3, kind: 'same-files', files: [] }],
        },
      },
      {
        platform: 'linux/arm64',
        verdict: 'different',
        comparison: {
          verdict: 'different',
          config: [],
          layers: [{ layer: 0, kind: 'different', files: [] }],
        },
      },
    ],
  });
  assert.deepEqual(format(false, report).slice(3), [
    'api: 2 differences',
    '  linux/s390x: only in the tag',
    '  linux/amd64 config.Env.A: 1 → 2',
    '  linux/amd64 layer 2 (RUN make):',
    '    changed /a (content)',
    '  linux/arm64 other layers: the same files, in different layers',
    '',
  ]);
});

test('what does not count is a number, and every file of it on demand', () => {
  const files = [
    changed('a.pyc', { noise: 'python-bytecode' }),
    changed('b.pyc', { noise: 'python-bytecode' }),
    changed('log', { noise: 'dpkg-log' }),
    changed('var/x', { ignored: '/var/**' }),
  ];
  const report = found([{ ...layer(...files), kind: 'same-but-noise' }], {
    verdict: 'same-but-noise',
    notCounted: {
      knownNoise: 3,
      ignored: [
        { pattern: '/var/**', count: 1 },
        { pattern: '/none', count: 0 },
      ],
    },
  });
  const short = format(false, report);
  assert.match(
    short[1] ?? '',
    /^api {4}same but for known noise \(3 files\) and what is ignored \(1 file\) {2}r\.test/,
  );
  assert.deepEqual(short.slice(3), [
    'api: 0 differences',
    '  3 differences of known noise: 2 python-bytecode, 1 dpkg-log',
    "  1 difference ignored by --ignore '/var/**'",
    '  --verbose lists every one',
    "--ignore '/none' ignored nothing",
    '',
  ]);
  const whole = format(true, report);
  assert(whole.includes('    changed /a.pyc (content) [known noise: python-bytecode]'));
  assert(whole.includes("    changed /var/x (content) [ignored by '/var/**']"));
  assert(whole.includes('  3 differences of known noise: 2 python-bytecode, 1 dpkg-log'));
});

test('what is the same, or was not compared, is a row and no more', () => {
  const rows = format(
    false,
    found([], { verdict: 'same-bytes', platforms: [] }),
    found([], { verdict: 'same-files' }),
    {
      build: 'x',
      verdict: 'unknown',
      platforms: [],
      differences: [],
      notCounted: { knownNoise: 0, ignored: [] },
    },
  );
  assert.deepEqual(
    rows.slice(1).map((line) => line.replace(/ {2,}/g, ' | ')),
    [
      'api | same bytes | r.test/api:1 | aaaaaaaaaaaa',
      'api | same files, other times | r.test/api:1 | aaaaaaaaaaaa',
      'x | not compared',
      '',
    ],
  );
});
