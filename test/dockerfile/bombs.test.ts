/** Dockerfiles and patterns that were made to take for ever. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inspectDockerfile, isIgnored, parseDockerfile, parseIgnore } from '../../lib/dockerfile/mod.ts';
import { compilePart } from '../../lib/fingerprint/glob.ts';
import { compileWildcards } from '../../lib/util/wildcard.ts';

const OPTIONS = { args: new Map<string, string>(), platforms: [], contextNames: new Set<string>() };

/** `code: message` of every problem, or `fine`. */
function outcomeOf(text: string): string {
  const parsed = parseDockerfile({ path: 'Dockerfile', text });
  const facts = parsed.ok ? inspectDockerfile(parsed.value, OPTIONS) : parsed;
  return facts.ok ? 'fine' : facts.error.map(({ code, message }) => `${code}: ${message}`).join('\n');
}

test('values that double with each line end early', { timeout: 20_000 }, () => {
  const doubling = Array.from({ length: 60 }, () => 'ARG A=$A$A\n').join('');
  const globals = Array.from({ length: 60 }, (_, index) => `ARG A${index + 1}=$A${index}$A${index}\n`).join(
    '',
  );
  const texts = [
    `FROM scratch\nARG A=xxxx\n${doubling}COPY $A /\n`,
    `FROM scratch\nENV A=xxxx\n${doubling.replaceAll('ARG', 'ENV')}COPY $A /\n`,
    `ARG A0=xxxx\n${globals}FROM $A60\n`,
    `FROM scratch\nARG A=${'a'.repeat(9000)}\nCOPY \${A//a/${'b'.repeat(9000)}} /\n`,
  ];
  for (const text of texts) outcomeOf(text);
  const longest = `FROM scratch\nARG A=${'a'.repeat(60_000)}\nCOPY $A$A /\n`;
  assert.equal(outcomeOf(longest), 'fine');
});

test('chains and nests of thousands are problems, and no overflow', () => {
  const chain = Array.from({ length: 20_000 }, (_, index) => `FROM s${index} AS s${index + 1}\n`).join('');
  assert.match(
    outcomeOf(`FROM scratch AS s0\n${chain}`),
    /^dockerfile\/too-many-stages: Dockerfile has 20001 stages; 1000 are allowed$/,
  );
  const allowed = Array.from({ length: 999 }, (_, index) => `FROM s${index} AS s${index + 1}\n`).join('');
  assert.equal(outcomeOf(`FROM scratch AS s0\n${allowed}`), 'fine');
  const nest = (depth: number) =>
    `FROM scratch\nLABEL x=${'${A:-'.repeat(depth)}x${'}'.repeat(depth)}\nCOPY ${'${A:-'.repeat(depth)}x${'}'.repeat(depth)} /\n`;
  assert.equal(outcomeOf(nest(90)), 'fine');
  // BuildKit refuses what cannot be expanded; here it only must not end the process.
  assert.equal(outcomeOf(nest(5000)), 'fine');
});

test('patterns with many stars take no longer than others', { timeout: 20_000 }, () => {
  const stars = `${'*a'.repeat(30)}*b`;
  const name = 'a'.repeat(250);
  assert.equal(compilePart(stars)(name), false);
  assert.equal(compilePart(stars)(`${name}b`), true);
  for (const pattern of [stars, `${'**/'.repeat(1)}${'*a'.repeat(30)}/x`, `${'a**a'.repeat(20)}/b`]) {
    const rules = parseIgnore({ path: '.dockerignore', text: `${pattern}\n` });
    assert(rules.ok);
    assert.equal(isIgnored(rules.value, Array.from({ length: 15 }, () => name).join('/')), false);
  }
  const substitution = `FROM scratch\nARG A=${'a'.repeat(50_000)}\nCOPY \${A##${'*a'.repeat(30)}b} \${A/${'*a'.repeat(30)}b/x} /\n`;
  outcomeOf(substitution);
});

test('many stars match what a regular expression matches', () => {
  const atom = fc.constantFrom('a', 'b', '/', '.', '[^/]', '[ab]', '\\.', '-');
  const piece = fc.oneof(
    atom,
    fc.constantFrom('.*', '[^/]*', '(.*/)?'),
    fc.constantFrom('.*', '[^/]*', '(.*/)?'),
  );
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '-', '\n'), maxLength: 12 });
  let matched = 0;
  fc.assert(
    fc.property(
      fc.array(piece, { minLength: 3, maxLength: 9 }),
      text,
      fc.constantFrom('u', 'su', ''),
      (pieces, value, flags) => {
        const source = pieces.join('');
        const expected = new RegExp(`^${source}$`, flags).test(value);
        if (expected) matched++;
        assert.equal(compileWildcards(source, flags)(value), expected, `${source} ${JSON.stringify(value)}`);
      },
    ),
    { numRuns: 20_000 },
  );
  assert(matched > 500, `${matched} matched`);
});
