/**
 * Which engine a run uses. A named one is used or refused, never passed over; only the well-known sockets are a matter
 * of looking. Nothing is spawned where a socket answers: it costs a connection or two.
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

/** Where to look for an engine. */
export interface FindOptions extends EngineOptions {
  /** `--addr`, each time that it was given. */
  readonly flagAddress?: string | readonly string[];
  /** `engine` of builds.yaml. */
  readonly settings?: EngineSettings;
  /** `registries` of builds.yaml: set in the embedded engine where it is started. */
  readonly registries?: Registries;
  /** Where a pool is named, the first of its engines that answers is taken; default: that is a problem. */
  readonly anyOfPool?: boolean;
  /** Start the embedded engine where it is installed and nothing else was found. */
  readonly autoStart: boolean;
  /** Instead of the sockets that buildkitd and its rootless variant are known for. */
  readonly wellKnownSockets?: readonly string[];
}

/** The engine to use. */
export interface Engine extends EngineTarget {
  /** How it was found: `--addr` or `address`, `BUILDKIT_HOST`, builds.yaml, a well-known socket, or the embedded engine. */
  readonly kind: 'flag' | 'environment' | 'file' | 'well-known' | 'embedded';
  /** What led to it, in words. */
  readonly source: string;
  /** Absolute path of buildctl. */
  readonly buildctl: string;
  /** Known where it is the embedded engine. */
  readonly containerd?: ContainerdAccess;
  /** True where it had to be started. */
  readonly started: boolean;
  /** What was looked at and passed over, and what is worth knowing. */
  readonly notes: readonly string[];
  /** `engine/registries-untold`, for the embedded engine only. */
  readonly warnings: readonly Problem[];
  /** What to do where this engine does not trust or understand a registry; undefined: `registries` says nothing of any. */
  readonly registryHint?: string;
}

/**
 * Finds the engine: `--addr`, `BUILDKIT_HOST`, builds.yaml, the well-known sockets, the embedded engine, in this order.
 * Problems: `engine/several` where a pool is named, `engine/bad-address`, `engine/tls-files`, `engine/tls-mismatch`,
 * `engine/client-certificate`, `engine/server-certificate`, `engine/unreachable`, `engine/denied`, `engine/none-found`, `engine/not-running`, `engine/no-buildctl`,
 * and those of {@link upEngine}.
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
 * The sockets of a system-wide and of a rootless buildkitd (buildkit util/appdefaults/appdefaults_unix.go); where the runtime does
 * not say who runs this, what that takes goes to `withheld`. Where no engine can run, those of virtual machines.
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

/** One after the other, in their order; what is wrong with each is said where none answers. */
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
  return problem('engine/several', `a pool of engines is named (${shown}), and this is for one`, {
    hint: `say which: ${option('--addr')}`,
  });
}

/**
 * What is wrong with an address that somebody named. Those that go through another program are left to buildctl, and on Windows
 * sockets and pipes.
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
          ? 'run as a user who may open it (root, or a member of its group)'
          : 'start it, or leave the address out to use another engine',
      temporary: answer.kind !== 'denied',
    },
  );
}

/**
 * Whether an engine at a port speaks as it is spoken to. Where that is not certain, buildctl has the say: what it believes is its own
 * matter, and what this runtime believes may differ.
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

/** What was found before the embedded engine and is of no use: in words, and the sockets that this user may not open. */
interface PassedOver {
  readonly notes: string[];
  readonly denied: readonly string[];
  /** What the runtime did not let us look at. */
  readonly withheld: Permission[];
}

/** Of a socket that may not be opened nobody here can tell whether anybody listens; mostly somebody does. */
function deniedSockets(sockets: readonly string[]): Problem {
  return problem(
    'engine/denied',
    `this user may not open ${sockets.join(' or ')}, where buildkitd listens, and no other engine was found`,
    {
      hint:
        'run as root, or as a member of the group that buildkitd gives its socket to (buildkitd --group)\n' +
        `or start a rootless buildkitd, whose socket is found by itself; or name another engine: ${option('--addr')}, BUILDKIT_HOST\n` +
        'or install one of bake-ts’s own: bake-ts engine install',
    },
  );
}

/** No engine was named and none answers, on a system on which none can run. */
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
    `there is no BuildKit engine: none was named, and none can run on ${nameOfSystem(system)}`,
    { hint: engineElsewhere(system), ...(notes.length === 0 ? {} : { detail: notes.join('\n') }) },
  );
}

/** Whether the embedded engine is to be had; the value says whether it had to be started. */
async function findEmbedded(
  paths: EnginePaths,
  installation: Installation | undefined,
  options: FindOptions,
  { notes, denied, withheld }: PassedOver,
): Promise<Result<boolean>> {
  const notOurs = await checkOwnership(paths).catch((error): undefined => {
    const missing = missingPermissions(error) ?? thrown(error);
    // Below this user's own folders nobody else could have put anything.
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
  // Of one that is installed nobody can tell whether it runs.
  if (installation !== undefined && unseen.length > 0) return fail([permissionProblem(unseen)]);
  const missing = neededParts().filter((part) => installation?.parts.has(part) !== true);
  if (missing.length > 0) {
    if (withheld.length > 0) return fail([permissionProblem(withheld)]);
    if (denied.length > 0) return fail([deniedSockets(denied)]);
    if (installation !== undefined) return fail([notInstalled(missing)]);
    return fail([
      problem(
        'engine/none-found',
        'there is no BuildKit engine: none was named, none listens, and none is installed',
        {
          hint:
            'install one of bake-ts’s own, in a folder of its own: bake-ts engine install\n' +
            `or name one that runs: ${option('--addr')}, BUILDKIT_HOST, or engine.address in builds.yaml`,
          ...(notes.length === 0 ? {} : { detail: notes.join('\n') }),
        },
      ),
    ]);
  }
  if (!options.autoStart) {
    return fail([
      problem('engine/not-running', 'the embedded engine does not run', {
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
