/** Installed programs: the manifest of a version directory, and checks of programs. */
import { readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { type Environment, fail, ok, type Problem, problem, type Result } from '../model/mod.ts';
import { isExecutable, runProgram, whyFailed } from '../system/mod.ts';
import { missingPermissions, NotPermitted } from '../util/permission.ts';
import type { EnginePaths } from './paths.ts';
import {
  ENGINE_PARTS,
  type EnginePackage,
  type EnginePart,
  type EngineSource,
  findVersion,
  isAtLeast,
  type PackageSpec,
} from './versions.ts';

/** One installed program. */
export interface InstalledPart {
  /** Which program it is. */
  readonly part: EnginePart;
  /** Its package. */
  readonly package: EnginePackage;
  /** As reported by the program, or the requested version if the program does not know it. */
  readonly version: string;
  /** The source that it came from. */
  readonly source: EngineSource;
  /** Its exact origin: a path, a URL or file with its sha256, a Go module version, or a Debian package. */
  readonly origin: string;
  /** Absolute path inside the version folder (a symbolic link for a program found on PATH). */
  readonly file: string;
}

/** A complete set of installed programs. */
export interface Installation {
  /** Name of the version folder. */
  readonly id: string;
  /** Absolute path of the version folder. */
  readonly dir: string;
  /** Absolute path of the directory with its programs, for `PATH`. */
  readonly binDir: string;
  /** ISO 8601. */
  readonly installedAt: string;
  /** Programs that exist and can be run. */
  readonly parts: ReadonlyMap<EnginePart, InstalledPart>;
}

/** The manifest file. Another `format` is treated as no installation. */
interface Manifest {
  readonly format: 1;
  readonly installedAt: string;
  readonly parts: readonly Omit<InstalledPart, 'file'>[];
}

const MANIFEST = 'manifest.json';

/** The text of the manifest of a version folder. */
export function formatManifest(parts: readonly Omit<InstalledPart, 'file'>[], installedAt: string): string {
  const manifest: Manifest = { format: 1, installedAt, parts };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/** Path of the manifest in a version folder. */
export function manifestFile(dir: string): string {
  return path.join(dir, MANIFEST);
}

/** Atomically selects the installed version to use. The link is relative, so that the directory can be moved. */
export async function useInstallation(paths: EnginePaths, id: string): Promise<void> {
  const link = `${paths.currentLink}.new`;
  await rm(link, { force: true });
  await symlink(path.relative(path.dirname(paths.currentLink), path.join(paths.versionsDir, id)), link);
  await rename(link, paths.currentLink);
}

/**
 * The installation in use; undefined if there is none. Parts that no longer exist are left out.
 *
 * @throws the runtime's error if it does not permit reading
 */
export async function readInstallation(paths: EnginePaths): Promise<Installation | undefined> {
  let dir: string;
  let manifest: unknown;
  try {
    dir = path.resolve(path.dirname(paths.currentLink), await readlink(paths.currentLink));
    manifest = JSON.parse(await readFile(manifestFile(dir), 'utf8'));
  } catch (error) {
    if (missingPermissions(error) !== undefined)
      throw new NotPermitted([{ kind: 'read', what: path.dirname(paths.currentLink) }], error);
    return undefined;
  }
  if (!isManifest(manifest)) return undefined;
  const binDir = path.join(dir, 'bin');
  const known = manifest.parts.filter((one) => ENGINE_PARTS.includes(one.part));
  const there = await Promise.all(known.map((one) => isExecutable(path.join(binDir, one.part))));
  const parts = new Map<EnginePart, InstalledPart>();
  known.forEach((one, at) => {
    if (there[at] === true) parts.set(one.part, { ...one, file: path.join(binDir, one.part) });
  });
  return { id: path.basename(dir), dir, binDir, installedAt: manifest.installedAt, parts };
}

/** Whether a JSON value is a manifest of this format. */
function isManifest(value: unknown): value is Manifest {
  if (typeof value !== 'object' || value === null) return false;
  const { format, installedAt, parts } = value as Partial<Record<keyof Manifest, unknown>>;
  const isPart = (one: unknown): boolean =>
    typeof one === 'object' &&
    one !== null &&
    ['part', 'package', 'version', 'source', 'origin'].every(
      (key) => typeof (one as Readonly<Record<string, unknown>>)[key] === 'string',
    );
  return format === 1 && typeof installedAt === 'string' && Array.isArray(parts) && parts.every(isPart);
}

/**
 * Runs a program to get and check its version. Problems: `engine/part-unusable` (does not run, or a runc without seccomp),
 * `engine/part-too-old`.
 */
export async function checkProgram(
  part: EnginePart,
  file: string,
  spec: PackageSpec,
  env: Environment,
): Promise<Result<string, Problem>> {
  const said = await runProgram({ program: file, argv: versionArgs(part), env, timeoutMs: 30_000 });
  if (said.exitCode !== 0) {
    return fail(
      problem('engine/part-unusable', `${file} does not run`, {
        hint: `check that it is a ${part} for this machine`,
        detail: said.stderr.trim().slice(-500) || whyFailed(said),
      }),
    );
  }
  // Some programs print the path they were called with, which may contain a version.
  const output = `${said.stdout}\n${said.stderr}`.replaceAll(file, part);
  if (part === 'runc' && !hasSeccomp(output)) {
    return fail(
      problem('engine/part-unusable', `${file} was built without seccomp: every RUN would fail`, {
        hint: 'use the official runc or that of your distribution, or build it with -tags seccomp',
      }),
    );
  }
  const version = findVersion(output);
  if (version === undefined) {
    return fail(
      problem('engine/part-unusable', `${file} does not report its version`, {
        detail: output.trim().slice(0, 500),
      }),
    );
  }
  if (!isAtLeast(version, spec.minimumOnPath)) {
    return fail(
      problem('engine/part-too-old', `${file} is ${part} ${version}, and ${spec.minimumOnPath} is needed`, {
        hint: `update it, or use another source: bake-ts engine install --from release`,
      }),
    );
  }
  return ok(/^0\.0\.0\b/.test(version) ? spec.version : version.replace(/\+unknown$/, ''));
}

/** Arguments that print a program's version: the shim of containerd 1 knows only the short form. */
export function versionArgs(part: EnginePart): readonly string[] {
  return part === 'containerd-shim-runc-v2' ? ['-v'] : ['--version'];
}

/** Whether `runc --version` lists libseccomp; without it, containers with a seccomp profile are refused. */
export function hasSeccomp(versionOutput: string): boolean {
  return /^libseccomp:/m.test(versionOutput);
}
