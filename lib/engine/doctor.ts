/** Finds out what keeps an engine from working: each check reports what it found and, if necessary, what to do. */
import { readFile } from 'node:fs/promises';
import { arch, release } from 'node:os';
import path from 'node:path';
import { fail, namedPool, type Result } from '../model/mod.ts';
import { findProgram, goArchitecture, runProgram, thisSystem } from '../system/mod.ts';
import { readDaemons, readTail } from './daemon.ts';
import { checkPool, checkServing, type DoctorCheck, describeWorker } from './doctor-engines.ts';
import { engineElsewhere, nameOfSystem } from './elsewhere.ts';
import { type FindOptions, wellKnownSockets } from './find.ts';
import { findBuildctl } from './find-buildctl.ts';
import {
  findListener,
  MINIMUM_FREE_BYTES,
  mountFlagsOf,
  mountsBelow,
  readCgroups,
  readFreeBytes,
  readRights,
  tryOverlay,
} from './host.ts';
import { checkProgram, readInstallation, versionArgs } from './installation.ts';
import { isServing } from './is-serving.ts';
import type { EngineOptions } from './notice.ts';
import { checkOwnership } from './ownership.ts';
import { type EnginePaths, enginePaths } from './paths.ts';
import { type PoolStatus, poolStatus } from './pool-status.ts';
import { isRootless, neededParts, onceInNamespace } from './rootless.ts';
import { lookAtNeeds, type RootlessNeed, tryNamespaces } from './rootless-needs.ts';
import { type ServingEngine, servingEngine } from './serving.ts';
import { formatAnswer, probeSocket } from './socket.ts';
import { ENGINE_PARTS, findVersion, PACKAGES } from './versions.ts';
import { readWorker } from './worker.ts';

const MAY_NOT_OPEN = 'it is ignored; to use it, run as root or as a member of its group';

const GIB = 1024 ** 3;
const COMFORTABLE_FREE_BYTES = 10 * GIB;

/** The results. */
export interface Diagnosis {
  /** The engine that a run would use. */
  readonly serving: Result<ServingEngine>;
  /** All engines of a pool if one is configured; `serving` then has none. */
  readonly pool?: PoolStatus;
  /** In the order in which you would check them. */
  readonly checks: readonly DoctorCheck[];
}

/**
 * Runs every check, as `bake-ts engine doctor` does. Changes nothing (one overlay is mounted for a moment). If another engine
 * serves, missing requirements of the embedded one are not failures.
 *
 * @returns the engine that a run would use, and what was found; it is never a failure itself
 */
export async function engineDoctor(options: Omit<FindOptions, 'autoStart'>): Promise<Diagnosis> {
  const { flagAddress: flagAddresses, env, settings } = options;
  const entries = namedPool({ flagAddresses, env, settings });
  const pool = entries === undefined ? undefined : await poolStatus(entries, options);
  const serving = pool === undefined ? await servingEngine(options) : fail([]);
  const checks = await checkEmbedded(options);
  const others = await checkOthers(options, serving);
  if (pool !== undefined) {
    const isServed = pool.members.some(({ state }) => state.ok);
    return {
      ...{ serving, pool },
      checks: [...checkPool(pool), ...(isServed ? soften(checks) : checks), ...others],
    };
  }
  if (!serving.ok || serving.value.kind === 'embedded')
    return { serving, checks: [...checkServing(serving), ...checks, ...others] };
  return { serving, checks: [...checkServing(serving), ...soften(checks), ...others] };
}

/** If another engine serves, the embedded one is not required. */
function soften(checks: readonly DoctorCheck[]): readonly DoctorCheck[] {
  return checks.map((check): DoctorCheck => {
    if (check.status !== 'fail') return check;
    if (check.name !== 'installation') return { ...check, status: 'warn' };
    return {
      name: check.name,
      status: 'ok',
      found: `${check.found}; not needed, since another engine is used`,
    };
  });
}

/** Checks requirements, installation and state of the embedded engine. */
async function checkEmbedded(options: EngineOptions): Promise<readonly DoctorCheck[]> {
  const paths = enginePaths(options.env);
  const system = thisSystem();
  if (system !== 'linux') {
    return [
      {
        name: 'platform',
        status: 'fail',
        found: `${nameOfSystem(system)}/${goArchitecture(arch())}: the embedded engine runs on Linux only`,
        hint: engineElsewhere(system),
      },
    ];
  }
  const groups = await Promise.all([
    checkMachine(paths, options),
    checkInstalled(paths, options),
    checkSources(options),
    checkRunning(paths, options),
  ]);
  return groups.flat();
}

/** The rights of this user, and so whether and how file systems can be mounted. */
async function checkRights(paths: EnginePaths, options: EngineOptions): Promise<DoctorCheck[]> {
  const rights = await readRights();
  if (!isRootless()) {
    if (rights.mayMount)
      return [
        { name: 'rights', status: 'ok', found: 'root, may mount file systems' },
        await checkOverlay(paths, options, []),
      ];
    return [
      {
        name: 'rights',
        status: 'fail',
        found: 'root without CAP_SYS_ADMIN',
        hint: 'in a container: start it privileged, or use a rootless buildkitd through its socket',
      },
    ];
  }
  const found = `user ${rights.uid}: a rootless engine, in its own namespaces`;
  const checks: DoctorCheck[] = [{ name: 'rights', status: 'ok', found }];
  const needs = await lookAtNeeds(options.env);
  checks.push(...needs.map(toCheck));
  const rootlesskit =
    (await readInstallation(paths))?.parts.get('rootlesskit')?.file ??
    (await findProgram('rootlesskit', options.env));
  if (rootlesskit === undefined || needs.some(({ problem }) => problem?.severity === 'error')) return checks;
  const tried = await tryNamespaces(rootlesskit, options.env);
  checks.push(toCheck(tried));
  if (tried.problem === undefined)
    checks.push(await checkOverlay(paths, options, onceInNamespace(rootlesskit)));
  return checks;
}

function toCheck({ name, found, problem }: RootlessNeed): DoctorCheck {
  if (problem === undefined) return { name, status: 'ok', found };
  return {
    name,
    status: problem.severity === 'warning' ? 'warn' : 'fail',
    found: `${problem.message}${problem.detail === undefined ? '' : `: ${problem.detail}`}`,
    ...(problem.hint === undefined ? {} : { hint: problem.hint }),
  };
}

async function checkOverlay(
  paths: EnginePaths,
  options: EngineOptions,
  inside: readonly string[],
): Promise<DoctorCheck> {
  const why = await tryOverlay(path.join(paths.stateDir, 'probe'), options.env, inside);
  if (why === undefined) return { name: 'overlayfs', status: 'ok', found: `works below ${paths.stateDir}` };
  const mend =
    inside.length === 0
      ? 'modprobe overlay, or set'
      : 'use a kernel from 5.11 on, with its module loaded, or set';
  return {
    name: 'overlayfs',
    status: 'warn',
    found: `does not work below ${paths.stateDir}, so layers are copied, which takes time and space: ${why}`,
    hint: `${mend} BAKE_TS_HOME to a directory on ext4 or xfs`,
  };
}

async function checkMachine(paths: EnginePaths, options: EngineOptions): Promise<DoctorCheck[]> {
  const checks: DoctorCheck[] = [
    { name: 'platform', status: 'ok', found: `linux/${goArchitecture(arch())}, kernel ${release()}` },
    ...(await checkFolders(paths)),
    ...(await checkRights(paths, options)),
  ];
  const cgroups = await readCgroups();
  checks.push(
    cgroups === undefined
      ? {
          name: 'control groups',
          status: 'fail',
          found: 'none mounted',
          hint: 'mount them: mount -t cgroup2 none /sys/fs/cgroup',
        }
      : {
          name: 'control groups',
          status: 'ok',
          found: `cgroup ${cgroups}${isRootless() ? ' (without root BuildKit makes none: builds have only the limits of the user)' : ''}`,
        },
  );
  const seccomp = /^Seccomp:\s*(\d)/m.exec(await readFile('/proc/self/status', 'utf8').catch(() => ''))?.[1];
  checks.push(
    seccomp === undefined
      ? {
          name: 'seccomp',
          status: 'fail',
          found: 'the kernel lacks it: every RUN would fail',
          hint: 'use a kernel with CONFIG_SECCOMP',
        }
      : { name: 'seccomp', status: 'ok', found: 'the kernel has it' },
  );
  const cni = isRootless()
    ? undefined
    : await readFile('/etc/buildkit/cni.json', 'utf8').catch(() => undefined);
  checks.push({
    name: 'network of RUN',
    status: 'ok',
    found: cni === undefined ? 'host network: no CNI plugins are set up' : 'CNI, from /etc/buildkit/cni.json',
  });
  const free = await readFreeBytes(paths.stateDir);
  const freeText =
    free === undefined ? 'unknown' : `${(free / GIB).toFixed(1)} GiB free on the disk of ${paths.stateDir}`;
  if (free === undefined || free >= COMFORTABLE_FREE_BYTES) {
    checks.push({ name: 'disk', status: 'ok', found: freeText });
  } else {
    checks.push({
      name: 'disk',
      status: free < MINIMUM_FREE_BYTES ? 'fail' : 'warn',
      found: freeText,
      hint: 'free space, prune the cache (bake-ts engine prune), or set BAKE_TS_HOME to another disk',
    });
  }
  return checks;
}

/** Owners of the directories, and whether programs may be started from them. */
async function checkFolders(paths: EnginePaths): Promise<DoctorCheck[]> {
  const notOurs = await checkOwnership(paths);
  const checks: DoctorCheck[] =
    notOurs === undefined
      ? []
      : [{ name: 'folders', status: 'fail', found: notOurs.message, hint: notOurs.hint ?? '' }];
  if ((await mountFlagsOf(paths.dataDir)).includes('noexec')) {
    checks.push({
      name: 'folders',
      status: 'fail',
      found: `${paths.dataDir} is on a file system mounted noexec: no program can be started from it`,
      hint: 'set BAKE_TS_HOME to a directory on another file system',
    });
  }
  return checks;
}

async function checkInstalled(paths: EnginePaths, options: EngineOptions): Promise<DoctorCheck[]> {
  const installation = await readInstallation(paths);
  if (installation === undefined) {
    return [
      {
        name: 'installation',
        status: 'fail',
        found: `none in ${paths.dataDir}`,
        hint: 'bake-ts engine install',
      },
    ];
  }
  const checks: DoctorCheck[] = [{ name: 'installation', status: 'ok', found: installation.dir }];
  for (const spec of PACKAGES) {
    for (const part of spec.parts) {
      const there = installation.parts.get(part);
      if (there === undefined) {
        const isNeeded = neededParts().includes(part);
        if (!isNeeded && part !== 'registry') continue;
        checks.push({
          name: part,
          status: isNeeded ? 'fail' : 'ok',
          found: isNeeded ? 'not installed' : 'not installed (only needed for a local registry)',
          ...(isNeeded ? { hint: 'bake-ts engine install' } : {}),
        });
        continue;
      }
      const checked = await checkProgram(part, there.file, spec, options.env);
      checks.push(
        checked.ok
          ? { name: part, status: 'ok', found: `${there.version}, from ${there.origin}` }
          : {
              name: part,
              status: 'fail',
              found: checked.error.message,
              hint: checked.error.hint ?? 'bake-ts engine install --force',
            },
      );
    }
  }
  return checks;
}

/** Sources of an installation. None is needed once the engine is installed. */
async function checkSources(options: EngineOptions): Promise<DoctorCheck[]> {
  const onPath: string[] = [];
  for (const part of ENGINE_PARTS) {
    const file = await findProgram(part, options.env);
    if (file === undefined) continue;
    const said = await runProgram({
      program: file,
      argv: versionArgs(part),
      env: options.env,
      timeoutMs: 5_000,
    });
    onPath.push(
      `${file} ${findVersion(`${said.stdout}\n${said.stderr}`.replaceAll(file, part)) ?? '(no version)'}`,
    );
  }
  const go = await findProgram('go', options.env);
  const goVersion =
    go === undefined
      ? undefined
      : await runProgram({ program: go, argv: ['env', 'GOVERSION'], env: options.env, timeoutMs: 10_000 });
  const apt = await findProgram('apt-get', options.env);
  return [
    {
      name: 'programs on PATH',
      status: 'ok',
      found: onPath.length === 0 ? 'none of the engine’s programs' : onPath.join(', '),
    },
    {
      name: 'Go',
      status: 'ok',
      found:
        go === undefined
          ? 'not found (needed only to build packages)'
          : `${go} ${goVersion?.stdout.toString().trim() ?? ''}`.trim(),
    },
    { name: 'apt', status: 'ok', found: apt ?? 'not found (needed only to install Debian packages)' },
  ];
}

async function checkRunning(paths: EnginePaths, options: EngineOptions): Promise<DoctorCheck[]> {
  const daemons = await readDaemons(paths);
  const checks: DoctorCheck[] = [];
  for (const { record, alive } of daemons) {
    const serving = alive && (await isServing(record.name, record.address));
    if (serving) {
      const found = `process ${record.pid}, serves at ${record.address}`;
      checks.push({ name: `${record.name} runs`, status: 'ok', found });
      continue;
    }
    const tail = await readTail(record.logFile, 3);
    checks.push({
      name: `${record.name} runs`,
      status: 'fail',
      found: `${alive ? 'it does not answer' : 'it ended by itself'}${tail === '' ? '' : `; its log ends with:\n${tail}`}`,
      hint: `bake-ts engine up starts it again; its log: ${record.logFile}`,
    });
  }
  if (daemons.length === 0) {
    const left = [...(await mountsBelow(paths.runtimeDir)), ...(await mountsBelow(paths.stateDir))];
    checks.push({ name: 'embedded engine', status: 'ok', found: 'does not run' });
    if (left.length > 0) {
      checks.push({
        name: 'leftovers',
        status: 'warn',
        found: `${left.length} mounts of an earlier run`,
        hint: 'bake-ts engine down removes them',
      });
    }
  }
  const buildctl = await findBuildctl(options.env, await readInstallation(paths));
  const runs = daemons.some(({ record, alive }) => record.name === 'buildkitd' && alive);
  if (runs && buildctl.ok) {
    const worker = await readWorker(
      { buildctl: buildctl.value, address: `unix://${paths.buildkitSocket}` },
      options,
    );
    checks.push(
      worker.ok
        ? {
            name: 'worker',
            status: worker.value.executor === 'containerd' ? 'ok' : 'warn',
            found: describeWorker(worker.value),
          }
        : { name: 'worker', status: 'fail', found: worker.error.message, hint: worker.error.detail ?? '' },
    );
  }
  if (!daemons.some(({ record, alive }) => record.name === 'registry' && alive)) {
    const who = await findListener(5000);
    checks.push(
      who === undefined
        ? { name: 'port 5000', status: 'ok', found: 'free for a local registry' }
        : {
            name: 'port 5000',
            status: 'warn',
            found: `taken by ${who}`,
            hint: 'a local registry needs another port: bake-ts engine up --registry-port 5001',
          },
    );
  }
  return checks;
}

/** Other engines, and environment variables about them. */
async function checkOthers(
  options: Omit<FindOptions, 'autoStart'>,
  serving: Result<ServingEngine>,
): Promise<DoctorCheck[]> {
  const checks: DoctorCheck[] = [];
  for (const socket of options.wellKnownSockets ?? wellKnownSockets(options.env)) {
    const answer = await probeSocket({ path: socket });
    const usable = answer.kind === 'accepts' || answer.kind === 'absent';
    const isUsed = serving.ok && serving.value.address === `unix://${socket}`;
    checks.push({
      name: `socket ${socket}`,
      status: usable ? 'ok' : 'warn',
      found:
        answer.kind === 'accepts'
          ? `a daemon listens${isUsed ? '; this engine is used' : ''}`
          : formatAnswer(answer),
      ...(usable
        ? {}
        : {
            hint:
              answer.kind === 'denied' ? MAY_NOT_OPEN : 'it is ignored; remove it if its buildkitd is gone',
          }),
    });
  }
  for (const name of ['BUILDKIT_HOST', 'BUILDCTL', 'BAKE_TS_HOME']) {
    const value = options.env[name] ?? '';
    if (value !== '') checks.push({ name, status: 'ok', found: value });
  }
  return checks;
}
