/**
 * Upgrades the embedded engine: the pinned versions are installed beside the current ones, then the daemons are restarted. Images
 * and caches are kept. If the new daemons do not start, the old version is restored.
 */
import { readlink } from 'node:fs/promises';
import { fail, ok, type Problem, problem, type Result } from '../model/mod.ts';
import { readDaemons } from './daemon.ts';
import { downEngine } from './down.ts';
import { countRunningBuilds } from './history.ts';
import { type InstallOptions, installEngine } from './install.ts';
import { type Installation, readInstallation, useInstallation } from './installation.ts';
import { portOf } from './is-serving.ts';
import { findOutdated, type OutdatedPackage } from './outdated.ts';
import { type EnginePaths, enginePaths } from './paths.ts';
import { neededParts } from './rootless.ts';
import { notInstalled, upEngine } from './up.ts';

/** How to upgrade. */
export interface UpgradeOptions
  extends Pick<InstallOptions, 'env' | 'signal' | 'notify' | 'from' | 'mirror' | 'files' | 'checksums'> {
  /** Only compare versions. */
  readonly check?: boolean;
  /** Restart the engine even if builds run: they fail, and runs of bake-ts start them again. */
  readonly restart?: boolean;
}

/** The result of an upgrade. */
export interface UpgradeReport {
  /** Packages that were older than the pinned ones. */
  readonly outdated: readonly OutdatedPackage[];
  /** Those that are still older, because no source had a newer version. */
  readonly remaining: readonly OutdatedPackage[];
  /** What is installed now. */
  readonly installation: Installation;
  /**
   * State of the engine: not running (`stopped`), already running the installed version (`current`), restarted with it
   * (`restarted`), or still running the old version until the next `up`, since builds run (`pending`).
   */
  readonly engine: 'stopped' | 'current' | 'restarted' | 'pending';
  /** Why the upgrade is pending, or why a package is still old. */
  readonly warnings: readonly Problem[];
}

/**
 * Upgrades the embedded engine to the pinned versions.
 *
 * @returns what was done; problems: those of `installEngine`, `upEngine` and `downEngine`, `engine/upgrade-failed`
 */
export async function upgradeEngine(options: UpgradeOptions): Promise<Result<UpgradeReport>> {
  const { check, restart, ...installing } = options;
  const paths = enginePaths(options.env);
  const before = await readInstallation(paths);
  if (before === undefined) return fail([notInstalled([])]);
  const outdated = findOutdated(before);
  if (check === true) {
    const engine = await stateOf(paths, before);
    const state = engine === 'current' || engine === 'stopped' ? engine : 'pending';
    return ok({ outdated, remaining: outdated, installation: before, engine: state, warnings: [] });
  }
  const warnings: Problem[] = [];
  let installation = before;
  if (outdated.length > 0) {
    const parts = [...new Set([...neededParts(), ...before.parts.keys()])];
    const installed = await installEngine({ ...installing, parts, onlyPinned: true });
    if (!installed.ok) return installed;
    installation = installed.value.installation;
    warnings.push(...installed.value.warnings);
  }
  const remaining = findOutdated(installation);
  const switched = await changeOver(paths, before, installation, options);
  if (!switched.ok) return switched;
  const { engine, warning } = switched.value;
  return ok({
    outdated,
    remaining,
    installation,
    engine,
    warnings: warning === undefined ? warnings : [...warnings, warning],
  });
}

/** Whether daemons run, and from which installation. */
async function stateOf(
  paths: EnginePaths,
  installation: Installation,
): Promise<'stopped' | 'current' | 'other'> {
  const running = (await readDaemons(paths)).filter(({ alive }) => alive);
  if (running.length === 0) return 'stopped';
  const isCurrent = running.every(({ record }) => record.file.startsWith(`${installation.binDir}/`));
  return isCurrent ? 'current' : 'other';
}

interface ChangeOver {
  readonly engine: UpgradeReport['engine'];
  readonly warning?: Problem;
}

async function changeOver(
  paths: EnginePaths,
  before: Installation,
  now: Installation,
  options: UpgradeOptions,
): Promise<Result<ChangeOver>> {
  const state = await stateOf(paths, now);
  if (state !== 'other') return ok({ engine: state });
  if (options.restart !== true) {
    const builds = await countBuilds(paths, now, options);
    if (builds !== 0) return ok({ engine: 'pending', warning: pending(builds) });
  }
  const { env, signal, notify } = options;
  const registry = (await readDaemons(paths)).find((one) => one.record.name === 'registry' && one.alive);
  const port = portOf(registry?.record.address);
  const going = { env, ...(notify === undefined ? {} : { notify }) };
  const starting = {
    ...going,
    ...(signal === undefined ? {} : { signal }),
    ...(port === undefined ? {} : { registry: port }),
  };
  // Once it is down it must be started again, even if the call is cancelled.
  const down = await downEngine(going);
  if (!down.ok) return down;
  const up = await upEngine(starting);
  if (up.ok) return ok({ engine: 'restarted' });
  return fail([await takeBack(paths, before, up.error, going)]);
}

/** The number of running builds; undefined if the engine does not report it. */
async function countBuilds(
  paths: EnginePaths,
  installation: Installation,
  options: UpgradeOptions,
): Promise<number | undefined> {
  const buildctl = installation.parts.get('buildctl')?.file;
  if (buildctl === undefined) return undefined;
  const running = await countRunningBuilds({ buildctl, address: `unix://${paths.buildkitSocket}` }, options);
  if (running.ok) return running.value;
  // A dead engine runs no builds.
  const alive = (await readDaemons(paths)).some(({ record, alive }) => record.name === 'buildkitd' && alive);
  return alive ? undefined : 0;
}

function pending(builds: number | undefined): Problem {
  const why =
    builds === undefined
      ? 'it is unknown whether builds run'
      : builds === 1
        ? 'a build runs'
        : `${builds} builds run`;
  return problem('engine/upgrade-pending', `the engine was not upgraded, since ${why}`, {
    severity: 'warning',
    hint: 'The new version is installed. Switch later: bake-ts engine upgrade; or now (running builds fail): bake-ts engine upgrade --restart',
  });
}

/** Selects the previous installation again and starts it. */
async function takeBack(
  paths: EnginePaths,
  before: Installation,
  why: readonly Problem[],
  going: Pick<UpgradeOptions, 'env' | 'notify'>,
): Promise<Problem> {
  const target = await readlink(paths.currentLink).catch(() => undefined);
  await useInstallation(paths, before.id);
  const up = await upEngine(going);
  const [first] = why;
  return problem('engine/upgrade-failed', `the new engine does not start: ${first?.message ?? 'unknown'}`, {
    hint: up.ok
      ? 'The previous version runs again. Find out why the new one did not start: bake-ts engine logs'
      : `The previous version does not start either (${up.error[0]?.message ?? 'unknown'}): bake-ts engine doctor`,
    detail: [target, first?.detail].filter((one) => one !== undefined).join('\n'),
  });
}
