/** The executable on a root file system that has nothing: its loader's libraries, buildctl, a directory for temporary files. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { createServer, connect as dial } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { VERSION } from '../../lib/util/version.ts';
import { type CommandResult, runCommand } from '../rig/command.ts';
import { engineBinary } from '../rig/engine-bin.ts';
import { repoPath } from '../rig/paths.ts';
import { realEngine } from '../rig/real-engine.ts';
import { handedOutSkip } from '../rig/runtimes.ts';
import { type Cleanup, makeTree } from '../rig/temp.ts';

const PROJECT = {
  'work/builds.ts': `
    import { defineBuilds } from 'bake-ts';
    const name: string = 'app';
    export default defineBuilds({ builds: { [name]: { context: 'app', outputs: ['type=local,dest=out'] } } });
  `,
  'work/app/Dockerfile': 'FROM scratch\nCOPY . /\n',
  'work/app/hello': 'hello\n',
  'tmp/': '',
  'run/': '',
  'bin/': '',
  'dev/': '',
};

/** What the dynamic loader opens for a program, itself included; nothing for one that is linked whole. */
async function librariesOf(file: string): Promise<readonly string[]> {
  const { stdout } = await runCommand(['ldd', file]);
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, library = '']) => library);
}

/** The real buildkitd at a socket within the root. */
async function serveEngineAt(t: Cleanup, socket: string): Promise<void> {
  const server = createServer((from) => {
    const to = dial(realEngine.address.replace(/^unix:\/\//, ''));
    for (const one of [from, to]) one.on('error', () => [from, to].map((end) => end.destroy()));
    from.pipe(to).pipe(from);
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => {
    server.close();
  });
}

/** Only root may change the root directory. */
const notRoot = process.getuid?.() !== 0 && 'chroot takes root';

test('the executable plans and builds where nothing else is', {
  skip: realEngine.skip || handedOutSkip || notRoot,
  timeout: 240_000,
}, async (t) => {
  const root = await makeTree(t, PROJECT);
  const program = path.join(root, 'bake-ts');
  const made = await runCommand(
    [process.execPath, repoPath('.ci/executable.mjs'), '--built', '--output', program],
    { cwd: repoPath('.'), timeoutMs: 200_000 },
  );
  assert.equal(made.exitCode, 0, made.stderr);
  const buildctl = engineBinary('buildctl');
  for (const library of [...(await librariesOf(program)), ...(await librariesOf(buildctl))]) {
    await mkdir(path.join(root, path.dirname(library)), { recursive: true });
    await copyFile(library, path.join(root, library));
  }
  await copyFile(buildctl, path.join(root, 'bin/buildctl'));
  // What every container has.
  await runCommand(['mknod', '-m', '666', path.join(root, 'dev/null'), 'c', '1', '3']);
  await serveEngineAt(t, path.join(root, 'run/buildkit.sock'));
  const bake = (...words: readonly string[]): Promise<CommandResult> =>
    runCommand(['/usr/sbin/chroot', root, '/bake-ts', '-C', '/work', ...words], {
      env: {
        ...Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined])),
        PATH: '/bin',
        NO_COLOR: '1',
        BUILDKIT_HOST: 'unix:///run/buildkit.sock',
      },
    });

  assert.match((await bake('--version')).stdout, new RegExp(`^bake-ts ${VERSION} \\(node 24\\.`));
  assert.match((await bake('--help')).stdout, /Usage/i);
  const valid = await bake('validate');
  assert.equal(valid.exitCode, 0, valid.stderr);
  const plan = await bake('plan', '--json');
  assert.deepEqual([plan.exitCode, plan.stderr], [0, '']);
  assert.equal(JSON.parse(plan.stdout).builds[0].name, 'app');
  const run = await bake('run');
  assert.match(run.stderr, /^app +built /m);
  assert.equal(run.exitCode, 0, run.stderr);
  assert.equal(await readFile(path.join(root, 'work/out/hello'), 'utf8'), 'hello\n');
});
