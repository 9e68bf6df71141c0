import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { printBuilds, readBuilds } from '../../lib/config/mod.ts';
import { splitExpressions } from '../../lib/util/expression-scan.ts';
import { suggest } from '../../lib/util/suggest.ts';

async function readText(stdin: string): Promise<Awaited<ReturnType<typeof readBuilds>>> {
  return readBuilds({ cwd: '/nowhere', env: {}, files: ['-'], stdin, now: new Date(0) });
}

async function printData(data: unknown): Promise<ReturnType<typeof printBuilds>> {
  const result = await readText(JSON.stringify(data));
  if (!result.ok) assert.fail(JSON.stringify(result.error.map((one) => one.message)));
  return printBuilds(result.value.set);
}

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
const map = fc.dictionary(word, fc.option(word, { nil: null }), { maxKeys: 5 });
const layer = fc.record(
  {
    target: fc.option(word, { nil: null }),
    args: map,
    tags: fc.option(fc.array(fc.option(word, { nil: null }), { maxLength: 4 }), { nil: null }),
    'no-cache-filter': fc.option(fc.array(fc.option(word, { nil: null }), { maxLength: 4 }), { nil: null }),
  },
  { requiredKeys: [] },
);
type Layer = {
  target?: string | null;
  args?: Record<string, string | null>;
  tags?: (string | null)[] | null;
  'no-cache-filter'?: (string | null)[] | null;
};

/** The merge rules once more, as plainly as they can be said. */
function mergePlainly(layers: readonly Layer[]): Record<string, unknown> {
  let target: string | undefined;
  let tags: string[] = [];
  let filter: string[] = [];
  const args: Record<string, string> = {};
  for (const one of layers) {
    target = one.target ?? target;
    for (const [key, value] of Object.entries(one.args ?? {})) if (value !== null) args[key] = value;
    if (one.tags) tags = one.tags.filter((tag) => tag !== null);
    const added = one['no-cache-filter'];
    if (added) filter = added.length === 0 ? [] : [...filter, ...added.filter((stage) => stage !== null)];
  }
  return {
    context: '.',
    dockerfile: 'Dockerfile',
    ...(target === undefined ? {} : { target }),
    ...(Object.keys(args).length === 0 ? {} : { args }),
    ...(tags.length === 0 ? {} : { tags: [...new Set(tags)] }),
    ...(filter.length === 0 ? {} : { 'no-cache-filter': [...new Set(filter)] }),
  };
}

test('layers merge by the rules, however they are spread over templates', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(layer, { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      async (layers, chained) => {
        const own = layers.at(-1) ?? {};
        const parents = layers.slice(0, -1);
        const templates = Object.fromEntries(
          parents.map((one, at) => [`t${at}`, chained && at > 0 ? { ...one, extends: `t${at - 1}` } : one]),
        );
        const names = Object.keys(templates);
        const parentsOfOwn = chained ? names.slice(-1) : names;
        const { builds } = await printData({ templates, builds: { a: { ...own, extends: parentsOfOwn } } });
        assert.deepEqual({ ...builds['a'] }, mergePlainly(layers as Layer[]));
      },
    ),
    { numRuns: 300 },
  );
});

test('a matrix has the product of its axes less what is excluded, in order, and rows are distinct', async () => {
  const axis = fc.uniqueArray(fc.oneof(word, fc.integer({ min: 0, max: 50 })), {
    minLength: 1,
    maxLength: 4,
    selector: String,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.constantFrom('p', 'q', 'r'), axis, { minKeys: 1, maxKeys: 3 }),
      fc.nat(),
      async (axes, pick) => {
        const entries = Object.entries(axes);
        let rows: Record<string, unknown>[] = [{}];
        for (const [name, values] of entries)
          rows = rows.flatMap((row) => values.map((value) => ({ ...row, [name]: value })));
        const excluded = rows[pick % rows.length] ?? {};
        const kept = rows.filter((row) => JSON.stringify(row) !== JSON.stringify(excluded));
        const result = await readText(
          JSON.stringify({
            builds: {
              m: {
                matrix: { ...axes, exclude: [excluded] },
                name: `m-${entries.map(([name]) => `\${{ matrix.${name} }}`).join('_')}`,
              },
            },
          }),
        );
        assert.ok(result.ok);
        const found = [...result.value.set.builds.values()].map((build) => ({ ...build.matrix?.row }));
        assert.deepEqual(found, kept);
      },
    ),
    { numRuns: 200 },
  );
});

test('text goes through interpolation unchanged, and an escaped expression is text', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.string(), fc.constantFrom('${{', '}}', '$', '{', '"', "'", '\\', '${X}'))),
      async (parts) => {
        const text = parts.join('');
        const written = text.replaceAll('${{', () => '$${{');
        const { builds } = await printData({
          vars: { V: { default: written } },
          builds: { a: { args: { X: written, Y: '<${{ vars.V }}>' } } },
        });
        const { args } = builds['a'] as { args: Record<string, string> };
        assert.equal(args['X'], text);
        assert.equal(args['Y'], `<${text}>`);
      },
    ),
    { numRuns: 300 },
  );
});

test('pieces of a text put together are the text', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom('${{', '}}', '${{ a }}', '"', "'", '{', '}')),
      ),
      (parts) => {
        const text = parts.join('');
        const { pieces, unclosed } = splitExpressions(text);
        if (unclosed !== undefined || text.includes('$${{')) return;
        const joined = pieces
          .map((piece) => (piece.kind === 'text' ? piece.text : `\${{${piece.code}}}`))
          .join('');
        assert.equal(joined, text);
      },
    ),
  );
});

test('the reader never throws: random text', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ maxLength: 200 })),
      async (text) => {
        const result = await readText(text);
        assert.equal(typeof result.ok, 'boolean');
      },
    ),
    { numRuns: 500 },
  );
});

test('the reader never throws: files made of real keys with wrong values', async () => {
  const scalar = fc.oneof(
    fc.constantFrom(
      'a',
      'b',
      't',
      'u',
      '${{ vars.A }}',
      '${{ matrix.x }}',
      '${{',
      '${{ [1,null] }}',
      '${{ {"a": 1} }}',
      '!a',
      '*',
      'build:b',
      'type=local',
      '',
      'x=y',
      '__proto__',
      '${{ vars.A.map(x, x) }}',
      '1:2',
    ),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.double(),
    fc.string({ maxLength: 8 }),
  );
  const keys = fc.constantFrom(
    'include',
    'vars',
    'registries',
    'engine',
    'templates',
    'builds',
    'groups',
    'a',
    'b',
    't',
    'u',
    'A',
    'B',
    'x',
    'extends',
    'matrix',
    'name',
    'exclude',
    'when',
    'context',
    'contexts',
    'tags',
    'args',
    'platforms',
    'push',
    'cache',
    'cache-from',
    'cache-to',
    'secrets',
    'ssh',
    'outputs',
    'attest',
    'ulimits',
    'extra-hosts',
    'shm-size',
    'compression',
    'default',
    'type',
    'env',
    'check',
    'oneOf',
    'pattern',
    'id',
    'needs',
    'description',
    '__proto__',
    'constructor',
    'http',
    'dockerfile',
  );
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 5 },
      scalar,
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(keys, tie('node'), { maxKeys: 4 }),
    ),
  })).node;
  const section = (name: string): fc.Arbitrary<unknown> =>
    fc
      .dictionary(
        fc.constantFrom('a', 'b', 't', 'A', '__proto__'),
        fc.oneof(fc.dictionary(keys, value, { maxKeys: 5 }), value),
        { maxKeys: 3 },
      )
      .map((inner) => [name, inner]);
  const file = fc
    .tuple(section('vars'), section('templates'), section('builds'), section('groups'))
    .map((sections) => Object.fromEntries(sections as [string, unknown][]));
  await fc.assert(
    fc.asyncProperty(file, async (data) => {
      const result = await readText(stringify(data));
      if (result.ok) printBuilds(result.value.set);
    }),
    { numRuns: 1500 },
  );
});

test('a slip is recognised, and something else is not', () => {
  const keys = ['platforms', 'cache-from', 'cache-to', 'target', 'tags'];
  assert.equal(suggest('platfroms', keys), 'platforms');
  assert.equal(suggest('cache_from', keys), 'cache-from');
  assert.equal(suggest('platform', keys), 'platforms');
  assert.equal(suggest('cachefrom', keys), 'cache-from');
  assert.equal(suggest('Tags', keys), 'tags');
  assert.equal(suggest('unrelated', keys), undefined);
  assert.equal(suggest('', keys), undefined);
});
