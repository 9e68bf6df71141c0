/** Inputs in little: what they still tell, what they never tell, and how small they are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { computeKey, diffKeys, diffOutline, outlineInputs, readOutline } from '../../lib/fingerprint/mod.ts';
import { type FilePart, KEY_VERSION, type KeyParts } from '../../lib/model/mod.ts';

const file = (path: string, content = path): FilePart => ({ path, kind: 'file', mode: 0o644, content });
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

const PARTS: KeyParts = {
  version: KEY_VERSION,
  dockerfile: '# stage 0 (target)\nFROM alpine\nARG VERSION\nRUN make\n',
  target: '',
  platforms: ['linux/amd64'],
  args: { VERSION: '1' },
  files: { context: [file('app.py'), file('lib/a.py'), file('lib/b.py')] },
  images: { alpine: digest('a') },
  parents: { base: digest('b') },
  options: { 'label team': 'one' },
};

const isSecret = (text: string) => text.includes('hunter22');

/** What an outline, written and read, tells of the way from one state to another. */
function told(before: KeyParts, after: KeyParts, mostFiles = 100): readonly string[] {
  const outline = outlineInputs(computeKey(before), before, mostFiles, isSecret);
  const read = readOutline(JSON.parse(JSON.stringify(outline)));
  assert(read !== undefined);
  assert.deepEqual(read, outline);
  return diffOutline(read, after, { isSecret });
}

const withFiles = (...files: readonly FilePart[]): KeyParts => ({ ...PARTS, files: { context: files } });

const ROWS: readonly (readonly [what: string, after: KeyParts, lines: readonly string[]])[] = [
  ['nothing', PARTS, []],
  [
    'files',
    withFiles(file('app.py', 'x'), file('lib/a.py'), file('new.py')),
    ['context: app.py changed', 'context: lib/b.py removed', 'context: new.py added'],
  ],
  [
    'a mode',
    withFiles({ ...file('app.py'), mode: 0o755 }, file('lib/a.py'), file('lib/b.py')),
    ['context: app.py changed'],
  ],
  ['a context', { ...PARTS, files: { ...PARTS.files, more: [file('x')] } }, ['context more: x added']],
  ['an argument', { ...PARTS, args: { VERSION: '2', MODE: 'x' } }, ['arg MODE added', 'arg VERSION changed']],
  [
    'an image',
    { ...PARTS, images: { alpine: digest('c'), busybox: digest('d') } },
    ['image alpine changed sha256:aaaaaaaaaaaa… → sha256:cccccccccccc…', 'image busybox added'],
  ],
  ['a parent', { ...PARTS, parents: { base: digest('c') } }, ['build for context base has another result']],
  ['an option', { ...PARTS, options: { network: 'none' } }, ['label team removed', 'network added']],
  [
    'an instruction',
    { ...PARTS, dockerfile: PARTS.dockerfile.replace('make', 'make all') },
    ['Dockerfile: RUN make all is new'],
  ],
  [
    'more and fewer instructions',
    { ...PARTS, dockerfile: '# stage 0 (target)\nFROM alpine\n' },
    ['Dockerfile: 2 instructions removed'],
  ],
  [
    'the order of instructions',
    { ...PARTS, dockerfile: '# stage 0 (target)\nFROM alpine\nRUN make\nARG VERSION\n' },
    ['Dockerfile: instructions in another order'],
  ],
  [
    'target and platforms',
    { ...PARTS, target: 'final', platforms: ['linux/arm64'] },
    ['target (last stage) → final', 'platform linux/arm64 added', 'platform linux/amd64 removed'],
  ],
];

for (const [what, after, lines] of ROWS) {
  test(`an outline tells of a change of ${what}`, () => assert.deepEqual(told(PARTS, after), lines));
}

test('an outline says as much of changed things as the whole inputs, but for values', () => {
  for (const [what, after] of ROWS) {
    assert.equal(told(PARTS, after).length > 0, diffKeys(PARTS, after).length > 0, what);
  }
});

test('values that may be secret are left out, and a change of one is told as that', () => {
  const secret = (value: string): KeyParts => ({
    ...PARTS,
    dockerfile: `${PARTS.dockerfile}ENV DB_PASSWORD=${value}\nRUN use hunter22\n`,
    args: { NPM_TOKEN: value, NOTE: 'has hunter22 in it', VERSION: '1' },
    options: { 'label api-key': value, secrets: '["npm"]' },
  });
  const text = JSON.stringify(outlineInputs('key', secret('one'), 100, isSecret));
  assert.doesNotMatch(text, /TOKEN|NOTE|api-key/);
  const changed = told(secret('one'), secret('two'));
  assert.deepEqual(changed, [
    'an argument changed (its name is not recorded, since the value may be secret)',
  ]);
  // And what lies there is the same for both.
  const { key: _, ...rest } = outlineInputs('key', secret('two'), 100, isSecret);
  assert.deepEqual({ key: 'key', ...rest }, JSON.parse(text));
});

test('nothing in an outline is long enough to be told from hundreds of thousands of other values', () => {
  const value = 'a value of some length, which stands nowhere';
  const parts: KeyParts = {
    ...PARTS,
    dockerfile: `RUN echo ${value}\n`,
    args: { VERSION: value },
    options: { 'label x': value },
    files: { context: [file('a', value), { ...file('link', value), kind: 'symlink' }] },
  };
  const { key: _, ...outline } = outlineInputs('k', parts, 100, isSecret);
  const texts = [
    outline.dockerfile,
    ...[outline.args, outline.options, ...Object.values(outline.files)].flatMap((one) => Object.values(one)),
  ];
  assert.equal(texts.length, 5);
  for (const text of texts) assert.equal(text.length, 3);
});

test('what is in files that are secrets by their names is left out', () => {
  const named = (content: string) =>
    withFiles(file('.npmrc', content), file('certs/tls.pem', content), file('src/tokens.txt', content));
  assert.deepEqual(told(named('one'), named('two')), ['something changed that shared records do not detail']);
  assert.deepEqual(told(named('one'), withFiles(file('.npmrc', 'one'), file('src/tokens.txt', 'one'))), [
    'context: certs/tls.pem removed',
  ]);
});

test('beyond the bound, directories stand for what is below them', () => {
  const files = (edit: (path: string) => string) =>
    Array.from({ length: 40 }, (_, at) => `${at % 2 === 0 ? 'big' : `deep/d${at % 4}`}/f${at}`)
      .concat('top.txt')
      .sort()
      .map((path) => file(path, edit(path)));
  const before = withFiles(...files((path) => path));
  const edited = (one: string) => withFiles(...files((path) => (path === one ? 'edited' : path)));
  const outline = outlineInputs('k', before, 5, isSecret);
  assert.deepEqual(Object.keys(outline.files['context'] ?? {}), ['big/', 'deep/d1/', 'deep/d3/', 'top.txt']);
  assert.deepEqual(told(before, edited('big/f2'), 5), ['context: big/ changed']);
  assert.deepEqual(told(before, edited('deep/d3/f7'), 5), ['context: deep/d3/ changed']);
  assert.deepEqual(told(before, edited('top.txt'), 5), ['context: top.txt changed']);
  assert.deepEqual(told(before, edited('top.txt'), 1), ['context: files changed']);
  assert.deepEqual(told(before, withFiles(file('top.txt')), 5), [
    'context: big/ removed',
    'context: deep/d1/ removed',
    'context: deep/d3/ removed',
  ]);
  const more = withFiles(...files((path) => path), file('zzz/new'));
  assert.deepEqual(told(before, more, 5), ['context: zzz/new added']);
});

test('a thousand files, arguments or instructions have a bound', () => {
  const names = Array.from({ length: 1000 }, (_, at) => `N${at}`);
  const values = (last: string) => Object.fromEntries(names.map((name) => [name, last]));
  const many = (last: string): KeyParts => ({
    ...PARTS,
    args: values(last),
    dockerfile: names.map((name) => `RUN ${name} ${last}`).join('\n'),
    files: { context: names.flatMap((name) => [file(`${name}/a`, last), file(`${name}/b`, last)]) },
  });
  const outline = outlineInputs('k', many('1'), 50, isSecret);
  assert(JSON.stringify(outline).length < 600);
  assert.deepEqual(told(many('1'), many('2'), 50), [
    'Dockerfile: instructions changed',
    'args changed',
    'context: files changed',
  ]);
});

test('500 builds of a thousand files each take less than 1.5 MB', () => {
  const builds = Array.from({ length: 500 }, (_, build) => {
    const files = Array.from({ length: 1000 }, (_, at) =>
      file(`src/module-${at % 37}/part-${at % 11}/component-${at}.ts`, `${build} ${at}`),
    ).sort((one, other) => (one.path < other.path ? -1 : 1));
    return [`build-${build}`, outlineInputs('0'.repeat(64), withFiles(...files), 200, isSecret)];
  });
  const packed = gzipSync(JSON.stringify(Object.fromEntries(builds)));
  assert(packed.length < 1_500_000, `${packed.length} bytes`);
});

test('strange data is no outline, or loses what is strange', () => {
  for (const strange of [undefined, null, 1, 'x', [], {}, { key: 'k', version: 1, dockerfile: 'ab' }])
    assert.equal(readOutline(strange), undefined);
  const outline = outlineInputs('k', PARTS, 100, isSecret);
  const read = readOutline({
    ...outline,
    target: 1,
    platforms: [1, 'linux/amd64', 'x\u001b[2J'],
    args: { A: 'abc', B: 1, 'C\u001b[2J': 'abc', D: 'longer' },
    files: { context: { a: 'abc', b: {} }, other: 1, 'x\u001b[2J': {}, ['N'.repeat(100_000)]: {} },
    parents: [],
  });
  assert.deepEqual(read, {
    ...outline,
    platforms: ['linux/amd64'],
    args: { A: 'abc' },
    files: { context: { a: 'abc' }, other: {} },
    parents: {},
  });
  const proto: unknown = JSON.parse(
    `{"key":"k","version":${KEY_VERSION},"dockerfile":"","args":{"__proto__":"abc"}}`,
  );
  const odd = readOutline(proto);
  assert(odd !== undefined);
  assert(
    diffOutline(odd, { ...PARTS, args: { constructor: 'x' } }, { isSecret }).includes(
      'arg constructor added',
    ),
  );
});

test('keys made in another way are told as that', () => {
  const outline = outlineInputs('k', PARTS, 100, isSecret);
  assert.deepEqual(diffOutline({ ...outline, version: 0 }, PARTS, { isSecret }), [
    `the format of keys changed (version 0 → ${KEY_VERSION})`,
  ]);
});
