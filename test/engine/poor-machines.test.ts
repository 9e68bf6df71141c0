/**
 * Machines that lack one thing that an engine without root needs, made so for real: `doctor` names it and what to do, and `up` does not get
 * far without it. Needs root, which makes them, and the ordinary user of `.ci/test.mjs`.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlink, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DoctorCheck } from '../../lib/engine/mod.ts';
import { onPoorMachine, ordinaryUser, type PoorMachine } from '../rig/ordinary-user.ts';
import type { Cleanup } from '../rig/temp.ts';

const options = { skip: ordinaryUser.skip, timeout: 120_000 };
const { name: user, home } = ordinaryUser;

interface Seen {
  readonly checks: readonly DoctorCheck[];
  /** What runs where it comes up. */
  readonly up: { readonly worker?: { readonly snapshotter: string } };
  readonly stderr: string;
}

async function look(machine: Omit<PoorMachine, 'script'>): Promise<Seen> {
  const mark = '----';
  const script = `bake-ts engine doctor --json; echo ${mark}; bake-ts engine up --json; bake-ts engine down >&2`;
  const { stdout, stderr } = await onPoorMachine({ ...machine, script });
  const [doctor = '', up = ''] = stdout.split(mark);
  assert(doctor.trim() !== '', stderr);
  const { checks } = JSON.parse(doctor) as { readonly checks: readonly DoctorCheck[] };
  return { checks, up: up.trim() === '' ? {} : (JSON.parse(up) as Seen['up']), stderr };
}

function checkOf(seen: Seen, name: string): DoctorCheck {
  const check = seen.checks.find((one) => one.name === name);
  assert(check !== undefined, `no check "${name}" among ${seen.checks.map((one) => one.name).join(', ')}`);
  return check;
}

function assertFails(seen: Seen, name: string, found: RegExp, hint: RegExp, code: string): void {
  const check = checkOf(seen, name);
  assert.equal(check.status, 'fail', `${name}: ${check.found}`);
  assert.match(check.found, found);
  assert.match(check.hint ?? '', hint);
  assert(seen.stderr.includes(code), `${code} is not in: ${seen.stderr}`);
}

/** Says something else where a file lies. */
const instead = (file: string, content: string): string =>
  `printf '%s\\n' '${content}' > ${home}/instead && mount --bind ${home}/instead ${file}`;

test('on a machine that lacks nothing nothing fails', options, async () => {
  const seen = await look({ setUp: 'true' });
  const failed = seen.checks.filter(({ status }) => status === 'fail');
  assert.deepEqual(failed, []);
  assert.equal(
    seen.up.worker?.snapshotter,
    checkOf(seen, 'overlayfs').status === 'ok' ? 'overlayfs' : 'native',
  );
  assert.match(checkOf(seen, 'rights').found, /a rootless engine/);
});

test('a helper that may not set ids', options, async () => {
  const seen = await look({
    setUp: `cp /usr/bin/newuidmap ${home}/powerless && chmod 755 ${home}/powerless && mount --bind ${home}/powerless /usr/bin/newuidmap`,
  });
  const helpers = 'newuidmap, newgidmap';
  assertFails(seen, helpers, /neither setuid root nor/, /chmod u\+s/, 'engine/no-uidmap');
});

test('a helper on a file system that is mounted nosuid', options, async () => {
  const seen = await look({
    setUp: 'mount --bind /usr/bin /usr/bin && mount -o remount,bind,nosuid /usr/bin',
  });
  assertFails(seen, 'newuidmap, newgidmap', /mounted nosuid/, /suid/, 'engine/no-uidmap');
});

test('a helper that is not there', options, async () => {
  const seen = await look({
    setUp: `mkdir -p ${home}/empty && touch ${home}/empty/file && mount --bind ${home}/empty/file /usr/bin/newgidmap`,
  });
  assertFails(seen, 'newuidmap, newgidmap', /newgidmap is not on PATH/, /uidmap|shadow/, 'engine/no-uidmap');
});

test('a process that may not gain rights', options, async () => {
  const seen = await look({ setUp: 'true', through: '--no-new-privs' });
  assertFails(seen, 'newuidmap, newgidmap', /no_new_privs/, /allowPrivilegeEscalation/, 'engine/no-uidmap');
});

test('a user without ids for a namespace, and one with few', options, async () => {
  const none = await look({ setUp: instead('/etc/subuid', 'somebody:100000:65536') });
  const added = /usermod --add-subuids \d+-\d+ --add-subgids \d+-\d+ /;
  assertFails(none, 'ids for a namespace', /has no ids.*\/etc\/subuid/, added, 'engine/no-subids');
  const few = await look({
    setUp: `${instead('/etc/subuid', `${user}:500000:1000`)} && mount --bind ${home}/instead /etc/subgid`,
  });
  const check = checkOf(few, 'ids for a namespace');
  assert.equal(check.status, 'warn');
  assert.match(check.found, /1000 users and 1000 groups/);
  assert.match(check.hint ?? '', /--add-subuids 501000-566535 /);
  assert(few.up.worker !== undefined, few.stderr);
});

test('/dev/null that only root may write', options, async () => {
  const seen = await look({
    setUp: `mknod -m 644 ${home}/null c 1 3 && mount --bind ${home}/null /dev/null`,
  });
  assertFails(seen, '/dev/null', /cannot write to/, /chmod 666/, 'engine/no-null');
});

test('a /proc that is hidden in part, as in a container', options, async () => {
  const seen = await look({ setUp: 'mount --bind /dev/null /proc/version' });
  assertFails(
    seen,
    'user namespaces',
    /\/proc cannot be mounted/,
    /systempaths=unconfined/,
    'engine/no-proc',
  );
});

test('no control groups', options, async () => {
  const seen = await look({ setUp: 'umount -R /sys/fs/cgroup' });
  assertFails(seen, 'control groups', /none mounted/, /mount -t cgroup2/, 'engine/no-cgroups');
});

test('no overlay where the engine lies: layers are copied', options, async () => {
  const seen = await look({
    setUp: `mkdir -p ${home}/state/engine-state ${home}/upper ${home}/work
chown -R ${user} ${home}/state ${home}/upper ${home}/work
mkdir -p ${home}/.local/state/bake-ts/engine-state
chown -R ${user} ${home}/.local
mount -t overlay overlay -o lowerdir=${home}/state,upperdir=${home}/upper,workdir=${home}/work ${home}/.local/state`,
  });
  const check = checkOf(seen, 'overlayfs');
  assert.equal(check.status, 'warn');
  assert.match(check.found, /so layers are copied/);
  assert.equal(seen.up.worker?.snapshotter, 'native', seen.stderr);
});

/** A user namespace in which no further one may be made, and in which all users are as outside. */
async function forbidNamespaces(t: Cleanup): Promise<number> {
  const holder = spawn('unshare', ['--user', 'sleep', '600'], { stdio: 'ignore' });
  t.after(() => {
    holder.kill('SIGKILL');
  });
  await once(holder, 'spawn');
  const pid = holder.pid ?? 0;
  const outside = await readlink('/proc/self/ns/user');
  for (let turn = 0; turn < 200 && (await readlink(`/proc/${pid}/ns/user`)) === outside; turn += 1)
    await sleep(10);
  for (const map of ['uid_map', 'gid_map']) await writeFile(`/proc/${pid}/${map}`, '0 0 4294967295');
  return pid;
}

test('user namespaces that are switched off', options, async (t) => {
  const seen = await look({
    setUp: 'echo 0 > /proc/sys/user/max_user_namespaces',
    inUserNamespaceOf: await forbidNamespaces(t),
  });
  const hint = /sysctl -w user\.max_user_namespaces=/;
  assertFails(seen, 'kernel’s switches', /are disabled here/, hint, 'engine/no-namespaces');
});
