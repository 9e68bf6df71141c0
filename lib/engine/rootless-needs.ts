/**
 * Checks what an engine without root requires of the machine: helpers that may set ids, subordinate ids, user namespaces, a /proc
 * that may be mounted, /dev/null. Sources: user_namespaces(7), subuid(5), newuidmap(1), rootlesscontaine.rs.
 */
import { access, constants, readFile, realpath, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { type Environment, type Problem, problem } from '../model/mod.ts';
import { findProgram, ownUid, runProgram, whyFailed } from '../system/mod.ts';
import { option } from '../util/option-words.ts';
import { mountFlagsOf } from './host.ts';

/** The result of one check. */
export interface RootlessNeed {
  /** Short name of the check. */
  readonly name: string;
  /** What was found, if it is all right. */
  readonly found: string;
  /** What is wrong; of severity `warning` if an engine works nevertheless. */
  readonly problem?: Problem;
}

const HELPERS = ['newuidmap', 'newgidmap'] as const;

/** Images may have files of any user id up to this number, including `nobody`. */
const ENOUGH_IDS = 65_536;

/** The first subordinate id in most distributions (login.defs(5), SUB_UID_MIN). */
const FIRST_SUB_ID = 100_000;

/**
 * Checks everything that can be checked without starting anything.
 *
 * @param env PATH and USER
 */
export async function lookAtNeeds(env: Environment): Promise<readonly RootlessNeed[]> {
  return Promise.all([checkHelpers(env), checkSubIds(env), checkSwitches(), checkNull(), checkNsenter(env)]);
}

/** Reasons why an engine without root cannot be started, as far as they show without starting anything. */
export async function findRootlessObstacles(env: Environment): Promise<readonly Problem[]> {
  return obstaclesOf(await lookAtNeeds(env));
}

function obstaclesOf(needs: readonly RootlessNeed[]): readonly Problem[] {
  return needs.flatMap(({ problem: found }) => (found?.severity === 'error' ? [found] : []));
}

/**
 * Creates namespaces like the engine's for a moment and inspects them. Use it if nothing else explains why an engine does not
 * start.
 *
 * @param rootlesskit its absolute path
 * @returns `found`: the number of ids
 */
export async function tryNamespaces(rootlesskit: string, env: Environment): Promise<RootlessNeed> {
  const name = 'user namespaces';
  const cat = await findProgram('cat', env);
  if (cat === undefined) return { name, found: 'not checked: cat is not on PATH' };
  const tried = await runProgram({
    program: rootlesskit,
    argv: ['--net=host', '--pidns', '--copy-up=/run', cat, '/proc/self/uid_map'],
    env,
    timeoutMs: 20_000,
  });
  const said = tried.stderr.trim();
  const ids = tried.stdout
    .toString()
    .split('\n')
    .reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[2] ?? 0), 0);
  if (tried.exitCode === 0 && !/failed to mount procfs/.test(said))
    return { name, found: `available, with ${ids} ids` };
  if (/failed to mount procfs/.test(said)) {
    return {
      name,
      found: '',
      problem: problem('engine/no-proc', '/proc cannot be mounted in a namespace: every RUN would fail', {
        hint:
          'start this container with --security-opt systempaths=unconfined, so that no part of /proc is hidden\n' +
          `(Kubernetes: securityContext.procMount: Unmasked), or use an engine outside with ${option('--addr')}`,
        detail: said,
      }),
    };
  }
  return { name, found: '', problem: await explainRefusal(rootlesskit, said || whyFailed(tried)) };
}

async function explainRefusal(rootlesskit: string, said: string): Promise<Problem> {
  const restricted = (await readNumber('/proc/sys/kernel/apparmor_restrict_unprivileged_userns')) === 1;
  if (!restricted) {
    return problem('engine/no-namespaces', 'the kernel does not let this user create a user namespace', {
      hint: `in a container: seccomp or SELinux may forbid it; use an engine outside of it with ${option('--addr')}`,
      detail: said,
    });
  }
  const real = await realpath(rootlesskit).catch(() => rootlesskit);
  // Each installation has its own directory.
  const pattern = real.replace(/\/versions\/[^/]+\//, '/versions/*/');
  return problem('engine/no-namespaces', 'AppArmor does not let this user create a user namespace', {
    hint: `as root, once, allow it for rootlesskit: write these lines to /etc/apparmor.d/bake-ts-rootlesskit:
abi <abi/4.0>,
include <tunables/global>
${pattern} flags=(unconfined) {
  userns,
}
then: apparmor_parser -r /etc/apparmor.d/bake-ts-rootlesskit`,
    detail: said,
  });
}

/**
 * Checks the two programs that map the ids of a namespace. They come from the distribution, since only root can give them the
 * right to do that.
 */
async function checkHelpers(env: Environment): Promise<RootlessNeed> {
  const name = HELPERS.join(', ');
  const wrong = (message: string, hint: string): RootlessNeed => ({
    name,
    found: '',
    problem: problem('engine/no-uidmap', message, { hint }),
  });
  const files: string[] = [];
  for (const helper of HELPERS) {
    const file = await findProgram(helper, env);
    const osRelease = await readFile('/etc/os-release', 'utf8').catch(() => '');
    if (file === undefined) {
      return wrong(
        `${helper} is not on PATH: a rootless engine needs it for users in images`,
        uidmapLines(osRelease).join('\n'),
      );
    }
    const refused = await whyPowerless(file, env);
    if (refused !== undefined) return wrong(`${file} does not work: ${refused.why}`, refused.mend);
    files.push(file);
  }
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  if (/^NoNewPrivs:\s*1/m.test(status)) {
    return wrong(
      'newuidmap does not work: this process may not gain privileges (no_new_privs)',
      'in Kubernetes: allowPrivilegeEscalation: true; in Docker: without --security-opt no-new-privileges; in systemd: NoNewPrivileges=no',
    );
  }
  return { name, found: files.join(', ') };
}

/** Why a helper lacks the rights that it needs; undefined if no reason is found. */
async function whyPowerless(
  file: string,
  env: Environment,
): Promise<{ readonly why: string; readonly mend: string } | undefined> {
  const { mode, uid } = await stat(file);
  if ((mode & 0o4000) === 0 || uid !== 0) {
    const getcap = await findProgram('getcap', env);
    // Some distributions use a capability instead of setuid.
    const said =
      getcap === undefined
        ? undefined
        : await runProgram({ program: getcap, argv: [await realpath(file)], env, timeoutMs: 5_000 });
    if (said === undefined || !/cap_set[ug]id/.test(said.stdout.toString())) {
      return {
        why: 'it is neither setuid root nor has it the capability to set ids',
        mend: `as root, once: chown root ${file} && chmod u+s ${file}, or reinstall its package`,
      };
    }
  }
  if ((await mountFlagsOf(file)).includes('nosuid')) {
    return {
      why: 'it is on a file system mounted nosuid',
      mend: `as root: mount -o remount,suid for the file system of ${file}, or use another machine`,
    };
  }
  return undefined;
}

/** Commands that install the helpers, the one for this distribution first. */
export function uidmapLines(osRelease: string): readonly string[] {
  const field = (key: string): string =>
    new RegExp(`^${key}=(.*)$`, 'm').exec(osRelease)?.[1]?.replaceAll('"', '') ?? '';
  const ids = `${field('ID')} ${field('ID_LIKE')}`.split(' ');
  const lines = [
    { ids: ['debian', 'ubuntu'], line: 'apt-get install uidmap', label: 'Debian, Ubuntu' },
    {
      ids: ['fedora', 'rhel', 'centos'],
      line: 'dnf install shadow-utils',
      label: 'Fedora, RHEL',
    },
    { ids: ['alpine'], line: 'apk add shadow-uidmap', label: 'Alpine' },
    { ids: ['arch'], line: 'pacman -S shadow', label: 'Arch' },
  ];
  const isOurs = (line: (typeof lines)[number]): boolean => line.ids.some((id) => ids.includes(id));
  return [...lines]
    .sort((one, other) => Number(isOurs(other)) - Number(isOurs(one)))
    .map(({ line, label }, at) => `${at === 0 ? 'as root, once' : 'or'}: ${line} (${label})`);
}

/** Checks the subordinate ids of the user. */
async function checkSubIds(env: Environment): Promise<RootlessNeed> {
  const name = 'ids for a namespace';
  const uid = ownUid();
  const user = userName(env);
  const counts: number[] = [];
  let firstFree = FIRST_SUB_ID;
  const getsubids = await findProgram('getsubids', env);
  for (const [file, flags] of [
    ['/etc/subuid', []],
    ['/etc/subgid', ['-g']],
  ] as const) {
    const ranges = parseSubIds(await readFile(file, 'utf8').catch(() => ''));
    let count = ranges
      .filter(({ owner }) => owner === user || owner === String(uid))
      .reduce((sum, range) => sum + range.count, 0);
    // They may also be configured elsewhere (nsswitch.conf, `subid`), which this program reads.
    if (count === 0 && getsubids !== undefined) {
      const said = await runProgram({
        program: getsubids,
        argv: [...flags, user],
        env,
        timeoutMs: 5_000,
      });
      if (said.exitCode === 0) {
        for (const line of said.stdout.toString().split('\n'))
          count += Number(line.trim().split(/\s+/)[3] ?? 0);
      }
    }
    counts.push(count);
    for (const { start, count: size } of ranges) firstFree = Math.max(firstFree, start + size);
  }
  const [uids = 0, gids = 0] = counts;
  const least = Math.min(uids, gids);
  if (least >= ENOUGH_IDS) return { name, found: `${uids} users, ${gids} groups` };
  const range = `${firstFree}-${firstFree + ENOUGH_IDS - 1}`;
  const hint = `as root, once: usermod --add-subuids ${range} --add-subgids ${range} ${user}`;
  if (least === 0) {
    const files = [...(uids === 0 ? ['/etc/subuid'] : []), ...(gids === 0 ? ['/etc/subgid'] : [])];
    return {
      name,
      found: '',
      problem: problem(
        'engine/no-subids',
        `${user} has no ids in ${files.join(' and ')}: images could have no user but root`,
        { hint },
      ),
    };
  }
  return {
    name,
    found: `${uids} users, ${gids} groups`,
    problem: problem(
      'engine/few-subids',
      `${user} has ${uids} users and ${gids} groups for namespaces: images with files of higher ids cannot be unpacked`,
      { severity: 'warning', hint },
    ),
  };
}

/** Parses the lines of /etc/subuid or /etc/subgid; invalid lines are left out (subuid(5)). */
export function parseSubIds(
  text: string,
): readonly { readonly owner: string; readonly start: number; readonly count: number }[] {
  return text.split('\n').flatMap((line) => {
    const [, owner, start, count] = /^([^:#\s]+):(\d+):(\d+)\s*$/.exec(line) ?? [];
    return owner === undefined ? [] : [{ owner, start: Number(start), count: Number(count) }];
  });
}

function userName(env: Environment): string {
  try {
    return userInfo().username;
  } catch {
    return env['USER'] ?? String(ownUid());
  }
}

/** Checks kernel settings that disable user namespaces for everybody. */
async function checkSwitches(): Promise<RootlessNeed> {
  const name = 'kernel’s switches';
  for (const [file, wanted] of [
    ['/proc/sys/user/max_user_namespaces', 15_000],
    ['/proc/sys/kernel/unprivileged_userns_clone', 1],
  ] as const) {
    if ((await readNumber(file)) !== 0) continue;
    const key = file.replace('/proc/sys/', '').replaceAll('/', '.');
    return {
      name,
      found: '',
      problem: problem('engine/no-namespaces', `user namespaces are disabled here (${key} is 0)`, {
        hint: `as root: sysctl -w ${key}=${wanted}, and the same line in /etc/sysctl.d/ to keep it`,
      }),
    };
  }
  return { name, found: 'user namespaces are enabled' };
}

async function checkNull(): Promise<RootlessNeed> {
  const name = '/dev/null';
  const isWritable = await access('/dev/null', constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  if (isWritable) return { name, found: 'may be written' };
  return {
    name,
    found: '',
    problem: problem('engine/no-null', 'this user cannot write to /dev/null: no container can be started', {
      hint: 'as root: chmod 666 /dev/null',
    }),
  };
}

async function checkNsenter(env: Environment): Promise<RootlessNeed> {
  const name = 'nsenter';
  const file = await findProgram(name, env);
  if (file !== undefined) return { name, found: file };
  return { name, found: '', problem: noNsenter() };
}

/** The problem for a machine without nsenter. */
export function noNsenter(): Problem {
  return problem(
    'engine/no-nsenter',
    'nsenter is not on PATH: buildkitd cannot join containerd’s namespaces',
    {
      hint: 'install util-linux',
    },
  );
}

async function readNumber(file: string): Promise<number | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number(text.trim());
}
