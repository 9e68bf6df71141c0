/** What `explain` says of two keys: every kind of difference in its exact words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffKeys } from '../../lib/fingerprint/mod.ts';
import type { FilePart, KeyParts } from '../../lib/model/mod.ts';

const NOTHING: KeyParts = {
  version: 1,
  dockerfile: '',
  target: '',
  platforms: [],
  args: {},
  files: {},
  images: {},
  parents: {},
  options: {},
};
const LONG = 'x'.repeat(101);
const CUT = `${'x'.repeat(99)}…`;
const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;

const file = (path: string, rest: Partial<FilePart> = {}): FilePart => ({
  path,
  kind: 'file',
  mode: 0o644,
  content: 'c',
  ...rest,
});
const files = (...parts: readonly FilePart[]) => ({ files: { context: parts } });

const TABLE: readonly (readonly [Partial<KeyParts>, Partial<KeyParts>, readonly string[]])[] = [
  [{}, {}, []],
  [{ version: 1 }, { version: 2 }, ['the format of keys changed (version 1 → 2)']],
  [{ target: '' }, { target: 'a' }, ['target (last stage) → a']],
  [{ target: 'a' }, { target: '' }, ['target a → (last stage)']],
  [{ platforms: ['p', 'q'] }, { platforms: ['q', 'r'] }, ['platform r added', 'platform p removed']],
  [{ platforms: ['p', 'q'] }, { platforms: ['q', 'p'] }, ['platforms in another order: q, p']],
  [{ platforms: ['p', 'q'] }, { platforms: ['p'] }, ['platform q removed']],
  [
    { args: { gone: '1', same: '1', z: '1' } },
    { args: { came: '2', same: '1', z: '"' } },
    ['arg came added: "2"', 'arg gone removed', 'arg z: "1" → "\\""'],
  ],
  [{ args: { a: LONG } }, { args: { a: 'y' } }, [`arg a: "${CUT}" → "y"`]],
  [
    { args: { a: LONG } },
    { args: { a: LONG.slice(1) } },
    [`arg a: "…${'x'.repeat(31)}" → "…${'x'.repeat(30)}"`],
  ],
  [
    { args: { API_TOKEN: '1', pass_b: '1' } },
    { args: { API_TOKEN: '2', secret_c: '1' } },
    ['arg API_TOKEN changed', 'arg pass_b removed', 'arg secret_c added'],
  ],
  [
    { images: { gone: A, moved: A, odd: 'sha512:abc' } },
    { images: { came: A, moved: B, odd: 'sha256:short' } },
    [
      'image came added',
      'image gone is no longer used',
      'image moved moved sha256:aaaaaaaaaaaa… → sha256:bbbbbbbbbbbb…',
      'image odd moved sha512:abc → sha256:short',
    ],
  ],
  [
    { parents: { gone: A, moved: A } },
    { parents: { came: A, moved: B } },
    [
      'build for context came added',
      'build for context gone removed',
      'build for context moved has another result sha256:aaaaaaaaaaaa… → sha256:bbbbbbbbbbbb…',
    ],
  ],
  [
    { options: { gone: '1', moved: '1', 'label auth-key': '1' } },
    { options: { came: '1', moved: '2', 'label auth-key': '2' } },
    ['came added: "1"', 'gone removed', 'label auth-key changed', 'moved: "1" → "2"'],
  ],
  // Dockerfiles
  [
    { dockerfile: 'FROM a\nRUN b' },
    { dockerfile: 'RUN b\nFROM a' },
    ['Dockerfile: instructions in another order'],
  ],
  [
    { dockerfile: 'FROM a\nRUN b\n RUN c ' },
    { dockerfile: 'FROM b\nRUN b\nRUN d' },
    ['Dockerfile: FROM a became FROM b', 'Dockerfile: RUN c became RUN d'],
  ],
  // Long ones are cut around the place where they differ.
  [
    {
      dockerfile: `RUN echo ${'1 2 3 '.repeat(40)}old ${'4 5 6 '.repeat(40)}`,
      args: { LONG: 'a'.repeat(200) },
    },
    { dockerfile: `RUN echo ${'1 2 3 '.repeat(40)}new`, args: { LONG: `${'a'.repeat(200)}b` } },
    [
      `Dockerfile: RUN …${'1 2 3 '.repeat(5)}old ${'4 5 6 '.repeat(10)}4 5 6… became RUN …${'1 2 3 '.repeat(5)}new`,
      `arg LONG: "…${'a'.repeat(30)}" → "…${'a'.repeat(30)}b"`,
    ],
  ],
  [
    { dockerfile: 'RUN TOKEN=one make' },
    { dockerfile: 'RUN TOKEN=two make' },
    ['Dockerfile: RUN TOKEN=… make changed in a part that is not shown'],
  ],
  // Outputs
  [
    { options: {} },
    { options: { outputs: '["local","tar name=x"]' } },
    ['outputs added: "local; tar name=x"'],
  ],
  [{ dockerfile: 'FROM a\nRUN b\nRUN b' }, { dockerfile: 'FROM a\nRUN b' }, ['Dockerfile: RUN b removed']],
  [
    { dockerfile: 'FROM a\nRUN b' },
    { dockerfile: 'FROM a\nRUN b\nRUN b\nRUN c' },
    ['Dockerfile: RUN b added', 'Dockerfile: RUN c added'],
  ],
  [
    { dockerfile: 'a' },
    {
      dockerfile:
        'a\nADD https://me:hush@h/x git+ssh://u@h/y ftp://@h/z /\nENV A_TOKEN=hush B=c secretly="h u" apiKey=\'h u\' X=1',
    },
    [
      'Dockerfile: ADD https://h/x git+ssh://u@h/y ftp://h/z / added',
      'Dockerfile: ENV A_TOKEN=… B=c secretly=… apiKey=… X=1 added',
    ],
  ],
  [{ dockerfile: 'a' }, { dockerfile: `a\nRUN ${LONG}` }, [`Dockerfile: RUN ${'x'.repeat(95)}… added`]],
  // Files
  [
    files(file('b'), file('gone'), file('same'), file('m', { mode: 0o644 })),
    files(file('a'), file('b', { content: 'd', mode: 0o4755 }), file('same'), file('m', { mode: 0o600 })),
    [
      'context: a added',
      'context: b changed',
      'context: mode of b 644 → 4755',
      'context: gone removed',
      'context: mode of m 644 → 600',
    ],
  ],
  [
    files(file('l', { kind: 'symlink', content: 'x' }), file('k', { kind: 'dir' })),
    files(file('l', { kind: 'symlink', content: 'y' }), file('k', { content: 'other' })),
    ['context: k was a dir and is a file', 'context: l points to y instead of x'],
  ],
  [
    { files: { docs: [file('a')], z: [file('a')] } },
    { files: { z: [], context: [file('a')] } },
    ['context: a added', 'context docs: a removed', 'context z: a removed'],
  ],
];

for (const [before, after, lines] of TABLE) {
  test(`difference: ${lines.join('; ').slice(0, 100) || 'none'}`, () => {
    assert.deepEqual(diffKeys({ ...NOTHING, ...before }, { ...NOTHING, ...after }), lines);
  });
}

test('what is said to be a secret is not shown, whichever side it is on', () => {
  const isSecret = (value: string): boolean => value.includes('hush');
  const diff = (old: string | undefined, now: string | undefined): readonly string[] => {
    const side = (value: string | undefined) => (value === undefined ? {} : { a: value });
    const parts = (value: string | undefined) => ({ ...NOTHING, args: side(value), options: side(value) });
    return diffKeys(parts(old), parts(now), 20, isSecret);
  };
  assert.deepEqual(diff('hush', 'x'), ['arg a changed', 'a changed']);
  assert.deepEqual(diff('x', 'hush'), ['arg a changed', 'a changed']);
  assert.deepEqual(diff(undefined, 'hush'), ['arg a added', 'a added']);
  assert.deepEqual(diff('hush', undefined), ['arg a removed', 'a removed']);
  assert.deepEqual(diff('x', 'y'), ['arg a: "x" → "y"', 'a: "x" → "y"']);
});

test('twenty lines are shown unless more are asked for, and the rest is counted', () => {
  const many = (count: number): KeyParts => ({
    ...NOTHING,
    args: Object.fromEntries(Array.from({ length: count }, (_, at) => [`a${100 + at}`, '1'])),
  });
  assert.equal(diffKeys(NOTHING, many(20)).length, 20);
  const cut = diffKeys(NOTHING, many(21));
  assert.equal(cut.length, 21);
  assert.deepEqual(cut.slice(19), ['arg a119 added: "1"', 'and 1 more']);
  assert.deepEqual(diffKeys(NOTHING, many(3), 1), ['arg a100 added: "1"', 'and 2 more']);
});

test('a Dockerfile of one long word is compared at once, and secrets in it are still not shown', () => {
  const word = 'a'.repeat(300_000);
  const of = (dockerfile: string) => ({ ...NOTHING, dockerfile });
  const startedAt = performance.now();
  const [line = ''] = diffKeys(of('RUN'), of(`RUN x-API_TOKEN=hush https://me:hush@host/ ${word}`));
  // Looking for a secret from each letter on would take minutes.
  assert.ok(performance.now() - startedAt < 10_000);
  assert.match(line, /x-API_TOKEN=… https:\/\/host\//);
  assert(!line.includes('hush'));
});
