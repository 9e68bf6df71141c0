/** Which containerd is an engine's: the one that calls itself what buildkitd says, whatever its socket. */
import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { findContainerd } from '../../lib/engine/containerd.ts';
import { parseHistory } from '../../lib/engine/history.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';

const LABEL = 'org.mobyproject.buildkit.worker.';

/** A buildctl that tells of a worker with these labels, and a ctr that tells of each socket what `name.uuid` beside it says. */
async function makeMachine(t: Cleanup, labels: Readonly<Record<string, string>>) {
  const dir = await makeTempDir(t, 'ctd-');
  const bin = path.join(dir, 'bin');
  await mkdir(bin);
  const named = Object.fromEntries(Object.entries(labels).map(([name, value]) => [LABEL + name, value]));
  const write = async (name: string, script: string) => {
    await writeFile(path.join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(path.join(bin, name), 0o755);
  };
  await write('buildctl', `echo '${JSON.stringify([{ labels: named }])}'`);
  const env = { BAKE_TS_HOME: path.join(dir, 'home'), PATH: `${bin}:/usr/bin:/bin` };
  return {
    env,
    bin,
    socket: async (name: string, uuid?: string) => {
      const file = path.join(dir, name);
      const server = createServer((socket) => socket.destroy());
      await new Promise<void>((resolve) => server.listen(file, resolve));
      t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
      if (uuid !== undefined) await writeFile(`${file}.uuid`, uuid);
      return file;
    },
    // As containerd 1.6 and 2.4 print it (cmd/ctr/commands/version/version.go).
    withCtr: () =>
      write(
        'ctr',
        'test -e "$2.uuid" || { echo "ctr: no such server" >&2; exit 1; }\n' +
          'printf "Client:\\n  Version:  1\\n\\nServer:\\n  Version:  1\\n  Revision: \\n  UUID: %s\\n" "$(cat "$2.uuid")"',
      ),
    find: (
      sockets?: readonly string[],
      more: Readonly<Record<string, string>> = {},
      address = 'unix:///x.sock',
    ) =>
      findContainerd(
        { address, buildctl: path.join(bin, 'buildctl') },
        { env: { ...env, ...more } },
        sockets,
      ),
  };
}

const CONTAINERD = { executor: 'containerd', 'containerd.uuid': 'mine', 'containerd.namespace': 'building' };

test('the one of the same number is taken, in whatever place', async (t) => {
  const machine = await makeMachine(t, CONTAINERD);
  await machine.withCtr();
  const other = await machine.socket('other.sock', 'another');
  const mine = await machine.socket('mine.sock', 'mine');
  const found = await machine.find([path.join(machine.bin, 'none.sock'), other, mine]);
  assert(found.ok, JSON.stringify(found));
  assert.deepEqual(found.value, { socket: mine, namespace: 'building', ctr: path.join(machine.bin, 'ctr') });
  // As ctr and nerdctl are told where it is.
  for (const written of [mine, `unix://${mine}`]) {
    const named = await machine.find(undefined, { CONTAINERD_ADDRESS: written });
    assert(named.ok && named.value.socket === mine, JSON.stringify(named));
  }
});

test('what CONTAINERD_ADDRESS is set to is said where nobody listens there', async (t) => {
  const machine = await makeMachine(t, { ...CONTAINERD, 'containerd.uuid': 'of nobody here' });
  await machine.withCtr();
  const gone = path.join(machine.bin, 'gone.sock');
  for (const [written, said] of [
    [
      gone,
      /^CONTAINERD_ADDRESS is set to ".*gone\.sock", and this socket does not exist\nset it to the socket/,
    ],
    [
      `unix://${gone}`,
      /^CONTAINERD_ADDRESS is set to "unix:\/\/.*gone\.sock", and this socket does not exist\n/,
    ],
    ['gone.sock', /^CONTAINERD_ADDRESS is set to "gone\.sock", which is not the path of a socket\n/],
    ['', /^set CONTAINERD_ADDRESS to the socket/],
  ] as const) {
    const found = await machine.find(undefined, { CONTAINERD_ADDRESS: written });
    assert(!found.ok);
    assert.equal(found.error.code, 'engine/store-unreadable');
    assert.match(found.error.hint ?? '', said);
  }
  const other = await machine.socket('other.sock', 'another');
  const found = await machine.find(undefined, { CONTAINERD_ADDRESS: other });
  assert.match(found.ok ? '' : (found.error.hint ?? ''), /^set CONTAINERD_ADDRESS/);
});

test('another one is never taken, and what was tried is said', async (t) => {
  const machine = await makeMachine(t, CONTAINERD);
  const other = await machine.socket('other.sock', 'another');
  const silent = await machine.socket('silent.sock');
  const without = await machine.find([other]);
  assert(!without.ok);
  assert.equal(without.error.code, 'engine/store-unreadable');
  assert.match(
    without.error.detail ?? '',
    /other\.sock may be it, but there is no ctr to check\nctr is neither/,
  );
  assert.match(without.error.hint ?? '', /put ctr/);
  await machine.withCtr();
  const found = await machine.find([other, silent]);
  assert(!found.ok);
  assert.match(
    found.error.detail ?? '',
    /other\.sock is another containerd\n.*silent\.sock: ctr: no such server$/,
  );
  assert.match(found.error.hint ?? '', /CONTAINERD_ADDRESS/);
  const none = await machine.find([]);
  assert(!none.ok && none.error.detail === 'no socket of a containerd is known here');
});

test('for an engine elsewhere none of this machine counts: cloned disks call themselves alike', async (t) => {
  const machine = await makeMachine(t, CONTAINERD);
  await machine.withCtr();
  const mine = await machine.socket('mine.sock', 'mine');
  for (const address of ['tcp://127.0.0.1:1234', 'tcp://localhost:1234', 'tcp://[::1]:1234'])
    assert((await machine.find([mine], {}, address)).ok, address);
  for (const address of [
    'tcp://10.0.0.5:1234',
    'tcp://builder:1234',
    'ssh://me@builder',
    'docker-container://b',
  ]) {
    const found = await machine.find([mine], {}, address);
    assert(!found.ok && found.error.code === 'engine/store-unreadable', address);
    assert.match(found.error.detail ?? '', /may be another machine/);
    assert.match(found.error.hint ?? '', /on that machine/);
  }
});

test('an OCI worker has no images, and a buildkitd that does not say its containerd has none that is known', async (t) => {
  const oci = await makeMachine(t, { executor: 'oci' });
  const found = await oci.find([]);
  assert(!found.ok && found.error.code === 'engine/no-image-store');
  const old = await makeMachine(t, { executor: 'containerd' });
  await old.withCtr();
  const silent = await old.find([await old.socket('a.sock', 'unknown')]);
  assert(!silent.ok && silent.error.code === 'engine/store-unreadable');
});

test('the history tells of names that builds gave to the store, the latest of each', () => {
  const [a, b] = ['a', 'b'].map((one) => `sha256:${one.repeat(64)}`);
  const record = (seconds: number, digest: string | undefined, attrs: object, more: object = {}) =>
    JSON.stringify({
      type: 1,
      record: {
        Exporters: [{ Type: 'image', Attrs: attrs }],
        CompletedAt: { seconds },
        Result: {
          Results: { 0: { media_type: 'm', digest } },
          ResultDeprecated: { media_type: 'm', digest },
        },
        ...more,
      },
    });
  const found = parseHistory(
    [
      record(2, b, { name: 'r/x:1,r/y:1' }),
      record(1, a, { name: 'r/x:1' }),
      record(3, a, { name: 'r/pushed:1', push: 'true', store: 'false' }),
      record(4, a, { name: 'r/failed:1' }, { error: { code: 2 } }),
      record(5, a, { name: 'r/x:1' }, { Exporters: [{ Type: 'oci', Attrs: { name: 'r/x:1' } }] }),
      record(6, undefined, { name: 'r/x:1' }),
      record(7, a, {}),
      'no record',
      JSON.stringify({ record: { Exporters: [{ Type: 'image', Attrs: { name: 'r/running:1' } }] } }),
      '',
    ].join('\n'),
  );
  const builtAt = '1970-01-01T00:00:02.000Z';
  assert.deepEqual(found, [
    { name: 'r/x:1', mediaType: 'm', digest: b, builtAt },
    { name: 'r/y:1', mediaType: 'm', digest: b, builtAt },
  ]);
});
