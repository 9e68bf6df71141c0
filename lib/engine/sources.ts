/**
 * The four sources of packages. Each puts programs into the staging directory, or returns a problem. All programs of a package
 * come from one source, since they belong together.
 */
import { chmod, copyFile, mkdir, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { arch as nodeArch } from 'node:os';
import path from 'node:path';
import { fail, ok, type Problem, problem, type Result, wasCancelled } from '../model/mod.ts';
import { findProgram, goArchitecture, runProgram, whyFailed } from '../system/mod.ts';
import { option } from '../util/option-words.ts';
import { unpackMembers } from './archive.ts';
import {
  createDownloader,
  type Downloader,
  findPublishedDigest,
  hashFile,
  readNeighbouringChecksum,
} from './download.ts';
import { checkProgram, type InstalledPart } from './installation.ts';
import type { EngineNotice, EngineOptions } from './notice.ts';
import type { EnginePaths } from './paths.ts';
import {
  type EnginePackage,
  type EnginePart,
  type EngineSource,
  type PackageSpec,
  RELEASE_HOST,
} from './versions.ts';

/** State that the sources share during one installation. */
export interface SourceContext extends EngineOptions {
  readonly paths: EnginePaths;
  /** Directory for programs. */
  readonly binDir: string;
  /** Directory for temporary files; removed afterwards. */
  readonly workDir: string;
  readonly mirror?: string;
  readonly files: Readonly<Partial<Record<EnginePackage, string>>>;
  /** sha256 in hexadecimal, from the user. */
  readonly checksums: Readonly<Partial<Record<EnginePackage, string>>>;
  /** Hosts that did not answer, to avoid waiting again. */
  readonly unreachable: Map<string, Problem>;
}

/** What a source delivers. */
export type Delivered = Result<readonly Omit<InstalledPart, 'file'>[], Problem>;

/** Tries one source for one package. */
export function deliver(source: EngineSource, spec: PackageSpec, context: SourceContext): Promise<Delivered> {
  switch (source) {
    case 'path':
      return fromPath(spec, context);
    case 'release':
      return fromRelease(spec, context);
    case 'go':
      return fromGo(spec, context);
    case 'debian':
      return fromDebian(spec, context);
  }
}

function report(context: SourceContext, spec: PackageSpec, step: EngineNotice['step'], text: string): void {
  context.notify?.({ part: spec.name, step, text });
}

/** Programs on PATH, used in place. */
async function fromPath(spec: PackageSpec, context: SourceContext): Promise<Delivered> {
  // Our own directory may be on PATH; it must not be a source for itself.
  const dirs = (context.env['PATH'] ?? '')
    .split(path.delimiter)
    .filter((dir) => !path.resolve(dir).startsWith(context.paths.dataDir + path.sep));
  const env = { ...context.env, PATH: dirs.join(path.delimiter) };
  const found: { part: EnginePart; file: string; version: string }[] = [];
  for (const part of spec.parts) {
    const file =
      (await findProgram(part, env)) ??
      (part === 'registry' ? await findProgram('docker-registry', env) : undefined);
    if (file === undefined) return fail(problem('engine/not-on-path', `${part} is not on PATH`));
    const checked = await checkProgram(part, file, spec, context.env);
    if (!checked.ok) return checked;
    found.push({ part, file: await realpath(file), version: checked.value });
  }
  for (const one of found) await symlink(one.file, path.join(context.binDir, one.part));
  return ok(
    found.map(({ part, file, version }) => ({
      part,
      package: spec.name,
      version,
      source: 'path' as const,
      origin: file,
    })),
  );
}

/**
 * The problem if a project publishes no release for an architecture of Linux.
 *
 * @param arch Go's name
 */
export function findUnpublished({ name, release }: PackageSpec, arch: string): Problem | undefined {
  if (release.archs.includes(arch)) return undefined;
  return problem('engine/not-published', `there is no release of ${name} for linux/${arch}`);
}

/** The official release file from the release host, a mirror, or a local file. */
async function fromRelease(spec: PackageSpec, context: SourceContext): Promise<Delivered> {
  const arch = goArchitecture(nodeArch());
  const unpublished = findUnpublished(spec, arch);
  if (unpublished !== undefined) return fail(unpublished);
  const given = context.files[spec.name];
  if (given !== undefined) {
    return openRelease(spec, { arch, file: path.resolve(given), origin: given }, context);
  }
  const host = new URL(context.mirror ?? RELEASE_HOST).host;
  const known = context.unreachable.get(host);
  if (known !== undefined) return fail(known);
  const downloader = await createDownloader(context.env);
  try {
    return await downloadRelease(spec, arch, downloader, context);
  } finally {
    await downloader.close();
  }
}

async function downloadRelease(
  spec: PackageSpec,
  arch: string,
  downloader: Downloader,
  context: SourceContext,
): Promise<Delivered> {
  const { release } = spec;
  const base = `${(context.mirror ?? RELEASE_HOST).replace(/\/+$/, '')}/${release.directory}`;
  const name = release.name(arch);
  const url = `${base}/${name}`;
  const failed = (problems: readonly Problem[]): Delivered => {
    const [first = problem('engine/download-failed', `${url} cannot be downloaded`)] = problems;
    if (first.code === 'engine/unreachable') context.unreachable.set(new URL(url).host, first);
    return fail(first);
  };

  let expected: string | undefined = context.checksums[spec.name] ?? release.sha256[arch];
  if (expected === undefined) {
    const { published } = release;
    report(context, spec, 'downloading', 'fetching the published checksum');
    const sumUrl =
      published.kind === 'sha256sum-file' ? `${base}/${published.name}` : `${url}${published.suffix}`;
    const sums = await downloader.fetchText(sumUrl, context.signal);
    if (!sums.ok && sums.error[0]?.code !== 'engine/not-published') return failed(sums.error);
    expected = sums.ok ? findPublishedDigest(sums.value, name, published.kind) : undefined;
    if (expected === undefined) return fail(noChecksum(spec, url));
  }

  report(context, spec, 'downloading', url);
  const file = path.join(context.paths.downloadsDir, name);
  const onBytes = (bytes: number, totalBytes: number | undefined): void =>
    context.notify?.({
      part: spec.name,
      step: 'downloading',
      text: name,
      bytes,
      ...(totalBytes === undefined ? {} : { totalBytes }),
    });
  try {
    // Two attempts: a partial file of an interrupted download may be damaged, and the second attempt starts from the beginning.
    for (const last of [false, true]) {
      const fetched = await downloader.fetchFile(url, file, onBytes, context.signal);
      if (!fetched.ok) return failed(fetched.error);
      const opened = await openRelease(spec, { arch, file, origin: url, sha256: expected }, context);
      if (opened.ok || last || opened.error.code !== 'engine/checksum-mismatch') return opened;
      await rm(file, { force: true });
    }
  } finally {
    await rm(file, { force: true });
  }
  return failed([]);
}

/** A local release file. */
interface ReleaseFile {
  readonly arch: string;
  readonly file: string;
  /** Its origin, for messages. */
  readonly origin: string;
  /** The expected sha256, if known. */
  readonly sha256?: string;
}

/** Verifies a release file and unpacks the programs. */
async function openRelease(
  spec: PackageSpec,
  { arch, file, origin, sha256 }: ReleaseFile,
  context: SourceContext,
): Promise<Delivered> {
  const { release } = spec;
  report(context, spec, 'verifying', `checking the sha256 of ${path.basename(file)}`);
  const expected =
    sha256 ??
    context.checksums[spec.name] ??
    release.sha256[arch] ??
    (await readNeighbouringChecksum(file, release.published));
  if (expected === undefined) return fail(noChecksum(spec, origin));
  let actual: string;
  try {
    actual = await hashFile(file);
  } catch (error) {
    return fail(
      problem('engine/download-failed', `${origin} cannot be read`, {
        hint: 'check the path and its permissions',
        detail: error instanceof Error ? error.message : String(error),
      }),
    );
  }
  if (actual !== expected) {
    return fail(
      problem('engine/checksum-mismatch', `${origin} is not the expected file: its sha256 differs`, {
        hint: 'do not use it. Get it again from the official release page; if it differs again, find out who changed it',
        detail: `expected ${expected}\nfound    ${actual}`,
      }),
    );
  }
  if (release.format === 'binary') {
    const [part] = spec.parts;
    if (part !== undefined) {
      await copyFile(file, path.join(context.binDir, part));
      await chmod(path.join(context.binDir, part), 0o755);
    }
  } else {
    report(context, spec, 'unpacking', path.basename(file));
    const unpacked = await unpackMembers({
      file,
      members: release.members,
      binDir: context.binDir,
      scratchDir: path.join(context.workDir, `unpack-${spec.name}`),
    });
    if (!unpacked.ok)
      return fail(unpacked.error[0] ?? problem('engine/archive-damaged', `${origin} cannot be unpacked`));
  }
  return checkDelivered(spec, 'release', `${origin} (sha256:${actual})`, context);
}

function noChecksum(spec: PackageSpec, origin: string): Problem {
  return problem('engine/no-checksum', `no checksum is known for ${origin}`, {
    hint:
      `copy it from the official release page and pass it: ${option(`--checksum ${spec.name}=sha256:<64 hexadecimal digits>`)}\n` +
      'nothing is unpacked unchecked',
  });
}

/** Builds with the Go toolchain from our own module graph; go.sum pins all sources. */
async function fromGo(spec: PackageSpec, context: SourceContext): Promise<Delivered> {
  if (spec.go === undefined) {
    return fail(
      problem('engine/not-by-go', `${spec.name} cannot be built with Go alone: it needs cgo and libseccomp`),
    );
  }
  const go = await findProgram('go', context.env);
  if (go === undefined) return fail(problem('engine/no-go', 'the Go toolchain (go) is not on PATH'));
  const { default: goModules } = await import('./go-module.json', { with: { type: 'json' } });
  const module = goModules[spec.go.module];
  const dir = path.join(context.workDir, `go-${spec.name}`);
  await mkdir(dir, { recursive: true });
  await writeFile(path.join(dir, 'go.mod'), module.goMod.join('\n'));
  await writeFile(path.join(dir, 'go.sum'), module.goSum.join('\n'));
  report(
    context,
    spec,
    'building',
    `building ${spec.parts.join(', ')} with ${go} (several minutes the first time)`,
  );
  let packages = 0;
  const compiling = (line: string): void => {
    // `go install -v` writes names of packages, and what it downloads.
    const isDownload = line.startsWith('go: ');
    if (!isDownload) packages += 1;
    const text = isDownload ? line : `compiling package ${packages}: ${line}`;
    context.notify?.({ part: spec.name, step: 'building', text, isPassing: true });
  };
  const built = await runProgram({
    program: go,
    argv: [
      'install',
      '-v',
      '-trimpath',
      `-ldflags=-s -w ${spec.go.linkerFlags}`.trimEnd(),
      ...spec.go.packages,
    ],
    cwd: dir,
    env: {
      ...context.env,
      CGO_ENABLED: '0',
      GOBIN: context.binDir,
      GO111MODULE: 'on',
      GOFLAGS: '-mod=readonly',
      GOWORK: 'off',
      // A cross-compiling environment would build for another machine.
      GOOS: undefined,
      GOARCH: undefined,
    },
    timeoutMs: 30 * 60_000,
    onErrorLine: compiling,
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  });
  if (built.exitCode !== 0) {
    if (context.signal?.aborted === true) return fail(wasCancelled());
    return fail(
      problem('engine/go-failed', `Go could not build ${spec.name}`, {
        hint: 'use Go 1.21 or newer, and a module proxy (GOPROXY) that can be reached',
        detail: built.stderr.trim().split('\n').slice(-12).join('\n') || whyFailed(built),
      }),
    );
  }
  return checkDelivered(
    spec,
    'go',
    `${spec.go.packages[0]?.replace(/\/cmd\/.*/, '')}@v${spec.version}`,
    context,
  );
}

/** Unpacks a Debian package without installing it: this needs no root, and apt verifies its signature. */
async function fromDebian(spec: PackageSpec, context: SourceContext): Promise<Delivered> {
  if (spec.debian === undefined) {
    return fail(
      problem('engine/not-in-debian', `Debian has no package with all of ${spec.parts.join(', ')}`),
    );
  }
  const [apt, dpkg] = [await findProgram('apt-get', context.env), await findProgram('dpkg-deb', context.env)];
  if (apt === undefined || dpkg === undefined) {
    return fail(problem('engine/no-apt', 'apt-get and dpkg-deb are missing (not a Debian or Ubuntu)'));
  }
  const dir = path.join(context.workDir, `debian-${spec.name}`);
  await mkdir(path.join(dir, 'lists/partial'), { recursive: true });
  await mkdir(path.join(dir, 'cache/archives/partial'), { recursive: true });
  const run = (args: readonly string[]) =>
    runProgram({
      program: apt,
      argv: args,
      cwd: dir,
      env: { ...context.env, LC_ALL: 'C' },
      timeoutMs: 5 * 60_000,
      ...(context.signal === undefined ? {} : { signal: context.signal }),
    });
  const name = spec.debian.package;
  report(context, spec, 'downloading', `apt-get download ${name}`);
  // As root, apt would switch to its own user, which may not write here.
  const options = ['-q', '-o', 'APT::Sandbox::User=root'];
  let got = await run([...options, 'download', name]);
  if (got.exitCode !== 0 && context.signal?.aborted !== true) {
    // The package lists are missing or old: fetch our own, which needs no root.
    report(context, spec, 'downloading', 'fetching package lists');
    options.push('-o', `Dir::State::lists=${dir}/lists`, '-o', `Dir::Cache=${dir}/cache`);
    const updated = await run([...options, 'update']);
    got = updated.exitCode === 0 ? await run([...options, 'download', name]) : updated;
  }
  if (context.signal?.aborted === true) return fail(wasCancelled());
  const deb = (await readdir(dir)).find((file) => file.endsWith('.deb'));
  if (got.exitCode !== 0 || deb === undefined) {
    return fail(
      problem('engine/debian-failed', `apt-get could not download ${name}`, {
        hint: 'check that the package sources are right and can be reached',
        detail: `${got.stdout}\n${got.stderr}`.trim().split('\n').slice(-8).join('\n'),
      }),
    );
  }
  report(context, spec, 'unpacking', deb);
  const unpacked = await runProgram({
    program: dpkg,
    argv: ['-x', path.join(dir, deb), path.join(dir, 'root')],
    env: context.env,
    timeoutMs: 10 * 60_000,
  });
  if (unpacked.exitCode !== 0) {
    return fail(
      problem('engine/archive-damaged', `${deb} cannot be unpacked`, {
        detail: unpacked.stderr.trim() || whyFailed(unpacked),
      }),
    );
  }
  for (const [part, member] of Object.entries(spec.debian.members)) {
    await copyFile(path.join(dir, 'root', member), path.join(context.binDir, part));
    await chmod(path.join(context.binDir, part), 0o755);
  }
  return checkDelivered(spec, 'debian', deb.replace(/%3a/g, ':'), context);
}

/** Runs the delivered programs: one that does not start here must not be installed. */
async function checkDelivered(
  spec: PackageSpec,
  source: EngineSource,
  origin: string,
  context: SourceContext,
): Promise<Delivered> {
  const parts: Omit<InstalledPart, 'file'>[] = [];
  for (const part of spec.parts) {
    const checked = await checkProgram(part, path.join(context.binDir, part), spec, context.env);
    if (!checked.ok) return checked;
    parts.push({ part, package: spec.name, version: checked.value, source, origin });
  }
  return ok(parts);
}
