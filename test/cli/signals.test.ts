import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodeOfSignal } from '../../cli/exit-codes.ts';
import { stopSignals } from '../../cli/io.ts';

test('what stops a run is what the system can send', () => {
  for (const system of ['linux', 'darwin'] as const)
    assert.deepEqual(stopSignals(system), ['SIGINT', 'SIGTERM', 'SIGHUP']);
  assert.deepEqual(stopSignals('win32'), ['SIGINT', 'SIGBREAK', 'SIGHUP']);
  assert.deepEqual(['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGBREAK'].map(exitCodeOfSignal), [129, 130, 143, 149]);
});
