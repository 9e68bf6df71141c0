/**
 * Expected output kept in files. `node:test` has snapshots only from Node 22 on and Deno has none, hence our own.
 * `UPDATE_GOLDEN=1` writes the files instead of comparing; read the diff before you commit it.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { repoPath } from './paths.ts';

/** Compares text with a file, given relative to `test/` (`report/golden/summary.txt`). */
export function assertGolden(actual: string, file: string): void {
  const full = repoPath(path.posix.join('test', file));
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(path.dirname(full), { recursive: true });
    writeFileSync(full, actual);
    return;
  }
  let expected: string;
  try {
    expected = readFileSync(full, 'utf8');
  } catch (error) {
    throw new Error(`${file} cannot be read; UPDATE_GOLDEN=1 makes it. Actual:\n${actual}`, { cause: error });
  }
  assert.equal(actual, expected, `${file} differs; UPDATE_GOLDEN=1 accepts the new text`);
}
