/**
 * Installs the engine: each package from the first source that has it. Everything is collected in a staging directory; only a
 * complete one gets its final name and the link `current`.
 */
import { randomBytes } from 'node:crypto';
import {
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { fail, ok, type Problem, problem, type Result } from '../model/mod.ts';
import { thisSystem } from '../system/mod.ts';
import { option } from '../util/option-words.ts';
import { readDaemons } from './daemon.ts';
import { unsupportedSystem } from './elsewhere.ts';
import { fileProblem } from './host.ts';
import {
  formatManifest,
  type Installation,
  type InstalledPart,
  manifestFile,
  readInstallation,
  useInstallation,
} from './installation.ts';
import { takeLock } from './lock.ts';
import type { EngineOptions } from './notice.ts';
import { type EnginePaths, enginePaths } from './paths.ts';
import { neededParts } from './rootless.ts';
import { deliver, type SourceContext } from './sources.ts';
import {
  type EnginePackage,
  type EnginePart,
  type EngineSource,
  isAtLeast,
  type PackageSpec,
  packagesOf,
} from './versions.ts';

/** What to install and from where. */
export interface InstallOptions extends EngineOptions {
  /** Default: everything an engine of this user needs, without the registry. A part brings the rest of its package along. */
  readonly parts?: readonly EnginePart[];
  /** Only this source; default: each package's own order (see `PACKAGES`): PATH first, then releases. */
  readonly from?: EngineSource;
  /** Base URL that replaces the release host; the paths below it are the same. */
  readonly mirror?: string;
  /** Local release files, by package. */
  readonly files?: Readonly<Partial<Record<EnginePackage, string>>>;
  /** sha256 by package, with or without `sha256:`; takes precedence over the pinned and the published one. */
  readonly checksums?: Readonly<Partial<Record<EnginePackage, string>>>;
  /** Reinstall what is installed already. */
  readonly force?: boolean;
  /** Replace packages that are older than the pinned versions; they are kept if no source has a newer one. */
  readonly onlyPinned?: boolean;
}

/** A source that was tried for a package. */
export interface InstallAttempt {
  /** The package. */
  readonly package: EnginePackage;
  /** The source that was tried. */
  readonly source: EngineSource;
  /** Whether it was installed from there. */
  readonly ok: boolean;
  /** Why not. */
  readonly problem?: Problem;
  /** How long it took (milliseconds). */
  readonly durationMs: number;
}

/** The result of an installation. */
export interface InstallReport {
  /** The installation in use now. */
  readonly installation: Installation;
  /** False if everything requested was already there. */
  readonly changed: boolean;
  /** Packages that were installed by this call. */
  readonly installed: readonly EnginePackage[];
  /** The attempts, in order. */
  readonly attempts: readonly InstallAttempt[];
  /** With `onlyPinned`: why older packages were kept. */
  readonly warnings: readonly Problem[];
  /** How long everything took (milliseconds). */
  readonly durationMs: number;
}

/** Problems after which no other source must be tried: danger, a full disk, or cancellation by the user. */
const FINAL_CODES: readonly string[] = [
  'engine/checksum-mismatch',
  'engine/archive-unsafe',
  'run/cancelled',
  'engine/disk-full',
];

/**
 * Installs what the embedded engine lacks: containerd, buildkitd, buildctl, runc, without root also rootlesskit. Concurrent calls
 * install once: the others wait and find it done. On failure nothing is changed.
 *
 * @returns what is installed now; problems: `engine/unsupported-platform`, `engine/install-failed` (its detail has each source's
 *   reason), `engine/checksum-mismatch`, `engine/archive-unsafe`, `engine/bad-checksum`, `engine/disk-full`, `engine/locked`,
 *   `run/cancelled`
 */
export async function installEngine(options: InstallOptions): Promise<Result<InstallReport>> {
  const startedMs = Date.now();
  const system = thisSystem();
  if (system !== 'linux') return fail([unsupportedSystem(system)]);
  const paths = enginePaths(options.env);
  const checksums = readChecksums(options.checksums ?? {});
  if (!checksums.ok) return checksums;
  const mirror = readMirror(options.mirror);
  if (!mirror.ok) return mirror;
  try {
    await mkdir(paths.versionsDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    return fail([fileProblem(paths.versionsDir, error)]);
  }
  const lock = await takeLock(path.join(paths.dataDir, 'install.lock'), {
    timeoutMs: 30 * 60_000,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onWait: (pid) =>
      options.notify?.({
        part: 'engine',
        step: 'waiting',
        text: `process ${pid} is installing; waiting for it`,
      }),
  });
  if (!lock.ok) return lock;
  try {
    const current = await readInstallation(paths);
    const wanted = packagesOf(options.parts ?? neededParts());
    const todo = wanted.filter((spec) => !isSatisfied(spec, current, options));
    if (todo.length === 0 && current !== undefined) {
      return ok({
        installation: current,
        changed: false,
        installed: [],
        attempts: [],
        warnings: [],
        durationMs: Date.now() - startedMs,
      });
    }
    await removeStages(paths);
    const result = await stageAndSwap(todo, current, paths, { ...options, checksums: checksums.value });
    if (!result.ok) return result;
    return ok({ ...result.value, durationMs: Date.now() - startedMs });
  } catch (error) {
    return fail([fileProblem(paths.dataDir, error)]);
  } finally {
    await removeStages(paths);
    await lock.value.release();
  }
}

async function stageAndSwap(
  todo: readonly PackageSpec[],
  current: Installation | undefined,
  paths: EnginePaths,
  options: InstallOptions,
): Promise<Result<Omit<InstallReport, 'durationMs'>>> {
  const stage = await mkdtemp(path.join(paths.versionsDir, '.stage-'));
  const binDir = path.join(stage, 'bin');
  const workDir = path.join(stage, 'work');
  await mkdir(binDir);
  await mkdir(workDir);
  const context: SourceContext = {
    env: options.env,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.notify === undefined ? {} : { notify: options.notify }),
    paths,
    binDir,
    workDir,
    ...(options.mirror === undefined ? {} : { mirror: options.mirror }),
    files: options.files ?? {},
    checksums: options.checksums ?? {},
    unreachable: new Map(),
  };

  const attempts: InstallAttempt[] = [];
  const parts: Omit<InstalledPart, 'file'>[] = [];
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  for (const spec of todo) {
    const got = await installPackage(spec, sourcesFor(spec, options), context, {
      attempts,
      onlyPinned: options.onlyPinned === true,
    });
    if (got.ok) parts.push(...got.value);
    else if (mayStay(spec, current, got.error, options)) warnings.push({ ...got.error, severity: 'warning' });
    else {
      problems.push(got.error);
      if (FINAL_CODES.includes(got.error.code)) break;
    }
  }
  if (problems.length > 0) return fail(problems);
  if (parts.length === 0 && current !== undefined)
    return ok({ installation: current, changed: false, installed: [], attempts, warnings });

  const fresh = new Set(parts.map(({ part }) => part));
  // Keep the other installed parts, as the same files.
  for (const [part, { file, ...kept }] of current?.parts ?? []) {
    if (parts.some((one) => one.part === part)) continue;
    const target = path.join(binDir, part);
    if ((await lstat(file)).isSymbolicLink()) await symlink(await readlink(file), target);
    else await link(file, target);
    parts.push(kept);
  }

  await rm(workDir, { recursive: true, force: true });
  await writeFile(manifestFile(stage), formatManifest(parts, new Date().toISOString()));
  const id = `${versionOf(parts, 'buildkitd')}-${randomBytes(4).toString('hex')}`;
  const dir = path.join(paths.versionsDir, id);
  await rename(stage, dir);
  await useInstallation(paths, id);
  await removeOldVersions(paths, id);

  const installation = await readInstallation(paths);
  if (installation === undefined) {
    return fail([problem('engine/install-failed', `the new installation in ${dir} cannot be read`)]);
  }
  return ok({
    installation,
    changed: true,
    installed: todo.filter((spec) => spec.parts.some((part) => fresh.has(part))).map((spec) => spec.name),
    attempts,
    warnings,
  });
}

/** Tries the sources in order until one delivers. */
async function installPackage(
  spec: PackageSpec,
  sources: readonly EngineSource[],
  context: SourceContext,
  { attempts, onlyPinned }: { readonly attempts: InstallAttempt[]; readonly onlyPinned: boolean },
): Promise<Result<readonly Omit<InstalledPart, 'file'>[], Problem>> {
  const tried: { source: EngineSource; problem: Problem }[] = [];
  for (const source of sources) {
    context.notify?.({ part: spec.name, step: 'checking', text: `trying ${formatSource(source)}` });
    const startedMs = Date.now();
    const got = await deliver(source, spec, context);
    const delivered = onlyPinned ? refuseOlder(got, spec) : got;
    attempts.push({
      package: spec.name,
      source,
      ok: delivered.ok,
      ...(delivered.ok ? {} : { problem: delivered.error }),
      durationMs: Date.now() - startedMs,
    });
    if (delivered.ok) {
      const version = delivered.value[0]?.version ?? spec.version;
      context.notify?.({
        part: spec.name,
        step: 'done',
        text: `${spec.name} ${version} from ${formatSource(source)}`,
      });
      return delivered;
    }
    for (const part of spec.parts) await rm(path.join(context.binDir, part), { force: true });
    if (FINAL_CODES.includes(delivered.error.code)) return delivered;
    tried.push({ source, problem: delivered.error });
    context.notify?.({
      part: spec.name,
      step: 'skipped',
      text: `${formatSource(source)}: ${delivered.error.message}`,
    });
  }
  const [only] = tried;
  if (only !== undefined && tried.length === 1) return fail(only.problem);
  return fail(
    problem('engine/install-failed', `${spec.name} is not available from any source`, {
      hint: 'fix one of the sources below, or put the programs on PATH',
      detail: tried
        .map(({ source, problem: why }) => {
          const detail = why.detail === undefined ? '' : `\n    ${why.detail.replace(/\n/g, '\n    ')}`;
          return `${formatSource(source)}: ${why.message}${detail}`;
        })
        .join('\n'),
    }),
  );
}

function refuseOlder(
  delivered: Result<readonly Omit<InstalledPart, 'file'>[], Problem>,
  spec: PackageSpec,
): Result<readonly Omit<InstalledPart, 'file'>[], Problem> {
  const older = delivered.ok
    ? delivered.value.find(({ version }) => !isAtLeast(version, spec.version))
    : undefined;
  if (older === undefined) return delivered;
  return fail(problem('engine/part-too-old', `${older.part} ${older.version} is older than ${spec.version}`));
}

/** Upgrades: whether an installed complete package may be kept, since no newer version is available. */
function mayStay(
  spec: PackageSpec,
  current: Installation | undefined,
  why: Problem,
  options: InstallOptions,
): boolean {
  if (options.onlyPinned !== true || FINAL_CODES.includes(why.code)) return false;
  return spec.parts.every((part) => current?.parts.has(part) === true);
}

/** A source as text. */
export function formatSource(source: EngineSource): string {
  return { path: 'PATH', release: 'the official release', go: 'the Go toolchain', debian: 'Debian packages' }[
    source
  ];
}

function sourcesFor(spec: PackageSpec, options: InstallOptions): readonly EngineSource[] {
  // If the user specified a file or a mirror, only that is used.
  if (options.files?.[spec.name] !== undefined) return ['release'];
  if (options.from !== undefined) return [options.from];
  return spec.sources;
}

function isSatisfied(spec: PackageSpec, current: Installation | undefined, options: InstallOptions): boolean {
  if (options.force === true || options.files?.[spec.name] !== undefined) return false;
  return spec.parts.every((part) => {
    const there = current?.parts.get(part);
    if (options.onlyPinned === true) return there !== undefined && isAtLeast(there.version, spec.version);
    return there !== undefined && (options.from === undefined || options.from === there.source);
  });
}

function readChecksums(
  given: Readonly<Partial<Record<EnginePackage, string>>>,
): Result<Readonly<Partial<Record<EnginePackage, string>>>> {
  const read: Partial<Record<EnginePackage, string>> = {};
  const problems: Problem[] = [];
  for (const [name, text] of Object.entries(given)) {
    const hex = text.replace(/^sha256:/, '').toLowerCase();
    if (/^[0-9a-f]{64}$/.test(hex)) read[name as EnginePackage] = hex;
    else {
      problems.push(
        problem('engine/bad-checksum', `"${text}" is not a valid sha256 (for ${name})`, {
          hint: 'write sha256: and 64 hexadecimal digits',
        }),
      );
    }
  }
  return problems.length > 0 ? fail(problems) : ok(read);
}

function readMirror(mirror: string | undefined): Result<undefined> {
  if (mirror === undefined) return ok(undefined);
  const valid = URL.canParse(mirror) && ['http:', 'https:'].includes(new URL(mirror).protocol);
  if (valid) return ok(undefined);
  return fail([
    problem('engine/bad-mirror', `"${mirror}" is not a valid http or https address`, {
      hint: `name an address that replaces https://github.com; for a local file use ${option('--file PACKAGE=PATH')}`,
    }),
  ]);
}

function versionOf(parts: readonly Omit<InstalledPart, 'file'>[], part: EnginePart): string {
  const found = parts.find((one) => one.part === part);
  return `${part}-${(found?.version ?? 'none').replace(/[^0-9A-Za-z.+-]/g, '_')}`;
}

/** Staging directories are created only under the lock, so any that exists now was left by a crash. */
async function removeStages(paths: EnginePaths): Promise<void> {
  for (const name of await readdir(paths.versionsDir).catch(() => [])) {
    if (name.startsWith('.stage-'))
      await rm(path.join(paths.versionsDir, name), { recursive: true, force: true });
  }
}

/** Removes older versions if no daemon runs: containerd starts its shim from there for each container. */
async function removeOldVersions(paths: EnginePaths, keep: string): Promise<void> {
  if ((await readDaemons(paths)).some((daemon) => daemon.alive)) return;
  for (const name of await readdir(paths.versionsDir)) {
    if (name !== keep) await rm(path.join(paths.versionsDir, name), { recursive: true, force: true });
  }
}
