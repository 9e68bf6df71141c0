/** bake's rules, each as a file and what bake makes of it: test/bake/cases. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { printBake } from '../../lib/bake/mod.ts';
import { type Case, casesOf, lineOf, runCase, subjects } from './cases.ts';

for (const subject of subjects()) {
  describe(subject, () => {
    for (const one of casesOf(subject)) it(one.title, async () => check(one));
  });
}

async function check(one: Case): Promise<void> {
  const { result } = await runCase(one);
  const problems = result.ok ? '' : `${result.error.map(lineOf).join('\n')}\n`;
  if (one.refused !== undefined) {
    assert.equal(problems, one.refused, result.ok ? 'bake refuses it' : undefined);
    return;
  }
  assert.equal(problems, '');
  assert.ok(one.print !== undefined, 'the case says what bake prints');
  assert.deepEqual(result.ok && printBake(result.value), JSON.parse(one.print));
}
