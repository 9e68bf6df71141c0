import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BakeError, unwrap } from '../../lib/mod.ts';
import { fail, problem } from '../../lib/model/mod.ts';

test('a failure is thrown at the line of the caller, with all problems', () => {
  const callHere = (): unknown => unwrap(fail([problem('cli/no-git', 'git is missing')]));
  assert.throws(callHere, (error: unknown) => {
    assert(error instanceof BakeError);
    assert.match(error.message, /git is missing/);
    const [first = ''] = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
    assert.match(first, /callHere/);
    return true;
  });
});
