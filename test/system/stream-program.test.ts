/** What a program writes, piece by piece: the whole of it, or an error. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { streamProgram } from '../../lib/system/mod.ts';
import { makeTempDir } from '../rig/temp.ts';

const env = { PATH: process.env['PATH'] };
const sh = (script: string, signal?: AbortSignal, idleMs?: number) =>
  streamProgram({
    program: '/bin/sh',
    argv: ['-c', script],
    env,
    ...(signal === undefined ? {} : { signal }),
    ...(idleMs === undefined ? {} : { idleMs }),
  });

async function read(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

test('all of it comes, however much it is', async () => {
  assert.equal(await read(sh('printf one; printf two')), 'onetwo');
  assert.equal((await read(sh('head -c 3000000 /dev/zero'))).length, 3_000_000);
  assert.equal(await read(sh('true')), '');
});

test('what does not end well throws after its last piece, with what it said', async () => {
  const seen: string[] = [];
  const failing = async () => {
    for await (const piece of sh('printf half; echo first >&2; echo "content not found" >&2; exit 1'))
      seen.push(Buffer.from(piece).toString());
  };
  await assert.rejects(failing, /^Error: content not found$/);
  assert.deepEqual(seen, ['half']);
  await assert.rejects(read(sh('printf half; exit 3')), /ended with 3/);
  await assert.rejects(read(sh('printf half; kill -9 $$')), /sh (?:was ended by a signal|ended with 137)/);
  await assert.rejects(read(streamProgram({ program: '/no/such', argv: [], env })), /cannot be run|ENOENT/);
});

test('whoever stops reading, or is stopped, ends the program', async (t) => {
  const dir = await makeTempDir(t);
  const mark = path.join(dir, 'mark');
  const script = `printf one; sleep 30; touch ${mark}`;
  const startedAt = Date.now();
  for await (const piece of sh(script)) {
    assert.equal(Buffer.from(piece).toString(), 'one');
    break;
  }
  const stopper = new AbortController();
  const stopped = async () => {
    for await (const _ of sh(script, stopper.signal)) stopper.abort(new Error('stop'));
  };
  await assert.rejects(stopped, /stop/);
  await assert.rejects(read(sh(script, AbortSignal.abort(new Error('before')))), /before/);
  assert(Date.now() - startedAt < 20_000);
  assert(!existsSync(mark));
});

test('a program that gives nothing for too long is ended; a reader may take its time', {
  timeout: 60_000,
}, async () => {
  await assert.rejects(
    read(sh('printf half; sleep 60', undefined, 1_000)),
    /^Error: sh sent nothing for 1 s$/,
  );
  await assert.rejects(read(sh('exec >&-; sleep 60', undefined, 1_000)), /sent nothing for 1 s/);
  const pieces: string[] = [];
  for await (const piece of sh('printf one; read -r _ < /dev/null; exit 0', undefined, 500)) {
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    pieces.push(Buffer.from(piece).toString());
  }
  assert.deepEqual(pieces, ['one']);
});
