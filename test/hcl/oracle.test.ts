/**
 * HashiCorp's own parser is the judge: what it takes and refuses, ours takes and refuses, and both read the same. Of
 * hand-written files that cover the grammar, and of mutations of them.
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import process from 'node:process';
import { test } from 'node:test';
import { parseHcl } from '../../lib/hcl/mod.ts';
import { FILES, PIECES } from './files.ts';
import { CannotCalculate, toJson } from './hcl2json.ts';

// Deno would write all that package.json names into its lock file to find it; the parser is one on all runtimes.
const skip = 'Deno' in globalThis && 'the judge is a package for Node';
// Required and not imported: its types bring those of browsers into all tests.
const JUDGE: string = '@cdktn/hcl2json';
const require = createRequire(import.meta.url);
const loadJudge = () => require(JUDGE) as { parse: (name: string, text: string) => Promise<unknown> };

const MUTATIONS = Number(process.env['BAKE_TS_TEST_RANDOM'] ?? 4_000);
const SEED = Number(process.env['BAKE_TS_TEST_SEED'] ?? 1);

/** What the judge makes of a text; undefined: it refuses it. */
async function judge(text: string): Promise<unknown> {
  try {
    return await loadJudge().parse('x.hcl', text);
  } catch {
    return undefined;
  }
}

/** The same of ours. */
function ours(text: string): unknown {
  const { body, problems } = parseHcl({ path: 'x.hcl', text });
  if (problems.length > 0) return undefined;
  try {
    return JSON.parse(JSON.stringify(toJson(body)));
  } catch (error) {
    if (error instanceof CannotCalculate) return undefined;
    throw error;
  }
}

function makeRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function mutate(text: string, random: (below: number) => number): string {
  const at = random(text.length + 1);
  const end = Math.min(text.length, at + 1 + random(4));
  const piece = PIECES[random(PIECES.length)] ?? '';
  switch (random(4)) {
    case 0:
      return text.slice(0, at) + text.slice(end);
    case 1:
      return text.slice(0, at) + piece + text.slice(at);
    case 2:
      return text.slice(0, at) + piece + text.slice(end);
    default:
      return text.slice(0, end) + text.slice(at);
  }
}

test('what covers the grammar is read as the judge reads it', { skip }, async () => {
  for (const text of FILES) {
    const wanted = await judge(text);
    assert.notEqual(wanted, undefined, text);
    assert.deepEqual(ours(text), wanted, text);
  }
});

test('mutations are taken, refused and read as the judge does', { skip }, async () => {
  const random = makeRandom(SEED);
  const different: string[] = [];
  let taken = 0;
  for (let turn = 0; turn < MUTATIONS; turn++) {
    let text = FILES[random(FILES.length)] ?? '';
    for (let times = random(3); times >= 0; times--) text = mutate(text, random);
    const [wanted, found] = [await judge(text), ours(text)];
    if (wanted !== undefined) taken++;
    if (JSON.stringify(sorted(wanted)) !== JSON.stringify(sorted(found)))
      different.push(
        `${JSON.stringify(text)}\n  judge ${JSON.stringify(wanted)}\n  ours  ${JSON.stringify(found)}`,
      );
  }
  assert.deepEqual(different.slice(0, 10), [], `${different.length} of ${MUTATIONS} differ`);
  assert(taken > MUTATIONS / 10, `${taken} were taken`);
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
