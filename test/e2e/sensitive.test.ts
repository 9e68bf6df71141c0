/** Values of sensitive variables are in nothing that bake-ts shows, wherever they went and however it goes. */
import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { findBusybox } from '../rig/busybox.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { makeWorkspace } from './support.ts';

/** Whatever of the values could be seen. */
const OPEN = /swordfish|marlin|tunafish|-----BEGIN/;
const [FIRST, SECOND, THIRD] = ['swordfish-1', 'swordfish-2', 'swordfish-3'];

test('sensitive values are in no output', { skip: realEngine.skip, timeout: 300_000 }, async (t) => {
  const { host } = await startTestRegistry(t);
  const work = await makeWorkspace(t, {
    busybox: { content: await readFile(await findBusybox(t)), mode: 0o755 },
    'builds.yaml': `
vars:
  PASS: { env: [PASS], sensitive: true }
  MORE: { type: list, default: [marlin-9, on], sensitive: true }
  PEM: { default: "-----BEGIN-----\\ntunafish-7\\n-----END-----", sensitive: true }
  CODE: { default: 0, env: [CODE] }
builds:
  said:
    context: .
    args: { NOTE: "is \${{ vars.PASS }}", CODE: "\${{ vars.CODE }}", LINES: "\${{ vars.PEM }}" }
    labels: { note: "\${{ vars.MORE[0] }}", build: "\${{ vars.PASS }}" }
    description: about \${{ vars.PASS }}
    dockerfile-inline: |
      FROM scratch
      COPY busybox /
      ARG NOTE CODE LINES
      RUN ["/busybox", "sh", "-c", "echo it $NOTE; echo \\"$LINES\\"; echo \\"$LINES\\" | /busybox sed 's/^/pem /'; exit $CODE"]
    tags: ["${host}/sensitive/said:of-\${{ vars.PASS }}"]
    push: true
`,
  });
  const seen: string[] = [];
  const run = async (env: Readonly<Record<string, string>>, ...args: readonly string[]) => {
    const result = await work.run(args, { env });
    const text = result.stdout + result.stderr;
    assert.doesNotMatch(text, OPEN, args.join(' '));
    seen.push(text);
    return { ...result, text };
  };

  for (const args of [
    ['list'],
    ['list', '--json'],
    ['plan', '--json'],
    ['print'],
    ['print', '--json'],
    ['validate'],
  ]) {
    const { exitCode } = await run({ PASS: FIRST }, ...args);
    assert.equal(exitCode, 0, args.join(' '));
  }
  const shown = await work.run(['print', '--show-sensitive'], { env: { PASS: FIRST } });
  assert.match(shown.stdout, /NOTE: is swordfish-1/);
  assert.match((await run({ PASS: FIRST }, 'print')).stdout, /NOTE: is \(hidden\)[\s\S]*build: \(hidden\)/);

  const metadata = path.join(work.dir, 'metadata.json');
  const built = await run({ PASS: FIRST }, 'run', '--progress=json', `--metadata-file=${metadata}`);
  assert.equal(built.exitCode, 0, built.text);
  assert.match(built.stdout, /build-arg:NOTE=is \(hidden\)/);
  assert.match(built.stdout, /it is \(hidden\)/, 'what a step writes');
  assert.match(built.stdout, /pem \(hidden\)/, 'each line of a value');
  assert.match(built.text, /build\/sensitive-arg/);
  assert.doesNotMatch(await readFile(metadata, 'utf8'), /swordfish/);

  // Neither the new value nor the old one, which no variable has any more.
  assert.match((await run({ PASS: SECOND }, 'explain', 'said')).stdout, /arg NOTE changed/);
  assert.equal((await run({ PASS: SECOND }, 'explain', '--json', 'said')).exitCode, 0);
  const changed = await run({ PASS: SECOND }, 'run', '--progress=plain');
  assert.equal(changed.exitCode, 0, changed.text);
  assert.match(changed.text, /arg NOTE changed/);
  const failed = await run({ PASS: THIRD, CODE: '3' }, 'run', '--progress=plain');
  assert.equal(failed.exitCode, 1, failed.text);
  assert.match(failed.text, /it is \(hidden\)/, 'the log of the step that failed');
  assert.equal((await run({ PASS: SECOND }, 'verify')).exitCode, 0);

  const state = path.join(work.home, 'state');
  for (const entry of await readdir(state, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile()) assert.doesNotMatch(await readFile(file, 'latin1'), OPEN, file);
  }
  assert.equal((await stat(state)).mode & 0o777, 0o700);
});
