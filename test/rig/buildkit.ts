/** Plain calls of the real buildctl: the oracle that tests compare our own reading with. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import process from 'node:process';
import { realEngine } from './real-engine.ts';

/** What became of one call. */
export interface BuildctlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `buildctl build` with the Dockerfile frontend; `args` come after the two directories. */
export function buildctlBuild(
  contextDir: string,
  dockerfileDir: string,
  args: readonly string[] = [],
): Promise<BuildctlResult> {
  return buildctl([
    'build',
    '--frontend=dockerfile.v0',
    `--local=context=${contextDir}`,
    `--local=dockerfile=${dockerfileDir}`,
    ...args,
  ]);
}

/**
 * Arguments that offer a directory as the context under a local source of its own. In the one that all contexts of all
 * clients share, the engine confuses files of equal path, size and time, and files written within one tick of the clock
 * have equal times: an oracle that used it would lie.
 */
export function contextAsOwnSource(
  contextDir: string,
  localSource = `source${randomBytes(8).toString('hex')}`,
): {
  readonly localSource: string;
  readonly args: readonly string[];
} {
  return {
    localSource,
    args: [
      `--opt=local-sessionid:context=${localSource}:`,
      `--local=${localSource}-context=${contextDir}`,
      `--local=${localSource}-${localSource}-context=${contextDir}`,
    ],
  };
}

/** Runs buildctl against the engine of the tests. */
export function buildctl(args: readonly string[]): Promise<BuildctlResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(path.join(realEngine.binDir, 'buildctl'), ['--addr', realEngine.address, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/' },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Uint8Array) => {
      stdout += new TextDecoder().decode(chunk);
    });
    child.stderr.on('data', (chunk: Uint8Array) => {
      stderr += new TextDecoder().decode(chunk);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}

/** The sources of a build as the real frontend sees them, without building anything. */
export interface RealSources {
  /** `docker-image://…` without scheme, digests cut off, sorted. */
  readonly images: readonly string[];
  /** Paths of the context that are sent; `all`: no filter; undefined: the context is not used. */
  readonly followPaths: 'all' | readonly string[] | undefined;
  /** Local names besides `context` and `dockerfile`. */
  readonly otherLocals: readonly string[];
  /** Everything else that is fetched. */
  readonly remotes: readonly string[];
}

/** Asks the frontend for its low-level build definition (sub-request `frontend.convertllb`). */
export async function realSources(
  contextDir: string,
  dockerfileDir: string,
  args: readonly string[] = [],
): Promise<RealSources | { readonly error: string }> {
  const result = await buildctlBuild(contextDir, dockerfileDir, [
    '--opt=requestid=frontend.convertllb',
    '--progress=plain',
    ...args,
  ]);
  if (result.code !== 0) return { error: result.stderr.trim().split('\n').at(-1) ?? '' };
  const images = new Set<string>();
  const remotes = new Set<string>();
  const otherLocals = new Set<string>();
  let followPaths: RealSources['followPaths'];
  const { def } = JSON.parse(result.stdout.slice(result.stdout.indexOf('{')));
  for (const op of Object.values<{ source?: { identifier: string; attrs?: Record<string, string> } }>(def)) {
    if (op.source === undefined) continue;
    const [scheme = '', rest = ''] = op.source.identifier.split('://', 2);
    if (scheme === 'docker-image') images.add(rest.replace(/@sha256:.*/, ''));
    else if (scheme !== 'local') remotes.add(op.source.identifier);
    else if (rest !== 'context') otherLocals.add(rest);
    else followPaths = JSON.parse(op.source.attrs?.['local.followpaths'] ?? '"all"');
  }
  return {
    images: [...images].sort(),
    followPaths,
    otherLocals: [...otherLocals].sort(),
    remotes: [...remotes].sort(),
  };
}
