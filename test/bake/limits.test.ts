/** What is too much: each limit is reached by a file, and stands in docs/bake.md. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { readBake, resolveBakeEach } from '../../lib/bake/mod.ts';
import { repoPath } from '../rig/paths.ts';
import { lineOf, runCase } from './cases.ts';
import { BEYOND } from './limits.ts';

for (const { limit, files, words = '', says } of BEYOND) {
  it(`${limit}: ${says.source}`, async () => {
    const { result } = await runCase({
      words: words.split(' ').filter((word) => word !== ''),
      env: {},
      files: new Map(Object.entries(files)),
    });
    assert.match(result.ok ? '' : result.error.map(lineOf).join('\n'), says);
  });
}

it('`try` and `can` pass over no limit, and over no function that is not there: bake has a value', async () => {
  for (const expression of [
    'setproduct(range(200), range(200))',
    'format("%100001d", 1)',
    'bcrypt("x")',
    '1e40001',
    `regexall("${'a'.repeat(1001)}", "a")`,
    `jsondecode("${'['.repeat(502)}${']'.repeat(502)}")`,
    'f()',
    '[for a in range(1000): [for b in range(1000): [for c in range(1000): c]]]',
  ])
    for (const call of [`try(${expression}, "other")`, `can(${expression})`]) {
      const text = `function "f" {\n  params = []\n  result = bcrypt("x")\n}\ntarget "default" { args = { A = jsonencode(${call}) } }\n`;
      const { result } = await runCase({ words: [], env: {}, files: new Map([['docker-bake.hcl', text]]) });
      assert.equal(result.ok, false, call);
    }
  const text = 'target "default" { args = { A = try(upper([]), "other") } }\n';
  const { result } = await runCase({ words: [], env: {}, files: new Map([['docker-bake.hcl', text]]) });
  assert.equal(result.ok && result.value.targets.get('default')?.values.args?.['A'], 'other');
});

it('names in all groups, expanded', async () => {
  const groups = Array.from(
    { length: 1500 },
    (_, at) => `group "g${at + 1}" { targets = ["g${at}", "t${at}"] }\ntarget "t${at}" {}\n`,
  ).join('');
  const text = `group "g0" { targets = ["t0"] }\n${groups}`;
  const read = await readBake([{ source: { path: 'docker-bake.hcl', text }, dir: '/work' }], {
    env: {},
    vars: new Map(),
    cmdContext: 'cwd://',
    localPlatform: 'linux/amd64',
    now: new Date(0),
    readFile: async () => undefined,
  });
  assert(read.ok);
  const resolved = resolveBakeEach(read.value, []);
  assert(resolved.ok);
  const { groups: found } = resolved.value;
  assert.deepEqual([found.get('g700')?.targets.length, found.get('g700')?.mistakes], [700, []]);
  assert.match(found.get('g1500')?.mistakes[0]?.message ?? '', /Groups contain one another too often/);
});

it('docs/bake.md has a row for each of them', () => {
  const text = readFileSync(repoPath('docs/bake.md'), 'utf8');
  const section = text.slice(text.indexOf('## Limits')).split('\n## ')[0] ?? '';
  const rows = [...section.matchAll(/^\| ([^|]+?) \|/gm)].map((found) => found[1]);
  const tested = [...BEYOND.map(({ limit }) => limit), 'names in all groups, expanded'];
  for (const limit of tested) assert.ok(rows.includes(limit), limit);
  const elsewhere = new Set([
    '',
    '---',
    'characters of a file',
    'reported problems',
    'characters of a message',
  ]);
  for (const row of rows) assert.ok(tested.includes(row ?? '') || elsewhere.has(row ?? ''), row);
});
