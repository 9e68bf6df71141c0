/**
 * Finds the engine that a run uses. A specified one is used or refused, never skipped; only well-known sockets are tried in turn.
 * If a socket answers, no program is started: it costs only a connection or two.
 */
import path from 'node:path';
import {
  type EngineNames,
  type EngineSettings,
  type EngineTarget,
  type Environment,
  fail,
  namedEngine,
  namedPool,
  ok,
  type PoolEntry,
  type Problem,
  problem,
  type Result,
  tlsFor,
} from '../model/mod.ts';
import { isWithin, ownUid, type System, thisSystem } from '../system/mod.ts';
import { option } from '../util/option-words.ts';
import { missingPermissions, type Permission, permissionProblem } from '../util/permission.ts';
import { checkAddress, targetOfAddress } from './address.ts';
import type { EngineTool } from './ask-buildctl.ts';
import { engineElsewhere, nameOfSystem, socketsElsewhere } from './elsewhere.ts';
import { findBuildctl } from './find-buildctl.ts';
import type { ContainerdAccess } from './images.ts';
import { type Installation, readInstallation } from './installation.ts';
import type { EngineOptions } from './notice.ts';
import { checkOwnership } from './ownership.ts';
import { type EnginePaths, enginePaths } from './paths.ts';
import { checkRegistrySettings, type Registries, registriesHint } from './registries.ts';
import { neededParts } from './rootless.ts';
import { formatAnswer, probeSocket } from './socket.ts';
import { notInstalled, upEngine } from './up.ts';
import { readWorker } from './worker.ts';

/** How to find an engine. */
export interface FindOptions extends EngineOptions {
  /** All values of `--addr`. */
  readonly flagAddress?: string | readonly string[];
  /** `engine` of builds.yaml. */
  readonly settings?: EngineSettings;
  /** `registries` of builds.yaml: configured in the embedded engine if it is started. */
  readonly registries?: Registries;
  /** Use the first engine of a pool that answers; default: a pool is a problem. */
  readonly anyOfPool?: boolean;
  /** Start the embedded engine if it is installed and no other was found. */
  readonly autoStart: boolean;
  /** Replaces the well-known sockets of buildkitd and rootless buildkitd. */
  readonly wellKnownSockets?: readonly string[];
}

/** The engine to use. */
export interface Engine extends EngineTarget {
  /** How it was found: `--addr` or `address`, `BUILDKIT_HOST`, builds.yaml, a well-known socket, or the embedded engine. */
  readonly kind: 'flag' | 'environment' | 'file' | 'well-known' | 'embedded';
  /** The setting that led to it, as text. */
  readonly source: string;
  /** Absolute path of buildctl. */
  readonly buildctl: string;
  /** Known for the embedded engine. */
  readonly containerd?: ContainerdAccess;
  /** Whether it had to be started. */
  readonly started: boolean;
  /** What was checked and skipped, and other remarks. */
  readonly notes: readonly string[];
  /** `engine/registries-untold`, for the embedded engine only. */
  readonly warnings: readonly Problem[];
  /** What to do if this engine cannot use a registry; undefined if `registries` has no settings. */
  readonly registryHint?: string;
}

/**
 * Finds the engine: `--addr`, `BUILDKIT_HOST`, builds.yaml, the well-known sockets, the embedded engine, in this order. Problems:
 * `engine/several` if a pool is specified, `engine/bad-address`, `engine/tls-files`, `engine/tls-mismatch`,
 * `engine/client-certificate`, `engine/server-certificate`, `engine/unreachable`, `engine/denied`, `engine/none-found`,
 * `engine/not-running`, `engine/no-buildctl`, and those of {@link upEngine}.
 */
export async function findEngine(
  options: FindOptions,
  system: System = thisSystem(),
): Promise<Result<Engine>> {
  const paths = enginePaths(options.env);
  const withheld: Permission[] = [];
  const hidden = (error: unknown): undefined => {
    withheld.push(...(missingPermissions(error) ?? thrown(error)));
  };
  const installation = await readInstallation(paths).catch(hidden);
  const names = { flagAddresses: options.flagAddress, env: options.env, settings: options.settings };
  const pool = namedPool(names);
  if (pool !== undefined && options.anyOfPool !== true) return fail([severalNamed(pool)]);
  if (pool !== undefined) return findAnyOf(pool, options, system);
  const named = pickNamed(names);
  const notes: string[] = [];
  const denied: string[] = [];
  let choice: Pick<Engine, 'address' | 'kind' | 'source'> | undefined = named;
  if (named !== undefined) {
    const refused = await checkNamed(named, system, options.signal);
    if (refused !== undefined) return fail([refused]);
  } else {
    for (const socket of options.wellKnownSockets ?? wellKnownSockets(options.env, withheld, system)) {
      const answer = await probeSocket({ path: socket }, undefined, options.signal);
      if (answer.kind === 'accepts') {
        choice = { address: `unix://${socket}`, kind: 'well-known', source: `the socket ${socket}` };
        break;
      }
      if (answer.kind === 'denied') denied.push(socket);
      if (answer.kind === 'withheld') withheld.push(...answer.missing);
      if (answer.kind !== 'absent') notes.push(`the socket ${socket} ${formatAnswer(answer)}`);
    }
  }
  let started = false;
  if (choice === undefined) {
    if (system !== 'linux') return fail([noneElsewhere(system, denied, withheld, notes)]);
    const embedded = await findEmbedded(paths, installation, options, { notes, denied, withheld });
    if (!embedded.ok) return embedded;
    started = embedded.value;
    choice = { address: `unix://${paths.buildkitSocket}`, kind: 'embedded', source: 'the embedded engine' };
  }
  const buildctl = await findBuildctl(options.env, installation, system);
  if (!buildctl.ok) return fail([buildctl.error]);
  const tls = tlsFor(choice.address, options.settings);
  const target = { address: choice.address, ...(tls === undefined ? {} : { tls }) };
  const misled = await checkSpeech({ ...target, buildctl: buildctl.value }, system, options);
  if (misled.length > 0) return fail(misled);
  const ctr = installation?.parts.get('ctr')?.file;
  const isOurs = choice.address === `unix://${paths.buildkitSocket}` && ctr !== undefined;
  const registries = options.registries ?? new Map();
  const outdated = isOurs ? await checkRegistrySettings(paths, registries) : undefined;
  const registryHint = isOurs ? outdated?.hint : registriesHint(registries);
  return ok({
    ...choice,
    ...target,
    buildctl: buildctl.value,
    ...(isOurs ? { containerd: { socket: paths.containerdSocket, namespace: paths.namespace, ctr } } : {}),
    started,
    notes,
    warnings: outdated === undefined ? [] : [outdated],
    ...(registryHint === undefined ? {} : { registryHint }),
  });
}

/**
 * The sockets of a system-wide and of a rootless buildkitd (buildkit util/appdefaults/appdefaults_unix.go), or on other systems
 * those of virtual machines. Permissions that are missing to find out the user are added to `withheld`.
 */
export function wellKnownSockets(
  env: Environment,
  withheld: Permission[] = [],
  system: System = thisSystem(),
): readonly string[] {
  if (system !== 'linux') return socketsElsewhere(env, system);
  const shared = '/run/buildkit/buildkitd.sock';
  const runtimeDir = env['XDG_RUNTIME_DIR'] ?? '';
  try {
    const userDir = path.isAbsolute(runtimeDir) ? runtimeDir : `/run/user/${ownUid()}`;
    return [shared, path.join(userDir, 'buildkit/buildkitd.sock')];
  } catch (error) {
    withheld.push(...(missingPermissions(error) ?? thrown(error)));
    return [shared];
  }
}

function thrown(error: unknown): never {
  throw error;
}

const FLAG = '--addr';

const SOURCES = { flag: FLAG, environment: 'BUILDKIT_HOST', file: 'engine.address in builds.yaml' } as const;

function pickNamed(names: EngineNames): Pick<Engine, 'address' | 'kind' | 'source'> | undefined {
  const named = namedEngine(names);
  return named === undefined ? undefined : { ...named, source: SOURCES[named.kind] };
}

/** Tries the engines in order; if none answers, returns the problem of each. */
async function findAnyOf(
  pool: readonly PoolEntry[],
  options: FindOptions,
  system: System,
): Promise<Result<Engine>> {
  const { listMembers } = await import('./pool.ts');
  const { members, problems } = await listMembers(pool, options);
  const wrong = [...problems];
  for (const { address } of members) {
    const found = await findEngine({ ...options, flagAddress: address }, system);
    if (found.ok) return ok({ ...found.value, source: 'the first of the pool that answers' });
    wrong.push(...found.error);
    if (options.signal?.aborted === true) break;
  }
  return fail(wrong);
}

function severalNamed(pool: readonly PoolEntry[]): Problem {
  const names = pool.map(({ address, kubernetes }) => address ?? `the pods with ${kubernetes?.selector}`);
  const shown =
    names.length > 4 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
  return problem(
    'engine/several',
    `a pool of engines is configured (${shown}), but this command takes one engine`,
    {
      hint: `name it: ${option('--addr')}`,
    },
  );
}

/**
 * Checks a specified address. Addresses that need another program, and on Windows sockets and pipes, are left to buildctl.
 */
async function checkNamed(
  { address, source }: Pick<Engine, 'address' | 'source'>,
  system: System,
  signal: AbortSignal | undefined,
): Promise<Problem | undefined> {
  const from = source === FLAG ? option(FLAG) : source;
  const wrong = checkAddress(address, from, system);
  if (wrong !== undefined) return wrong;
  const target = targetOfAddress(address, system);
  if (target === undefined) return undefined;
  const answer = await probeSocket(target, 3_000, signal);
  if (answer.kind === 'accepts') return undefined;
  if (answer.kind === 'withheld') return permissionProblem(answer.missing);
  const what =
    'path' in target ? `the socket ${target.path}` : `the address ${address.slice('tcp://'.length)}`;
  return problem(
    'engine/unreachable',
    `there is no buildkitd at ${address} (from ${from}): ${what} ${formatAnswer(answer)}`,
    {
      hint:
        answer.kind === 'denied'
          ? 'run as root or as a member of its group'
          : 'start it, or remove the address to use another engine',
      temporary: answer.kind !== 'denied',
    },
  );
}

/**
 * Checks that client and engine at a port agree about TLS. If that is not certain, buildctl decides: it may trust other
 * authorities than this runtime.
 */
async function checkSpeech(
  engine: EngineTool,
  system: System,
  options: FindOptions,
): Promise<readonly Problem[]> {
  const { address, tls } = engine;
  const target = targetOfAddress(address, system);
  if (target === undefined || 'path' in target) return [];
  const [{ speakTo }, { checkTlsFiles }] = await Promise.all([
    import('./handshake.ts'),
    import('./tls-files.ts'),
  ]);
  const wrong = tls === undefined ? [] : await checkTlsFiles(tls);
  if (wrong.length > 0) return wrong;
  const heard = await speakTo(target, tls, options.signal);
  if (heard === 'answers' || (tls === undefined && heard !== 'tls')) return [];
  const worker = await readWorker(engine, options);
  return worker.ok ? [] : [worker.error];
}

/** Engines that were skipped before the embedded one: as text, and the sockets that this user may not open. */
interface PassedOver {
  readonly notes: string[];
  readonly denied: readonly string[];
  /** Permissions that the runtime did not grant. */
  readonly withheld: Permission[];
}

/** Whether anything listens on a socket that may not be opened is unknown, but likely. */
function deniedSockets(sockets: readonly string[]): Problem {
  return problem(
    'engine/denied',
    `this user may not open ${sockets.join(' or ')}, where buildkitd listens, and no other engine was found`,
    {
      hint:
        'run as root, or as a member of the group of the socket (buildkitd --group)\n' +
        `or start a rootless buildkitd (bake-ts finds its socket), or name another engine: ${option('--addr')}, BUILDKIT_HOST\n` +
        'or install the embedded engine: bake-ts engine install',
    },
  );
}

/** No engine was specified and none answers, on a system where none can run. */
function noneElsewhere(
  system: System,
  denied: readonly string[],
  withheld: readonly Permission[],
  notes: readonly string[],
): Problem {
  if (withheld.length > 0) return permissionProblem(withheld);
  if (denied.length > 0) return deniedSockets(denied);
  return problem(
    'engine/none-found',
    `there is no BuildKit engine: none is configured, and the embedded one cannot run on ${nameOfSystem(system)}`,
    { hint: engineElsewhere(system), ...(notes.length === 0 ? {} : { detail: notes.join('\n') }) },
  );
}

/** Whether the embedded engine is available; the value tells whether it had to be started. */
async function findEmbedded(
  paths: EnginePaths,
  installation: Installation | undefined,
  options: FindOptions,
  { notes, denied, withheld }: PassedOver,
): Promise<Result<boolean>> {
  const notOurs = await checkOwnership(paths).catch((error): undefined => {
    const missing = missingPermissions(error) ?? thrown(error);
    // Nobody else can write below this user's own directories.
    if (!isWithin(paths.runtimeDir, [paths.stateDir])) withheld.push(...missing);
  });
  if (notOurs !== undefined) return fail([notOurs]);
  if (withheld.length > 0 && !isWithin(paths.runtimeDir, [paths.stateDir]))
    return fail([permissionProblem(withheld)]);
  const [buildkitd, containerd] = await Promise.all([
    probeSocket({ path: paths.buildkitSocket }, undefined, options.signal),
    probeSocket({ path: paths.containerdSocket }, undefined, options.signal),
  ]);
  if (buildkitd.kind === 'accepts' && containerd.kind === 'accepts') return ok(false);
  const unseen = [buildkitd, containerd].flatMap((one) => (one.kind === 'withheld' ? one.missing : []));
  // Without these permissions it is unknown whether an installed engine runs.
  if (installation !== undefined && unseen.length > 0) return fail([permissionProblem(unseen)]);
  const missing = neededParts().filter((part) => installation?.parts.has(part) !== true);
  if (missing.length > 0) {
    if (withheld.length > 0) return fail([permissionProblem(withheld)]);
    if (denied.length > 0) return fail([deniedSockets(denied)]);
    if (installation !== undefined) return fail([notInstalled(missing)]);
    return fail([
      problem(
        'engine/none-found',
        'there is no BuildKit engine: none is configured, none listens, and none is installed',
        {
          hint:
            'install the embedded engine, in its own directory: bake-ts engine install\n' +
            `or name a running one: ${option('--addr')}, BUILDKIT_HOST, or engine.address in builds.yaml`,
          ...(notes.length === 0 ? {} : { detail: notes.join('\n') }),
        },
      ),
    ]);
  }
  if (!options.autoStart) {
    return fail([
      problem('engine/not-running', 'the embedded engine is not running', {
        hint: 'start it: bake-ts engine up',
      }),
    ]);
  }
  const up = await upEngine({
    env: options.env,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.notify === undefined ? {} : { notify: options.notify }),
    ...(options.registries === undefined ? {} : { registries: options.registries }),
  });
  if (!up.ok) return up;
  for (const warning of up.value.warnings) notes.push(warning.message);
  return ok(up.value.started.length > 0);
}
