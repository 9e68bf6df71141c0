/** Output that nobody reads, or that cannot be written: what was begun is done, and no code says that all is well if not. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { bakeTsCommand, DENO_CACHE } from '../rig/command.ts';
import { makeFakeBuildctl } from '../rig/fake-buildctl.ts';
import { makeTempDir, makeTree } from '../rig/temp.ts';

const FULL = '/dev/full';

interface End {
  readonly code: number | null;
  readonly stderr: string;
  /** Builds that buildctl was called for. */
  readonly built: number;
}

/** Runs `bake-ts` within a shell pipeline. */
async function pipe(t: TestContext, words: string, after: string): Promise<End> {
  const buildctl = await makeFakeBuildctl(t, [{ delayMs: 200 }]);
  const dir = await makeTree(t, {
    'builds.yaml': 'builds:\n  a: { context: . }\n  b: { context: ., needs: [a] }\n',
    Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n',
  });
  const home = await makeTempDir(t, 'home-');
  // An engine that is there, and that only the fake buildctl talks to.
  const socket = path.join(home, 'engine.sock');
  const server = createServer((connection) => connection.destroy());
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => server.close());
  // The status of the first of a pipeline, which plain sh does not give.
  const script = `{ "$@" ${words}; echo "code $?" >&2; } ${after}`;
  const child = spawn('/bin/sh', ['-c', script, 'sh', ...bakeTsCommand()], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      HOME: home,
      BAKE_TS_HOME: home,
      BUILDKIT_HOST: `unix://${socket}`,
      BUILDCTL: buildctl.path,
      NO_COLOR: '1',
      ...DENO_CACHE,
    },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdout.resume();
  await new Promise((resolve) => child.on('close', resolve));
  const code = /^code (\d+)$/m.exec(stderr)?.[1];
  const calls = (await buildctl.calls()).filter(({ argv }) => argv.includes('--output'));
  return { code: code === undefined ? null : Number(code), stderr, built: calls.length };
}

test('a run whose reader goes away goes on to its end', async (t) => {
  const end = await pipe(t, 'run --progress=json', '| head -n 1');
  assert.deepEqual([end.code, end.built], [0, 2], end.stderr);
});

test('a run whose output cannot be written goes on, says so once, and does not end with 0', {
  skip: existsSync(FULL) ? false : `no ${FULL} here`,
}, async (t) => {
  const end = await pipe(t, `run --progress=json > ${FULL}`, '');
  assert.deepEqual([end.code, end.built], [1, 2], end.stderr);
  assert.equal(
    end.stderr.match(/error\[cli\/output\]: standard output cannot be written/g)?.length,
    1,
    end.stderr,
  );
});

test('what only prints ends with 0 for a reader that goes away, and not for a full disk', {
  skip: existsSync(FULL) ? false : `no ${FULL} here`,
}, async (t) => {
  assert.equal((await pipe(t, 'list --json', '| head -n 0')).code, 0);
  const full = await pipe(t, `list --json > ${FULL}`, '');
  assert.equal(full.code, 1, full.stderr);
  assert.match(full.stderr, /error\[cli\/output\]/);
  assert.doesNotMatch(full.stderr, /bug in bake-ts/);
});
