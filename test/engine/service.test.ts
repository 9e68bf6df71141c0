/** What `engine service` prints, read by those whom it is for. */
import assert from 'node:assert/strict';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { kubernetesObjects, systemdUnit } from '../../lib/engine/mod.ts';
import { PACKAGES } from '../../lib/engine/versions.ts';
import { runCommand } from '../rig/command.ts';
import { realEngine } from '../rig/real-engine.ts';
import { makeTree } from '../rig/temp.ts';

function onPath(name: string): boolean {
  return (process.env['PATH'] ?? '').split(path.delimiter).some((dir) => {
    try {
      accessSync(path.join(dir, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const analyzeSkip = onPath('systemd-analyze') ? false : 'systemd-analyze is not there to read units';

test('systemd takes the units, whatever the path of bake-ts is', { skip: analyzeSkip }, async (t) => {
  const odd = { content: '#!/bin/sh\n', mode: 0o755 };
  const dir = await makeTree(t, { 'a "b" $HOME %n/bake-ts': odd, 'run/': '', 'home/': '' });
  const program = [path.join(dir, 'a "b" $HOME %n/bake-ts'), '--directory', '/a b'];
  const env = { HOME: path.join(dir, 'home'), BAKE_TS_HOME: `${dir}/100% "mine"` };
  for (const [kind, flags] of [
    ['systemd', ['--system']],
    ['systemd-user', ['--user']],
  ] as const) {
    const unit = systemdUnit(kind, { program, env });
    const files = await makeTree(t, { 'bake-ts-engine.service': unit });
    const read = await runCommand(
      ['systemd-analyze', ...flags, 'verify', path.join(files, 'bake-ts-engine.service')],
      { env: { ...process.env, XDG_RUNTIME_DIR: path.join(dir, 'run'), HOME: path.join(dir, 'home') } },
    );
    // What is said of other units of the machine is not ours.
    const own = `${read.stdout}${read.stderr}`.split('\n').filter((line) => line.includes('bake-ts'));
    assert.deepEqual([read.exitCode, own], [0, []], `${kind}: ${read.stderr}`);
  }
});

test('a unit starts and ends the engine, and leaves nothing behind', () => {
  const unit = systemdUnit('systemd', { program: ['/opt/bake-ts'], env: { HOME: '/root' } });
  const values = (key: string) =>
    unit.split('\n').flatMap((line) => (line.startsWith(`${key}=`) ? line.slice(key.length + 1) : []));
  assert.deepEqual(values('ExecStart'), ['/opt/bake-ts engine up']);
  assert.deepEqual(values('ExecStop'), ['/opt/bake-ts engine down']);
  assert.deepEqual(
    [values('Type'), values('RemainAfterExit'), values('Delegate')],
    [['oneshot'], ['yes'], ['yes']],
  );
  assert.deepEqual(values('KillMode'), ['control-group']);
  assert.deepEqual(values('Environment'), ['"HOME=/root"']);
  const user = systemdUnit('systemd-user', { program: ['/opt/bake-ts'], env: { HOME: '/home/me' } });
  assert.doesNotMatch(user, /HOME=/);
  assert.match(user, /WantedBy=default\.target/);
});

test('passwords of proxies are not in units, which everybody may read', () => {
  const env = { HTTPS_PROXY: 'http://me:hunter2@proxy:3128', NO_PROXY: 'localhost' };
  const unit = systemdUnit('systemd', { program: ['/opt/bake-ts'], env });
  assert.doesNotMatch(unit, /hunter2/);
  assert.match(unit, /# HTTPS_PROXY has a password here/);
  assert.match(unit, /Environment="NO_PROXY=localhost"/);
});

// biome-ignore lint/suspicious/noExplicitAny: documents of somebody else's form.
type Any = any;

function objects(rootless: boolean): readonly Any[] {
  const documents = parseAllDocuments(kubernetesObjects({ rootless }));
  assert(Array.isArray(documents));
  return documents.map((one) => {
    assert.deepEqual([one.errors, one.warnings], [[], []]);
    return one.toJS();
  });
}

for (const rootless of [false, true]) {
  test(`objects of Kubernetes fit one another${rootless ? ', without privileges' : ''}`, () => {
    const [service, set] = objects(rootless);
    assert.deepEqual([service.kind, set.kind, objects(rootless).length], ['Service', 'StatefulSet', 2]);
    const pod = set.spec.template;
    assert.equal(set.spec.serviceName, service.metadata.name);
    assert.deepEqual(service.spec.selector, pod.metadata.labels);
    assert.deepEqual(set.spec.selector.matchLabels, pod.metadata.labels);
    const [container] = pod.spec.containers;
    const version = PACKAGES.find(({ name }) => name === 'buildkit')?.version;
    assert.equal(container.image, `moby/buildkit:v${version}${rootless ? '-rootless' : ''}`);
    const ports = container.ports.map(({ name }: Any) => name);
    assert.deepEqual(
      service.spec.ports.map(({ targetPort }: Any) => targetPort),
      ports,
    );
    const volumes = [
      ...pod.spec.volumes,
      ...set.spec.volumeClaimTemplates.map(({ metadata }: Any) => metadata),
    ];
    assert.deepEqual(
      container.volumeMounts.map(({ name }: Any) => name).sort(),
      volumes.map(({ name }: Any) => name).sort(),
    );
    const [socket] = container.args;
    for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe'])
      assert.deepEqual(container[probe].exec.command, [
        'buildctl',
        '--addr',
        socket.slice('--addr='.length),
        'debug',
        'workers',
      ]);
    assert.equal(container.securityContext.privileged, rootless ? undefined : true);
    // Never a port that anybody may build at.
    assert.ok(container.args.some((arg: string) => arg.startsWith('--tlscacert=/certs/')));
  });
}

test('the arguments of buildkitd are those that the pinned version has', {
  skip: realEngine.skip,
}, async () => {
  const help = await runCommand([path.join(realEngine.binDir, 'buildkitd'), '--help']);
  assert.equal(help.exitCode, 0, help.stderr);
  const known = new Set([...help.stdout.matchAll(/--[a-z][a-z-]*/g)].map(([flag]) => flag));
  const [, set] = objects(true);
  const flags = set.spec.template.spec.containers[0].args.map((arg: string) => arg.split('=')[0]);
  assert.ok(flags.length > 0);
  assert.deepEqual(
    flags.filter((flag: string) => !known.has(flag)),
    [],
  );
});
