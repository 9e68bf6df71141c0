/**
 * The readers of YAML against the `yaml` package, on random documents: 2,000, or 100,000 where BAKE_TS_TEST_LONG is 1.
 * The seed is printed; BAKE_TS_TEST_SEED runs the same documents again. Slower properties get a quarter of them.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { CST, isScalar, Lexer, parseAllDocuments, parseDocument, visit } from 'yaml';
import { parseText } from '../../lib/config/parse.ts';
import { type Node, toPlain } from '../../lib/config/tree.ts';
import { maskExpressions } from '../../lib/config/yaml/mask.ts';
import { Tokenizer } from '../../lib/config/yaml/tokenizer.ts';
import { assertSameTree, originOf } from './yaml-compare.ts';
import { mapDocument, yamlDocument } from './yaml-documents.ts';

const all = process.env['BAKE_TS_TEST_LONG'] === '1' ? 100_000 : 2000;

/** Holds a property against random documents; the share of them for which it was true. */
async function check(
  context: TestContext,
  property: (text: string) => Promise<boolean>,
  documents: fc.Arbitrary<string> = yamlDocument,
  numRuns: number = all,
): Promise<number> {
  const seed = Number(process.env['BAKE_TS_TEST_SEED'] ?? Math.floor(Math.random() * 0x7fffffff));
  context.diagnostic(`seed ${seed}, ${numRuns} documents`);
  let counted = 0;
  const run = async (text: string): Promise<void> => {
    if (await property(text)) counted++;
  };
  await fc.assert(fc.asyncProperty(documents, run), { numRuns, seed });
  context.diagnostic(`true of ${counted} of them`);
  return counted / numRuns;
}

test('the fast reader reads what the package reads, or passes', async (context) => {
  const share = await check(context, assertSameTree);
  assert.ok(share > 0.15, `only a share of ${share} was read`);
});

/** Kind and place of every scalar that is not empty, in order; undefined where the package finds a mistake. */
function scalarsOfPackage(text: string): readonly string[] | undefined {
  const documents = parseAllDocuments(text, { uniqueKeys: false, logLevel: 'error' });
  if (
    Array.isArray(documents) &&
    documents.some(({ errors, warnings }) => errors.length + warnings.length > 0)
  )
    return undefined;
  const scalars: string[] = [];
  let at = 0;
  let header: number | undefined;
  let isContent = false;
  for (const token of new Lexer().lex(text)) {
    const start = at;
    const type: string | null = isContent ? 'content' : CST.tokenType(token);
    isContent = type === 'scalar';
    if (type === 'doc-mode' || type === 'scalar' || type === 'flow-error-end') continue;
    at += token.length;
    if (type === 'block-scalar-header') header = start;
    else if (type === 'content') {
      if (header !== undefined) scalars.push(blockOf(text, header, at));
      else if (token !== '') scalars.push(`plain ${start}-${at}`);
      header = undefined;
    } else if (type === 'single-quoted-scalar') scalars.push(`single-quoted ${start}-${at}`);
    else if (type === 'double-quoted-scalar') scalars.push(`double-quoted ${start}-${at}`);
  }
  return scalars;
}

/** Which of the blank lines below it a block has is a matter of places, which the other test compares. */
function blockOf(text: string, start: number, end: number): string {
  return `block ${start}-${start + text.slice(start, end).trimEnd().length}`;
}

const SCALARS: ReadonlySet<string> = new Set(['plain', 'single-quoted', 'double-quoted']);

/**
 * The text with a blank behind the `#` that starts a line. Without one the package counts the comment's own indentation
 * as that of the node around it, and lets `- \n#a\n a\na` through, which no YAML is (`parseLineStart` of its lexer, 2.9).
 */
function withBlankComments(text: string): string {
  return text.replace(/^([ \t]*#)[^\s]/gm, '$1 ');
}

test('the tokenizer cuts scalars where the package does, each expression of a plain one being one word', async (context) => {
  let excused = 0;
  const share = await check(context, async (text) => {
    const expected = scalarsOfPackage(maskExpressions(text).text);
    // What a lone carriage return at the end of the text is, not even the package knows.
    if (expected === undefined || text.endsWith('\r')) return false;
    const tokens = new Tokenizer(text);
    const scalars: string[] = [];
    for (tokens.next(); tokens.kind !== 'end'; tokens.next()) {
      const { kind, start, end } = tokens;
      // A quote that never closes, which the package lets through where the text ends in an escaped one.
      if (kind === 'other' && /["']/.test(text[start] ?? '')) return false;
      if (kind === 'block') scalars.push(blockOf(text, start, end));
      else if (SCALARS.has(kind)) scalars.push(`${kind} ${start}-${end}`);
    }
    if (isDeepStrictEqual(scalars, expected)) return true;
    const blank = withBlankComments(maskExpressions(text).text);
    const withBlanks = blank === text ? expected : scalarsOfPackage(blank);
    if (withBlanks === undefined) return false;
    if (text.includes('? ') && !isDeepStrictEqual(scalars, withBlanks)) {
      excused++;
      return false;
    }
    assert.deepEqual(scalars, withBlanks, JSON.stringify(text));
    return true;
  });
  // Two values in one line below an explicit key: no YAML, and the package lets it through. One document in 700,000.
  assert.ok(excused <= 2, `${excused} documents with explicit keys are cut differently`);
  assert.ok(share > 0.3, `only a share of ${share} was without mistakes`);
});

/** Whether some map of a document has two keys that read alike, quoted or not. */
function hasTwins(node: unknown): boolean {
  let found = false;
  visit(node as Parameters<typeof visit>[0], {
    Map: (_key, { items }) => {
      const names = items.map(({ key }) =>
        isScalar(key) ? (typeof key.value === 'string' ? key.value : key.source) : undefined,
      );
      found ||= new Set(names).size < names.length;
    },
  });
  return found;
}

test('a key stands twice where the package says so, and where two read alike', async (context) => {
  const property = async (text: string): Promise<boolean> => {
    const documents = parseAllDocuments(maskExpressions(text).text, { logLevel: 'error' });
    const document = Array.isArray(documents) ? documents[0] : undefined;
    const isReported = document?.errors.some(({ code }) => code === 'DUPLICATE_KEY') ?? false;
    const { problems } = await parseText(originOf(text));
    const codes = new Set(problems.map(({ code }) => code));
    assert.deepEqual([...codes], isReported || hasTwins(document) ? ['config/duplicate-key'] : [], text);
    return codes.size > 0;
  };
  const share = await check(context, property, mapDocument, all / 4);
  assert.ok(share > 0.25 && share < 1, `a share of ${share} had a key twice`);
});

test('a file with CRLF says what the same file says with LF', async (context) => {
  const property = async (text: string): Promise<boolean> => {
    const unix = text.replaceAll('\r', '');
    const [here, there] = await Promise.all([
      parseText(originOf(unix)),
      parseText(originOf(unix.replaceAll('\n', '\r\n'))),
    ]);
    if (here.node === undefined || here.problems.length > 0) return false;
    assert.deepEqual(there.problems, [], JSON.stringify(unix));
    assert.deepEqual(there.node && toPlain(there.node), toPlain(here.node), JSON.stringify(unix));
    return true;
  };
  const share = await check(context, property, yamlDocument, all / 4);
  assert.ok(share > 0.3, `only a share of ${share} was read`);
});

/** The values of a document in order, without the names of keys, which to us are text and to the package are values. */
function valuesOf(value: unknown, unmask: (text: string) => string): unknown {
  if (typeof value === 'string') return unmask(value);
  if (Array.isArray(value)) return value.map((item) => valuesOf(item, unmask));
  if (value instanceof Map) return { map: [...value.values()].map((item) => valuesOf(item, unmask)) };
  return value;
}

function valuesOfTree(node: Node): unknown {
  if (node.kind === 'list') return node.items.map(valuesOfTree);
  if (node.kind === 'map') return { map: [...node.entries.values()].map(({ value }) => valuesOfTree(value)) };
  return node.value;
}

test('the tree holds the values that the package gives', async (context) => {
  const property = async (text: string): Promise<boolean> => {
    const { node, problems } = await parseText(originOf(text));
    // What is merged in comes where the merge key stands for us, and later for the package.
    if (node === undefined || problems.length > 0 || text.includes('<<')) return false;
    const { text: masked, unmask } = maskExpressions(text);
    const value: unknown = parseDocument(masked).toJS({ mapAsMap: true });
    assert.deepEqual(valuesOfTree(node), valuesOf(value, unmask), JSON.stringify(text));
    return true;
  };
  const share = await check(context, property, yamlDocument, all / 4);
  assert.ok(share > 0.3, `only a share of ${share} was read`);
});
