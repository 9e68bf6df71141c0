import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatPrinted, printBuilds } from '../../lib/config/mod.ts';
import { importBuilds } from '../../lib/convert/mod.ts';
import { repoPath } from '../rig/paths.ts';
import { compareWithBake } from './compare.ts';
import { fixture, importAndPrint, mustImport, printedBake, readText } from './support.ts';

test('a file that bake printed, with every attribute, means the same after its import', async () => {
  const bake = fixture('full.printed.json');
  const result = await compareWithBake({ bake, fileName: 'full.json', cwd: repoPath('.') });
  assert.deepEqual(result.differences, []);
  assert.deepEqual([result.targets, result.groups, result.edges], [5, 4, 2]);
});

test('a bake file in JSON, with variables, functions, matrix and inheritance, means what bake prints of it', async () => {
  const { yaml, notes } = await mustImport(fixture('file.bake.json'), 'docker-bake.json');
  const read = printBuilds(await readText(yaml));
  const wanted = JSON.parse(fixture('file.printed.json')) as { target: Record<string, unknown> };
  assert.deepEqual(Object.keys(read.builds).sort(), Object.keys(wanted.target).sort());
  const result = await compareWithBake({
    bake: fixture('file.printed.json'),
    fileName: 'file.json',
    cwd: repoPath('.'),
    builds: { path: '-', text: yaml },
  });
  // `--print all` adds `all` to what `default` holds.
  assert.deepEqual(
    result.differences.filter((one) => !one.startsWith('group default')),
    [],
  );
  assert.deepEqual(notes, []);
  assert.match(
    yaml,
    /^ {4}name: 'api-\$\{\{ matrix\.python\.replace\("\.", "-"\) \}\}-\$\{\{ matrix\.os\.name \}\}'$/m,
  );
  assert.match(yaml, /^templates:\n {2}_common:$/m);
});

test('the comparison finds what an import would lose', async () => {
  const bake = fixture('full.printed.json');
  const { yaml } = await mustImport(bake, 'full.json');
  const spoil: readonly (readonly [RegExp, string, RegExp])[] = [
    [/target: prod/, 'target: other', /^app: target/],
    [/VERSION: "3\.10"/, 'VERSION: "3.1"', /^app: args/],
    [/base: build:base/, 'base: build:odd', /^app: (?:edges|contexts)/],
    [/localhost:5000\/base:1, localhost:5000\/base:latest/, 'localhost:5000/base:latest', /^base: tags/],
    [/tools\]/, 'tool]', /^group/],
    [/id=token,env=TOKEN/, 'id=token,env=TOKE', /^app: secrets/],
    [/mode=max", /, 'mode=min", ', /^app: attest/],
    [/- \.\/out$/m, '- ./other', /^app: outputs/],
    [/linux\/amd64, linux\/arm64\/v8/, 'linux/amd64', /^app: platforms/],
    [/scope=app/, 'scope=other', /^app: cache-from/],
    [/index,manifest:org\.example\.both/, 'index:org.example.both', /^base: annotations/],
  ];
  for (const [what, by, expected] of spoil) {
    assert.match(yaml, what);
    const result = await compareWithBake({
      bake,
      fileName: 'full.json',
      cwd: repoPath('.'),
      builds: { path: '-', text: yaml.replace(what, () => by) },
    });
    assert.ok(
      result.differences.some((difference) => expected.test(difference)),
      `${by}: ${result.differences.join('\n')}`,
    );
  }
});

test('what most targets have in common becomes a template', async () => {
  const target = (n: number): unknown => ({
    context: `s${n}`,
    dockerfile: 'Dockerfile',
    args: { SHARED: '1', OWN: String(n) },
    platforms: ['linux/amd64', 'linux/arm64'],
  });
  const { yaml } = await mustImport(
    JSON.stringify({ target: { a: target(1), b: target(2), c: target(3) } }),
    'b.json',
  );
  assert.match(
    yaml,
    /templates:\n {2}common:\n {4}args: \{ SHARED: "1" \}\n {4}platforms: \[linux\/amd64, linux\/arm64\]/,
  );
  assert.match(yaml, / {2}a:\n {4}extends: common\n {4}context: s1\n {4}args: \{ OWN: "1" \}\n\n/);
});

test('a group that has the name of a target is renamed, or left out where it holds just that target', async () => {
  const target = { context: '.', dockerfile: 'Dockerfile' };
  const bake = {
    group: { image: { targets: ['image', 'other'] }, other: { targets: ['other'] } },
    target: { image: target, other: target },
  };
  const { yaml, notes } = await mustImport(JSON.stringify(bake), 'b.json');
  assert.deepEqual(printBuilds(await readText(yaml)).groups, { 'image-group': ['image', 'other'] });
  assert.equal(notes.length, 1);
});

test('names that the language does not take are replaced wherever they stand', async () => {
  const target = { context: '.', dockerfile: 'Dockerfile' };
  const bake = {
    group: { default: { targets: ['-g', '-t'] }, '-g': { targets: ['-t'] }, '-b': { targets: ['-t'] } },
    target: { '-t': target, b: target, ['__proto__']: target },
  };
  const { yaml, notes } = await mustImport(JSON.stringify(bake), 'b.json');
  const { builds, groups } = printBuilds(await readText(yaml));
  assert.deepEqual(Object.keys(builds), ['t', 'b', 'build']);
  assert.deepEqual(groups, { default: ['t'], g: ['t'], 'b-group': ['t'] });
  assert.equal(notes.length, 4);
});

test('a cycle of groups, which bake itself makes, is written out', async () => {
  const target = { context: '.', dockerfile: 'Dockerfile' };
  const bake = {
    group: { default: { targets: ['all', 'a'] }, all: { targets: ['default', 'b'] } },
    target: { a: target, b: target },
  };
  const { groups } = await importAndPrint(JSON.stringify(bake));
  assert.deepEqual(groups, { default: ['a', 'b'], all: ['a', 'b'] });
});

test('what has no counterpart is named, and stands as a comment where it belongs', async () => {
  const bake = {
    variable: { TAG: { default: 'dev', validation: [{ condition: '${TAG != ""}' }] } },
    target: {
      app: {
        args: {
          WHEN: '${timestamp()}',
          OTHER: '${target.base.args.X}',
          KEPT: '${TAG}',
          HERE: '${BAKE_CMD_CONTEXT}',
        },
        call: 'check',
        network: 'mine',
        novel: 1,
      },
    },
  };
  const { yaml, notes } = await mustImport(JSON.stringify(bake), 'b.json');
  assert.deepEqual(notes, [
    'app: it reads another target: "${target.base.args.X}"',
    'app: BAKE_CMD_CONTEXT exists only in bake: "${BAKE_CMD_CONTEXT}"',
    'app: `call: check` only checks the Dockerfile; here it becomes a normal build, and `bake-ts lint` checks',
    'app: BuildKit has no network "mine" (only default, none, host)',
    'app: `novel` has no equivalent here',
    'bake would reject the file: This map has no "base"',
  ]);
  assert.match(yaml, /# Not converted: "\$\{target\.base\.args\.X\}"\n/);
  assert.match(yaml, /WHEN: "\$\{\{ now\.format\(/);
  assert.match(yaml, /KEPT: "?\$\{\{ vars\.TAG \}\}/);
  assert.match(yaml, /TAG: \{ default: dev, required: true \}/);
});

test('a text of any kind comes through unchanged', async () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom(
      '${{ x }}',
      '$${{ x',
      '$$',
      'null',
      'yes',
      '1e3',
      '0x1',
      '- a',
      'a: b',
      ' x ',
      'a\n\nb\n',
      '\t',
      '#',
      '{',
      '!t',
      "'",
      '"',
      '\\',
    ),
  );
  const name = fc.oneof(
    fc.string({ minLength: 1 }),
    fc.constantFrom('<<', '~', 'a: b', '1.10', '${{ x }}', ' x'),
  );
  const words = fc.array(fc.stringMatching(/^[a-z]+$/), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.stringMatching(/^[A-Z_]+$/), text),
      fc.dictionary(name, text, { minKeys: 1 }),
      words,
      async (args, labels, stages) => {
        const printed = escapePrinted({ args, labels });
        const { builds } = await importAndPrint(printedBake({ ...printed, 'no-cache-filter': stages }));
        const app = builds['app'] ?? {};
        assert.deepEqual(app['args'] ?? {}, { ...args });
        assert.deepEqual(app['labels'], { ...labels });
        assert.deepEqual(app['no-cache-filter'], [...new Set(stages)]);
      },
    ),
    { numRuns: 300 },
  );
});

/** As bake writes `${` and `%{`. */
function escapePrinted(value: unknown): Readonly<Record<string, unknown>> {
  return JSON.parse(
    JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'string' ? inner.replaceAll('${', () => '$${').replaceAll('%{', '%%{') : inner,
    ),
  ) as Readonly<Record<string, unknown>>;
}

test('what is printed as YAML reads back to the same builds', async () => {
  const { yaml } = await mustImport(fixture('full.printed.json'), 'full.json');
  const odd = '  with-odd-keys: { labels: { "<<": a, "~": b } }\n';
  const first = await readText(yaml.replace('builds:\n', (line) => line + odd));
  const second = await readText(await formatPrinted(printBuilds(first)));
  assert.deepEqual(printBuilds(second), printBuilds(first));
});

test('what cannot be imported is refused with the reason', async () => {
  const refused: readonly (readonly [string, string])[] = [
    ['target "app" {\n  context = "."\n', 'bake/syntax'],
    ['{ "target": ', 'import/not-json'],
    ['[]', 'bake/syntax'],
    ['', 'import/nothing-to-build'],
    ['{}', 'import/nothing-to-build'],
    ['{"group": {"default": {"targets": []}}}', 'import/nothing-to-build'],
    ['{"target": 3}', 'bake/syntax'],
  ];
  for (const [text, code] of refused) {
    const result = await importBuilds(text, { fileName: 'docker-bake.json' });
    assert.deepEqual(result.ok ? [] : result.error.map((one) => one.code), [code], text);
  }
});

test('JSON of any kind is imported or refused, and never throws', async () => {
  const target = fc.dictionary(
    fc.constantFrom(
      'args',
      'tags',
      'output',
      'secret',
      'ssh',
      'inherits',
      'matrix',
      'name',
      'contexts',
      'context',
      'annotations',
      'ulimits',
      'cache-to',
      'attest',
      'network',
      'x',
    ),
    fc.oneof(
      fc.jsonValue(),
      fc.constantFrom<unknown>(
        { toString: 1 },
        [{ toString: 1 }],
        '${',
        '${x}',
        '${f(}',
        '%{ if }',
        '${[1,2][*]}',
        '${{a=1}}',
        '${"${x}"}',
        '${-1 + 2}',
      ),
    ),
  );
  const file = fc.record({
    target: fc.oneof(fc.dictionary(fc.string(), target), fc.jsonValue()),
    group: fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue()),
    variable: fc.jsonValue(),
    function: fc.jsonValue(),
  });
  await fc.assert(
    fc.asyncProperty(file, async (value) => {
      await importBuilds(JSON.stringify(value), { fileName: 'b.json' });
    }),
    { numRuns: 300 },
  );
});

const corpus = process.env['BAKE_TS_CORPUS'];

test('every file of the corpus means the same after its import', {
  skip: corpus === undefined ? 'BAKE_TS_CORPUS names no directory of bake --print files' : false,
}, async () => {
  const dir = corpus ?? '';
  const files = readdirSync(dir).filter((name) => name.endsWith('.json'));
  assert.ok(files.length > 0);
  for (const file of files) {
    const bake = readFileSync(path.join(dir, file), 'utf8');
    const { differences } = await compareWithBake({ bake, fileName: file, cwd: repoPath('.') });
    assert.deepEqual(differences, [], file);
  }
});
