/** Whether what is written is plain YAML: read by a strict reader that knows no expressions, it says the same. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDocument, type ScalarTag, type Tags } from 'yaml';
import { formatPrinted, printBuilds } from '../../lib/config/mod.ts';
import { proposeBuilds, readRepository } from '../../lib/convert/mod.ts';
import { repoPath } from '../rig/paths.ts';
import { fixture, mustImport, printedBake, readText } from './support.ts';

const VERSIONS = ['1.1', '1.2'] as const;

/** The letter of YAML 1.1 makes a number of a lone point; its readers (PyYAML, libyaml) leave `context: .` alone. */
function withoutPoint(tags: Tags): Tags {
  return tags.map((tag) => {
    if (typeof tag === 'string' || !('test' in tag) || tag.test?.test('.') !== true) return tag;
    if (tag.tag !== 'tag:yaml.org,2002:float') return tag;
    const changed = { ...tag, test: new RegExp(`(?!^\\.$)${tag.test.source}`) };
    return changed as ScalarTag;
  });
}

/** What a strict reader makes of a text; it fails the test where that is nothing, or not all of it. */
function readStrictly(text: string, version: (typeof VERSIONS)[number]): unknown {
  const document = parseDocument(text, {
    version,
    customTags: withoutPoint,
    strict: true,
    uniqueKeys: true,
    logLevel: 'silent',
  });
  const found = [...document.errors, ...document.warnings].map(({ message }) => message);
  assert.deepEqual(found, [], `YAML ${version}:\n${text}`);
  return document.toJS();
}

/** Read strictly and handed on as JSON, a builds file must mean what it means when we read it. */
async function assertPortable(yaml: string): Promise<void> {
  const wanted = printBuilds(await readText(yaml));
  for (const version of VERSIONS) {
    const again = await readText(JSON.stringify(readStrictly(yaml, version)));
    assert.deepEqual(printBuilds(again), wanted, `YAML ${version}`);
  }
}

function markdownFiles(): readonly string[] {
  const docs = readdirSync(repoPath('docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...docs.map((name) => `docs/${name}`)];
}

for (const file of [
  'builds.yaml',
  ...readdirSync(repoPath('examples'), { recursive: true, encoding: 'utf8' })
    .filter((name) => path.basename(name) === 'builds.yaml')
    .map((name) => path.join('examples', name)),
]) {
  test(`${file} is plain YAML`, () => assertPortable(readFileSync(repoPath(file), 'utf8')));
}

test('the YAML in the documentation is plain YAML', () => {
  let count = 0;
  for (const file of markdownFiles()) {
    const text = readFileSync(repoPath(file), 'utf8');
    for (const [, block = ''] of text.matchAll(/```ya?ml\n(.*?)```/gs)) {
      for (const version of VERSIONS) readStrictly(block, version);
      count++;
    }
  }
  assert.ok(count >= 9, `only ${count} blocks were found`);
});

test('what import makes is plain YAML, and so is what print makes of that', async () => {
  const corpus = process.env['BAKE_TS_CORPUS'];
  const files = [
    ...['file.bake.json', 'file.printed.json', 'full.printed.json', 'compose.yaml'].map((name) => ({
      name,
      text: fixture(name),
    })),
    ...(corpus === undefined ? [] : readdirSync(corpus))
      .filter((name) => name.endsWith('.json'))
      .map((name) => ({ name, text: readFileSync(path.join(corpus ?? '', name), 'utf8') })),
  ];
  for (const { name, text } of files) {
    const { yaml } = await mustImport(text, name);
    await assertPortable(yaml);
    await assertPortable(await formatPrinted(printBuilds(await readText(yaml))));
  }
});

test('what init makes is plain YAML', async () => {
  const proposed = proposeBuilds(await readRepository(repoPath('examples/shop')));
  if (!proposed.ok) assert.fail('nothing was proposed');
  assert.match(proposed.value.yaml, /tags: \["\$\{\{ vars\.REGISTRY \}\}/);
  await assertPortable(proposed.value.yaml);
});

test('any text of a bake file is the same text after import, after print, and for other tools', async () => {
  const piece = fc.oneof(
    fc.string({ maxLength: 8 }),
    fc.constantFrom(
      '${{ vars.X }}',
      '$${{',
      '$',
      '${{',
      '}}',
      ': ',
      ' #',
      '{',
      '[',
      ', ',
      '"',
      "'",
      '\\',
      '\n',
      '\t',
      ' ',
    ),
    fc.constantFrom(
      'yes',
      '~',
      '1:30',
      '0o14',
      '012',
      '1_000',
      '2026-01-01',
      '.5',
      '1e3',
      '=',
      '<<',
      '---',
      '-',
    ),
  );
  const text = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join(''));
  await fc.assert(
    fc.asyncProperty(text, text, async (one, two) => {
      const args = { A: one, B: two, LIST: `[${one}]` };
      // What `--print` writes is escaped.
      const escaped = JSON.parse(
        JSON.stringify(args)
          .replaceAll('${', () => '$${')
          .replaceAll('%{', '%%{'),
      ) as unknown;
      const { yaml } = await mustImport(printedBake({ args: escaped, target: 'x' }), 'bake.json');
      const printed = printBuilds(await readText(yaml));
      assert.deepEqual(printed.builds['app']?.['args'], args);
      await assertPortable(yaml);
      const again = await formatPrinted(printed);
      assert.deepEqual(printBuilds(await readText(again)), printed);
      await assertPortable(again);
    }),
    { numRuns: 300 },
  );
});
