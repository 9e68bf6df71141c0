/** Plain members are read without the CEL library: whatever they give or say must be what the library gives and says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadCel, type Program } from '../../lib/config/cel.ts';
import { Budget } from '../../lib/config/cel-budget.ts';
import { compileMember, hasOnlyMembers } from '../../lib/config/member.ts';
import { NO_REGEX } from '../../lib/config/regex.ts';

const SCOPE = {
  vars: Object.assign(Object.create(null), {
    TEXT: 'text',
    EMPTY: '',
    NONE: null,
    NUMBER: 7n,
    FLOAT: 1.5,
    YES: true,
    LIST: ['a', 1n],
    MAP: { a: 'b' },
    UNDEFINED: undefined,
    namespace: 'a word CEL keeps for later',
  }),
  matrix: {},
};

function outcome(program: Program): unknown {
  try {
    return { value: program(SCOPE) };
  } catch (thrown) {
    const { name, message, code, range } = thrown as Error & { code?: unknown; range?: unknown };
    return { name, message: message.split('\n')[0], code, range: { ...(range as object) } };
  }
}

test('a plain member gives and says what the library does', async () => {
  const cel = await loadCel({ mayRead: () => true, regex: NO_REGEX, budget: new Budget() });
  for (const root of ['vars', 'matrix', 'build']) {
    for (const member of [
      ...Object.keys(SCOPE.vars),
      'MISSING',
      '__proto__',
      'constructor',
      'toString',
      'input',
    ]) {
      for (const code of [`${root}.${member}`, ` ${root}.${member} `, `\n\t${root}.${member}`]) {
        const ours = compileMember(code);
        assert.ok(ours !== undefined, code);
        const theirs = cel.compile(code);
        assert.deepEqual(ours.mentions, theirs.mentions, code);
        assert.deepEqual(outcome(ours.program), outcome(theirs.program), code);
      }
    }
  }
});

test('everything else is left to the library', () => {
  const others = [
    '',
    'vars',
    'vars.',
    'vars.A.B',
    'vars.A-B',
    'vars["A"]',
    'vars.?A',
    'vars.A()',
    'vars. A',
    'vars .A',
    'vars.in',
    'vars.null',
    'vars.true',
    'vars.1a',
    'env.HOME',
    'git.sha',
    'now',
    'vars.A // comment',
    '"vars.A"',
  ];
  for (const code of others) assert.equal(compileMember(code), undefined, code);
});

test('the library is left out only where nothing in the text could need it', () => {
  assert.ok(hasOnlyMembers('a: 1\n'));
  assert.ok(hasOnlyMembers('a: "${{ vars.A }}:${{vars.B}}"\nb: ${{ matrix.c }}\n'));
  assert.ok(hasOnlyMembers('a: $${{ vars.A }}\n'));
  assert.ok(!hasOnlyMembers('a: ${{ vars.A + vars.B }}\n'));
  assert.ok(!hasOnlyMembers('a: ${{ vars.A\n'));
  assert.ok(!hasOnlyMembers('a: ${{ vars.A }}\nb: ${{ env.A }}\n'));
  assert.ok(!hasOnlyMembers('a: "\\x24{{ 1 + 1 }}"\n'));
});
