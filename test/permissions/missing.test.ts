import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { fileFaultCode } from '../../lib/system/mod.ts';
import { deniedProblem, type Permission, permissionProblem } from '../../lib/util/permission.ts';
import { runCommand } from '../rig/command.ts';
import { listenOnLoopback } from '../rig/listen.ts';
import { compiled, repoPath } from '../rig/paths.ts';
import { permittedCommand } from '../rig/permission-world.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

const isDeno = process.versions['deno'] !== undefined;

/** An error as Deno throws it. */
function ofDeno(message: string): Error {
  return Object.assign(new Error(message), { name: 'NotCapable' });
}

/** An error as Node throws it. */
function ofNode(permission: string, resource: string): Error {
  const message = 'Access to this API has been restricted';
  return Object.assign(new Error(message), { code: 'ERR_ACCESS_DENIED', permission, resource });
}

test('errors of both runtimes say what is missing, however deep they lie', () => {
  const again = 'run again with the --allow-read flag';
  const rows: readonly (readonly [unknown, readonly Permission[] | undefined])[] = [
    [ofDeno(`Requires read access to "/a b", ${again}`), [{ kind: 'read', what: '/a b' }]],
    [ofDeno(`Requires env access, ${again}`), [{ kind: 'env' }]],
    [ofDeno(`Requires all access to "/proc/1/stat", ${again}`), [{ kind: 'all' }]],
    [
      ofDeno('Requires --allow-run permissions to spawn subprocess with LD_PRELOAD environment variable.'),
      [{ kind: 'run' }],
    ],
    [
      ofDeno('Deno.symlink() requires unscoped --allow-read and --allow-write permissions'),
      [{ kind: 'read' }, { kind: 'write' }],
    ],
    [ofNode('FileSystemWrite', '/a'), [{ kind: 'write', what: '/a' }]],
    [ofNode('ChildProcess', 'git'), [{ kind: 'run', what: 'git' }]],
    [ofNode('ChildProcess', ''), [{ kind: 'run' }]],
    [ofNode('WorkerThreads', ''), [{ kind: 'worker' }]],
    [new Error('fetch failed', { cause: ofNode('FileSystemRead', '/a') }), [{ kind: 'read', what: '/a' }]],
    [
      new AggregateError([new Error('x'), ofDeno(`Requires net access to "h:1", ${again}`)]),
      [{ kind: 'net', what: 'h:1' }],
    ],
    [Object.assign(new Error('no'), { code: 'EACCES' }), undefined],
    [Object.assign(new Error('no'), { code: 'ENOENT' }), undefined],
    ['NotCapable', undefined],
  ];
  for (const [error, missing] of rows) {
    assert.deepEqual(deniedProblem(error), missing === undefined ? undefined : permissionProblem(missing));
    if (missing !== undefined) assert.equal(fileFaultCode(error), 'EPERM');
  }
});

test('flags are written as the runtime and the shell take them, each kind once', () => {
  const { message } = permissionProblem([
    { kind: 'read', what: '/a b,c' },
    { kind: 'read', what: '/d' },
    { kind: 'write', what: '/d' },
    { kind: 'run', what: 'git' },
    { kind: 'read', what: '/d' },
  ]);
  const flags = isDeno
    ? "'--allow-read=/a b,,c,/d' --allow-write=/d --allow-run=git"
    : "'--allow-fs-read=/a b,c' --allow-fs-read=/d --allow-fs-write=/d --allow-child-process";
  const who = isDeno ? 'Deno' : 'Node';
  assert.equal(
    message,
    `${who} does not permit bake-ts to read \`/a b,c\`, read and write \`/d\` and run \`git\`: add ${flags}`,
  );
});

const [READ, ENV] = isDeno ? ['--allow-read', '--allow-env'] : ['--allow-fs-read', ''];

/** Runs bake-ts, or a script, in a directory with these flags. */
async function runPermitted(
  cwd: string,
  flags: readonly string[],
  words: readonly string[],
  script?: string,
) {
  const env = {
    HOME: path.join(cwd, 'home'),
    NO_COLOR: '1',
    DENO_DIR: process.env['DENO_DIR'] ?? path.join(process.env['HOME'] ?? '/', '.cache/deno'),
    ...Object.fromEntries(
      ['DOCKER_CONFIG', 'XDG_CONFIG_HOME', 'LD_LIBRARY_PATH', 'GITHUB_ACTIONS'].map((name) => [
        name,
        undefined,
      ]),
    ),
  };
  const argv = permittedCommand(
    flags.filter((flag) => flag !== ''),
    script,
  );
  return runCommand([...argv, ...words], { cwd, env });
}

async function makeTree(t: Cleanup, tree: Readonly<Record<string, string>>): Promise<string> {
  const dir = await makeTempDir(t, 'missing-');
  await writeTree(dir, tree);
  return dir;
}

test('a directory above that may not be read is not one without a builds.yaml', async (t) => {
  const dir = await makeTree(t, {
    'builds.yaml': 'builds: { a: { context: sub } }\n',
    'sub/Dockerfile': 'FROM scratch\n',
  });
  const sub = path.join(dir, 'sub');
  const hidden = await runPermitted(sub, [ENV, `${READ}=${sub}`], ['list']);
  assert.equal(hidden.exitCode, 2, hidden.stderr);
  assert.match(hidden.stderr, new RegExp(`system/permission.*\\s${READ}=${dir}\\s`, 's'));
  const seen = await runPermitted(sub, [ENV, `${READ}=${dir}`], ['list']);
  assert.equal(seen.exitCode, 0, seen.stderr);
});

test('a registry that asks who we are needs the Docker config, and that is said', async (t) => {
  const server = createServer((_request, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="here"' }).end();
  });
  const host = `127.0.0.1:${await listenOnLoopback(t, server)}`;
  const dir = await makeTree(t, {});
  const flags = isDeno ? [ENV, `--allow-net=${host}`, `${READ}=${dir}/builds.yaml`] : [];
  const { exitCode, stderr } = await runPermitted(dir, flags, ['inspect', `${host}/a:1`]);
  assert.equal(exitCode, 2, stderr);
  assert.match(
    stderr,
    new RegExp(`error\\[system/permission\\].*${READ}=${dir}/home/.docker/config.json`, 's'),
  );
});

test('a script gets a value, and no exception', async (t) => {
  const dir = await makeTree(t, {
    'builds.yaml': 'builds: { a: { context: sub } }\n',
    'sub/Dockerfile': 'FROM scratch\n',
  });
  const script = path.join(dir, 'script.mjs');
  const lib = JSON.stringify(repoPath(compiled ? 'dist/lib/mod.js' : 'lib/mod.ts'));
  await writeTree(dir, {
    'script.mjs': [
      `import { plan } from ${lib};`,
      `const made = await plan({ cwd: ${JSON.stringify(dir)} });`,
      'const problems = made.ok ? made.value.missing : made.error;',
      'console.log(JSON.stringify(problems.map(({ code, message }) => ({ code, message }))));',
      '',
    ].join('\n'),
  });
  const own = isDeno ? [] : [`${READ}=${script}`];
  const rows: readonly (readonly [readonly string[], string])[] = [
    ...(isDeno ? [[[], '--allow-env='] as const] : []),
    [[ENV], `${READ}=${dir}`],
    [[ENV, `${READ}=${dir}/builds.yaml`], `${READ}=${dir}/sub/Dockerfile`],
  ];
  for (const [flags, flag] of rows) {
    const { stdout, stderr } = await runPermitted(dir, [...own, ...flags], [], script);
    assert.match(stdout, /^\[/, stderr);
    const [first] = JSON.parse(stdout) as { code: string; message: string }[];
    assert.equal(first?.code, 'system/permission');
    assert(first?.message.includes(`: add ${flag}`), first?.message);
  }
});

test('a file of a context that may not be read stops its build, and is named', async (t) => {
  const dir = await makeTree(t, {
    'builds.yaml': 'builds: { a: { context: sub } }\n',
    'sub/Dockerfile': 'FROM scratch\nCOPY . .\n',
    'sub/open': 'a',
    'sub/shut': 'b',
  });
  // Node takes nothing away from a directory that it gave.
  const files = [
    'builds.yaml',
    'builds.lock',
    'sub/Dockerfile',
    'sub/Dockerfile.dockerignore',
    'sub/.dockerignore',
    'sub/open',
  ];
  const flags = isDeno
    ? [ENV, `${READ}=${dir}`, `--deny-read=${dir}/sub/shut`]
    : files.map((file) => `${READ}=${path.join(dir, file)}`);
  const { exitCode, stderr } = await runPermitted(dir, flags, ['run', '--dry-run', '-f', 'builds.yaml']);
  assert.equal(exitCode, 2, stderr);
  assert.match(stderr, new RegExp(`error\\[system/permission\\].*${READ}=${dir}/sub(?:/shut)?\\s`, 's'));
});

test('many files are hashed where no thread may be started', async (t) => {
  const many = Array.from({ length: 2_500 }, (_, at) => [`sub/${at}`, String(at)] as const);
  const dir = await makeTree(t, {
    'builds.yaml': 'builds: { a: { context: sub } }\n',
    'sub/Dockerfile': 'FROM scratch\nCOPY . .\n',
    ...Object.fromEntries(many),
  });
  const flags = [ENV, `${READ}=${dir}`];
  const { exitCode, stdout, stderr } = await runPermitted(dir, flags, [
    'run',
    '--dry-run',
    '--progress=json',
  ]);
  assert.deepEqual([exitCode, stderr], [0, '']);
  assert.match(stdout, /"files":2501/);
});

test('what may be run by name alone can be ended', { skip: !isDeno }, async (t) => {
  const dir = await makeTree(t, {});
  const script = path.join(dir, 'script.mjs');
  await writeTree(dir, {
    'script.mjs': [
      `import { runProgram } from ${JSON.stringify(repoPath('lib/system/mod.ts'))};`,
      "const argv = ['-c', 'echo $$; exec sleep 600'];",
      "const end = await runProgram({ program: 'sh', argv, env: { PATH: Deno.env.get('PATH') }, timeoutMs: 1_000 });",
      'console.log(end.ended, end.stdout.toString());',
      '',
    ].join('\n'),
  });
  const { stdout, stderr } = await runPermitted(dir, ['--allow-env', '--allow-run=sh'], [], script);
  const [, ended, pid] = /^(\S+) (\d+)/.exec(stdout) ?? [];
  assert.equal(ended, 'timeout', stderr);
  assert.throws(() => process.kill(Number(pid), 0), /ESRCH/);
});
