import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sentMode } from '../../lib/fingerprint/sent-mode.ts';

test('permissions are those that the client of BuildKit sends', () => {
  // On Windows as Go's os.Lstat has them there, through `mkstat` of fsutil: what may be written, and what may not.
  const rows: readonly (readonly [number, 'linux' | 'darwin' | 'win32', number])[] = [
    [0o100644, 'linux', 0o644],
    [0o104755, 'linux', 0o4755],
    [0o041777, 'darwin', 0o1777],
    [0o100600, 'darwin', 0o600],
    [0o100666, 'win32', 0o755],
    [0o100444, 'win32', 0o555],
    [0o040666, 'win32', 0o755],
    [0o040444, 'win32', 0o555],
  ];
  for (const [mode, system, sent] of rows)
    assert.equal(sentMode(mode, system), sent, `${mode.toString(8)} on ${system}`);
});
