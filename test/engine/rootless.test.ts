/** What an engine without root adds: namespaces, which go whatever is killed, and files of users that only exist in them. */
import assert from 'node:assert/strict';
import { lstat, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readDaemons } from '../../lib/engine/daemon.ts';
import {
  downEngine,
  enginePaths,
  isRootless,
  type RunningEngine,
  removeEngine,
} from '../../lib/engine/mod.ts';
import { childrenOf, listProcesses } from '../../lib/engine/process-identity.ts';
import { runCommand } from '../rig/command.ts';
import {
  buildArgv,
  type Home,
  installHere,
  makeContext,
  remains,
  startEndlessBuild,
  up,
} from '../rig/embedded-engine.ts';
import { freePort } from '../rig/port.ts';

const options = { skip: isRootless() ? false : 'for another user than root', timeout: 170_000 };

/** Processes of an engine without root, as they are seen from here. */
type Victim = 'rootlesskit' | 'its child' | 'containerd' | 'nsenter' | 'buildkitd' | 'registry';

const KILLED: readonly (readonly Victim[])[] = [
  ['rootlesskit'],
  ['its child'],
  ['containerd'],
  ['nsenter'],
  ['buildkitd'],
  ['registry'],
  ['containerd', 'buildkitd'],
  ['nsenter', 'buildkitd'],
];

/** The first process that is killed with all in its namespaces. */
const TAKES_ALL: readonly Victim[] = ['rootlesskit', 'its child', 'containerd'];

async function pidsOf(engine: RunningEngine): Promise<Readonly<Record<Victim, number>>> {
  const [containerd, buildkitd, registry] = ['containerd', 'buildkitd', 'registry'].map((name) =>
    engine.daemons.find((one) => one.name === name),
  );
  const rootlesskit = containerd?.launcher?.pid ?? 0;
  const [child = 0] = await childrenOf(rootlesskit);
  const pids = {
    rootlesskit,
    'its child': child,
    containerd: containerd?.pid ?? 0,
    nsenter: buildkitd?.launcher?.pid ?? 0,
    buildkitd: buildkitd?.pid ?? 0,
    registry: registry?.pid ?? 0,
  };
  assert(
    Object.values(pids).every((pid) => pid > 0),
    JSON.stringify(pids),
  );
  assert.equal(new Set(Object.values(pids)).size, 6);
  return pids;
}

/** Processes in a process namespace, or below it. */
async function processesIn(namespace: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    if ((await readlink(`/proc/${pid}/ns/pid`).catch(() => '')) === namespace) found.push(pid);
  }
  return found;
}

test(
  'whichever process is killed, the next up has a whole engine and nothing is left of the one before',
  options,
  async (t) => {
    const home = await installHere(t);
    const port = await freePort();
    for (const victims of KILLED) {
      await t.test(victims.join(' and '), async (t) => {
        const engine = await up(home, port);
        const pids = await pidsOf(engine);
        const namespace = await readlink(`/proc/${pids.containerd}/ns/pid`);
        const { build, ended } = await startEndlessBuild(t, home, engine);
        const steps = await stepsOf(engine);
        assert.equal(steps.length, 1);
        for (const victim of victims) process.kill(pids[victim], 'SIGKILL');
        if (victims.some((victim) => TAKES_ALL.includes(victim))) {
          await ended;
          // The kernel ends them all, whoever's they are; it takes its moment.
          for (let turn = 0; turn < 200 && (await processesIn(namespace)).length > 0; turn += 1)
            await sleep(50);
          assert.deepEqual(await processesIn(namespace), []);
        } else if (victims.includes('buildkitd')) await ended;
        const next = await up(home, port);
        build.kill('SIGKILL');
        assert.equal(next.daemons.length, 3);
        const isLost = victims.some((victim) => victim === 'buildkitd' || TAKES_ALL.includes(victim));
        if (isLost) assert.deepEqual(await aliveOf(steps), []);
        await runOnce(t, home, next);
        const down = await downEngine({ env: home.env });
        assert(down.ok, JSON.stringify(down));
        assert.deepEqual(await remains(home), []);
        const last = next.daemons[0]?.pid ?? 0;
        assert.equal(await lstat(`/proc/${last}`).catch(() => undefined), undefined);
      });
    }
  },
);

/** What RUN steps run, as containerd's shims have started it. */
async function stepsOf(engine: RunningEngine): Promise<readonly number[]> {
  const socket = path.join(path.dirname(engine.address.replace('unix://', '')), 'containerd.sock');
  const shims = (await listProcesses()).filter(
    ({ argv }) => argv[0]?.endsWith('containerd-shim-runc-v2') === true && argv.includes(socket),
  );
  return (await Promise.all(shims.map(({ pid }) => childrenOf(pid)))).flat();
}

async function aliveOf(pids: readonly number[]): Promise<readonly number[]> {
  const alive = await Promise.all(pids.map(async (pid) => ((await isThere(pid)) ? [pid] : [])));
  return alive.flat();
}

async function isThere(pid: number): Promise<boolean> {
  return (await lstat(`/proc/${pid}`).catch(() => undefined)) !== undefined;
}

/** A build whose RUN must run. */
async function runOnce(
  t: Parameters<typeof makeContext>[0],
  home: Home,
  engine: RunningEngine,
): Promise<void> {
  const dockerfile = 'FROM scratch\nCOPY program /bin/p\nRUN ["/bin/p", "--version"]\n';
  const context = await makeContext(t, home, 'ctr', dockerfile);
  const argv = [...buildArgv(engine, context, 'type=image,name=x.local/once:1'), '--no-cache'];
  const built = await runCommand(argv, { timeoutMs: 60_000 });
  assert.equal(built.exitCode, 0, built.stderr);
}

test(
  'files of users that only exist in the namespace are removed with the rest, and nothing through a link',
  options,
  async (t) => {
    const home = await installHere(t);
    const engine = await up(home);
    const dockerfile = `FROM scratch
COPY program /bin/busybox
RUN ["/bin/busybox", "mkdir", "-m", "700", "/private"]
RUN ["/bin/busybox", "touch", "/private/file"]
RUN ["/bin/busybox", "chown", "-R", "1234:1234", "/private"]
USER 1234
RUN ["/bin/busybox", "touch", "/private/own"]
`;
    const context = await makeContext(t, home, 'busybox', dockerfile);
    const built = await runCommand(buildArgv(engine, context, 'type=image,name=x.local/users:1'), {
      timeoutMs: 60_000,
    });
    assert.equal(built.exitCode, 0, built.stderr);
    assert((await downEngine({ env: home.env })).ok);
    const { stateDir } = enginePaths(home.env);
    await assert.rejects(rm(stateDir, { recursive: true }), { code: 'EACCES' });
    const removed = await removeEngine({ env: home.env });
    assert(removed.ok, JSON.stringify(removed));
    assert.deepEqual(removed.value, [stateDir]);
    await assert.rejects(lstat(stateDir), { code: 'ENOENT' });
    // The programs were not asked for.
    assert((await readdir(path.join(home.dir, 'engine'))).includes('current'));
    const programs = await removeEngine({ env: home.env, programs: true });
    assert(programs.ok, JSON.stringify(programs));
    assert.deepEqual(programs.value, [path.join(home.dir, 'engine')]);
    assert(!(await readdir(home.dir)).some((name) => name.startsWith('engine')));
  },
);

test(
  'the daemons that are shown are those that work, and only they share a namespace of root',
  options,
  async (t) => {
    const home = await installHere(t);
    const engine = await up(home, await freePort());
    const pids = await pidsOf(engine);
    const [mine, containerd, buildkitd, registry] = await Promise.all(
      [process.pid, pids.containerd, pids.buildkitd, pids.registry].map((pid) =>
        readlink(`/proc/${pid}/ns/user`),
      ),
    );
    assert.equal(containerd, buildkitd);
    assert.notEqual(containerd, mine);
    assert.equal(registry, mine);
    const network = await Promise.all(
      [process.pid, pids.buildkitd].map((pid) => readlink(`/proc/${pid}/ns/net`)),
    );
    assert.equal(network[0], network[1], 'RUN shares the network of the machine');
  },
);

test(
  'an up that was killed before it knew the daemons leaves an engine that the next one takes over',
  options,
  async (t) => {
    const home = await installHere(t);
    const engine = await up(home);
    const { runtimeDir } = enginePaths(home.env);
    const notedEarly = async (name: string): Promise<void> => {
      const record = engine.daemons.find((one) => one.name === name);
      assert(record?.launcher !== undefined);
      await writeFile(
        path.join(runtimeDir, `${name}.pid.json`),
        JSON.stringify({ ...record, ...record.launcher }),
      );
    };
    await notedEarly('containerd');
    await notedEarly('buildkitd');
    const known = await readDaemons(enginePaths(home.env));
    assert.deepEqual(
      known.map(({ record }) => record.pid),
      engine.daemons.map(({ pid }) => pid),
    );
    // That one was killed before buildkitd was started.
    process.kill(engine.daemons[1]?.pid ?? 0, 'SIGKILL');
    await notedEarly('containerd');
    const next = await up(home);
    assert.deepEqual(next.started, ['buildkitd']);
    assert.equal(next.daemons[0]?.pid, engine.daemons[0]?.pid);
    await runOnce(t, home, next);
    assert((await downEngine({ env: home.env })).ok);
    assert.deepEqual(await remains(home), []);
  },
);
